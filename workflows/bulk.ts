import {
  ActivityCancellationType,
  CancellationScope,
  continueAsNew,
  patched,
  proxyActivities,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../src/contracts/activities';
import { bulkTaskQueue } from '../src/contracts/temporal';
import { countingWakes } from './messages';

/** Batches after which a run continues as new, to keep histories short. */
const BATCHES_PER_RUN = 100;

const batches = (): Activities =>
  proxyActivities<Activities>({
    taskQueue: bulkTaskQueue(workflowInfo().taskQueue),
    startToCloseTimeout: '2m',
    heartbeatTimeout: '15s',
    // A wait is cancelled at once; a batch that runs comes to its end, so that there are never two.
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: { initialInterval: '1s', maximumInterval: '30s' },
  });

/**
 * Drives a bulk replay, whose state is its document in MongoDB: pausing the replay ends this
 * workflow, and resuming it starts the workflow again, or wakes a run that has not ended yet.
 */
export async function replayDeliveries(replayId: string): Promise<void> {
  let current: CancellationScope | undefined;
  const wakes = countingWakes(() => {
    if (current && mayInterrupt()) current.cancel();
  });
  const activities = batches();
  for (let batch = 0; batch < BATCHES_PER_RUN; batch += 1) {
    const before = wakes();
    current = new CancellationScope();
    try {
      if (await current.run(() => activities.replayBatch(replayId))) continue;
    } catch (error) {
      // A batch that is cancelled is not run again, even if it then fails or its worker is dead. If the workflow
      // itself is cancelled, the next one is cancelled at once.
      if (wakes() === before) throw error;
    }
    // Resumed after the batch had seen the pause?
    if (wakes() === before) return;
  }
  await continueAsNew<typeof replayDeliveries>(replayId);
}

/** What is resumed goes on at once. Earlier workers waited until their batch checked again. */
const mayInterrupt = (): boolean => patched('woken-while-waiting');

/** For earlier versions: releases the deliveries that a paused webhook held. */
export async function drainWebhook(webhookId: string): Promise<void> {
  const activities = batches();
  for (let batch = 0; batch < BATCHES_PER_RUN; batch += 1) {
    if (!(await activities.drainBatch(webhookId))) return;
  }
  await continueAsNew<typeof drainWebhook>(webhookId);
}
