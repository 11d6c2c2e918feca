import { FilterPattern } from './filter-pattern';

/** A query in MongoDB's syntax over an event's envelope; one in which `filterProblems` finds nothing. */
export type PayloadFilter = Record<string, unknown>;

/**
 * What evaluating one filter for one event may cost, in steps: a pattern takes its size (`programSize`) for
 * each character that it reads, a condition thirty each time, and for each item of a list and each value that it
 * compares. In total this takes milliseconds, some twenty at worst. Counted and not timed, so that the result
 * is the same on an idle machine and a busy one.
 */
const MAX_FILTER_STEPS = 200_000;
const STEPS_PER_VALUE = 30;
/** The depth of an object that is compared. */
const STEPS_PER_NAME = 5;

/** Queries combined; every other name that begins with `$` is an operator of a condition. */
const LOGIC = ['$and', '$or', '$nor'];

/** The values that a path leads to; a missing one is `undefined`. */
type Values = (options: { opensLists: boolean }) => Iterable<unknown>;

/** Whether an object is `{ $gt: 1 }` rather than a query or a value to equal. */
export function isCondition(value: unknown): value is Record<string, unknown> {
  return isObject(value) && Object.keys(value).some((key) => isOperator(key) && !isLogic(key));
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return isNested(value) && !isList(value);
}

export function isOperator(key: string): boolean {
  return key.startsWith('$');
}

export function isLogic(key: string): boolean {
  return LOGIC.includes(key);
}

const isNested = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;
const isList = (value: unknown): value is unknown[] => Array.isArray(value);
const isNumber = (value: unknown): value is number | bigint =>
  typeof value === 'number' || typeof value === 'bigint';

/**
 * Whether an envelope passes the filter; null if that can't be decided in `MAX_FILTER_STEPS`. It passes then:
 * a receiver can ignore an extra event, but can't notice a missing one.
 */
export function passesFilter(filter: PayloadFilter, envelope: unknown): boolean | null {
  try {
    return new Judgement().query(filter, envelope as object);
  } catch {
    return null;
  }
}

/**
 * Evaluates one filter for one event, as MongoDB's matcher does (docs/adr/0021); a test compares the two with
 * random filters and events.
 */
class Judgement {
  private stepsLeft = MAX_FILTER_STEPS;
  private readonly patterns = new Map<string, FilterPattern>();

  /** @param document an object; or a list, whose members are then named by their indexes */
  query(query: PayloadFilter, document: object): boolean {
    return Object.entries(query).every(([key, operand]) => {
      const parts = operand as PayloadFilter[];
      if (key === '$and') return parts.every((part) => this.query(part, document));
      if (key === '$or') return parts.some((part) => this.query(part, document));
      if (key === '$nor') return !parts.some((part) => this.query(part, document));
      const values: Values = ({ opensLists }) => this.at(document, key.split('.'), opensLists);
      return this.conditions(isCondition(operand) ? operand : { $eq: operand }, values);
    });
  }

  private conditions(conditions: Record<string, unknown>, values: Values): boolean {
    return Object.entries(conditions).every(([operator, operand]) => {
      this.spend(STEPS_PER_VALUE);
      const any = (test: (value: unknown) => boolean): boolean =>
        some(values({ opensLists: true }), test);
      const anyList = (test: (list: unknown[]) => boolean): boolean =>
        some(values({ opensLists: false }), (value) => isList(value) && test(value));
      const equal = (...literals: unknown[]): boolean =>
        any((value) => literals.some((literal) => this.equals(value, literal)));
      const ordered = (holds: (order: number) => boolean): boolean =>
        any((value) => {
          this.spend(STEPS_PER_VALUE);
          const order = orderOf(value, operand);
          return order !== null && holds(order);
        });
      switch (operator) {
        case '$eq':
          return equal(operand);
        case '$ne':
          return !equal(operand);
        case '$in':
          return equal(...(operand as unknown[]));
        case '$nin':
          return !equal(...(operand as unknown[]));
        case '$all':
          return (operand as unknown[]).every((literal) => equal(literal));
        case '$gt':
          return ordered((order) => order > 0);
        case '$gte':
          return ordered((order) => order >= 0);
        case '$lt':
          return ordered((order) => order < 0);
        case '$lte':
          return ordered((order) => order <= 0);
        case '$exists':
          return any((value) => value !== undefined) === operand;
        case '$size':
          return anyList((list) => list.length === operand);
        case '$elemMatch':
          return anyList((list) => list.some((item) => this.element(item, operand as object)));
        case '$regex':
          return any((value) => this.matches(value, operand as string, conditions.$options));
        case '$options':
          return true;
        case '$not':
          return !this.conditions(operand as Record<string, unknown>, values);
        default:
          throw new Error(`the filter's check let ${operator} through`);
      }
    });
  }

  /** A condition doesn't look into a list inside a list, a query does. */
  private element(item: unknown, operand: object): boolean {
    this.spend(STEPS_PER_VALUE);
    if (isCondition(operand)) return this.conditions(operand, () => [item]);
    return isNested(item) && this.query(operand as PayloadFilter, item);
  }

  /** Follows the path from the document through objects, and from the first list through all its items. */
  private *at(document: object, path: string[], opensLists: boolean): Generator {
    let value: unknown = document;
    for (const [n, name] of path.entries()) {
      value = memberOf(value, name);
      if (isList(value)) {
        yield* this.inList(value, path.slice(n + 1), opensLists);
        return;
      }
      // A scalar has no members.
      if (value === undefined) break;
    }
    yield value;
  }

  private *inList(list: unknown[], path: string[], opensLists: boolean): Generator {
    const [name, ...rest] = path;
    if (name === undefined) {
      if (opensLists) {
        for (const item of list) {
          this.spend(STEPS_PER_VALUE);
          yield item;
        }
      }
      yield list;
      return;
    }
    for (const [place, item] of list.entries()) {
      this.spend(STEPS_PER_VALUE);
      if (isObject(item)) yield* this.at(item, path, opensLists);
      // A numeric name is also an index of the list.
      if (String(place) !== name) continue;
      if (rest.length === 0) yield item;
      else if (isList(item)) yield* this.inList(item, rest, opensLists);
      else if (isObject(item)) yield* this.at(item, rest, opensLists);
    }
  }

  /** Objects are equal only with their members in the same order. A missing value equals null. */
  private equals(value: unknown, literal: unknown): boolean {
    this.spend(STEPS_PER_VALUE);
    if (!isNested(value) || !isNested(literal)) {
      return value === undefined ? literal === null : orderOf(value, literal) === 0;
    }
    if (isList(value) !== isList(literal)) return false;
    const names = Object.keys(value);
    const wanted = Object.keys(literal);
    this.spend(STEPS_PER_NAME * names.length);
    return (
      names.length === wanted.length &&
      names.every((name, n) => name === wanted[n] && this.equals(value[name], literal[name]))
    );
  }

  /** By an engine without backtracking: JavaScript's own may take forever. */
  private matches(value: unknown, pattern: string, options: unknown = ''): boolean {
    if (typeof value !== 'string') return false;
    const key = `${options as string}/${pattern}`;
    const compiled = this.patterns.get(key) ?? new FilterPattern(pattern, options as string);
    this.patterns.set(key, compiled);
    this.spend(STEPS_PER_VALUE + compiled.size * value.length);
    return compiled.find(value);
  }

  private spend(steps: number): void {
    this.stepsLeft -= steps;
    if (this.stepsLeft < 0) throw new Error('out of steps');
  }
}

function some(values: Iterable<unknown>, test: (value: unknown) => boolean): boolean {
  for (const value of values) if (test(value)) return true;
  return false;
}

/** Own members only: neither `constructor` nor the `length` of a list or string. */
function memberOf(value: unknown, name: string): unknown {
  const isThere =
    isNested(value) && Object.hasOwn(value, name) && !(isList(value) && name === 'length');
  return isThere ? value[name] : undefined;
}

/** The order of two scalars; null if they have none: numbers, strings and the rest are not comparable. */
function orderOf(a: unknown, b: unknown): number | null {
  // JavaScript compares number and bigint by mathematical value, as MongoDB does double and long.
  if (isNumber(a) && isNumber(b)) return a < b ? -1 : a > b ? 1 : 0;
  if (typeof a === 'string' && typeof b === 'string') return orderOfTexts(a, b);
  return a === b ? 0 : null;
}

/** By code points, like UTF-8 bytes: JavaScript's `<` puts surrogates before U+E000. */
function orderOfTexts(a: string, b: string): number {
  if (a === b) return 0;
  const shorter = Math.min(a.length, b.length);
  let at = 0;
  while (at < shorter && a.charCodeAt(at) === b.charCodeAt(at)) at += 1;
  return at === shorter ? a.length - b.length : a.codePointAt(at)! - b.codePointAt(at)!;
}
