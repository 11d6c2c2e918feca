import { Context, heartbeat } from '@temporalio/activity';
import type { Activities } from '../src/contracts/activities';
import type { ActivityDependencies } from './dependencies';
import type { Pulse } from './attempt/execution';
import { Places } from './concurrency';
import { Shift } from './courier/shift';

export function createDeliverQueued(
  deps: ActivityDependencies,
  pulse: Pulse,
): Activities['deliverQueued'] {
  const places = new Places(deps.maxAttempts, deps.maxAttemptsPerWebhook);
  return async (projectId) => {
    const { info, cancellationSignal } = Context.current();
    const { runId } = info.workflowExecution!;
    heartbeat();
    return Shift.work({
      deps,
      places,
      pulse,
      projectId,
      runId,
      scheduledAt: new Date(info.currentAttemptScheduledTimestampMs),
      onPulse: heartbeat,
      stopped: cancellationSignal,
    });
  };
}
