import { isOperational } from '../../src/contracts/operational';
import type { Attempt } from '../../src/contracts/delivery';
import { isGone } from '../../src/domain/outcome';
import { policyOf } from '../../src/profiles/policy';
import { endDeliveriesOf } from '../../src/store/end-deliveries';
import type { EventRecord } from '../../src/store/event-record';
import { OperationalEvents } from '../../src/store/operational-events';
import { OwnerMails } from '../../src/store/owner-mails';
import type { Subject } from './subject';
import type { ActivityDependencies } from '../dependencies';

/**
 * What a delivery's failing means beyond itself: its webhook is disabled where that is due, and who
 * wants to know is told. Repeated for the same failure, it does nothing more.
 */
export async function followFailure(
  { store, engine, mailer, log, retentionDays, dispatch }: ActivityDependencies,
  subject: Subject,
  attempt: Attempt,
): Promise<void> {
  const operational = new OperationalEvents(store, retentionDays, dispatch);
  const mails = mailer && new OwnerMails(store, retentionDays);
  const disabled = await disableWhereDue(operational, mails, subject, attempt);
  const events = [...(disabled ?? []), ...(await announce(operational, subject))];
  if (disabled) {
    const webhookId = subject.webhook._id;
    // There may be more of them than an attempt has time for.
    void endDeliveriesOf(store, webhookId).catch((error: unknown) => {
      log.warn({ err: error, webhookId }, 'deliveries of a disabled webhook left to reconcile');
    });
  }
  for (const event of events) {
    if (event.fannedOutAt !== null) continue;
    await engine.startFanOut(event).catch((error: unknown) => {
      log.warn({ err: error, eventId: event._id }, 'fan-out left to reconcile');
    });
  }
}

async function disableWhereDue(
  operational: OperationalEvents,
  mails: OwnerMails | null,
  { webhook, project }: Subject,
  { statusCode }: Attempt,
): Promise<EventRecord[] | null> {
  if (isGone(statusCode)) return operational.disable(project, webhook._id, 'gone', 0, mails);
  const { autoDisableAfter } = policyOf(project, webhook);
  return autoDisableAfter === null
    ? null
    : operational.disable(project, webhook._id, 'consecutive_failures', autoDisableAfter, mails);
}

/** Of a test nobody needs to be told, and events about failed events about failures would never end. */
async function announce(
  operational: OperationalEvents,
  { delivery, event, webhook, project }: Subject,
): Promise<EventRecord[]> {
  if (event.test === true || isOperational(event.type)) return [];
  return operational.failed(project, webhook, delivery._id);
}
