import type { DeferralReason } from '../contracts/delivery';
import { newId, timeOf } from '../contracts/ids';
import { keptBack } from '../domain/kept-back';
import { queueOf, type DeliveryRecord } from './delivery-record';
import type { EventRecord } from './event-record';
import { expiryOfEnded } from './retention';
import type { WebhookRecord } from './webhook-record';

/**
 * The delivery of an event to a webhook in its current state: `skipped` if the webhook is disabled, unless it
 * is a test; `held` if it is paused.
 * @param about.behind why others of the webhook wait in the queue
 */
export function newDelivery(
  event: Pick<EventRecord, '_id' | 'type' | 'test' | 'isExpress' | 'expiresAt'>,
  webhook: Pick<WebhookRecord, '_id' | 'projectId' | 'isActive' | 'isPaused'>,
  about: { at: Date; id?: string; isPing?: boolean; behind?: DeferralReason | undefined },
): DeliveryRecord {
  const { at, id = newId('delivery'), isPing, behind } = about;
  const isTest = event.test === true;
  const status = keptBack(webhook, { test: isTest, replays: 0 }, at) ?? 'pending';
  return {
    _id: id,
    eventId: event._id,
    webhookId: webhook._id,
    projectId: webhook.projectId,
    eventType: event.type,
    status,
    attempts: [],
    attemptCount: 0,
    roundStart: 0,
    replays: 0,
    runId: null,
    runRequested: false,
    nextAttemptAt: status === 'pending' && !behind ? at : null,
    deferredFor: (status === 'pending' && behind) || null,
    ...((status === 'held' || (status === 'pending' && behind)) && {
      queuedIn: queueOf(webhook.projectId),
    }),
    ...(status === 'skipped' && { endReason: 'webhook_disabled' as const }),
    ...(event.isExpress && { isExpress: true }),
    ...(isTest && { test: true }),
    ...(isPing && { isPing }),
    // Lists and bulk replays select a range of time by ids.
    createdAt: timeOf(id),
    completedAt: status === 'skipped' ? at : null,
    // After a long outage its event may be about to expire, or have expired; what is skipped must not expire with it.
    expiresAt: expiryOfEnded(at, event.expiresAt),
  };
}
