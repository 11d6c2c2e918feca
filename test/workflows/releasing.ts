import { release } from '../../src/store/queue';
import type { Store } from '../../src/store/store';
import { wakeSignal } from '../../workflows/messages';
import { intercept } from '../support/intercept';
import type { Running } from './running';

/** A store in which the delivery has no slot, and its courier releases it before the attempt has returned. */
export function releasing(store: Store, running: Running): Store {
  const rounds = intercept(store.rounds, 'queue', async (...args) => {
    const isQueued = await store.rounds.queue(...args);
    await release(store, await running.record());
    await running.handle.signal(wakeSignal);
    // The workflow has acted on it.
    await running.phase();
    return isQueued;
  });
  const webhooks = intercept(store.webhooks, 'takeSlot', async () => null);
  return intercept(intercept(store, 'rounds', rounds), 'webhooks', webhooks);
}
