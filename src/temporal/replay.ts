import { randomUUID } from 'node:crypto';
import type { Client } from '@temporalio/client';
import { compilePriority, type Priority } from '@temporalio/common';
import { temporal } from '@temporalio/proto';
import { GRPC, isRefusedWith } from './grpc';

/** Far more events than stand before the first completed workflow task. */
const FIRST_EVENTS = 50;

const { ResetReapplyExcludeType } = temporal.api.enums.v1;

/**
 * Resets the latest run of a workflow to its first completed workflow task: all that it did is done
 * again, in a new run. Signals and cancellations of the old run are left behind.
 * @returns false when there is nothing to reset: no such workflow, or one that never got to run
 */
export async function resetToStart(
  client: Client,
  workflowId: string,
  priority: Priority,
): Promise<boolean> {
  const { namespace } = client.options;
  const execution = { workflowId };
  try {
    const { history } = await client.workflowService.getWorkflowExecutionHistory({
      namespace,
      execution,
      maximumPageSize: FIRST_EVENTS,
    });
    const firstTask = history?.events?.find((event) => event.workflowTaskCompletedEventAttributes);
    if (!firstTask) return false;
    await client.workflowService.resetWorkflowExecution({
      namespace,
      workflowExecution: execution,
      workflowTaskFinishEventId: firstTask.eventId,
      reason: 'replay',
      requestId: randomUUID(),
      identity: client.options.identity,
      resetReapplyExcludeTypes: [
        ResetReapplyExcludeType.RESET_REAPPLY_EXCLUDE_TYPE_SIGNAL,
        ResetReapplyExcludeType.RESET_REAPPLY_EXCLUDE_TYPE_UPDATE,
        ResetReapplyExcludeType.RESET_REAPPLY_EXCLUDE_TYPE_CANCEL_REQUEST,
      ],
      // Otherwise it would keep the one of the run that is reset.
      postResetOperations: [
        {
          updateWorkflowOptions: {
            workflowExecutionOptions: { priority: compilePriority(priority) },
            updateMask: { paths: ['priority'] },
          },
        },
      ],
    });
    return true;
  } catch (error) {
    if (isRefusedWith(error, GRPC.notFound)) return false;
    throw error;
  }
}
