import { proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { Activities, ReconcilePart, ReconcileReport } from '../src/contracts/activities';
import { reconcileTaskQueue } from '../src/contracts/temporal';

/**
 * Run by Temporal Schedules, one for each part: starts what was accepted but has no running workflow, and
 * cleans up. Without a part, as in earlier versions' schedule, everything is done once.
 */
export async function reconcile(part?: ReconcilePart): Promise<ReconcileReport> {
  const activities = proxyActivities<Activities>({
    taskQueue: reconcileTaskQueue(workflowInfo().taskQueue),
    startToCloseTimeout: '10m',
    // Lost work waits until another worker continues, so a worker's death must be noticed soon.
    heartbeatTimeout: '5s',
    retry: { initialInterval: '1s', maximumInterval: '5s' },
  });
  return activities.reconcile(part);
}
