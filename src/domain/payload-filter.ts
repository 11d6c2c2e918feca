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

type Operations = NonNullable<NonNullable<Parameters<typeof createQueryTester>[1]>['operations']>;

/** `$regex` by an engine without backtracking; sift's own is JavaScript's, which may never end. */
const $regex: Operations[string] = (pattern: string, { $options = '' }, options) => {
  const compiled = compilePattern(pattern, $options as string);
  const test = (value: unknown): boolean => typeof value === 'string' && compiled.test(value);
  return new EqualsOperation(test, null, options);
};

/** All that sift is given: what isn't here, such as `$where`, doesn't exist for it. */
const operations: Operations = {
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
  $regex,
  $options: () => null as never,
};

/**
 * Whether an envelope passes the filter. One that can't be judged does: an event too many can be
 * ignored by its receiver, one that is missing can't be noticed.
 */
export function passesFilter(filter: PayloadFilter, envelope: unknown): boolean {
  try {
    return createQueryTester(filter, { operations })(envelope);
  } catch {
    return true;
  }
}
