import { Context } from '@temporalio/activity';
import type { Activities, ReconcileReport } from '../src/contracts/activities';
import { reconcileMended } from '../src/metrics';
import type { DeliveryRecord } from '../src/store/deliveries';
import { toPlanned } from '../src/temporal/planned-delivery';
import { sendOwnerMails } from './owner-mails';
import type { ActivityDependencies } from '.';

/** An event or delivery this much behind is looked at; younger ones are likely under way. */
const GRACE_MS = 20_000;
/** One that can't be mended must not keep the others from it; more than these, and Temporal is away. */
const MAX_FAILURES = 20;

type Dependencies = Pick<ActivityDependencies, 'store' | 'starter' | 'log'>;

/**
 * Finds what was accepted or asked for but has no running workflow (the process died between MongoDB
 * and Temporal, or Temporal was away, or lost its data) and starts it, all of it: it goes on until
 * nothing is left. Idempotent: workflow ids are derived, so that what runs already is left alone. It also
 * forgets the secrets whose rotation's overlap has ended (docs/adr/0009), and sends the mails that are
 * due.
 */
export function createReconcile(deps: ActivityDependencies): Activities['reconcile'] {
  const { store, starter, log } = deps;
  return async (graceMs = GRACE_MS) => {
    const context = Context.current();
    const before = new Date(Date.now() - graceMs);
    const report: ReconcileReport = { events: 0, deliveries: 0, replays: 0, drains: 0 };
    let failures = 0;

    /** @param start answers whether there was something to mend */
    const mend = async (
      kind: keyof ReconcileReport,
      id: string,
      start: () => Promise<boolean>,
    ): Promise<void> => {
      context.heartbeat();
      try {
        if (!(await start())) return;
        report[kind] += 1;
        reconcileMended.inc({ kind });
      } catch (error) {
        failures += 1;
        if (failures > MAX_FAILURES) throw error;
        log.warn({ err: error, kind, id }, 'reconcile could not mend');
      }
    };

    await store.events.eachNotFannedOut(before, (event) =>
      mend('events', event._id, () => starter.startFanOut(event)),
    );
    await store.deliveries.eachOverdue(before, (delivery) =>
      mend('deliveries', delivery._id, () => runAgain(deps, delivery)),
    );
    for (const { _id } of await store.replays.listStalled(before)) {
      await mend('replays', _id, () => starter.startReplay(_id));
    }
    for (const webhookId of await store.deliveries.listHoldingWebhooks()) {
      if (await store.webhooks.isPaused(webhookId)) continue;
      await mend('drains', webhookId, () => starter.startDrain(webhookId));
    }
    await store.webhooks.removeEndedSecrets(new Date());
    await sendOwnerMails(deps, () => context.heartbeat());
    if (Object.values(report).some((count) => count > 0)) log.warn(report, 'reconcile mended');
    return report;
  };
}

/** Runs a delivery that is overdue, unless its workflow runs; one whose webhook is gone it ends. */
async function runAgain(
  { store, starter }: Dependencies,
  { _id, projectId, webhookId }: DeliveryRecord,
): Promise<boolean> {
  if (await starter.isDeliveryRunning(_id)) return false;
  const [webhook, project] = await Promise.all([
    store.webhooks.get(projectId, webhookId),
    store.projects.get(projectId),
  ]);
  if (!webhook || !project) return store.deliveries.cancel(_id, new Date());
  const requested = await store.deliveries.requestRun(_id);
  if (!requested) return false;
  await starter.runDelivery(toPlanned(requested, webhook, project), 'live');
  return true;
}
