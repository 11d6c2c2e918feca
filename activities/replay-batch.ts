import { activityInfo, heartbeat, sleep } from '@temporalio/activity';
import { FAILURE_TYPES, type Activities } from '../src/contracts/activities';
import { partsOf } from '../src/in-parts';
import {
  countQueuedReplays,
  countUnsent,
  hasUnsent,
  listForReplay,
  queueReplays,
} from '../src/store/replay-selection';
import { againIn } from './again-in';
import { atRate, batchSize } from './at-rate';
import type { ActivityDependencies } from './dependencies';

/** Maximum times a second that deliveries are put into the queue: several at a time if the rate is higher. */
const PER_SECOND = 10;
/** Maximum number of deliveries put into the queue at once: they are one transaction. */
const MAX_AT_ONCE = 100;
/** Maximum number of a project's replayed deliveries in the queue, not counting those of paused webhooks. */
const MAX_QUEUED = 500;
/** Queued without room, after a batch has waited for it: a webhook that takes nothing must not stop the others. */
const WITHOUT_ROOM = 50;
/** How long one batch waits for room in the queue, and how often it checks. */
const ROOM_WAIT_MS = 30_000;
const ROOM_CHECK_MS = 500;
/** Wait before checking again whether anything is still queued, doubled each time up to the maximum. */
const END_WAIT_MS = 250;
const MOST_END_WAIT_MS = 15_000;

/**
 * Puts what is to be replayed into the project's queue, at the replay's rate, or as soon as there is room; the
 * courier releases it.
 */
export function createReplayBatch({
  store,
  couriers,
}: Pick<ActivityDependencies, 'store' | 'couriers'>): Activities['replayBatch'] {
  /** @returns how many may be queued */
  const untilThereIsRoom = async (projectId: string): Promise<number> => {
    for (let waitedMs = 0; waitedMs < ROOM_WAIT_MS; waitedMs += ROOM_CHECK_MS) {
      heartbeat();
      const room = MAX_QUEUED - (await countQueuedReplays(store, projectId, MAX_QUEUED));
      if (room > 0) return room;
      couriers.call(projectId);
      await sleep(ROOM_CHECK_MS);
    }
    return WITHOUT_ROOM;
  };
  return async (replayId) => {
    const replay = await store.replays.find(replayId);
    if (replay?.status !== 'running') return false;
    const { projectId } = replay;
    const perSecond = replay.ratePerSecond ?? Infinity;
    const atOnce = Math.min(MAX_AT_ONCE, Math.ceil(perSecond / PER_SECOND));
    const next = await listForReplay(store, replay, Math.min(MAX_QUEUED, batchSize(perSecond)));
    if (next.length === 0) {
      // Until then it can be paused and cancelled.
      if (await hasUnsent(store, replay)) {
        if ((await countQueuedReplays(store, projectId, 1)) > 0) couriers.call(projectId);
        const waitMs = Math.min(MOST_END_WAIT_MS, END_WAIT_MS * 2 ** (activityInfo().attempt - 1));
        const message = 'all is queued; it ends when all has been attempted';
        throw againIn(waitMs, FAILURE_TYPES.replayDeferred, message);
      }
      while (await store.transaction((session) => countUnsent(store, replay, session))) heartbeat();
      return !(await store.replays.complete(replay));
    }
    const batch = next.slice(0, await untilThereIsRoom(projectId));
    let { cursor } = replay;
    await atRate(partsOf(batch, atOnce), perSecond / atOnce, async (group) => {
      if (!(await queueReplays(store, { ...replay, cursor }, group))) return false;
      cursor = group.at(-1)!._id;
      couriers.call(projectId);
      return true;
    });
    // If it was stopped, the next one sees it.
    return true;
  };
}
