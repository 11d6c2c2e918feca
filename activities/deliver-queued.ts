import { Context, heartbeat } from '@temporalio/activity';
import { FAILURE_TYPES, type Activities } from '../src/contracts/activities';
import { againIn } from './again-in';
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
    // An operator may have paused it, even after it was told to stop by something else, such as SIGTERM. If it
    // completed, its workflow would schedule another one, which is not paused.
    if (cancellationSignal.aborted) {
      throw againIn(1, FAILURE_TYPES.shiftStopped, 'it was told to stop');
    }
    return end;
  };
}
