import type { ApplicationFailure } from '@temporalio/activity';
import { FAILURE_TYPES } from '../../src/contracts/activities';
import { againIn } from '../again-in';

/** Milliseconds until a superseded one checks again, if Temporal still wants it. */
const SUPERSEDED_DELAY_MS = 2000;

/** Makes Temporal run the attempt again after that time. */
export function deferred(reason: string, waitMs: number): ApplicationFailure {
  return againIn(waitMs, FAILURE_TYPES.attemptDeferred, `deferred: ${reason}`);
}

/** Another execution or run has taken over: Temporal no longer needs this one, or retries it soon. */
export function superseded(): ApplicationFailure {
  return deferred('another execution has taken over', SUPERSEDED_DELAY_MS);
}
