import type { Activities } from '../src/contracts/activities';
import { newId } from '../src/contracts/ids';
import type { DeliveryStatus } from '../src/contracts/delivery';
import { isSubscribed } from '../src/domain/subscription';
import type { WebhookRecord } from '../src/store/webhooks';
import { toPlanned } from '../src/temporal/planned-delivery';
import type { ActivityDependencies } from '.';

/** Webhooks looked at by one call. */
const PAGE = 100;
const DAY_MS = 24 * 60 * 60 * 1000;

function firstStatus(webhook: WebhookRecord): DeliveryStatus {
  if (!webhook.isActive) return 'skipped';
  return webhook.isPaused ? 'held' : 'pending';
}

export function createPlanDeliveries({
  store,
  retentionDays,
}: Pick<ActivityDependencies, 'store' | 'retentionDays'>): Activities['planDeliveries'] {
  return async (eventId, afterWebhookId) => {
    const event = await store.events.find(eventId);
    const project = event && (await store.projects.get(event.projectId));
    // Deleted with its project since it was accepted.
    if (!project) return { deliveries: [] };
    const page = await store.webhooks.listForFanOut(project._id, afterWebhookId, PAGE);
    // A fan-out may come late (Temporal was away); webhooks made after the event don't get it.
    const subscribed = page.filter(
      (webhook) =>
        webhook.createdAt <= event.acceptedAt && isSubscribed(webhook.events, event.type),
    );
    const now = new Date();
    const deliveries = await store.deliveries.plan(
      subscribed.map((webhook) => {
        const status = firstStatus(webhook);
        return {
          _id: newId('delivery'),
          eventId,
          webhookId: webhook._id,
          projectId: project._id,
          eventType: event.type,
          status,
          nextAttemptAt: status === 'pending' ? now : null,
          createdAt: now,
          completedAt: status === 'skipped' ? now : null,
          expiresAt: new Date(now.getTime() + retentionDays * DAY_MS),
        };
      }),
    );
    const webhooks = new Map(subscribed.map((webhook) => [webhook._id, webhook]));
    const last = page.at(-1);
    return {
      deliveries: deliveries
        .filter(({ status }) => status === 'pending')
        .map((delivery) => toPlanned(delivery, webhooks.get(delivery.webhookId)!, project)),
      ...(page.length === PAGE && last && { next: last._id }),
    };
  };
}

export function createMarkFannedOut({
  store,
}: Pick<ActivityDependencies, 'store'>): Activities['markFannedOut'] {
  return async (eventId) => {
    await store.events.markFannedOut(eventId, new Date());
  };
}
