import { Context, heartbeat } from '@temporalio/activity';
import type { Activities } from '../src/contracts/activities';
import type { ActivityDependencies } from './dependencies';
import { Places } from './concurrency';
import { Shift } from './courier/shift';

export function createDeliverQueued(deps: ActivityDependencies): Activities['deliverQueued'] {
  const places = new Places(deps.maxAttempts, deps.maxAttemptsPerWebhook);
  return async (projectId) => {
    const { info, cancellationSignal } = Context.current();
    const { runId } = info.workflowExecution!;
    heartbeat();
    return Shift.work({
      deps,
      places,
      projectId,
      runId,
      onPulse: heartbeat,
      stopped: cancellationSignal,
    });
  };
}
