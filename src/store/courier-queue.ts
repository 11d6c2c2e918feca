import { createHash } from 'node:crypto';
import type { AnyBulkWriteOperation, ClientSession } from 'mongoose';
import { UNENDED_STATUSES, type Attempt, type DeferralReason } from '../contracts/delivery';
import { ID_PREFIXES } from '../contracts/ids';
import { deliveriesEnded } from '../metrics';
import type { DeliveryRecord } from './delivery-record';
import { isDuplicateKey } from './errors';
import type { EventRecord } from './events';
import { endedNow, KEPT_ATTEMPTS, type AttemptResult } from './rounds';
import type { Store } from './store';

/**
 * What a courier takes out of MongoDB, and what it writes back: many at a time. MongoDB is the queue, and
 * the courier holds nothing that it does not find there again.
 */

/** Of the attempts only which there were: what was said in them may be much. */
const COURIER_FIELDS = {
  'attempts.requestHeaders': 0,
  'attempts.responseHeaders': 0,
  'attempts.responseBody': 0,
} as const;

/**
 * The id of an express delivery: derived, so that who takes over from a courier finds what was done. It
 * sorts by the time of its event.
 */
export function expressDeliveryId(eventId: string, webhookId: string): string {
  const [, hex = ''] = eventId.split('_');
  const digest = createHash('sha256').update(`${eventId} ${webhookId}`).digest('hex');
  return `${ID_PREFIXES.delivery}_${hex.slice(0, 12)}${digest.slice(0, 20)}`;
}

/**
 * Accepted events that are not planned yet, in their order.
 * @param taken ids of those that the courier is at work on already
 * @param limit those that are not taken, at most
 */
export async function listAccepted(
  { events }: Store,
  projectId: string,
  taken: ReadonlySet<string>,
  limit: number,
): Promise<EventRecord[]> {
  // Without the bodies first: what is under way stays at the head of the queue until it is planned.
  const queued = await events.model
    .find({ projectId, isExpress: true, fannedOutAt: null }, { _id: 1 })
    .hint('express')
    .sort({ _id: 1 })
    .limit(taken.size + limit)
    .lean<{ _id: string }[]>();
  const ids = queued.flatMap(({ _id }) => (taken.has(_id) ? [] : _id)).slice(0, limit);
  if (ids.length === 0) return [];
  return events.model
    .find({ _id: { $in: ids }, fannedOutAt: null })
    .sort({ _id: 1 })
    .lean<EventRecord[]>();
}

/** Deliveries whose next attempt is due, the longest due first. */
export async function listDue(
  { deliveries }: Store,
  projectId: string,
  now: Date,
  limit: number,
): Promise<DeliveryRecord[]> {
  return deliveries.model
    .find(
      { projectId, isExpress: true, status: 'pending', nextAttemptAt: { $lte: now } },
      COURIER_FIELDS,
    )
    .hint('express')
    .sort({ nextAttemptAt: 1 })
    .limit(limit)
    .lean<DeliveryRecord[]>();
}

/** When the next attempt of the project is due; null when nothing waits for its time. */
export async function nextDueAt({ deliveries }: Store, projectId: string): Promise<Date | null> {
  const next = await deliveries.model
    .findOne(
      { projectId, isExpress: true, status: 'pending', nextAttemptAt: { $type: 'date' } },
      { nextAttemptAt: 1 },
    )
    .hint('express')
    .sort({ nextAttemptAt: 1 })
    .lean<Pick<DeliveryRecord, 'nextAttemptAt'>>();
  return next && next.nextAttemptAt;
}

/** Ids of the project's webhooks that have something queued. */
export async function listQueueing({ deliveries }: Store, projectId: string): Promise<string[]> {
  return deliveries.model.distinct('webhookId', { queuedIn: projectId });
}

/** Ids of the projects that have something queued. */
export async function listQueueingProjects({ deliveries }: Store): Promise<string[]> {
  return deliveries.model.distinct('queuedIn', { queuedIn: { $type: 'string' } });
}

/**
 * Takes the next of a webhook's queued deliveries out of the queue, in the order of events: from now on
 * they are due.
 */
export async function takeQueued(
  { deliveries }: Store,
  projectId: string,
  webhookId: string,
  limit: number,
): Promise<DeliveryRecord[]> {
  const queued = await deliveries.model
    .find({ queuedIn: projectId, webhookId }, { _id: 1 })
    .sort({ eventId: 1 })
    .limit(limit)
    .lean<{ _id: string }[]>();
  if (queued.length === 0) return [];
  const ids = queued.map(({ _id }) => _id);
  const isOpen = { $in: ['$status', UNENDED_STATUSES] };
  await deliveries.model.updateMany(
    { _id: { $in: ids }, queuedIn: projectId },
    [
      {
        $set: {
          status: { $cond: [isOpen, 'pending', '$status'] },
          nextAttemptAt: { $cond: [isOpen, '$$NOW', '$nextAttemptAt'] },
        },
      },
      { $unset: ['queuedIn'] },
    ],
    { updatePipeline: true },
  );
  return deliveries.model
    .find({ _id: { $in: ids }, status: 'pending' }, COURIER_FIELDS)
    .sort({ eventId: 1 })
    .lean<DeliveryRecord[]>();
}

/** A delivery as it is going to be stored for the first time. */
export type ExpressDelivery = DeliveryRecord & { isExpress: true };

/** An attempt of a delivery that is stored already, and what it makes of it. */
export interface RecordedAttempt {
  /** As it stood before the attempt. */
  delivery: DeliveryRecord;
  attempt: Attempt;
  result: AttemptResult;
}

/** A pending delivery that may not go now, or not at all. */
export interface QueuedDelivery {
  delivery: DeliveryRecord;
  /** `held`: its webhook is paused; `skipped`: it is disabled. */
  as: 'held' | 'skipped' | DeferralReason;
}

/** A run of attempts of one webhook, in the order in which they ended. */
export interface CountedAttempts {
  webhookId: string;
  attempts: readonly Attempt[];
}

/** All that a courier writes at once. */
export interface Settlement {
  inserts: readonly ExpressDelivery[];
  records: readonly RecordedAttempt[];
  queued: readonly QueuedDelivery[];
  health: readonly CountedAttempts[];
  /** Events all of whose deliveries are stored with this, or were before. */
  plannedEventIds: readonly string[];
}

/**
 * Writes it all or nothing, unless the shift has been superseded. An attempt of a delivery that was
 * cancelled meanwhile is logged and decides nothing.
 * @returns MongoDB's time; null: superseded, nothing was written
 */
export async function settle(
  store: Store,
  projectId: string,
  shift: number,
  settlement: Settlement,
): Promise<Date | null> {
  const { inserts, records, queued, health, plannedEventIds } = settlement;
  const write = async (session: ClientSession, missing: readonly ExpressDelivery[]) => {
    const now = await store.couriers.renew(projectId, shift, session);
    if (!now) return null;
    const { model } = store.deliveries;
    if (missing.length > 0) {
      await model.collection.insertMany(missing as never[], { session, ordered: false });
    }
    const changes = [...records.map(recordOf), ...queued.map((entry) => queueOf(projectId, entry))];
    if (changes.length > 0) {
      await model.collection.bulkWrite(changes as never[], { session, ordered: true });
    }
    if (plannedEventIds.length > 0) {
      await store.events.model.collection.updateMany(
        { _id: { $in: plannedEventIds } } as never,
        { $currentDate: { fannedOutAt: true } },
        { session },
      );
    }
    if (health.length > 0) {
      await store.webhooks.model.collection.bulkWrite(health.map(healthOf) as never[], {
        session,
        ordered: false,
      });
    }
    return now;
  };
  let missing = inserts;
  for (;;) {
    try {
      const now = await store.transaction((session) => write(session, missing));
      if (now) count(settlement);
      return now;
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
      // A shift before this one has stored some of them: what it found out counts.
      const ids = missing.map(({ _id }) => _id);
      const stored = new Set(await store.deliveries.model.distinct('_id', { _id: { $in: ids } }));
      if (stored.size === 0) throw error;
      missing = missing.filter(({ _id }) => !stored.has(_id));
    }
  }
}

function count({ inserts, records }: Settlement): void {
  for (const status of [
    ...inserts.filter(({ attemptCount }) => attemptCount > 0).map((delivery) => delivery.status),
    ...records.map(({ result }) => result.status),
  ]) {
    if (status !== 'pending') deliveriesEnded.inc({ status });
  }
}

/** The guard is the number of attempts: each is logged once. */
function recordOf({
  delivery,
  attempt,
  result: { status, nextDelayMs },
}: RecordedAttempt): AnyBulkWriteOperation {
  const decides = {
    $and: [{ $eq: ['$status', 'pending'] }, { $eq: ['$replays', delivery.replays] }],
  };
  const { responseBody: _body, responseHeaders: _headers, ...sent } = attempt;
  const logged = {
    $cond: [{ $eq: ['$expunged', true] }, { $literal: sent }, { $literal: attempt }],
  };
  const decision = {
    status,
    nextAttemptAt: nextDelayMs === null ? null : { $add: ['$$NOW', nextDelayMs] },
    deferredFor: null,
    ...(status !== 'pending' && endedNow),
    ...(status === 'failed' && { followUp: true }),
  };
  const ifDecides = Object.entries(decision).map(([field, value]) => [
    field,
    { $cond: [decides, value, `$${field}`] },
  ]);
  return {
    updateOne: {
      filter: { _id: delivery._id, attemptCount: delivery.attemptCount },
      update: [
        {
          $set: {
            attempts: { $slice: [{ $concatArrays: ['$attempts', [logged]] }, -KEPT_ATTEMPTS] },
            attemptCount: attempt.number,
            ...Object.fromEntries(ifDecides),
          },
        },
      ],
    },
  };
}

function queueOf(
  projectId: string,
  { delivery: { _id, attemptCount }, as }: QueuedDelivery,
): AnyBulkWriteOperation {
  const change =
    as === 'skipped'
      ? { status: 'skipped', deferredFor: null, endReason: 'webhook_disabled', ...endedNow }
      : { queuedIn: projectId, ...(as === 'held' ? { status: 'held' } : { deferredFor: as }) };
  return {
    updateOne: {
      filter: { _id, attemptCount, status: 'pending' },
      update: [{ $set: { ...change, nextAttemptAt: null } }],
    },
  };
}

/**
 * The webhook's health after those attempts, as if each were counted by itself: a success resets the count,
 * and a failure that began before the last success leaves all alone.
 */
function healthOf({ webhookId, attempts }: CountedAttempts): AnyBulkWriteOperation {
  const endOf = ({ startedAt, durationMs }: Attempt): Date =>
    new Date(startedAt.getTime() + durationMs);
  const statusOf = ({ statusCode, errorCode }: Attempt): number | string | null =>
    statusCode ?? errorCode ?? null;
  const success = attempts.findLast(({ outcome }) => outcome === 'succeeded');
  const failures: { startedAt: Date; endedAt: Date; status: unknown; isLast: boolean }[] = [];
  let succeededAt = 0;
  let hasSucceeded = false;
  for (const attempt of attempts) {
    const { outcome, startedAt } = attempt;
    if (outcome === 'succeeded') succeededAt = Math.max(succeededAt, endOf(attempt).getTime());
    if (attempt === success) hasSucceeded = true;
    if (outcome === 'succeeded' || startedAt.getTime() < succeededAt) continue;
    // Behind the last success, they are what is counted.
    const isLast = hasSucceeded || success === undefined;
    failures.push({ startedAt, endedAt: endOf(attempt), status: statusOf(attempt), isLast });
  }
  const isNews = { $gte: ['$$this.startedAt', { $ifNull: ['$lastSuccessAt', new Date(0)] }] };
  const counted = { $filter: { input: '$news', cond: '$$this.isLast' } };
  const lastStatus = { $arrayElemAt: [{ $map: { input: counted, in: '$$this.status' } }, -1] };
  return {
    updateOne: {
      filter: { _id: webhookId },
      update: [
        { $set: { news: { $filter: { input: { $literal: failures }, cond: isNews } } } },
        {
          $set: {
            lastFailedAt: { $max: ['$lastFailedAt', { $max: '$news.endedAt' }] },
            lastStatus: { $ifNull: [lastStatus, success ? statusOf(success) : '$lastStatus'] },
            failureCount: { $add: [success ? 0 : '$failureCount', { $size: counted }] },
            ...(success && {
              warnings: [],
              lastSuccessAt: { $max: ['$lastSuccessAt', new Date(succeededAt)] },
            }),
          },
        },
        { $unset: ['news'] },
      ],
    },
  };
}

/** Deliveries of the project whose failure has not been followed up yet. */
export async function listToFollowUp(
  { deliveries }: Store,
  projectId: string,
): Promise<DeliveryRecord[]> {
  return deliveries.model.find({ projectId, followUp: true }).limit(100).lean<DeliveryRecord[]>();
}

export async function noteFollowedUp({ deliveries }: Store, id: string): Promise<void> {
  await deliveries.model.updateOne({ _id: id }, { $unset: { followUp: '' } });
}
