import { cancellationDetails, heartbeat, sleep } from '@temporalio/activity';
import { FAILURE_TYPES } from '../src/contracts/activities';
import { againIn } from './again-in';

/** Approximate maximum duration of one batch of a bulk replay. */
const BATCH_MS = 5000;

/** The number of items in a batch at that rate. */
export function batchSize(perSecond: number): number {
  return Math.max(1, Math.round((perSecond * BATCH_MS) / 1000));
}

/** Minimum milliseconds between heartbeats: a third of the batches' heartbeat timeout. */
const HEARTBEAT_MS = 5000;

/**
 * Does `work` for each item in turn, no faster than `perSecond`, including the time after the last one, so
 * that the next batch keeps the rate too, as does one that continues after its worker has stopped. It heartbeats
 * throughout: a worker's death is noticed soon.
 * @param work returns false to stop
 */
export async function atRate<T>(
  items: readonly T[],
  perSecond: number,
  work: (item: T) => Promise<boolean>,
): Promise<void> {
  const start = performance.now();
  for (const [index, item] of items.entries()) {
    await sleepUntil(start + (index * 1000) / perSecond);
    if (!(await work(item))) return;
  }
  await sleepUntil(start + (items.length * 1000) / perSecond);
}

async function sleepUntil(time: number): Promise<void> {
  heartbeat();
  for (let left = time - performance.now(); left > 0; left = time - performance.now()) {
    await sleep(Math.min(left, HEARTBEAT_MS)).catch((error: unknown) => {
      if (cancellationDetails()?.cancelRequested) throw error;
      const waitMs = Math.max(1, Math.ceil(time - performance.now()));
      throw againIn(waitMs, FAILURE_TYPES.replayDeferred, 'it was told to stop');
    });
    heartbeat();
  }
}
