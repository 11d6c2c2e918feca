import { defineSearchAttributeKey, type SearchAttributePair } from '@temporalio/common';
import type { DeliverInput } from './activities';

/** Names that Temporal shows to operators (contract, section 7). Changing one breaks running workflows. */

export const TASK_QUEUE = 'posthorn';

export const WORKFLOWS = {
  fanOutEvent: 'fanOutEvent',
  deliverWebhook: 'deliverWebhook',
  replayDeliveries: 'replayDeliveries',
  drainWebhook: 'drainWebhook',
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

export const fanOutWorkflowId = (eventId: string): string => `event/${eventId}`;
export const replayWorkflowId = (replayId: string): string => `replay/${replayId}`;
export const drainWorkflowId = (webhookId: string): string => `drain/${webhookId}`;
export const deliveryWorkflowId = (deliveryId: string): string => `delivery/${deliveryId}`;

/** What a delivery's workflow is found by, as it starts. */
export function deliverySearchAttributes(input: DeliverInput): SearchAttributePair[] {
  return [
    { key: SEARCH_ATTRIBUTES.projectId, value: input.projectId },
    { key: SEARCH_ATTRIBUTES.webhookId, value: input.webhookId },
    { key: SEARCH_ATTRIBUTES.eventType, value: input.eventType },
    { key: SEARCH_ATTRIBUTES.eventId, value: input.eventId },
    { key: SEARCH_ATTRIBUTES.deliveryStatus, value: 'pending' },
  ];
}
