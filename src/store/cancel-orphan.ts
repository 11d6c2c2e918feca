import type { DeliveryRecord } from './delivery-record';
import { current } from './linearizable';
import type { Store } from './store';

/**
 * Ends a delivery whose event, webhook or project was deleted.
 * @returns false if all exist, or it has ended
 */
export async function cancelOrphan(
  { events, webhooks, projects, deliveries }: Store,
  { _id, eventId, webhookId, projectId }: DeliveryRecord,
): Promise<boolean> {
  const found = await Promise.all([
    current(events.model.exists({ _id: eventId })),
    current(webhooks.model.exists({ _id: webhookId })),
    current(projects.model.exists({ _id: projectId, deletedAt: null })),
  ]);
  return found.includes(null) && (await deliveries.cancel(_id)) !== null;
}
