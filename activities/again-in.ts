import { ApplicationFailure } from '@temporalio/activity';
import { ApplicationFailureCategory } from '@temporalio/common';
import { FAILURE_TYPES, type NextAttemptDetails } from '../src/contracts/activities';

/**
 * Makes Temporal run the activity again after that time. Its worker has not failed, and doesn't log it as a
 * failure.
 */
export function againIn(
  waitMs: number,
  type: (typeof FAILURE_TYPES)[keyof typeof FAILURE_TYPES],
  message: string,
): ApplicationFailure {
  return ApplicationFailure.create({
    type,
    message,
    nextRetryDelay: waitMs,
    category: ApplicationFailureCategory.BENIGN,
    details: [{ nextDelayMs: waitMs } satisfies NextAttemptDetails],
  });
}

/** Milliseconds until a superseded one checks again, if Temporal still wants it. */
const SUPERSEDED_DELAY_MS = 2000;

export function deferred(reason: string, waitMs: number): ApplicationFailure {
  return againIn(waitMs, FAILURE_TYPES.attemptDeferred, `deferred: ${reason}`);
}

/** Another execution or run has taken over: Temporal no longer needs this one, or retries it soon. */
export function superseded(): ApplicationFailure {
  return deferred('another execution has taken over', SUPERSEDED_DELAY_MS);
}
