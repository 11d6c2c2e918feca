import { sleep } from '@temporalio/activity';
import { policyOf } from '../../src/profiles/policy';
import { isBeforeFirst } from '../../src/store/delivery-record';
import type { Subject } from './subject';
import type { Places } from '../concurrency';
import { takeNearSlot } from '../rate-slot';
import type { ActivityDependencies } from '../dependencies';

/**
 * Whether its webhook's limits and its worker's places allow the attempt now, or within a second, or why not. A
 * deferral is not an attempt: it doesn't affect the log, the webhook's health or the schedule.
 * @returns the place, to be given back after the exchange, and whether it has waited for a near slot of its webhook's
 *   rate limit: what was known before may have changed
 */
export async function takeTurn(
  { store }: Pick<ActivityDependencies, 'store'>,
  places: Places,
  { delivery, webhook, project }: Subject,
) {
  const place = places.take(project._id, webhook._id, isBeforeFirst(delivery));
  if (typeof place === 'string') return place;
  try {
    const { ratePerSecond } = policyOf(project, webhook);
    if (ratePerSecond === null || delivery.hasTurn) return { place, hasWaited: false };
    const slotMs = await takeNearSlot(store, webhook._id, ratePerSecond);
    if (slotMs === null) {
      place.leave('unmade');
      return 'rate_limit';
    }
    if (slotMs > 0) await sleep(slotMs);
    return { place, hasWaited: slotMs > 0 };
  } catch (error) {
    place.leave('unmade');
    throw error;
  }
}
