import { continueAsNew, proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../src/contracts/activities';

/** Batches after which a run is continued as new, to keep histories short. */
const BATCHES_PER_RUN = 100;

const { replayBatch, drainBatch } = proxyActivities<Activities>({
  startToCloseTimeout: '2m',
  heartbeatTimeout: '15s',
  retry: { initialInterval: '1s', maximumInterval: '30s' },
});

/**
 * The legs of a bulk replay. Its head is the replay's document: pausing it ends this workflow, and
 * resuming it starts the workflow again.
 */
export async function replayDeliveries(replayId: string): Promise<void> {
  for (let batch = 0; batch < BATCHES_PER_RUN; batch += 1) {
    if (!(await replayBatch(replayId))) return;
  }
  await continueAsNew<typeof replayDeliveries>(replayId);
}

/** Lets the deliveries go that a paused webhook held, in the order of their events. */
export async function drainWebhook(webhookId: string): Promise<void> {
  for (let batch = 0; batch < BATCHES_PER_RUN; batch += 1) {
    if (!(await drainBatch(webhookId))) return;
  }
  await continueAsNew<typeof drainWebhook>(webhookId);
}
