import { Schema, type ClientSession, type Connection, type Model } from 'mongoose';
import { Backlog } from './backlog';
import { findPage, type Page, type PageRequest } from './paging';
import { current } from './linearizable';
import { isDuplicateKey } from './errors';
import type { NewEvent } from './new-event';

export interface EventRecord {
  _id: string;
  projectId: string;
  type: string;
  /** When it happened, as the caller says; when it was accepted, where the caller says nothing. */
  createdAt: Date;
  acceptedAt: Date;
  /**
   * The envelope, serialised once: these bytes go out on every attempt, retry and replay. null: expunged.
   */
  body: string | null;
  idempotencyKey?: string;
  /** SHA-256 of the request, to tell a repeated request from another one under the same key. */
  requestHash?: string;
  /** Its project's courier drives it, no workflow of its own; decided when it was accepted. */
  isExpress?: boolean;
  /** A sample that somebody asked for, not something that happened. */
  test?: boolean;
  /**
   * It is for this webhook alone, whatever that is subscribed to: its delivery was written with it, and
   * no other one is planned.
   */
  onlyWebhookId?: string;
  /** It tells of this webhook, which doesn't get it: an operational event is never about its receiver. */
  aboutWebhookId?: string;
  /** When all its deliveries had been started; null until then, which is what reconcile looks for. */
  fannedOutAt: Date | null;
  /** When its payload was deleted for good. */
  expungedAt: Date | null;
  expiresAt: Date;
}

/** An event without its payload. */
export type BareEvent = Omit<EventRecord, 'body'>;

const schema = new Schema<EventRecord>(
  {
    _id: String,
    projectId: { type: String, required: true },
    type: { type: String, required: true },
    createdAt: { type: Date, required: true },
    acceptedAt: { type: Date, required: true },
    body: { type: String, default: null },
    idempotencyKey: String,
    requestHash: String,
    isExpress: Boolean,
    test: Boolean,
    onlyWebhookId: String,
    aboutWebhookId: String,
    fannedOutAt: { type: Date, default: null },
    expungedAt: { type: Date, default: null },
    expiresAt: { type: Date, required: true },
  },
  { timestamps: false },
);
schema.index({ projectId: 1, _id: -1 });
schema.index({ projectId: 1, type: 1, _id: -1 });
schema.index(
  { projectId: 1, idempotencyKey: 1 },
  { unique: true, partialFilterExpression: { idempotencyKey: { $type: 'string' } } },
);
// What reconcile looks for.
schema.index(
  { projectId: 1, acceptedAt: 1, _id: 1 },
  { name: 'unplanned', partialFilterExpression: { isExpress: null, fannedOutAt: null } },
);
// The couriers' queue, in the order of acceptance.
schema.index(
  { projectId: 1, _id: 1 },
  { name: 'express', partialFilterExpression: { isExpress: true, fannedOutAt: null } },
);
// No TTL: MongoDB would not see that a delivery of it has not ended (Store.removeExpired).
schema.index({ expiresAt: 1 }, { partialFilterExpression: { fannedOutAt: { $type: 'date' } } });

export class Events {
  readonly model: Model<EventRecord>;
  /** Those whose fan-out has not been seen to finish, by when they were accepted. */
  readonly unplanned: Backlog<EventRecord>;
  /** Those that their project's courier has still to plan, by their ids. */
  readonly unplannedExpress: Backlog<EventRecord>;

  constructor(connection: Connection) {
    this.model = connection.model<EventRecord>('Event', schema, 'events');
    this.unplanned = new Backlog(
      this.model,
      { isExpress: null, fannedOutAt: null },
      'acceptedAt',
      'unplanned',
      { projectId: 1, type: 1, acceptedAt: 1 },
    );
    const express = { isExpress: true, fannedOutAt: null };
    this.unplannedExpress = new Backlog(this.model, express, '_id', 'express');
  }

  /**
   * Stores an event: once this returns, it can't be lost.
   * @returns the event as stored, and whether its idempotency key was there before
   */
  async insert(event: NewEvent): Promise<{ event: EventRecord; duplicate: boolean }> {
    try {
      const created = await this.model.create(event);
      return { event: created.toObject(), duplicate: false };
    } catch (error) {
      const { projectId, idempotencyKey } = event;
      if (!isDuplicateKey(error) || idempotencyKey === undefined) throw error;
      const found = this.model.findOne({ projectId, idempotencyKey });
      const first = await current(found).lean<EventRecord>();
      if (!first) throw error;
      return { event: first, duplicate: true };
    }
  }

  /** Whether there is an event of this key, as far as can be told for little. */
  async hasKey(projectId: string, idempotencyKey: string): Promise<boolean> {
    return (await this.model.exists({ projectId, idempotencyKey })) !== null;
  }

  /** Those of `keys` that there are, in the order of `keys`. */
  async listByKeys(projectId: string, keys: readonly string[]): Promise<EventRecord[]> {
    const query = this.model.find({ projectId, idempotencyKey: { $in: keys } });
    const found = await current(query).lean<EventRecord[]>();
    const byKey = new Map(found.map((event) => [event.idempotencyKey, event]));
    return keys.flatMap((key) => byKey.get(key) ?? []);
  }

  /** Stores them all or none. */
  async insertAll(events: readonly NewEvent[], session: ClientSession): Promise<EventRecord[]> {
    const created = await this.model.insertMany(events, { session });
    return created.map((event) => event.toObject());
  }

  async get(projectId: string, id: string): Promise<EventRecord | null> {
    return this.model.findOne({ _id: id, projectId }).lean<EventRecord>();
  }

  async find(id: string): Promise<EventRecord | null> {
    return this.model.findById(id).lean<EventRecord>();
  }

  /** The same, for certain, without its payload. */
  async findCurrent(id: string): Promise<BareEvent | null> {
    return current(this.model.findById(id, { body: 0 })).lean<EventRecord>();
  }

  /** null: expunged, or removed */
  async bodyOf(id: string): Promise<string | null> {
    const found = await current(this.model.findById(id, { body: 1 })).lean<{
      body: string | null;
    }>();
    return found?.body ?? null;
  }

  async list(
    projectId: string,
    filter: { type?: string },
    page: PageRequest,
  ): Promise<Page<EventRecord>> {
    return findPage(this.model, 'event', { projectId, ...filter }, page);
  }

  /** The same without the payloads. */
  async listBare(
    projectId: string,
    filter: { type?: string },
    page: PageRequest,
  ): Promise<Page<BareEvent>> {
    return findPage(this.model, 'event', { projectId, ...filter }, page, { body: 0 });
  }

  async markFannedOut(id: string): Promise<void> {
    await this.model.updateOne({ _id: id }, { $currentDate: { fannedOutAt: true } });
  }

  /** Ids of some that have expired, their deliveries planned: an accepted event does not expire before. */
  async listExpired(limit: number): Promise<string[]> {
    const hasExpired = { $expr: { $lte: ['$expiresAt', '$$NOW'] } };
    const expired = await this.model
      .find({ ...hasExpired, fannedOutAt: { $type: 'date' } }, { _id: 1 })
      .limit(limit)
      .lean<{ _id: string }[]>();
    return expired.map(({ _id }) => _id);
  }

  /** Lets them not expire for that long. */
  async keep(ids: readonly string[], forMs: number): Promise<void> {
    await this.model.updateMany(
      { _id: { $in: ids } },
      [{ $set: { expiresAt: { $max: ['$expiresAt', { $add: ['$$NOW', forMs] }] } } }],
      { updatePipeline: true },
    );
  }

  async remove(ids: readonly string[]): Promise<void> {
    await this.model.deleteMany({ _id: { $in: ids } });
  }
}
