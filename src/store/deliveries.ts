import type { ClientSession, Connection, QueryFilter } from 'mongoose';
import { TERMINAL_STATUSES, UNENDED_STATUSES } from '../contracts/delivery';
import { clock } from '../clock';
import { partsOf } from '../in-parts';
import { deliveriesEnded } from '../metrics';
import { changeOne } from './change-one';
import { listQueryOf, type DeliveryFilter } from './delivery-filter';
import {
  deliverySchema,
  LAST_COUNTING,
  type DeliveryRecord,
  type ListedDelivery,
} from './delivery-record';
import { cancelledNow, replayed } from './delivery-states';
import { isDuplicateKey } from './errors';
import type { EventRecord } from './event-record';
import type { Recounts } from './counted-hours';
import type { ProjectRecord } from './projects';
import { Backlog } from './backlog';
import type { Horizon } from './horizon';
import { findPage, type Page, type PageRequest } from './paging';
import { ownedRepositoryOf } from './repository';
import { WITHOUT_COUNTED, type AttemptedWebhook } from './webhook-record';

/** Read for lists and replays: with the attempts, a page could be many megabytes. */
export const LIST_FIELDS = { attempts: 0 } as const;

/** Of a delivery's attempts, a list shows only the result of the last one that counts. */
const LAST_ATTEMPT = [
  { $set: { lastAttempt: { $ifNull: [LAST_COUNTING, null] } } },
  {
    $unset: ['requestHeaders', 'responseHeaders', 'responseBody', 'errorMessage'].map(
      (field) => `lastAttempt.${field}`,
    ),
  },
];

const AS_LISTED = [...LAST_ATTEMPT, { $unset: Object.keys(LIST_FIELDS) }];

/** The document whose id is in that field, if any, as `from`. */
const part = (from: string, localField: keyof DeliveryRecord, leftOut: Record<string, 0> = {}) => ({
  $lookup: {
    from,
    as: from,
    localField,
    foreignField: '_id',
    ...(Object.keys(leftOut).length > 0 && { pipeline: [{ $project: leftOut }] }),
  },
});

/** Deliveries that are kept: MongoDB is about to remove the others, whose events may be gone already. */
export const isKept: QueryFilter<DeliveryRecord> = { $expr: { $gt: ['$expiresAt', '$$NOW'] } };

const replayable: QueryFilter<DeliveryRecord> = {
  status: { $in: TERMINAL_STATUSES },
  expunged: { $ne: true },
  ...isKept,
};

/** Pending, and overdue by that long, according to MongoDB's clock. */
const overdue = (byMs: number): QueryFilter<DeliveryRecord> => ({
  status: 'pending',
  $expr: { $lt: ['$nextAttemptAt', { $subtract: ['$$NOW', byMs] }] },
});

const WORKFLOWS = { status: 'pending', isExpress: null } as const;
const EXPRESS = { status: 'pending', isExpress: true } as const;

export class Deliveries extends ownedRepositoryOf('Delivery', deliverySchema, 'deliveries') {
  /** Those whose workflow has an attempt to make, by the time at which it is due. */
  readonly due = new Backlog(this.model, WORKFLOWS, 'nextAttemptAt', 'due', LIST_FIELDS);
  /** The same for those that their project's courier drives. */
  readonly dueExpress = new Backlog(this.model, EXPRESS, 'nextAttemptAt', 'express', LIST_FIELDS);
  /** Couriers' failed deliveries that nobody has followed up, by the time at which they failed. */
  readonly unfollowed = new Backlog(
    this.model,
    { followUp: true },
    'completedAt',
    'unfollowed',
    LIST_FIELDS,
  );

  constructor(
    connection: Connection,
    private readonly horizon: Horizon,
    private readonly recounts: Recounts,
  ) {
    super(connection);
  }

  /**
   * Stores those deliveries of an event that don't exist yet, and returns all of them as they are now: a
   * repeated plan returns those of the first.
   * @param deliveries in the order of their webhooks' ids
   */
  async plan(deliveries: readonly DeliveryRecord[]): Promise<DeliveryRecord[]> {
    const [first] = deliveries;
    if (!first) return [];
    const stored = await this.insertMissing(first.eventId, deliveries);
    // Even if an earlier plan stored them and ended there.
    await this.recounts.noteLate(stored, clock.now());
    return stored;
  }

  private async insertMissing(
    eventId: string,
    deliveries: readonly DeliveryRecord[],
  ): Promise<DeliveryRecord[]> {
    try {
      const ids = deliveries.map(({ _id }) => _id);
      const insert = () => this.collection.insertMany(deliveries, { ordered: false });
      await this.horizon.during(insert, ids);
      return [...deliveries];
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
    }
    return this.model
      .find({ eventId, webhookId: { $in: deliveries.map((d) => d.webhookId) } })
      .sort({ webhookId: 1 })
      .lean<DeliveryRecord[]>();
  }

  /** Stores all or none. */
  async insertAll(deliveries: readonly DeliveryRecord[], session: ClientSession): Promise<void> {
    for (const some of partsOf(deliveries)) await this.collection.insertMany(some, { session });
    await this.recounts.noteLate(deliveries, clock.now(), session);
  }

  /** A delivery and what its attempts need, as far as that exists, in one round trip; null: there is no delivery. */
  async findWithParts(id: string) {
    const [found] = await this.model.aggregate<
      DeliveryRecord & {
        events: EventRecord[];
        webhooks: AttemptedWebhook[];
        projects: ProjectRecord[];
      }
    >([
      { $match: { _id: id } },
      part('events', 'eventId'),
      part('webhooks', 'webhookId', WITHOUT_COUNTED),
      part('projects', 'projectId'),
    ]);
    if (!found) return null;
    const { events, webhooks, projects, ...delivery } = found;
    const [[event = null], [webhook = null], [project = null]] = [events, webhooks, projects];
    return { delivery, event, webhook, project: project?.deletedAt ? null : project };
  }

  async list(
    projectId: string,
    filter: DeliveryFilter,
    page: PageRequest,
  ): Promise<Page<ListedDelivery>> {
    const { query, ...options } = listQueryOf(projectId, filter);
    return findPage<DeliveryRecord, ListedDelivery>(this.model, 'delivery', query, page, {
      leftOut: LIST_FIELDS,
      made: LAST_ATTEMPT,
      ...options,
    });
  }

  /** All deliveries of an event, without their attempts. */
  async listOfEvent(eventId: string): Promise<DeliveryRecord[]> {
    return this.model.find({ eventId }, LIST_FIELDS).sort({ _id: 1 }).lean<DeliveryRecord[]>();
  }

  /** The oldest `limit` of these that belong to one of the projects, as lists show them, oldest first. */
  async listChanged(ids: string[], projectIds: string[], limit: number): Promise<ListedDelivery[]> {
    return this.model.aggregate<ListedDelivery>([
      { $match: { _id: { $in: ids }, projectId: { $in: projectIds } } },
      { $sort: { _id: 1 } },
      { $limit: limit },
      ...AS_LISTED,
    ]);
  }

  /** The newest of them, oldest first. */
  async listNewestOfEvent(eventId: string, limit: number): Promise<ListedDelivery[]> {
    const newest = await this.model.aggregate<ListedDelivery>([
      { $match: { eventId } },
      { $sort: { _id: -1 } },
      { $limit: limit },
      ...AS_LISTED,
    ]);
    return newest.toReversed();
  }

  /**
   * From a terminal status to pending, counted as a replay, with the whole schedule ahead; null if its status
   * is not terminal, its payload was deleted, or it has expired.
   */
  async beginReplay(projectId: string, id: string): Promise<DeliveryRecord | null> {
    return this.recounts.noting((session) =>
      changeOne(
        this.model,
        { _id: id, projectId, ...replayable },
        {
          ...replayed,
          replayRequestedAt: clock.now(),
          nextAttemptAt: '$$NOW',
          runRequested: { $ne: ['$isExpress', true] },
        },
        { session },
      ),
    );
  }

  /** Ends a delivery; null if it has ended already. Its workflow finds out. */
  async cancel(id: string): Promise<DeliveryRecord | null> {
    const isOpen = { _id: id, status: { $in: UNENDED_STATUSES } };
    const cancelled = await changeOne(this.model, isOpen, cancelledNow);
    if (cancelled) deliveriesEnded.inc({ status: 'cancelled' });
    return cancelled;
  }

  /**
   * Notes that a new run is about to be requested for an overdue delivery: one that is overdue by that long, or one
   * that is due now, if no run has been requested or has begun since it was seen. After that nobody else requests
   * one. A first run needs no note: it may be the fan-out's, which is on its way.
   * @param found what was found of its workflow
   * @returns null if it is not overdue, or no longer pending
   */
  async requestRun(
    { _id, runId }: Pick<DeliveryRecord, '_id' | 'runId'>,
    found: 'ended' | null,
    byMs: number | null,
  ): Promise<DeliveryRecord | null> {
    const isAnother = { $or: ['$runRequested', found !== null, { $ne: ['$runId', null] }] };
    return changeOne(
      this.model,
      { _id, ...overdue(byMs ?? 0), ...(byMs === null && { runId, runRequested: { $ne: true } }) },
      { runRequested: isAnother, nextAttemptAt: '$$NOW' },
    );
  }

  /** Makes the next attempt of a pending delivery due now, if it is not overdue; null if it has ended. */
  async hasten(id: string): Promise<DeliveryRecord | null> {
    const nextAttemptAt = { $min: ['$nextAttemptAt', '$$NOW'] };
    const due = { nextAttemptAt, deferredFor: null, queuedIn: '$$REMOVE' };
    return changeOne(this.model, { _id: id, status: 'pending' }, due);
  }

  /** Those events that have a delivery that has not ended, or that is kept longer. */
  async listEventsNeeded(eventIds: readonly string[]): Promise<string[]> {
    // MongoDB 6 has no $$NOW in a distinct.
    const needed = await this.model.aggregate<{ _id: string }>([
      {
        $match: {
          eventId: { $in: eventIds },
          $or: [{ status: { $in: UNENDED_STATUSES } }, isKept],
        },
      },
      { $group: { _id: '$eventId' } },
    ]);
    return needed.map(({ _id }) => _id);
  }
}
