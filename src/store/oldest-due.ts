import { clock } from '../clock';
import type { Store } from './store';

export interface OldestDue {
  /** null: its event's deliveries are not planned yet. */
  deliveryId: string | null;
  eventId: string;
  eventType: string;
  dueAt: Date;
}

/**
 * What has been due for longest, a delivery or an accepted event whose deliveries nobody has planned; null: nothing
 * is due. What waits in the queue (paused, rate limit, bulk replay) is not due.
 */
export async function oldestDueOf(
  { deliveries, events }: Store,
  projectId: string,
): Promise<OldestDue | null> {
  const afterNow = new Date(clock.now().getTime() + 1);
  // Each by the condition of its partial index: MongoDB has none for both.
  const [due, dueExpress, unplanned, unplannedExpress] = await Promise.all([
    deliveries.due.first(projectId, afterNow),
    deliveries.dueExpress.first(projectId, afterNow),
    events.unplanned.first(projectId),
    events.unplannedExpress.first(projectId),
  ]);
  const found: OldestDue[] = [];
  for (const delivery of [due, dueExpress]) {
    if (!delivery) continue;
    const { _id, eventId, eventType, nextAttemptAt } = delivery;
    found.push({ deliveryId: _id, eventId, eventType, dueAt: nextAttemptAt! });
  }
  for (const event of [unplanned, unplannedExpress]) {
    if (!event) continue;
    const { _id, type, acceptedAt } = event;
    found.push({ deliveryId: null, eventId: _id, eventType: type, dueAt: acceptedAt });
  }
  const [first] = found.toSorted((a, b) => a.dueAt.getTime() - b.dueAt.getTime());
  return first ?? null;
}
