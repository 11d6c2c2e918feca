import type { ClientSession } from 'mongoose';
import type { Store } from './store';

/**
 * Makes one more of something that a project may have `max` of. Of two concurrent requests, the second
 * counts what the first has made.
 * @param count up to `max`
 * @returns null if the project has that many, or no longer exists
 */
export async function makeWithin<T>(
  store: Store,
  projectId: string,
  max: number,
  count: (session: ClientSession) => Promise<number>,
  make: (session: ClientSession) => Promise<T>,
): Promise<T | null> {
  return store.transaction(async (session) => {
    const mayCount = await store.projects.takeTurn(projectId, session);
    return mayCount && (await count(session)) < max ? make(session) : null;
  });
}
