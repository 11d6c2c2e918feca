import type { AttemptPolicy, PlannedDelivery } from '../contracts/activities';
import { policyOf } from '../profiles/policy';
import type { DeliveryRecord } from './delivery-record';
import type { ProjectRecord } from './projects';
import type { WebhookRecord } from './webhook-record';

/** What a delivery's next attempt is timed by: what its round has kept, else the policy in force now. */
export const timingOf = (
  { roundPolicy, isPing }: Pick<DeliveryRecord, 'roundPolicy' | 'isPing'>,
  { timeoutMs, retryDelaysMs }: AttemptPolicy,
): AttemptPolicy => roundPolicy ?? { timeoutMs, retryDelaysMs: isPing ? [] : retryDelaysMs };

/** What a delivery's workflow is started with. */
export function toPlanned(
  delivery: DeliveryRecord,
  webhook: Pick<WebhookRecord, 'name' | 'policy'>,
  project: ProjectRecord,
): PlannedDelivery {
  return {
    deliveryId: delivery._id,
    eventId: delivery.eventId,
    webhookId: delivery.webhookId,
    projectId: delivery.projectId,
    eventType: delivery.eventType,
    webhookName: webhook.name,
    policy: timingOf(delivery, policyOf(project, webhook)),
    ...(delivery.isExpress && { isExpress: true }),
    summary: `${delivery.eventType} → ${webhook.name}`,
  };
}
