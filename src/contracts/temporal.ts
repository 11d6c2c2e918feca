import {
  defineSearchAttributeKey,
  type Priority,
  type SearchAttributePair,
} from '@temporalio/common';
import type { DeliverInput, ReconcilePart } from './activities';

/** Names that Temporal shows to operators (docs/contract.md, 7.2). Changing one breaks running workflows. */

export const TASK_QUEUE = 'posthorn';

/** Where the batches of bulk replays have their own slots (docs/adr/0008). */
export const bulkTaskQueue = (taskQueue: string): string => `${taskQueue}-bulk`;

/** Where reconcile has its own slots, however many attempts wait. */
export const reconcileTaskQueue = (taskQueue: string): string => `${taskQueue}-reconcile`;

/** The schedules that start `reconcile`, by part. Earlier versions have one for all, and look for that. */
export const RECONCILE_SCHEDULES: Readonly<Record<ReconcilePart, string>> = {
  events: 'posthorn-reconcile-events',
  deliveries: 'posthorn-reconcile-deliveries',
  housekeeping: 'posthorn-reconcile',
};

/** Where couriers have their own slots, so that none takes an attempt's. */
export const courierTaskQueue = (taskQueue: string): string => `${taskQueue}-courier`;

/** Tells a courier that there is work; what it is, MongoDB says. */
export const WAKE_SIGNAL = 'wake';

/**
 * The version of the workflows' commands. Temporal notes with each workflow task which version ran it, so a
 * workflow knows what its first task did, whichever version continues it: as by `patched()`, but without an
 * event in each history.
 */
const WORKFLOWS_VERSION = 2;
const BUILD = 'posthorn-workflows-';
export const BUILD_ID = `${BUILD}${WORKFLOWS_VERSION}`;

/** @param buildId of the worker that ran a workflow task; workers of the first version have other ones */
export const workflowsVersionOf = (buildId = ''): number =>
  buildId.startsWith(BUILD) ? Number(buildId.slice(BUILD.length)) : 1;

export const WORKFLOWS = {
  fanOutEvent: 'fanOutEvent',
  deliverWebhook: 'deliverWebhook',
  replayDeliveries: 'replayDeliveries',
  courier: 'courier',
  reconcile: 'reconcile',
} as const;

/** Keyword search attributes, registered by the role `setup`. */
export const SEARCH_ATTRIBUTES = {
  projectId: defineSearchAttributeKey('PosthornProjectId', 'KEYWORD'),
  webhookId: defineSearchAttributeKey('PosthornWebhookId', 'KEYWORD'),
  eventType: defineSearchAttributeKey('PosthornEventType', 'KEYWORD'),
  eventId: defineSearchAttributeKey('PosthornEventId', 'KEYWORD'),
  deliveryStatus: defineSearchAttributeKey('PosthornDeliveryStatus', 'KEYWORD'),
};

/** Of two tasks waiting for a worker, the one with the lower number goes first. */
export const PRIORITIES = {
  /** New events, and deliveries that were requested individually. */
  live: 3,
  /** Bulk replays, and the deliveries that they start. */
  bulk: 5,
} as const;

type OfProject = Pick<DeliverInput, 'projectId'>;

/** Among tasks of equal priority the projects take turns. Activities inherit their workflow's. */
export const priorityOf = (
  { projectId }: OfProject,
  urgency: keyof typeof PRIORITIES,
): Priority => ({ priorityKey: PRIORITIES[urgency], fairnessKey: projectId });

/**
 * A project's fan-outs and its deliveries take turns too: in a burst the first event is delivered while the last
 * one waits for its fan-out.
 */
export const fanOutPriority = ({ projectId }: OfProject): Priority => ({
  priorityKey: PRIORITIES.live,
  fairnessKey: `${projectId}/fan-outs`,
});

export const fanOutWorkflowId = (eventId: string): string => `event/${eventId}`;
export const courierWorkflowId = (projectId: string): string => `courier/${projectId}`;
export const replayWorkflowId = (replayId: string): string => `replay/${replayId}`;
export const deliveryWorkflowId = (deliveryId: string): string => `delivery/${deliveryId}`;

/**
 * The search attributes with which a delivery's workflow starts. The status follows when there is something to
 * search for: a delivery that ends with its first attempt, made at once, has none.
 */
export function deliverySearchAttributes(input: DeliverInput): SearchAttributePair[] {
  return [
    { key: SEARCH_ATTRIBUTES.projectId, value: input.projectId },
    { key: SEARCH_ATTRIBUTES.webhookId, value: input.webhookId },
    { key: SEARCH_ATTRIBUTES.eventType, value: input.eventType },
    { key: SEARCH_ATTRIBUTES.eventId, value: input.eventId },
  ];
}
