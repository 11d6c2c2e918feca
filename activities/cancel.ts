import type { Activities } from '../src/contracts/activities';
import type { ActivityDependencies } from '.';

export function createCancelDelivery({
  store,
}: Pick<ActivityDependencies, 'store'>): Activities['cancelDelivery'] {
  return async (deliveryId) => {
    await store.deliveries.cancel(deliveryId, new Date());
  };
}
