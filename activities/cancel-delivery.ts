import { activityInfo } from '@temporalio/activity';
import type { Activities, RoundResult } from '../src/contracts/activities';
import type { DeliveryStatus } from '../src/contracts/delivery';
import type { ActivityDependencies } from './dependencies';

export function createCancelDelivery({
  store,
}: Pick<ActivityDependencies, 'store'>): Activities['cancelDelivery'] {
  return async (deliveryId, isReset = false) => {
    const { runId } = activityInfo().workflowExecution!;
    const delivery = await store.rounds.cancel(deliveryId, runId, isReset);
    if (!delivery) return { result: 'gone', runId };
    return {
      result: delivery.status as Exclude<DeliveryStatus, 'pending'> satisfies RoundResult,
      runId: delivery.runId ?? runId,
    };
  };
}
