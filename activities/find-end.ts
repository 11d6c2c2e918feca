import { activityInfo } from '@temporalio/activity';
import type { Activities } from '../src/contracts/activities';
import type { ActivityDependencies } from './dependencies';

export function createFindEnd({ store }: ActivityDependencies): Activities['findEnd'] {
  return async (deliveryId, isReset) => {
    const delivery = await store.deliveries.find(deliveryId);
    if (!delivery) return 'gone';
    const { status, runId } = delivery;
    // If it had ended before a reset, the reset delivers it again.
    const isOfThisRun =
      runId === null ? !isReset : runId === activityInfo().workflowExecution!.runId;
    return isOfThisRun && status !== 'pending' && status !== 'held' ? status : null;
  };
}
