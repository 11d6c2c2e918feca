import type { ClientSession, Connection, Model, QueryFilter } from 'mongoose';
import {
  DELIVERY_STATUSES,
  TERMINAL_STATUSES,
  UNENDED_STATUSES,
  type Attempt,
  type DeferralReason,
  type DeliveryStatus,
} from '../contracts/delivery';
import { deliveriesEnded } from '../metrics';
import { deliverySchema, type DeliveryRecord } from './delivery-record';
import { isDuplicateKey } from './errors';
import { findPage, VISIT_BATCH, VISITS, type Page, type PageRequest } from './paging';
import type { NewDelivery } from './new-delivery';
import { expiryOfEnded } from './retention';

/** What a recorded attempt makes of its delivery. */
export interface AttemptResult {
  status: Extract<DeliveryStatus, 'pending' | 'succeeded' | 'failed'>;
  nextAttemptAt: Date | null;
}

export interface DeliveryFilter {
  webhookId?: string;
  eventId?: string;
  status?: DeliveryStatus;
  eventType?: string;
}

const KEPT_ATTEMPTS = 50;
/** Lists leave the attempts out: with them a page could be many megabytes. */
export const LIST_FIELDS = { attempts: 0 } as const;

const AFTER = { returnDocument: 'after' } as const;

export class Deliveries {
  readonly model: Model<DeliveryRecord>;

  constructor(connection: Connection) {
    this.model = connection.model<DeliveryRecord>('Delivery', deliverySchema, 'deliveries');
  }

  /**
   * Writes the deliveries of an event that don't exist yet, and answers them all as they stand: a
   * repeated plan answers the first one's.
   */
  async plan(deliveries: readonly NewDelivery[]): Promise<DeliveryRecord[]> {
    const [first] = deliveries;
    if (!first) return [];
    try {
      await this.model.insertMany(deliveries, { ordered: false });
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
    }
    return this.model
      .find({ eventId: first.eventId, webhookId: { $in: deliveries.map((d) => d.webhookId) } })
      .sort({ webhookId: 1 })
      .lean<DeliveryRecord[]>();
  }

  /** Stores them all or none. */
  async insertAll(deliveries: readonly NewDelivery[], session: ClientSession): Promise<void> {
    await this.model.insertMany(deliveries, { session });
  }

  async get(projectId: string, id: string): Promise<DeliveryRecord | null> {
    return this.model.findOne({ _id: id, projectId }).lean<DeliveryRecord>();
  }

  async find(id: string): Promise<DeliveryRecord | null> {
    return this.model.findById(id).lean<DeliveryRecord>();
  }

  async list(
    projectId: string,
    filter: DeliveryFilter,
    page: PageRequest,
  ): Promise<Page<DeliveryRecord>> {
    // The indexes with the type have the status before it: without one, each status is looked up.
    const isOfAnyStatus = filter.eventType !== undefined && filter.status === undefined;
    const status = isOfAnyStatus && { status: { $in: [...DELIVERY_STATUSES] } };
    return findPage(this.model, 'delivery', { projectId, ...filter, ...status }, page, LIST_FIELDS);
  }

  /** All deliveries of an event, without their attempts. */
  async listOfEvent(eventId: string): Promise<DeliveryRecord[]> {
    return this.model.find({ eventId }, LIST_FIELDS).sort({ _id: 1 }).lean<DeliveryRecord[]>();
  }

  /**
   * Begins the round of a run that the delivery doesn't know yet: a replay asked for through the API
   * (already counted), a restart by reconcile, or, unasked, an operator's reset, which counts as a replay.
   * @returns the delivery as it stands then; null when it's gone
   */
  async claimRun(id: string, runId: string, at: Date): Promise<DeliveryRecord | null> {
    const isOperatorsReset = {
      $and: [
        { $not: ['$runRequested'] },
        { $or: [{ $ne: ['$runId', null] }, { $in: ['$status', TERMINAL_STATUSES] }] },
      ],
    };
    const claimed = await this.model
      .findOneAndUpdate(
        { _id: id, runId: { $ne: runId } },
        [
          {
            $set: {
              replays: { $add: ['$replays', { $cond: [isOperatorsReset, 1, 0] }] },
              roundStart: { $cond: [isOperatorsReset, '$attemptCount', '$roundStart'] },
              runId,
              runRequested: false,
              status: 'pending',
              nextAttemptAt: at,
              completedAt: null,
            },
          },
        ],
        { ...AFTER, updatePipeline: true },
      )
      .lean<DeliveryRecord>();
    return claimed ?? this.find(id);
  }

  /**
   * Logs an attempt of the run `runId` and what it makes of the delivery, in one write guarded by what
   * was loaded before the exchange. When something else was written meanwhile, an attempt of a run that
   * has been superseded, or one that comes after the end, is still logged, but decides nothing.
   * @param loaded the delivery as it stood before the exchange
   * @returns the attempt with its number
   */
  async recordAttempt(
    loaded: DeliveryRecord,
    exchange: Omit<Attempt, 'number'>,
    { status, nextAttemptAt }: AttemptResult,
    at: Date,
  ): Promise<Attempt> {
    let seen: DeliveryRecord | null = loaded;
    let decides = true;
    while (seen) {
      const { responseBody: _body, responseHeaders: _headers, ...sent } = exchange;
      // Expunged while it was under way: receivers may repeat in their answer what they got.
      const logged = seen.expunged ? sent : exchange;
      const attempt: Attempt = { number: seen.attemptCount + 1, ...logged };
      const { modifiedCount } = await this.model.updateOne(
        { _id: seen._id, attemptCount: seen.attemptCount, runId: seen.runId, status: seen.status },
        {
          $push: { attempts: { $each: [attempt], $slice: -KEPT_ATTEMPTS } },
          $inc: { attemptCount: 1 },
          ...(decides && {
            $set: {
              runId: attempt.runId,
              status,
              nextAttemptAt,
              deferredFor: null,
              completedAt: status === 'pending' ? null : at,
            },
            ...(status !== 'pending' && { $max: { expiresAt: expiryOfEnded(at) } }),
          }),
        },
      );
      if (modifiedCount === 1) {
        if (decides && status !== 'pending') deliveriesEnded.inc({ status });
        return attempt;
      }
      seen = await this.find(loaded._id);
      decides = seen?.runId === exchange.runId && seen.status === 'pending';
    }
    // Deleted with its project while the exchange was under way: nothing is left to log it in.
    return { number: loaded.attemptCount + 1, ...exchange };
  }

  /** An attempt's failure has been counted, and followed up. */
  async noteHealthCounted(id: string, attempt: number): Promise<void> {
    await this.model.updateOne({ _id: id }, { $max: { healthCounted: attempt } });
  }

  /**
   * From a terminal status to pending, counted as a replay, with the whole schedule before it; null when
   * the status is another, or there is nothing to send any more.
   */
  async beginReplay(
    projectId: string,
    id: string,
    at: Date,
    session?: ClientSession,
  ): Promise<DeliveryRecord | null> {
    return this.model
      .findOneAndUpdate(
        { _id: id, projectId, status: { $in: TERMINAL_STATUSES }, expunged: { $ne: true } },
        [
          {
            $set: {
              status: 'pending',
              replays: { $add: ['$replays', 1] },
              roundStart: '$attemptCount',
              nextAttemptAt: at,
              completedAt: null,
              runRequested: true,
            },
          },
        ],
        { ...AFTER, updatePipeline: true, ...(session && { session }) },
      )
      .lean<DeliveryRecord>();
  }

  /**
   * Ends a delivery that has not ended; false when it has.
   * @param runId the run that does so; without one, a first run that is still to come finds out
   */
  async cancel(id: string, at: Date, runId?: string): Promise<boolean> {
    const ended = { status: 'cancelled', nextAttemptAt: null, completedAt: at } as const;
    const { modifiedCount } = await this.model.updateOne(
      { _id: id, status: { $in: ['pending', 'held'] } },
      {
        $set: { ...ended, ...(runId !== undefined && { runId, runRequested: false }) },
        $max: { expiresAt: expiryOfEnded(at) },
      },
    );
    if (modifiedCount === 1) deliveriesEnded.inc({ status: 'cancelled' });
    return modifiedCount === 1;
  }

  /** Puts the next attempt of a pending delivery off; nothing else of it changes. */
  async defer(id: string, until: Date, reason: DeferralReason): Promise<void> {
    await this.model.updateOne(
      { _id: id, status: 'pending' },
      { $set: { nextAttemptAt: until, deferredFor: reason } },
    );
  }

  /** Keeps a pending delivery of a paused webhook, which the run has found so, until it is resumed. */
  async hold(id: string, runId: string): Promise<void> {
    await this.model.updateOne(
      { _id: id, status: 'pending', runId: { $in: [runId, null] } },
      { $set: { status: 'held', nextAttemptAt: null, runId } },
    );
  }

  /** Lets a held delivery go; null when it is held no more. It goes on with the attempts that remain. */
  async release(id: string, at: Date): Promise<DeliveryRecord | null> {
    return this.model
      .findOneAndUpdate(
        { _id: id, status: 'held' },
        { $set: { status: 'pending', nextAttemptAt: at, runRequested: true } },
        AFTER,
      )
      .lean<DeliveryRecord>();
  }

  /** Held deliveries of a webhook in the order of their events. */
  async listHeld(webhookId: string, limit: number): Promise<DeliveryRecord[]> {
    return this.model
      .find({ webhookId, status: 'held' }, LIST_FIELDS)
      .sort({ eventId: 1 })
      .limit(limit)
      .lean<DeliveryRecord[]>();
  }

  /** Ids of the webhooks that hold deliveries. */
  async listHoldingWebhooks(): Promise<string[]> {
    // The condition on webhookId is what lets MongoDB use the index of held ones.
    return this.model.distinct('webhookId', { webhookId: { $gt: '' }, status: 'held' });
  }

  /** Visits the pending deliveries whose next attempt was due before `before`, the longest due first. */
  async eachOverdue(
    before: Date,
    visit: (delivery: DeliveryRecord) => Promise<void>,
  ): Promise<void> {
    await this.model
      .find(
        { status: 'pending', nextAttemptAt: { $lt: before } } as QueryFilter<DeliveryRecord>,
        LIST_FIELDS,
      )
      .sort({ nextAttemptAt: 1 })
      .lean<DeliveryRecord[]>()
      .cursor(VISIT_BATCH)
      .eachAsync(visit, VISITS);
  }

  /**
   * Notes that a new run is about to be asked for; null when the delivery is no longer pending. A first
   * run needs no note: it may be the fan-out's, on its way already.
   * @param at when its next attempt is due, where that changes
   */
  async requestRun(id: string, at?: Date): Promise<DeliveryRecord | null> {
    const isAnother = { $or: ['$runRequested', { $ne: ['$runId', null] }] };
    return this.model
      .findOneAndUpdate(
        { _id: id, status: 'pending' },
        [{ $set: { runRequested: isAnother, ...(at && { nextAttemptAt: at }) } }],
        { ...AFTER, updatePipeline: true },
      )
      .lean<DeliveryRecord>();
  }

  /** Those of the events that have a delivery which has not ended, or is to be kept on. */
  async listEventsNeeded(eventIds: readonly string[], now: Date): Promise<string[]> {
    return this.model.distinct('eventId', {
      eventId: { $in: eventIds },
      $or: [{ status: { $in: UNENDED_STATUSES } }, { expiresAt: { $gt: now } }],
    });
  }

  /** A run that was asked for has come, and has nothing to do. */
  async forgetRequestedRun(id: string): Promise<void> {
    await this.model.updateOne({ _id: id }, { $set: { runRequested: false } });
  }
}
