import { isStoreUnavailable, isTooSlow } from '../../src/store/errors';

/** Patience with a busy machine, not a promise: what has to be quick is measured by its test. */
export const PATIENCE_MS = 60_000;

/** Looking costs more CPU than most of what is waited for: the longer that takes, the less often. */
const LOOK_MS = { first: 20, most: 250 };
const lookAfterMs = (waitedMs: number): number =>
  Math.min(Math.max(waitedMs / 10, LOOK_MS.first), LOOK_MS.most);

/** Thrown by a client that is answered 503. */
export class Unavailable extends Error {}

/** MongoDB may only have been too slow for this one request of an API, or call of a store. */
const mayPass = (error: unknown): boolean =>
  error instanceof Unavailable || isStoreUnavailable(error) || isTooSlow(error);

/**
 * Waits until `check` answers something: tests wait for conditions, never for time.
 * @throws what `check` throws; what may pass, only as the cause once the time is over
 */
export async function eventually<T>(
  what: string,
  check: () => Promise<T | false | undefined | null> | T | false | undefined | null,
  timeoutMs = PATIENCE_MS,
): Promise<T> {
  const beganAt = performance.now();
  for (;;) {
    let cause: unknown;
    try {
      const found = await check();
      if (found !== false && found !== undefined && found !== null) return found;
    } catch (error) {
      if (!mayPass(error)) throw error;
      cause = error;
    }
    const waitedMs = performance.now() - beganAt;
    if (waitedMs > timeoutMs) {
      throw new Error(`did not happen within ${timeoutMs} ms: ${what}`, { cause });
    }
    await new Promise((resolve) => setTimeout(resolve, lookAfterMs(waitedMs)));
  }
}

/**
 * Makes an expectation of what a page shows again until it holds: what was asked for may still be on its way.
 * @throws what the last one found
 */
export async function soon(expectation: () => Promise<void>): Promise<void> {
  const until = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await expectation();
    } catch (error) {
      if (performance.now() > until) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS.most));
  }
}
