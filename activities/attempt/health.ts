import type { Attempt } from '../../src/contracts/delivery';
import { lastCounting } from '../../src/domain/outcome';
import { mailWarning } from '../../src/store/owner-mails';
import type { ActivityDependencies } from '../dependencies';
import { followFailure, hasConsequences, withRound } from './after-failure';
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
  const { attempts, healthCounted = 0, roundStart } = subject.delivery;
  const last = lastCounting(attempts);
  if (!last || last.number <= healthCounted) return false;
  if (last.outcome === 'succeeded' && last.runId !== runId) return false;
  await countHealth(deps, subject, withRound(subject.delivery, last));
  return last.outcome === 'failed' && last.number <= roundStart;
}

/** The same where no other attempt is made: the delivery was cancelled meanwhile, or its payload deleted. */
export async function countLeft(
  deps: ActivityDependencies,
  deliveryId: string,
  runId: string,
): Promise<void> {
  const found = await deps.store.deliveries.findWithParts(deliveryId);
  const { delivery, event, webhook, project } = found ?? {};
  // Couriers count what they settle, and follow it up.
  if (!delivery || delivery.isExpress || !event || !webhook || !project) return;
  await countLast(deps, { delivery, event, body: '', webhook, project }, runId);
}

/** Counts a recorded attempt in the webhook's health, and follows up a failed one, or delivery. */
export async function countHealth(
  deps: ActivityDependencies,
  subject: Subject,
  attempt: Attempt,
): Promise<void> {
  const { delivery, webhook } = subject;
  const id = `${delivery._id}#${attempt.number}`;
  await deps.store.webhookHealth.countAttempt(webhook._id, id, attempt);
  if (attempt.outcome === 'failed' && deps.mailer) {
    await mailWarning(deps.store, subject.project, webhook._id);
  }
  if (hasConsequences(attempt)) await followFailure(deps, subject, attempt);
  if (attempt.outcome === 'failed') {
    await deps.store.rounds.noteHealthCounted(delivery._id, attempt.number);
  }
}
