import type { Attempt, DeliveryStatus } from '../../src/contracts/delivery';
import { mailWarning } from '../../src/store/owner-mails';
import { isGone } from '../../src/domain/outcome';
import type { ActivityDependencies } from '../dependencies';
import { followFailure } from './after-failure';
import type { Subject } from './subject';

/**
 * Counts the last attempt if the process that made it died before that was done: in this run, or, if it
 * failed, in a run before a replay. For failed ones it is known whether they were counted, and a success changes
 * nothing the second time.
 * @returns whether that was the end of an earlier round, which may have disabled the webhook
 */
export async function countLast(
  deps: ActivityDependencies,
  subject: Subject,
  runId: string,
): Promise<boolean> {
  const { attempts, healthCounted = 0, roundStart, status } = subject.delivery;
  const last = attempts.findLast(({ superseded }) => !superseded);
  if (!last || last.number <= healthCounted) return false;
  if (last.outcome === 'succeeded' && last.runId !== runId) return false;
  const endedItsRound = last.outcome === 'failed' && last.number <= roundStart;
  await countHealth(deps, subject, last, endedItsRound ? 'failed' : status);
  return endedItsRound;
}

/** Counts a recorded attempt in the webhook's health, and follows up a failed one, or delivery. */
export async function countHealth(
  deps: ActivityDependencies,
  subject: Subject,
  attempt: Attempt,
  status: DeliveryStatus,
): Promise<void> {
  const { delivery, webhook } = subject;
  const id = `${delivery._id}#${attempt.number}`;
  await deps.store.webhookHealth.countAttempt(webhook._id, id, attempt);
  if (attempt.outcome === 'failed' && deps.mailer) {
    await mailWarning(deps.store, subject.project, webhook._id);
  }
  // A receiver that is gone wants no more, whatever its delivery has become: it may have been cancelled meanwhile.
  if (status === 'failed' || isGone(attempt.statusCode)) {
    await followFailure(deps, subject, attempt);
  }
  if (attempt.outcome === 'failed') {
    await deps.store.rounds.noteHealthCounted(delivery._id, attempt.number);
  }
}
