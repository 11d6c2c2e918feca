import type { ClientSession } from 'mongoose';
import { clock } from '../clock';
import type { ChangedBy } from '../domain/changed-by';
import { keptBack } from '../domain/kept-back';
import { patternsFor } from '../domain/subscription';
import { changeOne } from './change-one';
import type { Sealed } from './cipher';
import { oneOf } from './one-of';
import type { Page, PageRequest } from './paging';
import { ownedRepositoryOf } from './repository';
import { HEALTH } from './webhook-health';
import { listWebhooks, type WebhookFilter, type WebhookOrder } from './webhook-list';
import {
  DISABLED_BY_PLATFORM,
  PAUSED_BY_PLATFORM,
  STOPPED_BY_PLATFORM,
  webhookSchema,
  WITHOUT_COUNTED,
  type NewWebhook,
  type ShownWebhook,
  type WebhookRecord,
} from './webhook-record';

const SUBSCRIBER_FIELDS = {
  projectId: 1,
  name: 1,
  url: 1,
  isActive: 1,
  isPaused: 1,
  policy: 1,
  filter: 1,
  createdAt: 1,
} as const;
/** What planning a delivery needs of a webhook: neither its secrets nor its counted attempts. */
export type Subscriber = Pick<WebhookRecord, '_id' | keyof typeof SUBSCRIBER_FIELDS>;

const BRIEF_FIELDS = { url: 1, events: 1, isActive: 1, createdAt: 1 } as const;
export type BriefWebhook = Pick<WebhookRecord, '_id' | keyof typeof BRIEF_FIELDS>;

/** How many secrets of a webhook may be live: each of them signs every attempt. */
export const MAX_LIVE_SECRETS = 10;

/** How many of many webhooks are read at a time, so that nobody else waits while they are decoded. */
const READ_AT_ONCE = 200;

export class Webhooks extends ownedRepositoryOf('Webhook', webhookSchema, 'webhooks') {
  async create(webhook: NewWebhook, session: ClientSession): Promise<WebhookRecord> {
    const [created] = await this.model.create([webhook], { session });
    return created!.toObject();
  }

  async isOfAnother(projectId: string, id: string): Promise<boolean> {
    return (await this.model.exists({ _id: id, projectId: { $ne: projectId } })) !== null;
  }

  async getByExternalId(projectId: string, externalId: string): Promise<WebhookRecord | null> {
    return this.model.findOne({ projectId, externalId: oneOf(externalId) }).lean<WebhookRecord>();
  }

  /** A page of a project's webhooks: `listWebhooks`. */
  async list(
    projectId: string,
    filter: WebhookFilter,
    order: WebhookOrder,
    page: PageRequest,
  ): Promise<Page<ShownWebhook> | null> {
    return listWebhooks(this.model, projectId, filter, order, page);
  }

  /** All webhooks of a project, newest first, for a list that has no pages and shows little of each. */
  async listBrief(projectId: string): Promise<BriefWebhook[]> {
    return this.model.find({ projectId }, BRIEF_FIELDS).sort({ _id: -1 }).lean<BriefWebhook[]>();
  }

  /**
   * Whether each of them that exists is paused.
   * @param sent.by who sends to them: a customer doesn't send to what the platform has disabled
   * @param sent.since when that was requested: nothing is sent to what was disabled later
   */
  async whetherPaused(
    ids: readonly string[],
    { by, since }: { by?: ChangedBy; since?: Date } = {},
  ): Promise<Map<string, boolean>> {
    const sent = { _id: { $in: ids }, ...(by === 'customer' && { $nor: [DISABLED_BY_PLATFORM] }) };
    const found = await this.model
      .find(sent, { isActive: 1, isPaused: 1, disabledAt: 1 })
      .lean<Pick<WebhookRecord, '_id' | 'isActive' | 'isPaused' | 'disabledAt'>[]>();
    const replay = { replays: 1, replayRequestedAt: since };
    const now = clock.now();
    return new Map(
      found.flatMap((webhook) => {
        const { _id, isPaused } = webhook;
        return keptBack(webhook, replay, now) === 'skipped' ? [] : [[_id, isPaused]];
      }),
    );
  }

  /**
   * The webhooks of a project, oldest first.
   * @param changedSince only those that were changed since, apart from their health
   */
  async listAll(projectId: string, changedSince?: Date): Promise<WebhookRecord[]> {
    const updatedAt = changedSince && { $gte: changedSince };
    return this.model
      .find({ projectId, ...(updatedAt && { updatedAt }) }, WITHOUT_COUNTED)
      .sort({ _id: 1 })
      .batchSize(READ_AT_ONCE)
      .lean<WebhookRecord[]>();
  }

  /** Those subscribed to a type, a page of them, oldest first. */
  async listSubscribers(
    projectId: string,
    type: string,
    afterId: string,
    limit: number,
  ): Promise<Subscriber[]> {
    const subscribed = { projectId, events: { $in: patternsFor(type) }, _id: { $gt: afterId } };
    return this.model
      .find(subscribed, SUBSCRIBER_FIELDS)
      .sort({ _id: 1 })
      .limit(limit)
      .lean<Subscriber[]>();
  }

  async update(
    projectId: string,
    id: string,
    changes: Partial<WebhookRecord>,
    session: ClientSession | null = null,
  ): Promise<WebhookRecord | null> {
    return this.model
      .findOneAndUpdate({ _id: id, projectId }, { $set: changes }, { session })
      .lean<WebhookRecord>();
  }

  /**
   * Pauses or resumes a webhook. If it was paused already, the time of that stays.
   * @returns the changed webhook; null if there is none; `refused` if a customer tries to resume what the
   *   platform has paused
   */
  async setPaused(
    projectId: string,
    id: string,
    isPaused: boolean,
    by: ChangedBy,
  ): Promise<WebhookRecord | 'refused' | null> {
    const pausedAt = isPaused ? { $cond: ['$isPaused', '$pausedAt', '$$NOW'] } : null;
    const changed = await changeOne(
      this.model,
      { _id: id, projectId, ...(by === 'customer' && { $nor: [PAUSED_BY_PLATFORM] }) },
      { isPaused, pausedAt, pausedBy: isPaused ? by : null, pausedByAt: pausedAt },
    );
    if (changed) return changed;
    const unchanged = await this.get(projectId, id);
    return unchanged && !isPaused ? 'refused' : unchanged;
  }

  /** @returns `refused` if a customer tries to delete what the platform has stopped; null: there is none */
  async delete(
    projectId: string,
    id: string,
    by: ChangedBy,
    session: ClientSession,
  ): Promise<'deleted' | 'refused' | null> {
    const { deletedCount } = await this.model.deleteOne(
      { _id: id, projectId, ...(by === 'customer' && { $nor: [STOPPED_BY_PLATFORM] }) },
      { session },
    );
    if (deletedCount === 1) return 'deleted';
    return (await this.get(projectId, id, session)) && 'refused';
  }

  /** Whether the platform has stopped one with that URL. */
  async isStopped(projectId: string, url: string, session: ClientSession): Promise<boolean> {
    const stopped = { projectId, url, ...STOPPED_BY_PLATFORM };
    return (await this.model.exists(stopped).session(session)) !== null;
  }

  /**
   * Takes the next slot of the webhook's rate limit, if it is near: slots are taken only by those who are about
   * to send, so that neither a crash nor a changed rate leaves old ones behind. Therefore none can be later than
   * one spacing after the last near one; one that is later was left by a wrong clock or a slower rate, and is
   * ignored.
   * @param spacingMs between two slots
   * @param withinMs how near is near: the same for all callers
   * @returns milliseconds until the slot; null if it is further away than `withinMs`
   */
  async takeSlot(id: string, spacingMs: number, withinMs: number): Promise<number | null> {
    const soon = { $add: ['$$NOW', withinMs] };
    const isUnexplained = { $gt: ['$nextSlotAt', { $add: [soon, spacingMs] }] };
    const slot = { $cond: [isUnexplained, '$$NOW', { $max: ['$nextSlotAt', '$$NOW'] }] };
    const waitMs = { $subtract: ['$nextSlotAt', { $add: ['$$NOW', spacingMs] }] };
    const taken = await changeOne<WebhookRecord, { waitMs: number }>(
      this.model,
      { _id: id, $expr: { $lte: [slot, soon] } },
      { nextSlotAt: { $add: [slot, spacingMs] } },
      { ...HEALTH, projection: { waitMs } },
    );
    return taken && taken.waitMs;
  }

  /**
   * Puts a new secret before the live ones; each of those ends at `endsAt`, or earlier if it was to end earlier
   * anyway. One write: after two concurrent rotations, both secrets are there.
   * @param overlap.now by MongoDB's clock
   * @param overlap.endsAt not after `now`: they end at once
   * @param overlap.unreadable boxes of live ones that can't sign any more: these end at once
   * @returns false if there is no such webhook, or too many of its secrets are live
   */
  async rotateSecret(
    projectId: string,
    id: string,
    secret: Sealed,
    { now, endsAt, unreadable }: { now: Date; endsAt: Date; unreadable: readonly string[] },
    session: ClientSession,
  ): Promise<boolean> {
    const live = {
      $and: [
        { $or: [{ $not: ['$$old.expiresAt'] }, { $gt: ['$$old.expiresAt', now] }] },
        { $not: [{ $in: ['$$old.box', { $literal: unreadable }] }] },
      ],
    };
    const superseded = {
      $map: {
        input: endsAt > now ? { $filter: { input: '$secrets', as: 'old', cond: live } } : [],
        as: 'old',
        // $min ignores missing values.
        in: { $mergeObjects: ['$$old', { expiresAt: { $min: ['$$old.expiresAt', endsAt] } }] },
      },
    };
    const { modifiedCount } = await this.model.updateOne(
      { _id: id, projectId, $expr: { $lt: [{ $size: superseded }, MAX_LIVE_SECRETS] } },
      [
        {
          $set: {
            secrets: { $concatArrays: [[{ $literal: secret }], superseded] },
            updatedAt: now,
          },
        },
      ],
      { session },
    );
    return modifiedCount === 1;
  }

  /** Removes the secrets whose overlap has ended; no attempt signs with them any more. */
  async removeEndedSecrets(): Promise<void> {
    const now = clock.now();
    await this.model.updateMany(
      { 'secrets.expiresAt': { $lte: now } },
      { $pull: { secrets: { expiresAt: { $lte: now } } } },
      HEALTH,
    );
  }

  /** Whether another webhook of the project is subscribed to exactly that type. */
  async hasSubscriber(
    projectId: string,
    type: string,
    exceptId: string,
    session: ClientSession | null = null,
  ): Promise<boolean> {
    const others = { projectId, events: type, _id: { $ne: exceptId } };
    return (await this.model.exists(others).session(session)) !== null;
  }
}
