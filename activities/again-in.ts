import { ApplicationFailure } from '@temporalio/activity';
import { ApplicationFailureCategory } from '@temporalio/common';
import type { FAILURE_TYPES, NextAttemptDetails } from '../src/contracts/activities';

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
