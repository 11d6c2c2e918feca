import type { FieldProblem } from '../contracts/errors';
import { filterProblems } from '../domain/filter-problems';
import { parseExactly } from '../domain/json-text';
import { passesFilter, type PayloadFilter } from '../domain/payload-filter';
import { hasValue, type PayloadQuery } from '../domain/payload-query';

/** Evaluates several webhooks' filters for one event. */
export interface FiltersInput {
  /** The envelope, as JSON. */
  body: string;
  /** As JSON. */
  filters: readonly string[];
}

/** For each filter, whether the event passes; null: that can't be decided. */
export function judgeFilters({ body, filters }: FiltersInput): (boolean | null)[] {
  const envelope = parseExactly(body);
  return filters.map((filter) => passesFilter(parseExactly(filter) as PayloadFilter, envelope));
}

/** What is wrong with a caller's filter, as JSON; its patterns are compiled for that. */
export function checkFilter(filter: string): FieldProblem[] {
  return filterProblems(JSON.parse(filter));
}

/** Looks for a field's value in several events' data. */
export interface BodiesInput {
  /** Envelopes, as JSON. */
  bodies: readonly string[];
  query: PayloadQuery;
}

/** For each, whether it has the value. */
export function judgeBodies({ bodies, query }: BodiesInput): boolean[] {
  return bodies.map((body) => hasValue((parseExactly(body) as { data: unknown }).data, query));
}
