import type { WorkflowExecutionDescription } from '@temporalio/client';
import { temporal } from '@temporalio/proto';
import type { ExecutionId } from '../contracts/activities';

/* What Temporal's description of a workflow says about a delivery or a courier. */

type Raw = temporal.api.workflowservice.v1.IDescribeWorkflowExecutionResponse;

/**
 * `queued`: no worker has taken it yet; `waiting`: for the next attempt's time; `due`: that has come, and no worker has
 * taken it; `paused`: by a signal to its workflow; `activity_paused`: its attempts are, in Temporal; `workflow_paused`:
 * its workflow is, there; `failing`: the workflow's tasks keep failing; `ended`: none is open.
 */
export type DeliveryActivity =
  | 'queued'
  | 'attempting'
  | 'waiting'
  | 'due'
  | 'paused'
  | 'activity_paused'
  | 'workflow_paused'
  | 'failing'
  | 'ended';

/** `idle`: only the workflow itself can say. */
export type FoundActivity = DeliveryActivity | 'idle';

/** Whether an operator has paused it, by Temporal's Web UI or command line. */
export const isPausedInTemporal = (activity: FoundActivity | null): boolean =>
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

const areTasksFailing = ({ pendingWorkflowTask }: Raw): boolean =>
  (pendingWorkflowTask?.attempt ?? 0) >= FAILING_FROM_ATTEMPT;

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

export function activityIn({ status, raw }: Described): FoundActivity {
  if (status.name === 'PAUSED') return 'workflow_paused';
  if (status.name !== 'RUNNING') return 'ended';
  if (areTasksFailing(raw)) return 'failing';
  const [pending] = raw.pendingActivities ?? [];
  if (pending) {
    if (RUNNING_STATES.has(pending.state!)) return 'attempting';
    if (pending.paused) return 'activity_paused';
    if (pending.nextAttemptScheduleTime) return 'waiting';
    return (pending.attempt ?? 1) > 1 ? 'due' : 'queued';
  }
  if (!raw.pendingWorkflowTask) return 'idle';
  // A query would wait for it, and the first attempt may be part of it.
  const isStarted =
    raw.pendingWorkflowTask.state === PendingWorkflowTaskState.PENDING_WORKFLOW_TASK_STATE_STARTED;
  return isStarted ? 'attempting' : 'queued';
}
