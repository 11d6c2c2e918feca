import { v7 as uuidv7 } from 'uuid';
import { ID_PREFIXES, newId, type Resource } from '../../../src/contracts/ids';
import { lastCounting } from '../../../src/domain/outcome';
import { failedWith, type DeliveryRecord } from '../../../src/store/delivery-record';
import type { EventRecord } from '../../../src/store/event-record';
import type { Stack } from '../../support/stack';

/** An id as `newId` would have made it at that time. */
export function idAt(resource: Resource, time: Date): string {
  return `${ID_PREFIXES[resource]}_${uuidv7({ msecs: time.getTime() }).replaceAll('-', '')}`;
}

/** Stores a delivery without having made it; answers its id. Lists are about many, or old ones. */
export async function insertDelivery(
  stack: Stack,
  delivery: Partial<DeliveryRecord> & Pick<DeliveryRecord, 'projectId'>,
): Promise<string> {
  const [id] = await insertDeliveries(stack, [delivery]);
  return id!;
}

/** The same for many; answers their ids. */
export async function insertDeliveries(
  { store }: Stack,
  deliveries: readonly (Partial<DeliveryRecord> & Pick<DeliveryRecord, 'projectId'>)[],
): Promise<string[]> {
  const records = deliveries.map((delivery) => {
    const createdAt = delivery.createdAt ?? new Date();
    const last = lastCounting(delivery.attempts ?? []);
    const failure = last && failedWith(last);
    return {
      _id: delivery.createdAt ? idAt('delivery', createdAt) : newId('delivery'),
      eventId: newId('event'),
      webhookId: newId('webhook'),
      eventType: 'email.sent',
      status: 'succeeded' as const,
      nextAttemptAt: null,
      createdAt,
      completedAt: createdAt,
      expiresAt: new Date(Date.now() + 3_600_000),
      ...delivery,
      ...(failure && { failedWith: failure }),
    };
  });
  await store.deliveries.model.insertMany(records);
  return records.map(({ _id }) => _id);
}

/** Stores an event that nobody has planned, without anybody being told; answers its id. */
export async function insertUnplanned(
  { store }: Stack,
  event: Pick<EventRecord, 'projectId' | 'acceptedAt'> & Partial<EventRecord>,
): Promise<string> {
  const id = idAt('event', event.acceptedAt);
  await store.events.model.insertMany([
    {
      _id: id,
      type: 'email.sent',
      createdAt: event.acceptedAt,
      body: '{}',
      fannedOutAt: null,
      expungedAt: null,
      expiresAt: new Date(Date.now() + 3_600_000),
      ...event,
    },
  ]);
  return id;
}
