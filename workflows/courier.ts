import { condition, continueAsNew, proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { Activities } from '../src/contracts/activities';
import { courierTaskQueue } from '../src/contracts/temporal';
import { countingWakes } from './messages';

/** History events after which a run continues as new: each signal adds a few. */
const EVENTS_PER_RUN = 5000;

/**
 * The courier of one project: Temporal guarantees that there is one at a time, and that another worker takes
 * over within seconds of a crash. It ends when nothing is queued; a signal starts it again.
 */
export async function courier(projectId: string): Promise<void> {
  const wakes = countingWakes();
  const { deliverQueued } = proxyActivities<Activities>({
    taskQueue: courierTaskQueue(workflowInfo().taskQueue),
    // A shift ends at its first quiet moment after ten minutes (activities/courier).
    startToCloseTimeout: '6h',
    heartbeatTimeout: '6s',
    retry: { initialInterval: '1s', maximumInterval: '10s' },
  });
  while (workflowInfo().historyLength < EVENTS_PER_RUN) {
    const before = wakes();
    const { nextDueMs } = await deliverQueued(projectId);
    // Woken during the shift, which may have checked for the last time before.
    if (wakes() !== before) continue;
    if (nextDueMs === null) return;
    if (nextDueMs > 0) await condition(() => wakes() !== before, nextDueMs);
  }
  await continueAsNew<typeof courier>(projectId);
}
