import type { Query } from 'mongoose';

/** Milliseconds for a majority to confirm it. */
const MAX_TIME_MS = 5000;

/**
 * Has a query answer what stands for certain: everything that was acknowledged before it, and nothing
 * that could be rolled back. It costs a write. Elsewhere a node that has just ceased to be MongoDB's
 * primary may answer for a moment, without what another one has acknowledged since; that is harm only
 * where what isn't found is given up, or what is found is promised.
 */
export function current<Result, Doc>(query: Query<Result, Doc>): Query<Result, Doc> {
  return query.read('primary').readConcern('linearizable').maxTimeMS(MAX_TIME_MS);
}
