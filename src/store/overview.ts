import type { DeliveryRecord } from './delivery-record';
import { oldestDueOf, type OldestDue } from './oldest-due';
import type { Store } from './store';
import { IN_STATE } from './webhook-list';
import type { WebhookRecord } from './webhook-record';

/** Failing webhooks that are named. */
const NAMED = 5;
const NAMED_FIELDS = {
  name: 1,
  isActive: 1,
  isPaused: 1,
  disabledReason: 1,
  disabledAt: 1,
  disabledBy: 1,
  disabledByAt: 1,
  failureCount: 1,
  failingSince: 1,
  lastStatus: 1,
  lastFailedAt: 1,
  lastSuccessAt: 1,
} as const;

export type FailingWebhook = Pick<WebhookRecord, '_id' | keyof typeof NAMED_FIELDS>;

export interface Overview {
  oldestPending: Pick<
    DeliveryRecord,
    '_id' | 'webhookId' | 'eventType' | 'createdAt' | 'nextAttemptAt'
  > | null;
  oldestDue: OldestDue | null;
  failing: { count: number; webhooks: FailingWebhook[] };
}

/** What needs attention in a project, now. */
export async function overviewOf(store: Store, projectId: string): Promise<Overview> {
  const { deliveries, webhooks } = store;
  const failing = {
    projectId,
    $or: [
      IN_STATE.failing,
      { ...IN_STATE.disabled, disabledReason: { $in: ['gone', 'consecutive_failures'] as const } },
    ],
  };
  const [oldestPending, oldestDue, count, named] = await Promise.all([
    deliveries.model
      .findOne(
        { projectId, status: 'pending' },
        { webhookId: 1, eventType: 1, createdAt: 1, nextAttemptAt: 1 },
      )
      .sort({ _id: 1 })
      .lean<Overview['oldestPending']>(),
    oldestDueOf(store, projectId),
    webhooks.model.countDocuments(failing),
    webhooks.model
      .find(failing, NAMED_FIELDS)
      // The disabled ones first: nothing is sent to them any more.
      .sort({ isActive: 1, failureCount: -1, _id: -1 })
      .limit(NAMED)
      .lean<FailingWebhook[]>(),
  ]);
  return { oldestPending, oldestDue, failing: { count, webhooks: named } };
}
