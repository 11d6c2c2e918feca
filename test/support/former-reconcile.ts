/** How 0.1.0 reconciled: one workflow without parts, whose activity waits with the attempts. */
import { proxyActivities } from '@temporalio/workflow';
import type { Activities, ReconcileReport } from '../../src/contracts/activities';

export {
  courier,
  deliverWebhook,
  drainWebhook,
  fanOutEvent,
  replayDeliveries,
} from '../../workflows';

export async function reconcile(): Promise<ReconcileReport> {
  const activities = proxyActivities<Activities>({
    startToCloseTimeout: '30m',
    heartbeatTimeout: '10s',
    retry: { initialInterval: '1s', maximumInterval: '10s', maximumAttempts: 5 },
  });
  return activities.reconcile();
}
