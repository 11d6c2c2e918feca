import type { WorkflowExecutionDescription } from '@temporalio/client';
import { temporal } from '@temporalio/proto';
import type { ExecutionId, FoundRun } from '../contracts/activities';

/* What Temporal's description of a workflow says about a delivery. */

type Raw = temporal.api.workflowservice.v1.IDescribeWorkflowExecutionResponse;

/**
 * `queued`: no worker has taken it yet; `waiting`: for the next attempt's time; `paused`: by a signal to its
 * workflow; `activity_paused`: its attempts are, in Temporal; `workflow_paused`: its workflow is, there; `failing`:
 * the workflow's tasks keep failing.
 */
export type DeliveryActivity =
  | 'queued'
  | 'attempting'
  | 'waiting'
  | 'paused'
  | 'activity_paused'
  | 'workflow_paused'
  | 'failing';

/** Whether an operator has paused it, by Temporal's Web UI or command line. */
export const isPausedInTemporal = (activity: DeliveryActivity | null): boolean =>
  activity === 'activity_paused' || activity === 'workflow_paused';

type Described = Pick<WorkflowExecutionDescription, 'status' | 'raw'>;

const { PendingActivityState, PendingWorkflowTaskState } = temporal.api.enums.v1;
const RUNNING_STATES: ReadonlySet<temporal.api.enums.v1.PendingActivityState> = new Set([
  PendingActivityState.PENDING_ACTIVITY_STATE_STARTED,
  PendingActivityState.PENDING_ACTIVITY_STATE_CANCEL_REQUESTED,
  PendingActivityState.PENDING_ACTIVITY_STATE_PAUSE_REQUESTED,
]);

/** How often a workflow's task is tried before it counts as failing: one try may be lost with its worker. */
const FAILING_FROM_ATTEMPT = 3;

export const areTasksFailing = ({ pendingWorkflowTask }: Raw): boolean =>
  (pendingWorkflowTask?.attempt ?? 0) >= FAILING_FROM_ATTEMPT;

const isPaused = ({ status }: Described): boolean => status.name === 'PAUSED';

/** Whether it has not ended. */
export const isOpen = (found: Described): boolean =>
  found.status.name === 'RUNNING' || isPaused(found);

export function runIn(found: Described): NonNullable<FoundRun> {
  const { raw } = found;
  if (!isOpen(found)) return 'ended';
  if (areTasksFailing(raw)) return 'failing';
  const [pending] = raw.pendingActivities ?? [];
  // What an operator has paused stays paused.
  if (isPaused(found) || pending?.paused) return 'running';
  if (pending) return pending.nextAttemptScheduleTime ? 'waiting' : 'running';
  return raw.pendingWorkflowTask ? 'running' : 'idle';
}

/** Whether that execution of one of its activities runs. */
export const isUnderWayIn = (
  { pendingActivities }: Raw,
  { activityId, attempt }: ExecutionId,
): boolean =>
  (pendingActivities ?? []).some(
    (pending) =>
      pending.activityId === activityId &&
      pending.attempt === attempt &&
      RUNNING_STATES.has(pending.state!),
  );

/** What an open workflow, of a delivery or a courier, is doing; null: only it can say. */
export function activityIn(found: Described): DeliveryActivity | null {
  const { raw } = found;
  if (isPaused(found)) return 'workflow_paused';
  if (areTasksFailing(raw)) return 'failing';
  const [pending] = raw.pendingActivities ?? [];
  if (pending) {
    if (RUNNING_STATES.has(pending.state!)) return 'attempting';
    if (pending.paused) return 'activity_paused';
    return (pending.attempt ?? 1) > 1 ? 'waiting' : 'queued';
  }
  if (!raw.pendingWorkflowTask) return null;
  // A query would wait for it, and the first attempt may be part of it.
  const isStarted =
    raw.pendingWorkflowTask.state === PendingWorkflowTaskState.PENDING_WORKFLOW_TASK_STATE_STARTED;
  return isStarted ? 'attempting' : 'queued';
}
