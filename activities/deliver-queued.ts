import { CancelledFailure, Context, heartbeat } from '@temporalio/activity';
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
    const context = Context.current();
    const { info, cancellationSignal } = context;
    const { runId } = info.workflowExecution!;
    heartbeat();
    const end = await Shift.work({
      deps,
      places,
      pulse,
      projectId,
      runId,
      scheduledAt: new Date(info.currentAttemptScheduledTimestampMs),
      onPulse: heartbeat,
      stopped: cancellationSignal,
    });
    // By an operator. If it completed, its workflow would schedule another one, which is not paused.
    if (context.cancellationDetails?.paused) throw new CancelledFailure('paused');
    return end;
  };
}
