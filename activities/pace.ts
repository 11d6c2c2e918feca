import { heartbeat, sleep } from '@temporalio/activity';

/** How long one batch of a bulk replay or a drain takes at most, about. */
const BATCH_MS = 5000;

/** How many items a batch has at that rate. */
export function batchSize(perSecond: number): number {
  return Math.max(1, Math.round((perSecond * BATCH_MS) / 1000));
}

/**
 * Does `work` to each item in turn, no faster than `perSecond`, with a heartbeat for each: a worker's
 * death is noticed soon.
 * @param work answers false to stop
 * @returns false when stopped
 */
export async function atRate<T>(
  items: readonly T[],
  perSecond: number,
  work: (item: T) => Promise<boolean>,
): Promise<boolean> {
  const start = Date.now();
  for (const [index, item] of items.entries()) {
    const ahead = start + (index * 1000) / perSecond - Date.now();
    if (ahead > 0) await sleep(ahead);
    heartbeat();
    if (!(await work(item))) return false;
  }
  return true;
}
