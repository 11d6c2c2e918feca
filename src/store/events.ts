import type { ClientSession, Connection } from 'mongoose';
import { partsOf } from '../in-parts';
import { Backlog } from './backlog';
import { findPage, type Page, type PageRequest } from './paging';
import { GroupedInserts } from './grouped-inserts';
import type { Horizon } from './horizon';
import { current } from './linearizable';
import { isDuplicateKey } from './errors';
import { eventSchema, type BareEvent, type EventRecord } from './event-record';
import type { NewEvent } from './new-event';
import { oneOf } from './one-of';
import { ownedRepositoryOf } from './repository';

/** As the schema would make it, for a tenth of the CPU time: everything in it is ours, and already checked. */
const recordOf = (event: NewEvent): EventRecord => ({
  ...event,
  fannedOutAt: null,
  expungedAt: null,
});
/** Undefined fields are left out; by default the driver would store null. */
const AS_GIVEN = { ignoreUndefined: true } as const;

const WORKFLOWS = { isExpress: null, fannedOutAt: null };
const EXPRESS = { isExpress: true, fannedOutAt: null };
const FIELDS = { projectId: 1, type: 1, acceptedAt: 1 } as const;

export class Events extends ownedRepositoryOf('Event', eventSchema, 'events') {
  /** Those whose fan-out is not known to have finished, by the time of their acceptance. */
  readonly unplanned = new Backlog(this.model, WORKFLOWS, 'acceptedAt', 'unplanned', FIELDS);
  /** Those that their project's courier still has to plan, by their ids. */
  readonly unplannedExpress = new Backlog(this.model, EXPRESS, '_id', 'express', FIELDS);
  private readonly inserts = new GroupedInserts<EventRecord>((events) =>
    this.collection.insertMany(events, { ...AS_GIVEN, ordered: false }),
  );

  constructor(
    connection: Connection,
    private readonly horizon: Horizon,
  ) {
    super(connection);
  }

  /**
   * Stores an event: once this returns, it won't be lost.
   * @param isRepeated the event with its idempotency key was removed meanwhile, as happens once
   * @returns the event as stored, and whether its idempotency key was known
   */
  async insert(
    event: NewEvent,
    isRepeated = false,
  ): Promise<{ event: BareEvent; duplicate: boolean }> {
    const record = recordOf(event);
    try {
      await this.horizon.during(() => this.inserts.insert(record), [record._id]);
      return { event: record, duplicate: false };
    } catch (error) {
      const { projectId, idempotencyKey } = event;
      if (!isDuplicateKey(error) || idempotencyKey === undefined) throw error;
      const key = oneOf(idempotencyKey);
      const found = this.model.findOne({ projectId, idempotencyKey: key }, { body: 0 });
      const first = await current(found).lean<BareEvent>();
      if (first) return { event: first, duplicate: true };
      if (isRepeated) throw error;
      return this.insert(event, true);
    }
  }

  /** Whether there is an event with this key, according to a cheap read that may miss a recent one. */
  async hasKey(projectId: string, idempotencyKey: string): Promise<boolean> {
    return (await this.model.exists({ projectId, idempotencyKey: oneOf(idempotencyKey) })) !== null;
  }

  /** The events stored under `keys` without their payloads, in the order of `keys`. */
  async listByKeys(projectId: string, keys: readonly string[]): Promise<BareEvent[]> {
    const query = this.model.find({ projectId, idempotencyKey: oneOf(...keys) }, { body: 0 });
    const found = await current(query).lean<BareEvent[]>();
    const byKey = new Map(found.map((event) => [event.idempotencyKey, event]));
    return keys.flatMap((key) => byKey.get(key) ?? []);
  }

  /** The same, oldest first, by a read that may miss a recent one. */
  async listBareByKeys(projectId: string, keys: readonly string[]): Promise<BareEvent[]> {
    const found = await this.model
      .find({ projectId, idempotencyKey: oneOf(...keys) }, { body: 0 })
      .lean<BareEvent[]>();
    // Asked for an order, MongoDB reads all of the project's events in it.
    return found.toSorted((a, b) => (a._id < b._id ? -1 : 1));
  }

  /** Stores all or none. */
  async insertAll(events: readonly NewEvent[], session: ClientSession): Promise<EventRecord[]> {
    const records = events.map(recordOf);
    for (const part of partsOf(records)) {
      await this.collection.insertMany(part, { ...AS_GIVEN, session });
    }
    return records;
  }

  /** An event without its payload; null is certain. */
  async findBare(id: string): Promise<BareEvent | null> {
    const query = () => this.model.findById(id, { body: 0 });
    return (await query().lean<EventRecord>()) ?? current(query()).lean<EventRecord>();
  }

  /** null: expunged or removed */
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
    return findPage(this.model, 'event', { projectId, ...filter }, page, { leftOut: { body: 0 } });
  }

  /** Records that all deliveries of each are stored. */
  async markFannedOut(...ids: readonly string[]): Promise<void> {
    await this.collection.updateMany(
      { _id: { $in: ids } },
      { $currentDate: { fannedOutAt: true } },
    );
  }

  /**
   * The same, except for those whose payload was deleted before.
   * @returns the ids of these
   */
  async markPlanned(ids: readonly string[]): Promise<string[]> {
    const { matchedCount } = await this.collection.updateMany(
      { _id: { $in: ids }, expungedAt: null },
      { $currentDate: { fannedOutAt: true } },
    );
    if (matchedCount === ids.length) return [];
    return this.model.distinct('_id', { _id: { $in: ids }, expungedAt: { $type: 'date' } });
  }

  /** Ids of some that have expired and whose deliveries are planned: before that, no event expires. */
  async listExpired(limit: number): Promise<string[]> {
    const hasExpired = { $expr: { $lte: ['$expiresAt', '$$NOW'] } };
    const expired = await this.model
      .find({ ...hasExpired, fannedOutAt: { $type: 'date' } }, { _id: 1 })
      .limit(limit)
      .lean<{ _id: string }[]>();
    return expired.map(({ _id }) => _id);
  }

  /** Keeps them from expiring for that long. */
  async keep(ids: readonly string[], forMs: number): Promise<void> {
    await this.model.updateMany({ _id: { $in: ids } }, [
      { $set: { expiresAt: { $max: ['$expiresAt', { $add: ['$$NOW', forMs] }] } } },
    ]);
  }

  async remove(ids: readonly string[]): Promise<void> {
    await this.model.deleteMany({ _id: { $in: ids } });
  }
}
