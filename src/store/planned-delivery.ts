import type { PlannedDelivery } from '../contracts/activities';
import { policyOf } from '../profiles/policy';
import type { DeliveryRecord } from './delivery-record';
import type { ProjectRecord } from './projects';
import type { WebhookRecord } from './webhook-record';

/** What a delivery's workflow is started with, by the policy in force now. */
export function toPlanned(
  delivery: DeliveryRecord,
  webhook: Pick<WebhookRecord, 'name' | 'policy'>,
  project: ProjectRecord,
): PlannedDelivery {
  const policy = policyOf(project, webhook);
  return {
    deliveryId: delivery._id,
    eventId: delivery.eventId,
    webhookId: delivery.webhookId,
    projectId: delivery.projectId,
    eventType: delivery.eventType,
    webhookName: webhook.name,
    policy: {
      timeoutMs: policy.timeoutMs,
      retryDelaysMs: delivery.isPing ? [] : policy.retryDelaysMs,
    },
    ...(delivery.isExpress && { isExpress: true }),
    summary: `${delivery.eventType} → ${webhook.name}`,
  };
}
