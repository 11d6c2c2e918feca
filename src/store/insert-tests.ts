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
  await store.deliveries.insertAll(
    tests.map(({ delivery }) => delivery),
    session,
  );
  return store.events.insertAll(
    tests.map(({ event }) => event),
    session,
  );
}
