import {
  $all,
  $and,
  $elemMatch,
  $eq,
  $exists,
  $gt,
  $gte,
  $in,
  $lt,
  $lte,
  $ne,
  $nin,
  $nor,
  $not,
  $or,
  $size,
  createQueryTester,
  EqualsOperation,
} from 'sift';
import { compilePattern } from './filter-pattern';

/** A query in MongoDB's syntax over an event's envelope; one that `filterProblems` finds nothing in. */
export type PayloadFilter = Record<string, unknown>;

/**
 * What judging one event by one filter may cost, in steps: a pattern takes its size (`programSize`) for
 * each character that it looks at, a condition thirty for each value. All together are milliseconds, some
 * twenty at worst. Counted and not timed, so that an event is judged alike on an idle machine and a busy
 * one.
 */
export const MAX_FILTER_STEPS = 200_000;
const STEPS_PER_VALUE = 30;

type Operations = NonNullable<NonNullable<Parameters<typeof createQueryTester>[1]>['operations']>;
type Spend = (steps: number) => void;

/** The operators that are sift's own. */
const operators: Operations = {
  $all,
  $and,
  $elemMatch,
  $eq,
  $exists,
  $gt,
  $gte,
  $in,
  $lt,
  $lte,
  $ne,
  $nin,
  $nor,
  $not,
  $or,
  $size,
};

/** `$regex` by an engine without backtracking; sift's own is JavaScript's, which may never end. */
const regexWithin =
  (spend: Spend): Operations[string] =>
  (pattern: string, { $options = '' }, options) => {
    const compiled = compilePattern(pattern, $options as string);
    const test = (value: unknown): boolean => {
      if (typeof value !== 'string') return false;
      spend(compiled.programSize() * value.length);
      // Not `test()`: it first builds an automaton, which takes far longer on texts looked at once.
      return compiled.matcher(value).find();
    };
    return new EqualsOperation(test, null, options);
  };

/** All that sift is given: what isn't here, such as `$where`, doesn't exist for it. */
function operationsWithin(spend: Spend): Operations {
  const operations: Operations = { $options: () => null as never };
  for (const [name, create] of Object.entries({ ...operators, $regex: regexWithin(spend) })) {
    operations[name] = (...args) => {
      const operation = create(...args);
      const next = operation.next.bind(operation);
      operation.next = (item, ...place) => {
        spend(STEPS_PER_VALUE * sizeOf(item, isList));
        next(item, ...place);
      };
      return operation;
    };
  }
  return operations;
}

const isNested = (value: unknown): value is object => typeof value === 'object' && value !== null;
const isList = (value: unknown): value is object => Array.isArray(value);

/** How many values there are in a value: sift copies lists with all that they hold. */
function sizeOf(value: unknown, isOpened: (value: unknown) => value is object): number {
  if (!isOpened(value)) return 1;
  return Object.values(value).reduce<number>((sum, inner) => sum + sizeOf(inner, isOpened), 1);
}

/** Of JSON; what is missing equals null, as for MongoDB. */
function equals(a: unknown, b: unknown): boolean {
  if (!isNested(a) || !isNested(b)) return (a ?? null) === (b ?? null);
  const keys = Object.keys(a);
  return (
    isList(a) === isList(b) &&
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && equals(valueOf(a, key), valueOf(b, key)))
  );
}

const valueOf = (of: object, key: string): unknown => (of as Record<string, unknown>)[key];

/**
 * Whether an envelope passes the filter; null when that can't be judged, in `MAX_FILTER_STEPS` or at
 * all. It passes then: an event too many can be ignored by its receiver, one that is missing can't be
 * noticed.
 */
export function passesFilter(filter: PayloadFilter, envelope: unknown): boolean | null {
  let left = MAX_FILTER_STEPS;
  const spend: Spend = (steps) => {
    left -= steps;
    if (left < 0) throw new Error('out of steps');
  };
  const compare = (a: unknown, b: unknown): boolean => {
    spend(STEPS_PER_VALUE * sizeOf(b, isNested(a) ? isNested : isList));
    return equals(a, b);
  };
  try {
    return createQueryTester(filter, { operations: operationsWithin(spend), compare })(envelope);
  } catch {
    return null;
  }
}
