import type { Activities } from '../src/contracts/activities';
import { toPlanned } from '../src/temporal/planned-delivery';
import type { ActivityDependencies } from '.';

/** An event or delivery this much behind is looked at; younger ones are likely under way. */
const GRACE_MS = 30_000;
/** What one run looks at; the next run, a minute later, goes on. */
const BATCH = 1000;

/**
 * Finds what was accepted or asked for but has no running workflow (the process died between MongoDB
 * and Temporal, or Temporal was away, or lost its data) and starts it. Idempotent: workflow ids are
 * derived, so that what runs already is left alone. It also forgets the secrets whose rotation's
 * overlap has ended (docs/adr/0009).
 */
export function createReconcile({
  store,
  starter,
  log,
}: Pick<ActivityDependencies, 'store' | 'starter' | 'log'>): Activities['reconcile'] {
  return async (graceMs = GRACE_MS) => {
    const before = new Date(Date.now() - graceMs);
    const report = { events: 0, deliveries: 0, replays: 0, drains: 0 };
    for (const event of await store.events.listNotFannedOut(before, BATCH)) {
      await starter.startFanOut(event);
      report.events += 1;
    }
    for (const delivery of await store.deliveries.listOverdue(before, BATCH)) {
      if (await starter.isDeliveryRunning(delivery._id)) continue;
      const [webhook, project] = await Promise.all([
        store.webhooks.get(delivery.projectId, delivery.webhookId),
        store.projects.get(delivery.projectId),
      ]);
      if (!webhook || !project) {
        await store.deliveries.cancel(delivery._id, new Date());
        continue;
      }
      if (!(await store.deliveries.requestRun(delivery._id))) continue;
      await starter.runDelivery(toPlanned(delivery, webhook, project), 'live');
      report.deliveries += 1;
    }
    for (const replay of await store.replays.listStalled(before, BATCH)) {
      await starter.startReplay(replay._id);
      report.replays += 1;
    }
    for (const webhookId of await store.deliveries.listHoldingWebhooks()) {
      if (await store.webhooks.isPaused(webhookId)) continue;
      await starter.startDrain(webhookId);
      report.drains += 1;
    }
    await store.webhooks.removeEndedSecrets(new Date());
    if (Object.values(report).some((count) => count > 0)) log.warn(report, 'reconcile mended');
    return report;
  };
}
