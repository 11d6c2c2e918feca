import type { DeliveryRecord } from './delivery-record';
import { oldestDueOf, type OldestDue } from './oldest-due';
import type { Store } from './store';
import { IN_STATE, LEFT_OUT } from './webhook-list';
import type { ShownWebhook } from './webhook-record';

/** Failing webhooks that are named. */
const NAMED = 5;

export interface Overview {
  oldestPending: Pick<
    DeliveryRecord,
    '_id' | 'webhookId' | 'eventType' | 'createdAt' | 'nextAttemptAt'
  > | null;
  oldestDue: OldestDue | null;
  failing: { count: number; webhooks: ShownWebhook[] };
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
      .find(failing, LEFT_OUT)
      // The disabled ones first: nothing is sent to them any more.
      .sort({ isActive: 1, failureCount: -1, _id: -1 })
      .limit(NAMED)
      .lean<ShownWebhook[]>(),
  ]);
  return { oldestPending, oldestDue, failing: { count, webhooks: named } };
}
