import type { ClientSession, QueryFilter } from 'mongoose';
import type { ChangedBy } from '../domain/changed-by';
import { SECOND_MS } from '../domain/durations';
import { LIST_FIELDS } from './deliveries';
import { queueOf, type DeliveryRecord } from './delivery-record';
import { endedNow } from './delivery-states';
import { countUnsent, unsentOf } from './replay-selection';
import type { ReplayRecord, ReplayStatus } from './replays';
import type { Store } from './store';

/** Deliveries taken back in one transaction. */
const TAKEN_BACK_AT_ONCE = 1000;
/** After that the rest is left to reconcile, so that the caller doesn't wait for hundreds of thousands. */
const WITHIN_MS = 2 * SECOND_MS;

/** What that bulk replay has queued and no courier has taken. */
const queuedBy = (replay: ReplayRecord): QueryFilter<DeliveryRecord> => ({
  ...unsentOf(replay),
  queuedIn: queueOf(replay.projectId, 'replay'),
});

/**
 * Pauses or cancels a bulk replay, and takes back what it has queued and no courier has taken: that has ended again as
 * it had before, and is listed again after a resume. What is left after a while, reconcile takes back.
 * @returns null if `Replays.move` does
 */
export async function stopReplay(
  store: Store,
  replay: ReplayRecord,
  from: readonly ReplayStatus[],
  to: 'paused' | 'cancelled',
  by: ChangedBy,
  withinMs = WITHIN_MS,
): Promise<ReplayRecord | null> {
  const untilMs = performance.now() + withinMs;
  let stopped = await store.transaction(async (session) => {
    const moved = await store.replays.move(replay._id, from, to, by, session);
    if (!moved) return null;
    if (to === 'paused') await setBack(store, moved, session);
    return takeBack(store, moved, session);
  });
  while (stopped?.takesBack && performance.now() < untilMs) {
    // null: reconcile has taken the rest back, or the replay is resumed.
    const more = await takeBackMore(store, replay._id);
    if (!more) return store.replays.find(replay._id);
    stopped = more;
  }
  return stopped;
}

/**
 * Takes back more of what a stopped bulk replay has queued, in one short transaction.
 * @returns null if there is nothing to take back, or it is resumed
 */
export async function takeBackMore(store: Store, id: string): Promise<ReplayRecord | null> {
  return store.transaction(async (session) => {
    const replay = await store.replays.findTakingBack(id, session);
    return replay && takeBack(store, replay, session);
  });
}

/** Sets a bulk replay back to before the first of what it has queued. */
async function setBack(
  { deliveries, replays }: Store,
  replay: ReplayRecord,
  session: ClientSession,
): Promise<void> {
  const { model } = deliveries;
  const first = await model
    .findOne(queuedBy(replay), { _id: 1 })
    .hint('bulk')
    .sort({ _id: 1 })
    .session(session)
    .lean<Pick<DeliveryRecord, '_id'>>();
  if (!first || replay.cursor === null || first._id > replay.cursor) return;
  await replays.setBack(replay, first._id.slice(0, -1), session);
}

/** Takes back some of what a bulk replay has queued, and counts what ended unsent. @returns it, with whether there may be more */
async function takeBack(
  store: Store,
  replay: ReplayRecord,
  session: ClientSession,
): Promise<ReplayRecord> {
  const { recounts, replays } = store;
  const { model } = store.deliveries;
  const queued = await model
    .find(queuedBy(replay), LIST_FIELDS)
    .hint('bulk')
    .limit(TAKEN_BACK_AT_ONCE)
    .session(session)
    .lean<DeliveryRecord[]>();
  const unended = await replays.listUnended(replay.projectId, { session });
  await model.updateMany(
    { ...queuedBy(replay), _id: { $in: queued.map(({ _id }) => _id) } },
    [
      {
        $set: {
          status: '$bulkReplay.status',
          completedAt: '$bulkReplay.completedAt',
          endReason: { $ifNull: ['$bulkReplay.endReason', null] },
          roundStart: '$bulkReplay.roundStart',
          // While it was queued it could not expire.
          expiresAt: endedNow.expiresAt,
          replays: { $subtract: ['$replays', 1] },
          deferredFor: null,
          queuedIn: '$$REMOVE',
          bulkReplay: '$$REMOVE',
          ...(replay.status === 'paused' && { takenBackBy: withNote(replay._id, unended) }),
          replayRequestedAt: '$$REMOVE',
        },
      },
    ],
    { session },
  );
  await recounts.note(queued, session);
  const isMoreUnsent = await countUnsent(store, replay, session);
  const isMore = queued.length === TAKEN_BACK_AT_ONCE || isMoreUnsent;
  return replays.takeBack(replay._id, queued.length, isMore, session);
}

/** That replay, and those that took it back before and may still come to it again. */
const withNote = (replayId: string, unended: readonly string[]): object => ({
  $setUnion: [{ $setIntersection: [{ $ifNull: ['$takenBackBy', []] }, unended] }, [replayId]],
});
