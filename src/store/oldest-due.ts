import { clock } from '../clock';
import type { DeliveryRecord } from './delivery-record';
import type { EventRecord } from './event-record';
import type { Store } from './store';

export interface OldestDue {
  /** null: its event's deliveries are not planned yet. */
  deliveryId: string | null;
  eventId: string;
  eventType: string;
  dueAt: Date;
}

type Due = Pick<DeliveryRecord, '_id' | 'eventId' | 'eventType'> & { nextAttemptAt: Date };
type Unplanned = Pick<EventRecord, '_id' | 'type' | 'acceptedAt'>;

/**
 * What has been due for longest, a delivery or an accepted event whose deliveries nobody has planned; null: nothing
 * is due. What waits in the queue (paused, rate limit, bulk replay) is not due.
 */
export async function oldestDueOf(
  { deliveries, events }: Store,
  projectId: string,
): Promise<OldestDue | null> {
  const now = clock.now();
  // Each by the condition of its partial index: MongoDB has none for both.
  const dueIn = (index: 'due' | 'express', isExpress: true | null): Promise<Due | null> =>
    deliveries.model
      .findOne(
        { projectId, isExpress, status: 'pending', nextAttemptAt: { $lte: now } },
        { eventId: 1, eventType: 1, nextAttemptAt: 1 },
      )
      .sort({ nextAttemptAt: 1 })
      .hint(index)
      .lean<Due>();
  const unplannedIn = (
    index: 'unplanned' | 'express',
    isExpress: true | null,
    order: 'acceptedAt' | '_id',
  ): Promise<Unplanned | null> =>
    events.model
      .findOne({ projectId, isExpress, fannedOutAt: null }, { type: 1, acceptedAt: 1 })
      .sort({ [order]: 1 })
      .hint(index)
      .lean<Unplanned>();
  const [due, unplanned] = await Promise.all([
    Promise.all([dueIn('due', null), dueIn('express', true)]),
    Promise.all([
      unplannedIn('unplanned', null, 'acceptedAt'),
      unplannedIn('express', true, '_id'),
    ]),
  ]);
  const found: OldestDue[] = [
    ...due
      .filter((one) => one !== null)
      .map(({ _id, eventId, eventType, nextAttemptAt }) => ({
        deliveryId: _id,
        eventId,
        eventType,
        dueAt: nextAttemptAt,
      })),
    ...unplanned
      .filter((one) => one !== null)
      .map(({ _id, type, acceptedAt }) => ({
        deliveryId: null,
        eventId: _id,
        eventType: type,
        dueAt: acceptedAt,
      })),
  ];
  const [first] = found.toSorted((a, b) => a.dueAt.getTime() - b.dueAt.getTime());
  return first ?? null;
}
