import { proxyActivities } from '@temporalio/workflow';
import type { Activities, ReconcileReport } from '../src/contracts/activities';

/** Run by a Temporal Schedule: starts what was accepted but has no running workflow. */
export async function reconcile(): Promise<ReconcileReport> {
  const activities = proxyActivities<Activities>({
    startToCloseTimeout: '5m',
    retry: { initialInterval: '5s', maximumAttempts: 5 },
  });
  return activities.reconcile();
}
