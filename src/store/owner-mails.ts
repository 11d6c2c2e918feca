import type { ClientSession } from 'mongoose';
import { clock } from '../clock';
import { newId } from '../contracts/ids';
import { warningAt } from '../domain/failure-warning';
import { mails } from '../metrics';
import { getProfile } from '../profiles';
import { policyOf } from '../profiles/policy';
import type { MailRecord } from './mail-outbox';
import type { ProjectRecord } from './projects';
import { daysAfter } from './retention';
import type { Store } from './store';
import type { WebhookRecord } from './webhook-record';

/*
 * The mails to a project's owner, written into the outbox if its profile notifies owners: one for each
 * warning and one when the webhook is disabled. A success, or enabling the webhook, starts the series again.
 */

/** Warns of a webhook that keeps failing, if that is due; if repeated, it does nothing more. */
export async function mailWarning(
  store: Store,
  project: ProjectRecord,
  webhookId: string,
): Promise<void> {
  if (!isTold(project)) return;
  const webhook = await store.webhooks.get(project._id, webhookId);
  const threshold = webhook && policyOf(project, webhook).autoDisableAfter;
  if (!webhook?.isActive || threshold === null) return;
  const { failureCount, warnings } = webhook;
  const warning = warningAt(failureCount, threshold);
  if (warning === null || warnings.includes(warning)) return;
  const isDropped = await store.transaction(async (session) => {
    const warned = await store.webhookHealth.noteWarning(webhookId, warning, failureCount, session);
    return warned !== null && insert(store, project, warned, { warning }, session);
  });
  if (isDropped) countDropped();
}

/**
 * About a webhook that has just been disabled automatically, in the same transaction.
 * @returns whether it was dropped, which is counted after the transaction, since the transaction may be repeated
 */
export async function mailDisabling(
  store: Store,
  project: ProjectRecord,
  webhook: WebhookRecord,
  session: ClientSession,
): Promise<boolean> {
  return isTold(project) && insert(store, project, webhook, { warning: null }, session);
}

export function countDropped(): void {
  mails.inc({ outcome: 'dropped' });
}

/** @returns whether it was dropped */
async function insert(
  store: Store,
  project: ProjectRecord,
  webhook: WebhookRecord,
  { warning }: Pick<MailRecord, 'warning'>,
  session: ClientSession,
): Promise<boolean> {
  // The project's deletion may already have finished with its mails.
  if (!(await store.projects.takeTurn(project._id, session))) return false;
  const createdAt = clock.now();
  const isWritten = await store.mails.insert(
    {
      _id: newId('mail'),
      projectId: project._id,
      webhookId: webhook._id,
      warning,
      disabledReason: webhook.disabledReason,
      projectName: project.name,
      webhookName: webhook.name,
      failureCount: webhook.failureCount,
      threshold: policyOf(project, webhook).autoDisableAfter,
      createdAt,
      expiresAt: daysAfter(createdAt, store.defaults.retentionDays),
    },
    session,
  );
  return !isWritten;
}

function isTold(project: ProjectRecord): boolean {
  return project.ownerEmail !== null && getProfile(project.profile).notifyOwnerOnDisable;
}
