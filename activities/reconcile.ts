import { Context } from '@temporalio/activity';
import type { Activities, ReconcileReport } from '../src/contracts/activities';
import { clock } from '../src/clock';
import { reconcileMended } from '../src/metrics';
import { endDeliveriesOf } from '../src/store/end-deliveries';
import { listQueueing, listQueueingProjects } from '../src/store/courier-queue';
import type { DeliveryRecord } from '../src/store/delivery-record';
import { toPlanned } from '../src/temporal/planned-delivery';
import { sendOwnerMails } from './owner-mails';
import type { ActivityDependencies } from '.';

/** An event or delivery this much behind is looked at; younger ones are likely under way. */
const GRACE_MS = 20_000;
/** One that can't be mended must not keep the others from it; more than these of a kind, and Temporal is away. */
const MAX_FAILURES = 20;

type Dependencies = Pick<ActivityDependencies, 'store' | 'starter' | 'log'>;

/**
 * Finds what was accepted or asked for but has no running workflow (the process died between MongoDB
 * and Temporal, or Temporal was away, or lost its data) and starts it, all of it: it goes on until
 * nothing is left. Idempotent: workflow ids are derived, so that what runs already is left alone. It also
 * forgets the secrets whose rotation's overlap has ended (docs/adr/0009), sends the mails that are due,
 * removes the events whose time has come, and finishes the deletion of projects and the ending of what
 * was to be sent to webhooks that were disabled or deleted.
 */
export function createReconcile(deps: ActivityDependencies): Activities['reconcile'] {
  const { store, starter, log } = deps;
  return async (graceMs = GRACE_MS) => {
    const context = Context.current();
    const before = new Date(clock.now().getTime() - graceMs);
    const report: ReconcileReport = { events: 0, deliveries: 0, replays: 0, drains: 0 };

    /** @returns mends one of that kind; `start` answers whether there was something to mend */
    const mender = (kind: keyof ReconcileReport) => {
      let failures = 0;
      return async (id: string, start: () => Promise<boolean>): Promise<void> => {
        context.heartbeat();
        if (failures > MAX_FAILURES) return;
        try {
          if (!(await start())) return;
          report[kind] += 1;
          reconcileMended.inc({ kind });
        } catch (error) {
          failures += 1;
          log.warn({ err: error, kind, id }, 'reconcile could not mend');
        }
      };
    };

    // What is soon done first: a great many overdue deliveries must not keep the rest from being mended.
    await store.webhooks.removeEndedSecrets();
    const replays = mender('replays');
    for (const replay of await store.replays.listStalled(before)) {
      await replays(replay._id, () => starter.startReplay(replay));
    }
    const drains = mender('drains');
    for (const webhookId of await store.deliveries.listHoldingWebhooks()) {
      if (await store.webhooks.isPaused(webhookId)) continue;
      const [held] = await store.deliveries.listHeld(webhookId, 1);
      if (!held) continue;
      const webhook = { _id: webhookId, projectId: held.projectId };
      await drains(webhookId, () => starter.startDrain(webhook));
    }
    for (const { _id } of await store.endings.list()) {
      await endDeliveriesOf(store, _id, () => context.heartbeat());
    }
    // One call is enough for all that waits for a project's courier.
    const woken = new Set<string>();
    const wake = async (projectId: string): Promise<boolean> => {
      if (woken.has(projectId)) return false;
      woken.add(projectId);
      await starter.wakeCourier(projectId);
      return true;
    };
    for (const projectId of await listQueueingProjects(store)) {
      const queueing = await listQueueing(store, projectId);
      if (await store.webhooks.someIsOpen(queueing)) await drains(projectId, () => wake(projectId));
    }
    const events = mender('events');
    await store.events.eachNotFannedOut(before, (event) =>
      events(event._id, () =>
        event.isExpress ? wake(event.projectId) : starter.startFanOut(event),
      ),
    );
    await sendOwnerMails(deps, () => context.heartbeat());
    const deliveries = mender('deliveries');
    await store.deliveries.eachOverdue(graceMs, (delivery) =>
      deliveries(delivery._id, () =>
        delivery.isExpress ? wake(delivery.projectId) : runAgain(deps, delivery, graceMs),
      ),
    );
    await store.removeExpired(() => context.heartbeat());
    for (const id of await store.projects.listDeleted()) {
      await store.finishDeletion(id, () => context.heartbeat());
    }
    if (Object.values(report).some((count) => count > 0)) log.warn(report, 'reconcile mended');
    return report;
  };
}

/**
 * Runs a delivery that is overdue, or wakes its workflow where that waits for another time; one whose
 * webhook is gone it ends. Of several reconcilers one does.
 */
async function runAgain(
  { store, starter }: Dependencies,
  delivery: DeliveryRecord,
  graceMs: number,
): Promise<boolean> {
  const { _id, projectId, webhookId } = delivery;
  const run = await starter.findRun(_id);
  if (run === 'waiting') await starter.signalDelivery(_id, 'wake');
  if (run === 'running' || run === 'waiting') return false;
  const [webhook, project] = await Promise.all([
    store.webhooks.get(projectId, webhookId),
    store.projects.get(projectId),
  ]);
  if (!webhook || !project) return store.cancelOrphan(delivery);
  const requested = await store.deliveries.requestRun(_id, graceMs);
  if (!requested) return false;
  return starter.runAgain(toPlanned(requested, webhook, project), run);
}
