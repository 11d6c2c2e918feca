import type { Activities } from '../src/contracts/activities';
import { toPlanned } from '../src/temporal/planned-delivery';
import { atRate, batchSize } from './pace';
import type { ActivityDependencies } from '.';

/** Held deliveries started in a second: above what the engine takes on small machines, below a flood. */
const DRAIN_PER_SECOND = 50;

export function createDrainBatch({
  store,
  starter,
  log,
}: Pick<ActivityDependencies, 'store' | 'starter' | 'log'>): Activities['drainBatch'] {
  return async (webhookId) => {
    const batch = await store.deliveries.listHeld(webhookId, batchSize(DRAIN_PER_SECOND));
    const [first] = batch;
    if (!first) return false;
    return atRate(batch, DRAIN_PER_SECOND, async (delivery) => {
      const { _id, projectId } = delivery;
      const [webhook, project] = await Promise.all([
        store.webhooks.get(projectId, webhookId),
        store.projects.get(projectId),
      ]);
      if (!webhook || !project) {
        await store.cancelOrphan(delivery);
        return true;
      }
      if (webhook.isPaused) return false;
      const released = await store.deliveries.release(_id);
      if (released) {
        await starter
          .runDelivery(toPlanned(released, webhook, project), 'bulk')
          .catch((error: unknown) => {
            log.warn({ err: error, deliveryId: _id }, 'released delivery left to reconcile');
          });
      }
      return true;
    });
  };
}
