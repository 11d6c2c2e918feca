import { Schema, type ClientSession } from 'mongoose';
import { HOUR_MS } from '../domain/durations';
import type { WarningPercent } from '../domain/failure-warning';
import { changeOne } from './change-one';
import { repositoryOf } from './repository';
import type { DisabledReason } from './webhook-record';

/** A mail to a project's owner about one of its webhooks: its facts, not its wording or recipient. */
export interface MailRecord {
  _id: string;
  projectId: string;
  webhookId: string;
  /** null: the webhook was disabled. Otherwise it will be, at `threshold` failures. */
  warning: WarningPercent | null;
  disabledReason: DisabledReason | null;
  projectName: string;
  webhookName: string;
  /** Consecutive failed attempts, and the number at which the webhook is disabled; null: never. */
  failureCount: number;
  threshold: number | null;
  createdAt: Date;
  sentAt: Date | null;
  tries: number;
  nextTryAt: Date;
  expiresAt: Date;
}

const schema = new Schema<MailRecord>({
  _id: String,
  projectId: { type: String, required: true },
  webhookId: { type: String, required: true },
  warning: { type: Number, default: null },
  disabledReason: { type: String, default: null },
  projectName: { type: String, required: true },
  webhookName: { type: String, required: true },
  failureCount: { type: Number, required: true },
  threshold: { type: Number, default: null },
  createdAt: { type: Date, required: true },
  sentAt: { type: Date, default: null },
  tries: { type: Number, default: 0 },
  nextTryAt: { type: Date, required: true },
  expiresAt: { type: Date, required: true },
});
schema.index({ projectId: 1, nextTryAt: 1 }, { partialFilterExpression: { sentAt: null } });
schema.index({ projectId: 1, createdAt: 1 });
schema.index({ expiresAt: 1 }, { expireAfterSeconds: 0 });

/** Warnings, and reports of a disabling, that a project's owner gets within an hour. */
const MAX_PER_HOUR = 100;
/** Of these, how many may be about one webhook: one that is enabled again and again leaves room for others. */
const MAX_PER_WEBHOOK = 5;

/**
 * The outbox: a mail is written with the change that it reports, and sent later. It is sent even if a process
 * dies in between, and only once, unless one dies between sending it and noting that here.
 */
export class Mails extends repositoryOf('Mail', schema, 'mails') {
  /** The project whose turn it was last; '': none. Kept, since a mail server that is unavailable ends each pass. */
  private lastProjectId = '';

  /**
   * Writes it, unless the project has had so many that another would be no news: whoever enables a webhook again
   * and again decides how many there are.
   * @returns whether it is written
   */
  async insert(
    mail: Omit<MailRecord, 'sentAt' | 'tries' | 'nextTryAt'>,
    session: ClientSession,
  ): Promise<boolean> {
    const { projectId, webhookId, warning, createdAt } = mail;
    const since = new Date(createdAt.getTime() - HOUR_MS);
    const alike = warning === null ? null : { $ne: null };
    const written = await this.model
      .find(
        { projectId, createdAt: { $gt: since, $lte: createdAt }, warning: alike },
        { webhookId: 1 },
      )
      .session(session)
      .lean();
    const ofWebhook = written.filter((one) => one.webhookId === webhookId);
    if (written.length >= MAX_PER_HOUR || ofWebhook.length >= MAX_PER_WEBHOOK) return false;
    await this.model.create([{ ...mail, nextTryAt: createdAt }], { session });
    return true;
  }

  /**
   * The most overdue mail of the next project that has one, reserved for this caller for that long; null: none is due.
   * No try is counted: a claim that no majority confirms is stored, but nothing is sent.
   */
  async claim(forMs: number, maxTries: number): Promise<MailRecord | null> {
    const claimed =
      (await this.claimAfter(this.lastProjectId, forMs, maxTries)) ??
      (this.lastProjectId === '' ? null : await this.claimAfter('', forMs, maxTries));
    if (claimed) this.lastProjectId = claimed.projectId;
    return claimed;
  }

  private async claimAfter(
    after: string,
    forMs: number,
    maxTries: number,
  ): Promise<MailRecord | null> {
    const isDue = { $expr: { $lte: ['$nextTryAt', '$$NOW'] }, tries: { $lt: maxTries } };
    return changeOne(
      this.model,
      { projectId: { $gt: after }, sentAt: null, ...isDue },
      { nextTryAt: { $add: ['$$NOW', forMs] } },
      { sort: { projectId: 1, nextTryAt: 1 } },
    );
  }

  /** Removes one that nobody is to get, unless it has been claimed again since. */
  async withdraw({ _id, nextTryAt }: MailRecord): Promise<void> {
    await this.model.deleteOne({ _id, nextTryAt });
  }

  async markSent(id: string): Promise<void> {
    await this.model.updateOne({ _id: id }, { $currentDate: { sentAt: true } });
  }

  /** After a try that failed, which is counted. */
  async putOff(id: string, forMs: number): Promise<void> {
    const nextTryAt = { $add: ['$$NOW', forMs] };
    const tries = { $add: ['$tries', 1] };
    await this.model.updateOne({ _id: id }, [{ $set: { nextTryAt, tries } }]);
  }
}
