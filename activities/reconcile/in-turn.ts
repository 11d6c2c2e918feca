import type { Run } from './run';

/**
 * Does a part of each in turn, so that a lot of work for one doesn't delay the others. A failure of one
 * doesn't affect the others.
 * @param part returns whether there is more of it; nothing: it has no more
 */
export async function inTurn<T>(
  run: Run,
  all: readonly T[],
  part: (one: T) => Promise<boolean | void>,
  failed: (one: T, err: unknown) => void,
): Promise<void> {
  let left = all;
  while (left.length > 0) {
    const unfinished: T[] = [];
    for (const one of left) {
      if (!run.goesOn()) return;
      try {
        if (await part(one)) unfinished.push(one);
      } catch (error) {
        if (run.isOnce) throw error;
        failed(one, error);
      }
    }
    left = unfinished;
  }
}
