import { randomUUID } from 'node:crypto';
import type { Client } from '@temporalio/client';
import { compilePriority, type Priority } from '@temporalio/common';
import { temporal } from '@temporalio/proto';
import { GRPC, isRefusedWith } from './grpc';

type EventId = temporal.api.history.v1.IHistoryEvent['eventId'];

const { ResetReapplyExcludeType } = temporal.api.enums.v1;

/**
 * The end of a workflow's first task, however it ended, to which it can be reset. In a run that was itself
 * reset, that is the point of the reset, so resets don't make histories grow; signals may come before it.
 * @returns null if none ever began to run
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
 * Resets the latest run of a workflow to its first workflow task: everything is done again, in a new
 * run. Signals and cancellations of the old run are not copied.
 * @returns false if there is nothing to reset: no such workflow, or one that never ran
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
      // Otherwise it would keep that of the run that is reset.
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
