import { timeOf } from '../contracts/ids';
import type { Store } from './store';

/**
 * `Horizon.completeBefore` for a project's deliveries. Those of a courier have the times of their events but may be
 * stored long afterwards, so it never goes beyond the first event that is not planned yet.
 */
export async function deliveriesCompleteBefore(store: Store, projectId: string): Promise<Date> {
  // This comes first: an event that is stored afterwards has a later id.
  const stored = await store.horizon.completeBefore();
  const first = await store.events.unplannedExpress.first(projectId);
  const planned = first === null ? stored : timeOf(first._id);
  return planned < stored ? planned : stored;
}
