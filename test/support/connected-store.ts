import type { ProjectDefaults } from '../../src/store/projects';
import { Store } from '../../src/store/store';
import { eventually } from './eventually';

/**
 * Opens a store that has connected: on a machine that stands still for seconds its first attempt fails, and so does
 * whatever waits for that.
 */
export async function connectedStore(url: string, defaults: ProjectDefaults): Promise<Store> {
  const store = Store.open(url, defaults);
  await eventually('MongoDB is connected', () =>
    store.readClock().then(
      () => true,
      () => false,
    ),
  );
  return store;
}
