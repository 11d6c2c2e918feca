import type { ClientSession } from 'mongoose';
import { clock } from '../clock';
import { disabledBy, type ChangedBy } from '../domain/changed-by';
import { newAuditId } from './audit';
import { endDeliveriesOf } from './end-deliveries';
import type { EventRecord } from './event-record';
import { insertOperational } from './operational-events';
import { countDropped, mailDisabling } from './owner-mails';
import type { ProjectRecord } from './projects';
import type { Store } from './store';
import type { DisablingCondition } from './webhook-health';
import type { DisabledReason, WebhookRecord } from './webhook-record';

/**
 * What enabling or disabling a webhook changes. One that is already disabled keeps the reason, and the time too if
 * the same party disabled it; for one that is active, `isActive: true` changes nothing. Callers repeat what they
 * have read.
 */
function stateOf(before: WebhookRecord, isActive: boolean, by: ChangedBy): Partial<WebhookRecord> {
  if (isActive) {
    if (before.isActive) return {};
    return {
      isActive,
      enabledAt: clock.now(),
      disabledReason: null,
      disabledAt: null,
      disabledBy: null,
      disabledByAt: null,
      failureCount: 0,
      warnings: [],
    };
  }
  // Disabled anew by another: what was requested in between is not to be sent either.
  const disabledAt = disabledBy(before) === by ? (before.disabledAt ?? null) : clock.now();
  return {
    ...(before.isActive && { isActive, disabledReason: 'manual' }),
    disabledAt,
    disabledBy: by,
    disabledByAt: disabledAt,
  };
}

/**
 * Changes a webhook's settings, and creates the event `webhook.enabled` or `webhook.disabled` if that enables or
 * disables it. What was still to be sent to a disabled one ends as `skipped`.
 * @returns null if there is no such webhook; `refused` if a customer tries to enable what the platform has disabled
 */
export async function changeWebhook(
  store: Store,
  project: ProjectRecord,
  id: string,
  { isActive, ...changes }: Partial<WebhookRecord>,
  by: ChangedBy = 'platform',
): Promise<
  { before: WebhookRecord; webhook: WebhookRecord; events: EventRecord[] } | 'refused' | null
> {
  const { webhooks, endings } = store;
  const changed = await store.transaction(async (session) => {
    const before = await webhooks.get(project._id, id, session);
    if (!before) return null;
    const isPlatforms = by === 'customer' && disabledBy(before) === 'platform';
    if (isPlatforms && isActive) return 'refused';
    const state: Partial<WebhookRecord> =
      isActive === undefined || isPlatforms ? {} : stateOf(before, isActive, by);
    const webhook = await webhooks.update(project._id, id, { ...changes, ...state }, session);
    if (!webhook) return null;
    if (webhook.isActive === before.isActive) {
      const isStopped = state.disabledAt && state.disabledAt !== before.disabledAt;
      if (isStopped) await endings.note(webhook, 'webhook_disabled', session);
      return { before, webhook, events: [] };
    }
    if (!webhook.isActive) {
      const events = await noteDisabled(store, project, webhook, session);
      return { before, webhook, events };
    }
    await endings.remove(id, session);
    const about = { enabledAt: webhook.updatedAt.toISOString() };
    const events = await insertOperational(
      store,
      project,
      webhook,
      'webhook.enabled',
      about,
      session,
    );
    return { before, webhook, events };
  });
  if (changed === null || changed === 'refused') return changed;
  if (isActive === false && !changed.webhook.isActive) await endDeliveriesOf(store, id);
  return changed;
}

/**
 * Disables an active webhook automatically if that is due, and records it in the audit log. The caller then ends
 * what was still to be sent to it.
 * @param how.isMailed whether the owner is notified by mail
 * @returns null if nothing was changed
 */
export async function disableWebhook(
  store: Store,
  project: ProjectRecord,
  id: string,
  how: DisablingCondition & { reason: DisabledReason; isMailed: boolean },
): Promise<EventRecord[] | null> {
  const { webhookHealth, audit } = store;
  const { reason, isMailed } = how;
  // Most failures disable nothing, and finding that out needs no transaction.
  if (!(await webhookHealth.isDueForDisabling(id, how))) return null;
  const disabled = await store.transaction(async (session) => {
    const webhook = await webhookHealth.disable(id, reason, how, session);
    if (!webhook) return null;
    await audit.insert(
      {
        ...newAuditId(store.defaults.retentionDays),
        projectId: project._id,
        action: 'webhook.disabled',
        target: id,
        key: 'posthorn',
        role: 'posthorn',
        changedFields: ['isActive', 'disabledReason'],
        requestId: null,
        outcome: 'done',
      },
      session,
    );
    const isDropped = isMailed && (await mailDisabling(store, project, webhook, session));
    return { isDropped, events: await noteDisabled(store, project, webhook, session) };
  });
  if (disabled?.isDropped) countDropped();
  return disabled && disabled.events;
}

async function noteDisabled(
  store: Store,
  project: ProjectRecord,
  webhook: WebhookRecord,
  session: ClientSession,
): Promise<EventRecord[]> {
  await store.endings.note(webhook, 'webhook_disabled', session);
  const about = {
    reason: webhook.disabledReason ?? 'manual',
    failureCount: webhook.failureCount,
    disabledAt: webhook.updatedAt.toISOString(),
  };
  return insertOperational(store, project, webhook, 'webhook.disabled', about, session);
}
