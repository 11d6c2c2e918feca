import { activityInfo } from '@temporalio/activity';
import type { Activities } from '../src/contracts/activities';
import { countLeft } from './attempt/health';
import type { ActivityDependencies } from './dependencies';

export function createCancelDelivery(deps: ActivityDependencies): Activities['cancelDelivery'] {
  return async (deliveryId, mayBeRequested, toldAtMs, replays) => {
    const { runId } = activityInfo().workflowExecution!;
    // A local activity's own time is its worker's, which may be seconds ahead.
    const scheduledAt = new Date(toldAtMs);
    const told = { runId, mayBeRequested, scheduledAt, replays };
    const delivery = await deps.store.rounds.cancel(deliveryId, told);
    if (!delivery) return { result: 'gone', runId };
    await countLeft(deps, deliveryId, runId);
    const { status } = delivery;
    if (status !== 'pending' && status !== 'held') {
      return { result: status, runId: delivery.runId ?? runId };
    }
    // Replayed since: who has attempted it before ends without it, unless the replay is its own.
    const hasAttempted = delivery.runId === null ? !mayBeRequested : delivery.runId === runId;
    const isOwn = delivery.openedAt !== undefined && (!delivery.runRequested || delivery.hasTurn);
    return { result: 'cancelled', runId: hasAttempted && !isOwn ? runId : '' };
  };
}
