import { createHash } from 'node:crypto';
import { UNENDED_STATUSES, type BacklogOrder } from '../contracts/delivery';
import { ID_PREFIXES } from '../contracts/ids';
import { changeOne, onlyIf } from './change-one';
import {
  isBeforeFirst,
  queueOf,
  UNFOLLOWED_GONE,
  type DeliveryRecord,
  type QueueKind,
} from './delivery-record';
import type { EventRecord } from './event-record';
import { current } from './linearizable';
import type { Store } from './store';
import { MAX_READ_MS } from './time-limit';
import type { WebhookRecord } from './webhook-record';

/*
 * What a courier takes from MongoDB, many at a time. MongoDB is the queue: everything that the courier holds
 * can be found there again.
 */

/** Attempts without their headers and bodies, which may be large. */
const COURIER_FIELDS = {
  'attempts.requestHeaders': 0,
  'attempts.responseHeaders': 0,
  'attempts.responseBody': 0,
} as const;

/**
 * The id of an express delivery: derived, so that a courier's successor finds what was done. It sorts by the
 * time of its event.
 */
export function expressDeliveryId(eventId: string, webhookId: string): string {
  const [, hex = ''] = eventId.split('_');
  const digest = createHash('sha256').update(`${eventId} ${webhookId}`).digest('hex');
  return `${ID_PREFIXES.delivery}_${hex.slice(0, 12)}${digest.slice(0, 20)}`;
}

/**
 * Accepted events that are not planned yet, in order. Through the driver: a busy courier asks often.
 * @param which.after only those with greater ids
 * @param which.except ids of those that the courier is already working on
 */
export async function listAccepted(
  { events }: Store,
  projectId: string,
  { after, except, limit }: { after: string; except: readonly string[]; limit: number },
): Promise<EventRecord[]> {
  const _id = { $gt: after, ...(except.length > 0 && { $nin: except }) };
  const accepted = { projectId, isExpress: true, fannedOutAt: null, _id };
  return events.collection
    .find(accepted, { hint: 'express', sort: { _id: 1 }, limit, maxTimeMS: MAX_READ_MS })
    .toArray();
}

/** Deliveries whose next attempt is due, the most overdue first. */
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

/** Those that have ended since they were read, or been replayed or attempted. */
export async function listOutdated(
  { deliveries }: Store,
  read: readonly DeliveryRecord[],
): Promise<Set<DeliveryRecord>> {
  const found = await deliveries.model
    .find({ _id: { $in: read.map(({ _id }) => _id) } }, { status: 1, replays: 1, attemptCount: 1 })
    .lean<DeliveryRecord[]>();
  const byId = new Map(found.map((delivery) => [delivery._id, delivery]));
  const isOutdated = ({ _id, replays, attemptCount }: DeliveryRecord): boolean => {
    const now = byId.get(_id);
    // One that is just being stored.
    if (!now) return false;
    const isSame = now.replays === replays && now.attemptCount === attemptCount;
    return !isSame || !UNENDED_STATUSES.includes(now.status);
  };
  return new Set(read.filter(isOutdated));
}

/**
 * Ids of the project's webhooks that have something in that queue.
 * @param among only these webhooks
 */
export async function listQueueing(
  { deliveries }: Store,
  projectId: string,
  kind: QueueKind,
  among?: readonly string[],
): Promise<string[]> {
  return deliveries.model.distinct('webhookId', {
    queuedIn: queueOf(projectId, kind),
    ...(among && { webhookId: { $in: among } }),
  });
}

/** Projects' queues that have something. */
export async function listQueues({ deliveries }: Store): Promise<string[]> {
  return deliveries.model.distinct('queuedIn', { queuedIn: { $gt: '' } });
}

/**
 * Who has something in one of these queues: `open`, the ids of projects in which a webhook that is not paused has
 * something; `gone`, webhooks that were deleted while something was planned or replayed for them; and `stopped`,
 * those that are disabled and paused. Nobody else would find that: it is not due.
 */
export async function surveyQueues({ deliveries, webhooks }: Store, queues: readonly string[]) {
  const queuedIn = { $in: queues };
  const queueing = await deliveries.model.distinct('webhookId', { queuedIn });
  const found = await webhooks.model
    .find({ _id: { $in: queueing } }, { projectId: 1, isActive: 1, isPaused: 1, disabledAt: 1 })
    .lean<WebhookRecord[]>();
  const known = new Set(found.map(({ _id }) => _id));
  const gone: Pick<WebhookRecord, '_id' | 'projectId'>[] = [];
  for (const _id of queueing.filter((id) => !known.has(id))) {
    if (await current(webhooks.model.exists({ _id }))) continue;
    const left = await deliveries.model
      .findOne({ queuedIn, webhookId: _id }, { projectId: 1 })
      .lean<Pick<DeliveryRecord, 'projectId'>>();
    if (left) gone.push({ _id, projectId: left.projectId });
  }
  const open = found.filter(({ isPaused }) => !isPaused).map(({ projectId }) => projectId);
  const stopped = found.filter(({ isActive, isPaused }) => isPaused && !isActive);
  return { open: [...new Set(open)], gone, stopped };
}

/** Queued by their plan: no workflow has ever been started for them. */
const WITHOUT_WORKFLOW = { isExpress: null, runId: null, runRequested: false, replays: 0 };

type Queued = Pick<DeliveryRecord, '_id' | 'isExpress' | 'attemptCount' | 'roundStart'>;

/**
 * The next of a webhook's queued deliveries, by their events. This takes express ones out of the queue: from now on
 * they are due. The others stay in it until they are released.
 * @returns those, except for what has ended meanwhile; and the first that is left behind them, null: none
 * @param which.taken ids of those that the courier already holds
 * @param which.before only those of earlier events than this one
 * @param which.maxRetries ends before a retry beyond this number
 * @param which.takesOver makes express those that have express ones among them and no workflow yet
 */
export async function takeQueued(
  { deliveries }: Store,
  queue: string,
  webhookId: string,
  {
    taken,
    order,
    before,
    limit,
    maxRetries = limit,
    takesOver,
  }: {
    taken: readonly string[];
    order: BacklogOrder;
    before: string | null;
    limit: number;
    maxRetries?: number;
    takesOver: boolean;
  },
): Promise<{ queued: DeliveryRecord[]; next: Queued | null }> {
  const eventId = order === 'oldest_first' ? 1 : -1;
  const listed = await deliveries.model
    .find(
      {
        queuedIn: queue,
        webhookId,
        _id: { $nin: taken },
        ...(before !== null && { eventId: { $lt: before } }),
      },
      { _id: 1, isExpress: 1, attemptCount: 1, roundStart: 1 },
    )
    .sort({ eventId })
    .limit(limit + 1)
    .lean<Queued[]>();
  const found: Queued[] = [];
  let retries = 0;
  for (const one of listed.slice(0, limit)) {
    if (!isBeforeFirst(one)) retries += 1;
    if (retries > maxRetries) break;
    found.push(one);
  }
  const next = listed[found.length] ?? null;
  if (found.length === 0) return { queued: [], next };
  if (found.some(({ isExpress }) => isExpress)) {
    const leaving = takesOver ? [{ isExpress: true }, WITHOUT_WORKFLOW] : [{ isExpress: true }];
    const isOpen = { $in: ['$status', UNENDED_STATUSES] };
    const due = { status: 'pending', nextAttemptAt: '$$NOW' };
    await deliveries.model.updateMany(
      { _id: { $in: found.map(({ _id }) => _id) }, queuedIn: queue, $or: leaving },
      [{ $set: { ...onlyIf(isOpen, due), queuedIn: '$$REMOVE', isExpress: true } }],
    );
  }
  const queued = await deliveries.model
    .find(
      {
        _id: { $in: found.map(({ _id }) => _id) },
        $or: [{ isExpress: true, status: 'pending' }, { queuedIn: queue }],
      },
      COURIER_FIELDS,
    )
    .sort({ eventId })
    .lean<DeliveryRecord[]>();
  return { queued, next };
}

/**
 * Releases a queued delivery that a workflow is to run: of several callers, one succeeds.
 * @returns null if it has left the queue
 */
export async function release(
  { deliveries }: Store,
  { _id, queuedIn }: Pick<DeliveryRecord, '_id' | 'queuedIn'>,
): Promise<DeliveryRecord | null> {
  return changeOne(
    deliveries.model,
    { _id, queuedIn, status: { $in: UNENDED_STATUSES } },
    {
      status: 'pending',
      nextAttemptAt: '$$NOW',
      deferredFor: null,
      runRequested: true,
      hasTurn: true,
      queuedIn: '$$REMOVE',
    },
  );
}

/**
 * Puts deliveries that a worker of an earlier version, which had no queue, has held into their project's queue.
 */
export async function queueHeld({ deliveries }: Store): Promise<void> {
  await deliveries.model.updateMany({ status: 'held', queuedIn: null } as never, [
    { $set: { queuedIn: '$projectId' } },
  ]);
}

/** Ids of the project's deliveries that were answered 410, which nobody has followed up. */
export async function listUnfollowedGone(
  { deliveries }: Store,
  projectId: string,
): Promise<string[]> {
  const found = await deliveries.model
    .find({ projectId, ...UNFOLLOWED_GONE }, { _id: 1 })
    .hint('unfollowedGone')
    .lean<Pick<DeliveryRecord, '_id'>[]>();
  return found.map(({ _id }) => _id);
}

/** Notes that the failure that it was read with has been followed up; a replay may have failed since. */
export async function noteFollowedUp(
  { deliveries }: Store,
  { _id, attemptCount }: Pick<DeliveryRecord, '_id' | 'attemptCount'>,
): Promise<void> {
  await deliveries.model.updateOne(
    { _id, attemptCount },
    { $set: { healthCounted: attemptCount }, $unset: { followUp: '' } },
  );
}
