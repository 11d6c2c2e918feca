import type { AttemptPolicy, PlannedDelivery } from '../contracts/activities';
import { asSummary } from '../domain/summary';
import { nameAfterHost } from '../domain/webhook-url';
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
  webhook: Pick<WebhookRecord, '_id' | 'name' | 'url' | 'policy'>,
  project: ProjectRecord,
): PlannedDelivery {
  // Histories show no receiver's address.
  const name = webhook.name === nameAfterHost(webhook.url) ? undefined : webhook.name;
  return {
    deliveryId: delivery._id,
    eventId: delivery.eventId,
    webhookId: delivery.webhookId,
    projectId: delivery.projectId,
    eventType: delivery.eventType,
    ...(name !== undefined && { webhookName: name }),
    policy: timingOf(delivery, policyOf(project, webhook)),
    ...(delivery.isExpress && { isExpress: true }),
    summary: asSummary(`${delivery.eventType} → ${name ?? webhook._id}`),
  };
}
