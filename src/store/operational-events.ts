import type { ClientSession } from 'mongoose';
import type { Attempt } from '../contracts/delivery';
import type { OperationalType } from '../contracts/operational';
import { toPayload } from '../domain/json-text';
import type { OperationalData } from '../profiles';
import type { DeliveryRecord } from './delivery-record';
import type { BareEvent, EventRecord } from './event-record';
import { newEvent, type NewEvent } from './new-event';
import type { ProjectRecord } from './projects';
import type { Store } from './store';
import { endOf } from './webhook-health';
import type { WebhookRecord } from './webhook-record';

/*
 * The events about webhooks and deliveries themselves, made if a webhook is subscribed to them. Each is
 * stored with its change, in one transaction, or under a key that makes it unique. The caller starts the
 * fan-outs of the events that are returned; if it crashes before, reconcile does. Nobody waits for them, so
 * workflows drive them only in projects where they drive everything.
 */

/** What such an event says besides its webhook's id and name. */
type About<T extends OperationalType> = Omit<OperationalData[T], 'webhookId' | 'webhookName'>;

/** The attempt with which a round has failed. */
type FailedRound = Attempt & { failedRound: number };

/** Stores such an event with the change that it reports. */
export async function insertOperational<T extends OperationalType>(
  store: Store,
  project: ProjectRecord,
  webhook: Pick<WebhookRecord, '_id' | 'name'>,
  type: T,
  about: About<T>,
  session: ClientSession,
): Promise<EventRecord[]> {
  if (!(await store.webhooks.hasSubscriber(project._id, type, webhook._id, session))) return [];
  return store.events.insertAll([build(store, project, webhook, type, about)], session);
}

/**
 * Reports a delivery that has failed permanently: one event for its first round, and one for each replay that
 * failed, however often this is called.
 * @param delivery may have been replayed since: everything reported is about the attempt
 * @param attempt with which a round has failed
 */
export async function announceFailure(
  store: Store,
  project: ProjectRecord,
  webhook: Pick<WebhookRecord, '_id' | 'name'>,
  delivery: Pick<DeliveryRecord, '_id' | 'eventId' | 'eventType'>,
  attempt: FailedRound,
): Promise<BareEvent[]> {
  const { webhooks, events } = store;
  if (!(await webhooks.hasSubscriber(project._id, 'delivery.failed', webhook._id))) return [];
  const { event } = await events.insert({
    ...build(store, project, webhook, 'delivery.failed', {
      deliveryId: delivery._id,
      eventId: delivery.eventId,
      eventType: delivery.eventType,
      attempts: attempt.number,
      replays: attempt.failedRound,
      statusCode: attempt.statusCode ?? null,
      errorCode: attempt.errorCode ?? null,
      failedAt: endOf(attempt).toISOString(),
    }),
    // With spaces, which no caller's Idempotency-Key can have.
    idempotencyKey: `posthorn delivery.failed ${delivery._id}#${attempt.failedRound}`,
  });
  return [event];
}

function build<T extends OperationalType>(
  { defaults }: Store,
  project: ProjectRecord,
  { _id, name }: Pick<WebhookRecord, '_id' | 'name'>,
  type: T,
  about: About<T>,
): NewEvent {
  const data = toPayload({ webhookId: _id, webhookName: name, ...about });
  const isExpress = (project.dispatch ?? defaults.dispatch) !== 'workflow';
  const event = newEvent(project, { type, data }, defaults.retentionDays, isExpress);
  return { ...event, aboutWebhookId: _id };
}
