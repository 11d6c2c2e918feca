import type { ClientSession } from 'mongoose';
import type { Store } from './store';

/** Serialises the transactions that count what an owner has and add to it. */
interface Turns {
  /** @returns false if the owner no longer exists */
  takeTurn(owner: string, session: ClientSession): Promise<boolean>;
}

/**
 * Makes one more of something that an owner may have `max` of. Of two concurrent requests, the second
 * counts what the first has made.
 * @param count up to `max`
 * @returns null if the owner has that many, or no longer exists
 */
export async function makeWithin<T>(
  store: Store,
  { of, owner, max }: { of: Turns; owner: string; max: number },
  count: (session: ClientSession) => Promise<number>,
  make: (session: ClientSession) => Promise<T>,
): Promise<T | null> {
  return store.transaction(async (session) => {
    const mayCount = await of.takeTurn(owner, session);
    return mayCount && (await count(session)) < max ? make(session) : null;
  });
}
