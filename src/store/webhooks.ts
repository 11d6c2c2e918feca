import { Schema, type ClientSession, type Connection, type Model } from 'mongoose';
import type { DeliveryPolicy, SigningScheme } from '../contracts/delivery';
import { findPage, type Page, type PageRequest } from './paging';
import type { Sealed } from './cipher';

export type DisabledReason = 'manual' | 'gone' | 'consecutive_failures';

export interface WebhookRecord {
  _id: string;
  projectId: string;
  name: string;
  description: string | null;
  url: string;
  /** Subscribed types; `*` and families such as `email.*` as they were given. */
  events: string[];
  isActive: boolean;
  isPaused: boolean;
  disabledReason: DisabledReason | null;
  /** Consecutive failed attempts. */
  failureCount: number;
  lastSuccessAt: Date | null;
  lastFailedAt: Date | null;
  /** The last attempt's HTTP status, or its error code where there was no answer. */
  lastStatus: number | string | null;
  signing: SigningScheme[];
  /** The webhook's own figures; what is missing is the project's, then the profile's. */
  policy: Partial<DeliveryPolicy>;
  headers: Record<string, string>;
  /** Newest first; more than one during a rotation's overlap. */
  secrets: Sealed[];
  /** Attempts already counted in the health fields, so that a repeated record counts once. */
  countedAttempts: string[];
  createdAt: Date;
  updatedAt: Date;
}

export type NewWebhook = Pick<
  WebhookRecord,
  | '_id'
  | 'projectId'
  | 'name'
  | 'description'
  | 'url'
  | 'events'
  | 'signing'
  | 'policy'
  | 'headers'
  | 'secrets'
>;

/** How many attempts `countedAttempts` remembers: more than can be under way for one webhook. */
const COUNTED_ATTEMPTS = 100;

const schema = new Schema<WebhookRecord>(
  {
    _id: String,
    projectId: { type: String, required: true },
    name: { type: String, required: true },
    description: { type: String, default: null },
    url: { type: String, required: true, immutable: true },
    events: { type: [String], required: true },
    isActive: { type: Boolean, default: true },
    isPaused: { type: Boolean, default: false },
    disabledReason: { type: String, default: null },
    failureCount: { type: Number, default: 0 },
    lastSuccessAt: { type: Date, default: null },
    lastFailedAt: { type: Date, default: null },
    lastStatus: { type: Schema.Types.Mixed, default: null },
    signing: { type: [String], required: true },
    policy: { type: Schema.Types.Mixed, default: {} },
    headers: { type: Schema.Types.Mixed, default: {} },
    secrets: { type: [{ _id: false, keyId: String, box: String }], required: true },
    countedAttempts: { type: [String], default: [] },
  },
  { timestamps: true, minimize: false },
);
schema.index({ projectId: 1, _id: -1 });

/** Health is state about deliveries, not an edit of the webhook: it leaves `updatedAt` alone. */
const HEALTH = { timestamps: false } as const;

export class Webhooks {
  readonly model: Model<WebhookRecord>;

  constructor(connection: Connection) {
    this.model = connection.model<WebhookRecord>('Webhook', schema, 'webhooks');
  }

  async create(webhook: NewWebhook, session: ClientSession): Promise<WebhookRecord> {
    const [created] = await this.model.create([webhook], { session });
    return created!.toObject();
  }

  async get(projectId: string, id: string): Promise<WebhookRecord | null> {
    return this.model.findOne({ _id: id, projectId }).lean<WebhookRecord>();
  }

  async list(projectId: string, page: PageRequest): Promise<Page<WebhookRecord>> {
    return findPage(this.model, 'webhook', { projectId }, page);
  }

  /** Whether deliveries wait for it; false when it's gone, so that they can be ended. */
  async isPaused(id: string): Promise<boolean> {
    return (await this.model.exists({ _id: id, isPaused: true })) !== null;
  }

  /** The project's webhooks of one fan-out page, oldest first. */
  async listForFanOut(
    projectId: string,
    afterId: string | undefined,
    limit: number,
  ): Promise<WebhookRecord[]> {
    return this.model
      .find({ projectId, ...(afterId !== undefined && { _id: { $gt: afterId } }) })
      .sort({ _id: 1 })
      .limit(limit)
      .lean<WebhookRecord[]>();
  }

  async update(
    projectId: string,
    id: string,
    changes: Partial<WebhookRecord>,
  ): Promise<WebhookRecord | null> {
    return this.model
      .findOneAndUpdate({ _id: id, projectId }, { $set: changes }, { returnDocument: 'after' })
      .lean<WebhookRecord>();
  }

  async delete(projectId: string, id: string, session: ClientSession): Promise<boolean> {
    return (await this.model.deleteOne({ _id: id, projectId }, { session })).deletedCount === 1;
  }

  async deleteAll(projectId: string, session: ClientSession): Promise<void> {
    await this.model.deleteMany({ projectId }, { session });
  }

  /**
   * Counts one attempt in the webhook's health, once however often it is called for that attempt.
   * @param attempt `<deliveryId>#<number>`
   */
  async countAttempt(
    id: string,
    attempt: string,
    succeeded: boolean,
    at: Date,
    status: number | string | null,
  ): Promise<void> {
    await this.model.updateOne(
      { _id: id, countedAttempts: { $ne: attempt } },
      {
        $set: { lastStatus: status, ...(succeeded && { failureCount: 0 }) },
        $max: succeeded ? { lastSuccessAt: at } : { lastFailedAt: at },
        ...(!succeeded && { $inc: { failureCount: 1 } }),
        $push: { countedAttempts: { $each: [attempt], $slice: -COUNTED_ATTEMPTS } },
      },
      HEALTH,
    );
  }

  /** Disables an active webhook, when it has at least `minFailures` consecutive failures. */
  async disable(id: string, reason: DisabledReason, minFailures = 0): Promise<boolean> {
    const { modifiedCount } = await this.model.updateOne(
      { _id: id, isActive: true, failureCount: { $gte: minFailures } },
      { $set: { isActive: false, disabledReason: reason } },
    );
    return modifiedCount === 1;
  }
}
