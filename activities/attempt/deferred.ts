import { ApplicationFailure } from '@temporalio/activity';
import { ApplicationFailureCategory } from '@temporalio/common';
import { FAILURE_TYPES, type NextAttemptDetails } from '../../src/contracts/activities';

/** Milliseconds until a superseded one checks again, if Temporal still wants it. */
const SUPERSEDED_DELAY_MS = 2000;

/** Makes Temporal run the attempt again after that time. */
export function deferred(reason: string, waitMs: number): ApplicationFailure {
  return ApplicationFailure.create({
    message: `deferred: ${reason}`,
    type: FAILURE_TYPES.attemptDeferred,
    nextRetryDelay: waitMs,
    category: ApplicationFailureCategory.BENIGN,
    details: [{ nextDelayMs: waitMs } satisfies NextAttemptDetails],
  });
}

/** Another execution or run has taken over: Temporal no longer needs this one, or retries it soon. */
export function superseded(): ApplicationFailure {
  return deferred('another execution has taken over', SUPERSEDED_DELAY_MS);
}
