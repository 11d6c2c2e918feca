import type { Activities } from '../src/contracts/activities';
import type { DeliveryRecord } from '../src/store/delivery-record';
import { listForReplay } from '../src/store/replayable';
import type { ReplayRecord } from '../src/store/replays';
import { toPlanned } from '../src/temporal/planned-delivery';
import { atRate, batchSize } from './pace';
import type { ActivityDependencies } from '.';

type Dependencies = Pick<ActivityDependencies, 'store' | 'starter' | 'log'>;

export function createReplayBatch(deps: Dependencies): Activities['replayBatch'] {
  const { store } = deps;
  return async (replayId) => {
    const replay = await store.replays.find(replayId);
    if (replay?.status !== 'running') return false;
    const batch = await listForReplay(store.deliveries, replay, batchSize(replay.ratePerSecond));
    if (batch.length === 0) {
      await store.replays.move(replayId, ['running'], 'completed');
      return false;
    }
    return atRate(batch, replay.ratePerSecond, (delivery) => replayOne(deps, replay, delivery));
  };
}

/**
 * The delivery's change and the replay's progress are one transaction: however often this is repeated,
 * each delivery is replayed once and counted once. A run that could not be asked for after it is left
 * to reconcile.
 * @returns false when the replay has been paused or cancelled
 */
async function replayOne(
  { store, starter, log }: Dependencies,
  replay: ReplayRecord,
  { _id, projectId, webhookId }: DeliveryRecord,
): Promise<boolean> {
  const [webhook, project] = await Promise.all([
    store.webhooks.get(projectId, webhookId),
    store.projects.get(projectId),
  ]);
  const replayed = await store.transaction(async (session) => {
    const begun = webhook && (await store.deliveries.beginReplay(projectId, _id, session));
    const outcome = begun ? 'replayed' : 'failed';
    if (await store.replays.advance(replay._id, _id, outcome, session)) return { begun };
    await session.abortTransaction();
    return null;
  });
  if (!replayed) return false;
  if (replayed.begun && webhook && project) {
    await starter
      .runDelivery(toPlanned(replayed.begun, webhook, project), 'bulk')
      .catch((error: unknown) => {
        log.warn({ err: error, deliveryId: _id }, 'replay left to reconcile');
      });
  }
  return true;
}
