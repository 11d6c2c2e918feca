import { isDuplicateKey } from './errors';
import type { BareEvent } from './event-record';
import type { NewEvent } from './new-event';
import type { Store } from './store';

/**
 * Stores a batch of events, all or none.
 * @param isRepeated those with their idempotency keys were removed meanwhile, as happens once
 * @returns the events as stored, and whether their idempotency keys were known: if so, the events stored
 *   under those keys, which may be of another batch
 */
export async function insertBatch(
  store: Store,
  events: readonly NewEvent[],
  isRepeated = false,
): Promise<{ events: BareEvent[]; duplicate: boolean }> {
  try {
    const stored = await store.transaction(
      (session) => store.events.insertAll(events, session),
      events.map(({ _id }) => _id),
    );
    return { events: stored, duplicate: false };
  } catch (error) {
    const [first] = events;
    if (!isDuplicateKey(error) || first?.idempotencyKey === undefined) throw error;
    const stored = await store.events.listByKeys(
      first.projectId,
      events.flatMap(({ idempotencyKey }) => idempotencyKey ?? []),
    );
    if (stored.length > 0) return { events: stored, duplicate: true };
    if (isRepeated) throw error;
    return insertBatch(store, events, true);
  }
}
