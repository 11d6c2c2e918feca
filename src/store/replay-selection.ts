import type { ClientSession, QueryFilter } from 'mongoose';
import { clock } from '../clock';
import { TERMINAL_STATUSES, UNENDED_STATUSES } from '../contracts/delivery';
import { timeOf } from '../contracts/ids';
import { isKept, LIST_FIELDS } from './deliveries';
import { queueOf, type DeliveryRecord } from './delivery-record';
import { replayed } from './delivery-states';
import { idsWithin } from './paging';
import type { ReplayQuery, ReplayRecord } from './replays';
import type { Store } from './store';
import type { WebhookRecord } from './webhook-record';

/** Milliseconds for counting what a bulk replay covers. */
const MAX_COUNT_MS = 20_000;

/** Deliveries of a replay's query that have ended. */
function replayFilter(
  projectId: string,
  { webhookId, statuses, types, since, until, endedSince }: ReplayQuery,
  cursor: string | null = null,
): QueryFilter<DeliveryRecord> {
  return {
    projectId,
    _id: { ...idsWithin('delivery', { since, until }), ...(cursor !== null && { $gt: cursor }) },
    status: { $in: statuses },
    expunged: { $ne: true },
    ...(webhookId !== undefined && { webhookId }),
    ...(types && { eventType: { $in: types } }),
    ...(endedSince && { completedAt: { $gte: endedSince } }),
    ...isKept,
  };
}

/**
 * Counts what a bulk replay would cover now, by webhook, with the latest end and the latest creation of any of it.
 * @throws an error that `isTooSlow` recognises
 */
export async function countForReplay({ deliveries }: Store, projectId: string, query: ReplayQuery) {
  // Before the count: what ends during it, and is not counted, is not covered.
  const now = clock.now().getTime();
  const found = await deliveries.model
    .aggregate<{ _id: string; count: number; endedBy: Date | null; createdBy: string }>([
      { $match: replayFilter(projectId, query) },
      {
        $group: {
          _id: '$webhookId',
          count: { $sum: 1 },
          endedBy: { $max: '$completedAt' },
          // By their ids, in whose order they are listed.
          createdBy: { $max: '$_id' },
        },
      },
    ])
    .option({ maxTimeMS: MAX_COUNT_MS });
  // Later than now if a clock was set back since.
  const latest = (...times: (Date | null)[]): Date => new Date(Math.max(now, ...times.map(Number)));
  return {
    counts: new Map(found.map(({ _id, count }) => [_id, count])),
    endedBy: latest(...found.map(({ endedBy }) => endedBy)),
    createdBy: latest(...found.map(({ createdBy }) => timeOf(createdBy))),
  };
}

/**
 * What is left of a bulk replay, among what had ended when it was requested. What fails after that, in the replay or
 * otherwise, is not replayed by it.
 */
const leftOf = (replay: ReplayRecord): QueryFilter<DeliveryRecord> => {
  const { projectId, query, endedBy = replay.createdAt, createdBy, cursor } = replay;
  // However late `until` is, what was created since is not read each time.
  const untilMs = Math.min(query.until.getTime(), createdBy ? createdBy.getTime() + 1 : Infinity);
  const until = new Date(untilMs);
  return {
    ...replayFilter(projectId, { ...query, until }, cursor),
    completedAt: { $lte: endedBy, ...(query.endedSince && { $gte: query.endedSince }) },
  };
};

/** The next deliveries of a bulk replay, oldest first. */
export async function listForReplay(
  { deliveries }: Store,
  replay: ReplayRecord,
  limit: number,
): Promise<DeliveryRecord[]> {
  return deliveries.model
    .find(leftOf(replay), LIST_FIELDS)
    .sort({ _id: 1 })
    .limit(limit)
    .lean<DeliveryRecord[]>();
}

/**
 * Puts deliveries of a bulk replay into their project's queue, from which the courier releases them, and
 * counts them, in one transaction: however often this is repeated, each is replayed once and counted once.
 * @param deliveries the next after the replay's cursor
 * @returns false if the replay has been paused or cancelled, or has moved elsewhere
 */
export async function queueReplays(
  store: Store,
  replay: ReplayRecord,
  deliveries: readonly DeliveryRecord[],
): Promise<boolean> {
  const { _id, projectId, startedBy, createdAt, cursor, countedTo = null } = replay;
  const ids = deliveries.map((delivery) => delivery._id);
  const webhooks = await store.webhooks.whetherPaused(
    deliveries.map(({ webhookId }) => webhookId),
    { by: startedBy, since: createdAt },
  );
  const paused = [...webhooks].flatMap(([webhookId, isPaused]) => (isPaused ? webhookId : []));
  const isHeld = { $in: ['$webhookId', paused] };
  return store.transaction(async (session) => {
    const uncounted = await countAnew(store, replay, ids, session);
    const { modifiedCount } = await store.deliveries.model.updateMany(
      { ...leftOf(replay), _id: { $in: ids }, webhookId: { $in: [...webhooks.keys()] } },
      [
        {
          $set: {
            ...replayed,
            bulkReplay: {
              id: _id,
              status: '$status',
              completedAt: '$completedAt',
              endReason: '$endReason',
              roundStart: '$roundStart',
            },
            replayRequestedAt: createdAt,
            nextAttemptAt: null,
            status: { $cond: [isHeld, 'held', 'pending'] },
            queuedIn: queueOf(projectId, 'replay'),
            deferredFor: { $cond: [isHeld, null, 'replay'] },
          },
        },
      ],
      { session },
    );
    await store.recounts.note(deliveries, session);
    // What was counted as failed, and can be replayed now, has not failed after all.
    const counts = { replayed: modifiedCount, failed: uncounted - modifiedCount };
    const step = { from: cursor, to: ids.at(-1)!, countedTo };
    if (await store.replays.advance(_id, step, counts, session)) return true;
    await session.abortTransaction();
    return false;
  });
}

/** How many of these the replay has not counted, or taken back since; from now on they are counted. */
async function countAnew(
  { deliveries }: Store,
  { _id, countedTo }: ReplayRecord,
  ids: readonly string[],
  session: ClientSession,
): Promise<number> {
  if (countedTo == null) return ids.length;
  const { modifiedCount: takenBack } = await deliveries.model.updateMany(
    { _id: { $in: ids }, takenBackBy: _id },
    { $pull: { takenBackBy: _id } },
    { session },
  );
  return ids.filter((id) => id > countedTo).length + takenBack;
}

const unattempted = {
  // A superseded attempt is counted, and leaves it in its replay.
  $expr: { $eq: ['$attemptCount', '$roundStart'] },
};

/** What that bulk replay has queued and nobody has attempted since. */
export const unsentOf = ({ _id }: Pick<ReplayRecord, '_id'>): QueryFilter<DeliveryRecord> => ({
  'bulkReplay.id': _id,
  status: { $in: UNENDED_STATUSES },
  ...unattempted,
});

/** Deliveries released from their replay in one transaction. */
const MAX_RELEASED = 500;

/**
 * Counts as failed what a bulk replay had queued and what ended before it was attempted, cancelled or with its webhook,
 * and releases it from the replay.
 * @returns whether there may be more
 */
export async function countUnsent(
  { deliveries: { model }, replays }: Store,
  { _id }: Pick<ReplayRecord, '_id'>,
  session: ClientSession,
): Promise<boolean> {
  const ended = { 'bulkReplay.id': _id, status: { $in: TERMINAL_STATUSES }, ...unattempted };
  const found = await model
    .find(ended, { _id: 1 })
    .hint('bulkEnded')
    .limit(MAX_RELEASED)
    .session(session)
    .lean<Pick<DeliveryRecord, '_id'>[]>();
  const { modifiedCount } = await model.updateMany(
    { ...ended, _id: { $in: found.map((delivery) => delivery._id) } },
    { $unset: { bulkReplay: '' } },
    { session },
  );
  await replays.countUnsent(_id, modifiedCount, session);
  return modifiedCount === MAX_RELEASED;
}

/** How many replayed deliveries of a project wait in its queue for webhooks that are not paused. */
export async function countQueuedReplays(
  { deliveries, webhooks }: Store,
  projectId: string,
  limit: number,
): Promise<number> {
  const paused = await webhooks.model.distinct('_id', { projectId, isPaused: true });
  const queued = { queuedIn: queueOf(projectId, 'replay'), webhookId: { $nin: paused } };
  return deliveries.model.countDocuments(queued, { limit });
}

/** Whether something that a bulk replay has queued is still to be attempted. */
export async function hasUnsent(
  { deliveries }: Store,
  replay: Pick<ReplayRecord, '_id'>,
  session: ClientSession | null = null,
): Promise<boolean> {
  const unsent = deliveries.model.exists(unsentOf(replay)).hint('bulk').session(session);
  return (await unsent) !== null;
}

/** The maximum number of skipped deliveries that are counted. */
const MAX_SKIPPED = 100_000;

/**
 * What was not sent to a webhook while it was disabled, and the bulk replay that sends it.
 * @param disabled as it was then
 */
export async function skippedOf(
  { deliveries }: Store,
  { _id: webhookId, enabledAt }: Pick<WebhookRecord, '_id' | 'enabledAt'>,
) {
  const { model } = deliveries;
  // What ended before was offered then. Not since `disabledAt`: other processes write the ends, by other clocks.
  const endedSince = enabledAt && enabledAt <= clock.now() ? enabledAt : undefined;
  const skipped: QueryFilter<DeliveryRecord> = {
    webhookId,
    status: 'skipped',
    expunged: { $ne: true },
    ...(endedSince && { completedAt: { $gte: endedSince } }),
  };
  const [count, first] = await Promise.all([
    model.countDocuments(skipped, { limit: MAX_SKIPPED }).maxTimeMS(MAX_COUNT_MS),
    model
      .findOne(skipped, { createdAt: 1 })
      .sort({ _id: 1 })
      .maxTimeMS(MAX_COUNT_MS)
      .lean<DeliveryRecord>(),
  ]);
  const range = first && {
    // If it was replayed before it was skipped, that may be long ago.
    since: first.createdAt,
    until: new Date(clock.now().getTime() + 1),
    ...(endedSince && { endedSince }),
  };
  return { count, replay: range && { webhookId, statuses: ['skipped' as const], ...range } };
}
