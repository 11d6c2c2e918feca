import type { Activities } from '../src/contracts/activities';
import { queueHeld } from '../src/store/queue';
import type { ActivityDependencies } from './dependencies';

/** For drains that an earlier version has begun: the rest is left to the courier. */
export function createDrainBatch({
  store,
}: Pick<ActivityDependencies, 'store'>): Activities['drainBatch'] {
  return async () => {
    await queueHeld(store);
    return false;
  };
}
