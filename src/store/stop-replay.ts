import type { ClientSession, QueryFilter } from 'mongoose';
import type { ChangedBy } from '../domain/changed-by';
import { LIST_FIELDS } from './deliveries';
import { queueOf, type DeliveryRecord } from './delivery-record';
import { endedNow } from './delivery-states';
import { WITHIN_MS } from './end-deliveries';
import { countUnsent, hasUnsent, unsentOf } from './replay-selection';
import type { ReplayRecord, ReplayStatus } from './replays';
import type { Store } from './store';

/** Deliveries taken back in one transaction. */
const TAKEN_BACK_AT_ONCE = 500;

/** What that bulk replay has queued and no courier has taken. */
const queuedBy = (replay: ReplayRecord): QueryFilter<DeliveryRecord> => ({
  ...unsentOf(replay),
  queuedIn: queueOf(replay.projectId, 'replay'),
});

/**
 * Pauses or cancels a bulk replay, and takes back what it has queued and no courier has taken: that ends again as it
 * had before, and is listed again after a resume. Reconcile takes back what is left after a while, and what comes back
 * from a courier or a run.
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
  let taken = await store.transaction(async (session) => {
    const moved = await store.replays.move(replay._id, from, to, by, session);
    return moved && takeBack(store, moved, session);
  });
  while (taken?.isMore && performance.now() < untilMs) {
    // null: reconcile has taken the rest back, or the replay is resumed.
    const more = await takeBackMore(store, replay._id);
    if (!more) return store.replays.find(replay._id);
    taken = more;
  }
  return taken && taken.replay;
}

interface TakenBack {
  replay: ReplayRecord;
  /** There may be more to be taken back at once. */
  isMore: boolean;
}

/**
 * Takes back more of what a stopped bulk replay has queued, in one short transaction.
 * @returns null if there is nothing to take back, or it is resumed
 */
export async function takeBackMore(store: Store, id: string): Promise<TakenBack | null> {
  return store.transaction(async (session) => {
    const replay = await store.replays.findTakingBack(id, session);
    return replay && takeBack(store, replay, session);
  });
}

/**
 * Takes back some of what a bulk replay has queued, sets a paused one back to before the first of that, and counts what
 * ended unsent.
 */
async function takeBack(
  store: Store,
  replay: ReplayRecord,
  session: ClientSession,
): Promise<TakenBack> {
  const { recounts, replays } = store;
  const { model } = store.deliveries;
  const queued = await model
    .find(queuedBy(replay), LIST_FIELDS)
    .hint('bulk')
    .sort({ _id: 1 })
    .limit(TAKEN_BACK_AT_ONCE)
    .session(session)
    .lean<DeliveryRecord[]>();
  const [first] = queued;
  if (first && replay.status === 'paused' && replay.cursor !== null && first._id <= replay.cursor) {
    await replays.setBack(replay, first._id.slice(0, -1), session);
  }
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
  // A courier or a run may have it in hand, and find that it may not go now.
  const mayComeBack = isMore || (await hasUnsent(store, replay, session));
  return {
    replay: await replays.takeBack(replay._id, queued.length, mayComeBack, session),
    isMore,
  };
}

/** That replay, and those that took it back before and may still come to it again. */
const withNote = (replayId: string, unended: readonly string[]): object => ({
  $setUnion: [{ $setIntersection: [{ $ifNull: ['$takenBackBy', []] }, unended] }, [replayId]],
});
