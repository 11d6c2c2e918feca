import { isOperational } from '../../src/contracts/operational';
import type { Attempt } from '../../src/contracts/delivery';
import { isGone, isOperators, lastCounting } from '../../src/domain/outcome';
import { policyOf } from '../../src/profiles/policy';
import { disableWebhook } from '../../src/store/change-webhook';
import { endDeliveriesOf } from '../../src/store/end-deliveries';
import type { DeliveryRecord } from '../../src/store/delivery-record';
import type { BareEvent } from '../../src/store/event-record';
import { announceFailure } from '../../src/store/operational-events';
import { noteFollowedUp } from '../../src/store/queue';
import type { DisabledReason } from '../../src/store/webhook-record';
import { runOrLeave } from '../../src/temporal/run-or-leave';
import type { Subject } from './subject';
import type { ActivityDependencies } from '../dependencies';

/**
 * The consequences of a failed delivery: its webhook is disabled if that is due, and subscribers are
 * notified. Idempotent.
 */
export async function followFailure(
  deps: ActivityDependencies,
  subject: Subject,
  attempt: Attempt,
): Promise<void> {
  const { store, engine, couriers, log } = deps;
  const disabled = await disableWhereDue(deps, subject, attempt);
  const events = [...(disabled ?? []), ...(await announce(deps, subject, attempt))];
  if (disabled) {
    const webhookId = subject.webhook._id;
    // There may be too many of them for one attempt's time.
    void endDeliveriesOf(store, webhookId).catch((error: unknown) => {
      log.warn({ err: error, webhookId }, 'deliveries of a disabled webhook left to reconcile');
    });
  }
  for (const event of events) {
    if (event.fannedOutAt !== null) continue;
    if (event.isExpress) couriers.call(event.projectId);
    else {
      await runOrLeave(log, { eventId: event._id }, 'fan-out left to reconcile', () =>
        engine.startFanOut(event),
      );
    }
  }
}

/** With the round that it ended, which earlier versions have not stored. */
export const withRound = ({ status, replays, attempts }: DeliveryRecord, one: Attempt): Attempt =>
  status === 'failed' && one.number === lastCounting(attempts)?.number
    ? { failedRound: replays, ...one }
    : one;

/** A receiver that is gone wants no more, whatever its delivery has become: it may have been cancelled meanwhile. */
export const hasConsequences = ({ failedRound, statusCode }: Attempt): boolean =>
  failedRound !== undefined || isGone(statusCode);

/**
 * The same for a failure that a courier has settled. Idempotent.
 * @returns false: that was done already
 */
export async function followSettled(
  deps: ActivityDependencies,
  deliveryId: string,
): Promise<boolean> {
  const found = await deps.store.deliveries.findWithParts(deliveryId);
  if (!found?.delivery.followUp) return false;
  const { delivery, event, webhook, project } = found;
  const { attempts, healthCounted = 0 } = delivery;
  // It may have been replayed since, and have failed again.
  const unfollowed = attempts
    .filter(({ number }) => number > healthCounted)
    .map((one) => withRound(delivery, one))
    .filter(hasConsequences);
  if (event && webhook && project) {
    const subject = { delivery, event, body: event.body ?? '', webhook, project };
    for (const attempt of unfollowed) await followFailure(deps, subject, attempt);
  }
  await noteFollowedUp(deps.store, delivery);
  return true;
}

async function disableWhereDue(
  deps: ActivityDependencies,
  { delivery, webhook, project }: Subject,
  attempt: Attempt,
): Promise<BareEvent[] | null> {
  const { number, statusCode, startedAt, superseded } = attempt;
  if (isOperators(attempt)) return null;
  const disable = (reason: DisabledReason, minFailures: number): Promise<BareEvent[] | null> =>
    disableWebhook(deps.store, project, webhook._id, {
      reason,
      minFailures,
      failedFrom: startedAt,
      isSuperseded: superseded === true || number <= delivery.roundStart,
      isMailed: deps.mailer !== null,
    });
  if (isGone(statusCode)) return disable('gone', 0);
  const { autoDisableAfter } = policyOf(project, webhook);
  return autoDisableAfter === null ? null : disable('consecutive_failures', autoDisableAfter);
}

/** Tests need no event, and events about failed events about failures would never end. */
async function announce(
  deps: ActivityDependencies,
  { delivery, event, webhook, project }: Subject,
  attempt: Attempt,
): Promise<BareEvent[]> {
  const { failedRound } = attempt;
  if (failedRound === undefined || event.test === true || isOperational(event.type)) return [];
  return announceFailure(deps.store, project, webhook, delivery, { ...attempt, failedRound });
}
