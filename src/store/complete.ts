import { timeOf } from '../contracts/ids';
import type { Store } from './store';

/**
 * `Horizon.completeBefore` for a project's deliveries. Those of a courier have the times of their events, and may be
 * stored long after: so not beyond the first event that is not planned yet.
 */
export async function deliveriesCompleteBefore(store: Store, projectId: string): Promise<Date> {
  // First: an event that is stored after this has a later id.
  const stored = await store.horizon.completeBefore();
  const first = await store.events.unplannedExpress.first(projectId);
  const planned = first === null ? stored : timeOf(first._id);
  return planned < stored ? planned : stored;
}
