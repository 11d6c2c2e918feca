import type { ClientSession } from 'mongoose';
import type { DeliveryRecord } from './delivery-record';
import type { EventRecord } from './event-record';
import type { NewEvent } from './new-event';
import type { Store } from './store';

/** A sample as an event for one webhook alone, and its delivery. */
export interface TestEvent {
  event: NewEvent;
  delivery: DeliveryRecord;
}

/** Stores tests with their deliveries, so that what the answer names exists. */
export async function insertTests(
  store: Store,
  tests: readonly TestEvent[],
  session: ClientSession,
): Promise<EventRecord[]> {
  const deliveries = tests.map(({ delivery }) => delivery);
  await store.deliveries.insertAll(deliveries, session);
  const events = tests.map(({ event }) => event);
  return store.events.insertAll(events, session);
}
