import { randomUUID } from 'node:crypto';
import type { Client } from '@temporalio/client';
import { compilePriority, type Priority } from '@temporalio/common';
import { temporal } from '@temporalio/proto';
import { GRPC, isRefusedWith } from './grpc';

type EventId = temporal.api.history.v1.IHistoryEvent['eventId'];

const { ResetReapplyExcludeType } = temporal.api.enums.v1;

/**
 * Where a workflow's first task ended, in whatever way: there it can be reset to. In a run that was reset
 * itself that is where it was reset to, so that no history grows by being reset; signals may stand before it.
 * @returns null when none ever began to run
 */
async function findFirstTaskEnd(client: Client, workflowId: string): Promise<EventId | null> {
  const { namespace } = client.options;
  let nextPageToken: Uint8Array | undefined;
  do {
    const page = await client.workflowService.getWorkflowExecutionHistory({
      namespace,
      execution: { workflowId },
      nextPageToken,
    });
    const end = page.history?.events?.find(
      (event) =>
        event.workflowTaskCompletedEventAttributes ??
        event.workflowTaskFailedEventAttributes ??
        event.workflowTaskTimedOutEventAttributes,
    );
    if (end) return end.eventId;
    ({ nextPageToken } = page);
  } while (nextPageToken && nextPageToken.length > 0);
  return null;
}

/**
 * Resets the latest run of a workflow to its first workflow task: all that it did is done
 * again, in a new run. Signals and cancellations of the old run are left behind.
 * @returns false when there is nothing to reset: no such workflow, or one that never got to run
 */
export async function resetToStart(
  client: Client,
  workflowId: string,
  priority: Priority,
): Promise<boolean> {
  const { namespace } = client.options;
  try {
    const workflowTaskFinishEventId = await findFirstTaskEnd(client, workflowId);
    if (workflowTaskFinishEventId === null) return false;
    await client.workflowService.resetWorkflowExecution({
      namespace,
      workflowExecution: { workflowId },
      workflowTaskFinishEventId,
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
