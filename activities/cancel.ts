import { activityInfo } from '@temporalio/activity';
import type { Activities } from '../src/contracts/activities';
import type { ActivityDependencies } from '.';

export function createCancelDelivery({
  store,
}: Pick<ActivityDependencies, 'store'>): Activities['cancelDelivery'] {
  return async (deliveryId) => {
    const { runId } = activityInfo().workflowExecution!;
    await store.deliveries.cancel(deliveryId, new Date(), runId);
  };
}
