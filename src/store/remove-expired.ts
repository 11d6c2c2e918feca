import { HOUR_MS } from '../domain/durations';
import type { Store } from './store';

/** Expired events looked at together. */
const BATCH = 500;
/** How much later one that is still needed is looked at again. */
const LOOK_AGAIN_MS = HOUR_MS;

/**
 * Deletes some of the events whose time has come. One with a delivery that has not ended, or is to be
 * kept on since it ended late, is looked at again an hour later. The deliveries are removed by MongoDB
 * itself.
 * @returns whether there may be more
 */
export async function removeSomeExpired({ events, deliveries }: Store): Promise<boolean> {
  const expired = await events.listExpired(BATCH);
  const needed = new Set(await deliveries.listEventsNeeded(expired));
  await events.keep([...needed], LOOK_AGAIN_MS);
  await events.remove(expired.filter((id) => !needed.has(id)));
  return expired.length === BATCH;
}
