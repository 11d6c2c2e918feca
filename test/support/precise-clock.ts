import type { Store } from '../../src/store/store';

const READINGS = 8;

/**
 * Reads MongoDB's time as often as a process has done after its first seconds, and keeps the most precise reading: on a
 * busy machine, the first one alone may be a tenth of a second off, and what MongoDB has made due is not due here then.
 */
export async function readClock(store: Store): Promise<void> {
  for (let n = 0; n < READINGS; n += 1) await store.readClock();
}
