import type { ClientSession } from 'mongoose';
import { clock } from '../clock';
import { newId } from '../contracts/ids';
import { warningAt } from '../domain/failure-warning';
import { getProfile } from '../profiles';
import { policyOf } from '../profiles/policy';
import type { MailRecord } from './mail-outbox';
import type { ProjectRecord } from './projects';
import { daysAfter } from './retention';
import type { Store } from './store';
import type { WebhookRecord } from './webhook-record';

/**
 * Writes the mails to a project's owner into the outbox, where its profile tells owners: one for each
 * warning and one for the disabling, until a success, or somebody who enables the webhook, begins anew.
 */
export class OwnerMails {
  constructor(
    private readonly store: Store,
    private readonly retentionDays: number,
  ) {}

  /** Warns of a webhook that keeps failing, where that is due; repeated, it does nothing more. */
  async warn(project: ProjectRecord, webhookId: string): Promise<void> {
    if (!isTold(project)) return;
    const webhook = await this.store.webhooks.get(project._id, webhookId);
    const threshold = webhook && policyOf(project, webhook).autoDisableAfter;
    if (!webhook?.isActive || threshold === null) return;
    const warning = warningAt(webhook.failureCount, threshold);
    if (warning === null || webhook.warnings.includes(warning)) return;
    await this.store.transaction(async (session) => {
      const { failureCount } = webhook;
      const warned = await this.store.webhooks.noteWarning(
        webhookId,
        warning,
        failureCount,
        session,
      );
      if (warned) await this.insert(project, warned, { warning }, session);
    });
  }

  /** Of a webhook that has just been disabled by itself, in that transaction. */
  async disabled(
    project: ProjectRecord,
    webhook: WebhookRecord,
    session: ClientSession,
  ): Promise<void> {
    if (isTold(project)) await this.insert(project, webhook, { warning: null }, session);
  }

  private async insert(
    project: ProjectRecord & { ownerEmail: string },
    webhook: WebhookRecord,
    { warning }: Pick<MailRecord, 'warning'>,
    session: ClientSession,
  ): Promise<void> {
    const createdAt = clock.now();
    await this.store.mails.insert(
      {
        _id: newId('mail'),
        projectId: project._id,
        webhookId: webhook._id,
        to: project.ownerEmail,
        warning,
        disabledReason: webhook.disabledReason,
        projectName: project.name,
        webhookName: webhook.name,
        failureCount: webhook.failureCount,
        threshold: policyOf(project, webhook).autoDisableAfter,
        createdAt,
        expiresAt: daysAfter(createdAt, this.retentionDays),
      },
      session,
    );
  }
}

function isTold(project: ProjectRecord): project is ProjectRecord & { ownerEmail: string } {
  return project.ownerEmail !== null && getProfile(project.profile).notifyOwnerOnDisable;
}
