import { ApplicationFailure } from '@temporalio/activity';
import { ApplicationFailureCategory } from '@temporalio/common';
import { FAILURE_TYPES, type NextAttemptDetails } from '../../src/contracts/activities';

/** Milliseconds until one that was superseded looks again, where Temporal still wants it. */
const SUPERSEDED_DELAY_MS = 2000;

/** Has Temporal run the attempt again after that. */
export function deferred(reason: string, waitMs: number): ApplicationFailure {
  return ApplicationFailure.create({
    message: `deferred: ${reason}`,
    type: FAILURE_TYPES.attemptDeferred,
    nextRetryDelay: waitMs,
    category: ApplicationFailureCategory.BENIGN,
    details: [{ nextDelayMs: waitMs } satisfies NextAttemptDetails],
  });
}

/** Another execution, or run, is at work: Temporal asks nothing more of this one, or asks again soon. */
export function superseded(): ApplicationFailure {
  return deferred('another execution has taken over', SUPERSEDED_DELAY_MS);
}
