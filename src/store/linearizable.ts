import type { Query } from 'mongoose';

/** Milliseconds for a majority to confirm it. */
const MAX_TIME_MS = 5000;

/**
 * Makes a query linearizable: it returns everything that was acknowledged before it, and nothing that could be
 * rolled back. It costs a write. Other reads may for a moment be answered by a node that is no longer
 * MongoDB's primary, without what another one has acknowledged since. That matters only where something is
 * given up because it isn't found, or promised because it is.
 */
export function current<Result, Doc>(query: Query<Result, Doc>): Query<Result, Doc> {
  return query.read('primary').readConcern('linearizable').maxTimeMS(MAX_TIME_MS);
}
