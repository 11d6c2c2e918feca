/**
 * Temporal's clock says which execution is the later one. This is how far it may be ahead of MongoDB's: an
 * execution from further in the future was scheduled by a wrong clock, and doesn't hold up those that follow once
 * the clock is right.
 */
const MAX_AHEAD_MS = 10_000;

/**
 * Whether no execution that Temporal scheduled later has been here, by the field `execution`: of several executions
 * of an activity, the latest counts. As a pipeline's expression.
 */
export function isLatest(scheduledAt: Date): object {
  const ahead = { $add: ['$$NOW', MAX_AHEAD_MS] };
  const wasWrong = { $and: [{ $gt: ['$execution', ahead] }, { $lte: [scheduledAt, ahead] }] };
  // If there was none, it is less than any time.
  return { $or: [{ $lte: ['$execution', scheduledAt] }, wasWrong] };
}
