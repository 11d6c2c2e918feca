import { HOUR_MS } from '../domain/durations';
import type { Store } from './store';

/** Expired events examined together. */
const BATCH = 500;
/** How much later an event that is still needed is examined again. */
const LOOK_AGAIN_MS = HOUR_MS;

/**
 * Deletes some of the expired events. If an event has a delivery that has not ended, or that is kept longer
 * because it ended late, it is examined again an hour later. MongoDB removes the deliveries itself.
 * @returns whether there may be more
 */
export async function removeSomeExpired({ events, deliveries }: Store): Promise<boolean> {
  const expired = await events.listExpired(BATCH);
  const needed = new Set(await deliveries.listEventsNeeded(expired));
  await events.keep([...needed], LOOK_AGAIN_MS);
  await events.remove(expired.filter((id) => !needed.has(id)));
  return expired.length === BATCH;
}
