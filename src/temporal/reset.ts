import { randomUUID } from 'node:crypto';
import type { Client } from '@temporalio/client';
import { compilePriority, defaultPayloadConverter, type Priority } from '@temporalio/common';
import { temporal } from '@temporalio/proto';
import { activityIn } from './described';
import { GRPC, isRefusedWith } from './grpc';

const { ResetReapplyExcludeType } = temporal.api.enums.v1;

/** How the reason of Posthorn's own resets begins. */
const OWN_REASON = 'Posthorn: replay after';

/**
 * Why Posthorn resets or starts a delivery's workflow: the same for all who do it before the run begins that they want.
 * @param runId the last run that has written to the delivery; null: none
 */
export const ownReason = (runId: string | null): string => `${OWN_REASON} ${runId ?? 'none'}`;

/** For a start, which can't be given a reason otherwise. */
export const memoOf = (reason: string) => ({ reason });

async function* eventsOf(
  client: Client,
  execution: { workflowId: string; runId?: string },
): AsyncGenerator<temporal.api.history.v1.IHistoryEvent> {
  const { namespace } = client.options;
  let nextPageToken: Uint8Array | undefined;
  do {
    const page = await client.workflowService.getWorkflowExecutionHistory({
      namespace,
      execution,
      nextPageToken,
    });
    yield* page.history?.events ?? [];
    ({ nextPageToken } = page);
  } while (nextPageToken && nextPageToken.length > 0);
}

/**
 * The end of a workflow's first task, however it ended, to which it can be reset. In a run that was itself
 * reset, that is the point of the reset, so resets don't make histories grow; signals may come before it.
 * @returns null if none ever began to run; with the reasons for which it was started and reset
 */
async function findFirstTaskEnd(client: Client, workflowId: string) {
  const reasons: unknown[] = [];
  for await (const event of eventsOf(client, { workflowId })) {
    const { reason } = event.workflowExecutionStartedEventAttributes?.memo?.fields ?? {};
    if (reason) reasons.push(defaultPayloadConverter.fromPayload(reason));
    const { workflowTaskFailedEventAttributes: failed } = event;
    const end =
      event.workflowTaskCompletedEventAttributes ??
      failed ??
      event.workflowTaskTimedOutEventAttributes;
    if (end) return { eventId: event.eventId, reasons: [...reasons, failed?.failure?.message] };
  }
  return null;
}

/** Whether Posthorn has made that run of a workflow, by a reset: not an operator. */
export async function isOwnReset(
  client: Client,
  workflowId: string,
  runId: string,
): Promise<boolean> {
  for await (const { workflowTaskFailedEventAttributes: failed } of eventsOf(client, {
    workflowId,
    runId,
  })) {
    // Its history begins with that of the run that was reset, and so may have others.
    if (failed?.newRunId === runId) return (failed.failure?.message ?? '').startsWith(OWN_REASON);
  }
  return false;
}

/**
 * Resets the latest run of a workflow to its first workflow task: everything is done again, in a new
 * run. Signals and cancellations of the old run are not copied. A run that was made for the same reason, and has
 * not ended, is the one that is wanted.
 * @returns false if there is nothing to reset: no such workflow, or one that never ran
 */
export async function resetToStart(
  client: Client,
  workflowId: string,
  priority: Priority,
  reason: string,
): Promise<boolean> {
  const { namespace } = client.options;
  try {
    const end = await findFirstTaskEnd(client, workflowId);
    if (!end) return false;
    const isWanted = end.reasons.includes(reason);
    const latest = isWanted && (await client.workflow.getHandle(workflowId).describe());
    if (latest && activityIn(latest) !== 'ended') return true;
    await client.workflowService.resetWorkflowExecution({
      namespace,
      workflowExecution: { workflowId },
      workflowTaskFinishEventId: end.eventId,
      reason,
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
