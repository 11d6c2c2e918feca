import { activityInfo } from '@temporalio/activity';
import type { Activities } from '../src/contracts/activities';
import { countLeft } from './attempt/health';
import type { ActivityDependencies } from './dependencies';

export function createCancelDelivery(deps: ActivityDependencies): Activities['cancelDelivery'] {
  return async (deliveryId, isReset, toldAtMs) => {
    const { runId } = activityInfo().workflowExecution!;
    // A local activity's own time is its worker's, which may be seconds ahead.
    const scheduledAt = new Date(toldAtMs);
    const delivery = await deps.store.rounds.cancel(deliveryId, { runId, isReset, scheduledAt });
    if (!delivery) return { result: 'gone', runId };
    await countLeft(deps, deliveryId, runId);
    const { status } = delivery;
    // Replayed since: this run ends without it.
    if (status === 'pending' || status === 'held') return { result: 'cancelled', runId };
    return { result: status, runId: delivery.runId ?? runId };
  };
}
