import { proxyActivities } from '@temporalio/workflow';
import type { Activities, ReconcileReport } from '../src/contracts/activities';

/** Run by a Temporal Schedule: starts what was accepted but has no running workflow. */
export async function reconcile(): Promise<ReconcileReport> {
  const activities = proxyActivities<Activities>({
    startToCloseTimeout: '30m',
    // The next run waits for this one, so that a worker's death in it must be noticed soon.
    heartbeatTimeout: '10s',
    retry: { initialInterval: '1s', maximumInterval: '10s', maximumAttempts: 5 },
  });
  return activities.reconcile();
}
