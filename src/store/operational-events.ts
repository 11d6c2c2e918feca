import type { ClientSession } from 'mongoose';
import { clock } from '../clock';
import type { Dispatch } from '../contracts/delivery';
import { newId } from '../contracts/ids';
import type { OperationalType } from '../contracts/operational';
import { toPayload } from '../domain/json-text';
import type { OperationalData } from '../profiles';
import type { DeliveryRecord } from './delivery-record';
import { endDeliveriesOf } from './end-deliveries';
import type { EventRecord } from './event-record';
import { newEvent, type NewEvent } from './new-event';
import type { OwnerMails } from './owner-mails';
import type { ProjectRecord } from './projects';
import { daysAfter } from './retention';
import type { Store } from './store';
import type { DisabledReason, WebhookRecord } from './webhook-record';

/**
 * Makes the events about webhooks and deliveries themselves, where somebody is subscribed to them. Each
 * is stored with its change, in one transaction, or under a key that makes it once; who called starts
 * the fan-outs of what is answered, and what a crash cuts off there is left to reconcile. They are never
 * what somebody watches: workflows drive them only where they drive everything.
 */
export class OperationalEvents {
  constructor(
    private readonly store: Store,
    private readonly retentionDays: number,
    private readonly dispatch: Dispatch,
  ) {}

  /**
   * Changes a webhook's settings; `webhook.enabled` or `webhook.disabled` when that turns it on or off.
   * What was to be sent to one that is turned off ends as `skipped`.
   * @returns null when there is no such webhook
   */
  async update(
    project: ProjectRecord,
    id: string,
    changes: Partial<WebhookRecord>,
  ): Promise<{ webhook: WebhookRecord; wasActive: boolean; events: EventRecord[] } | null> {
    const { webhooks, endings } = this.store;
    const updated = await this.store.transaction(async (session) => {
      const before = await webhooks.get(project._id, id, session);
      const webhook = before && (await webhooks.update(project._id, id, changes, session));
      if (!webhook) return null;
      const { isActive: wasActive } = before;
      if (webhook.isActive === wasActive) return { webhook, wasActive, events: [] };
      if (webhook.isActive) {
        await endings.remove(id, session);
        return { webhook, wasActive, events: await this.enabled(project, webhook, session) };
      }
      return { webhook, wasActive, events: await this.disabled(project, webhook, session) };
    });
    if (updated?.wasActive && !updated.webhook.isActive) await endDeliveriesOf(this.store, id);
    return updated;
  }

  /**
   * Disables an active webhook by itself, when it has at least `minFailures` consecutive failures, and
   * says so in the audit, and to the owner. What was to be sent to it is to be ended then.
   * @param mails null where no mail is sent
   * @returns null when nothing was changed
   */
  async disable(
    project: ProjectRecord,
    id: string,
    reason: DisabledReason,
    minFailures: number,
    mails: OwnerMails | null,
  ): Promise<EventRecord[] | null> {
    const { webhooks, audit } = this.store;
    // Most failures disable nothing, and need no transaction to find out.
    if (!(await webhooks.isDueForDisabling(id, minFailures))) return null;
    return this.store.transaction(async (session) => {
      const webhook = await webhooks.disable(id, reason, minFailures, session);
      if (!webhook) return null;
      const time = clock.now();
      await audit.insert(
        {
          _id: newId('audit'),
          projectId: project._id,
          action: 'webhook.disabled',
          target: id,
          key: 'posthorn',
          role: 'posthorn',
          changedFields: ['isActive', 'disabledReason'],
          requestId: null,
          outcome: 'done',
          time,
          expiresAt: daysAfter(time, this.retentionDays),
        },
        session,
      );
      await mails?.disabled(project, webhook, session);
      return this.disabled(project, webhook, session);
    });
  }

  /** Of a rotation, in its transaction. */
  async rotated(
    project: ProjectRecord,
    id: string,
    { rotatedAt, overlapEndsAt }: { rotatedAt: Date; overlapEndsAt: Date },
    session: ClientSession,
  ): Promise<EventRecord[]> {
    const webhook = await this.store.webhooks.get(project._id, id, session);
    if (!webhook) return [];
    return this.insert(project, 'webhook.secret_rotated', webhook, session, {
      rotatedAt: rotatedAt.toISOString(),
      overlapEndsAt: overlapEndsAt.toISOString(),
    });
  }

  /**
   * Of a delivery that was given up: one event for its first round and for each replay that failed,
   * however often this is called for it.
   */
  async failed(
    project: ProjectRecord,
    webhook: WebhookRecord,
    deliveryId: string,
  ): Promise<EventRecord[]> {
    const { webhooks, deliveries, events } = this.store;
    if (!(await webhooks.hasSubscriber(project._id, 'delivery.failed', webhook._id))) return [];
    const delivery = await deliveries.find(deliveryId);
    // Replayed, or cancelled, while its last attempt was under way.
    if (delivery?.status !== 'failed') return [];
    const event = this.build(project, 'delivery.failed', webhook, failure(delivery));
    const { event: stored } = await events.insert({
      ...event,
      // With spaces: no caller's Idempotency-Key has any.
      idempotencyKey: `posthorn delivery.failed ${deliveryId}#${delivery.replays}`,
    });
    return [stored];
  }

  private async disabled(
    project: ProjectRecord,
    webhook: WebhookRecord,
    session: ClientSession,
  ): Promise<EventRecord[]> {
    await this.store.endings.note(webhook, 'webhook_disabled', session);
    return this.insert(project, 'webhook.disabled', webhook, session, {
      reason: webhook.disabledReason ?? 'manual',
      failureCount: webhook.failureCount,
      disabledAt: webhook.updatedAt.toISOString(),
    });
  }

  private enabled(
    project: ProjectRecord,
    webhook: WebhookRecord,
    session: ClientSession,
  ): Promise<EventRecord[]> {
    const enabledAt = webhook.updatedAt.toISOString();
    return this.insert(project, 'webhook.enabled', webhook, session, { enabledAt });
  }

  private async insert<T extends OperationalType>(
    project: ProjectRecord,
    type: T,
    webhook: WebhookRecord,
    session: ClientSession,
    data: Omit<OperationalData[T], 'webhookId' | 'webhookName'>,
  ): Promise<EventRecord[]> {
    const { webhooks, events } = this.store;
    if (!(await webhooks.hasSubscriber(project._id, type, webhook._id, session))) return [];
    return events.insertAll([this.build(project, type, webhook, data)], session);
  }

  private build<T extends OperationalType>(
    project: ProjectRecord,
    type: T,
    { _id, name }: WebhookRecord,
    about: Omit<OperationalData[T], 'webhookId' | 'webhookName'>,
  ): NewEvent {
    const data = toPayload({ webhookId: _id, webhookName: name, ...about });
    const isExpress = (project.dispatch ?? this.dispatch) !== 'workflow';
    const event = newEvent(project, { type, data }, this.retentionDays, isExpress);
    return { ...event, aboutWebhookId: _id };
  }
}

function failure(
  delivery: DeliveryRecord,
): Omit<OperationalData['delivery.failed'], 'webhookId' | 'webhookName'> {
  const last = delivery.attempts.at(-1);
  return {
    deliveryId: delivery._id,
    eventId: delivery.eventId,
    eventType: delivery.eventType,
    attempts: delivery.attemptCount,
    replays: delivery.replays,
    statusCode: last?.statusCode ?? null,
    errorCode: last?.errorCode ?? null,
    failedAt: (delivery.completedAt ?? clock.now()).toISOString(),
  };
}
