import { moment } from '../../src/clock';
import {
  deliveryWorkflowId,
  fanOutWorkflowId,
  replayWorkflowId,
} from '../../src/contracts/temporal';
import { cancelOrphan } from '../../src/store/cancel-orphan';
import type { DeliveryRecord } from '../../src/store/delivery-record';
import type { EventRecord } from '../../src/store/event-record';
import type { ReplayRecord } from '../../src/store/replays';
import { toPlanned } from '../../src/store/planned-delivery';
import { followSettled } from '../attempt/after-failure';
import type { Run } from './run';
import type { Quest } from './search';

/* What was accepted or requested but has no running workflow: a process died, or Temporal lost its data. */

/** A due attempt may take this long to start. */
const DELIVERIES_GRACE_MS = 10_000;

/** Started unless it runs; if it does, its progress is checked. */
async function startOrLook(
  run: Run,
  kind: 'events' | 'replays',
  workflowId: string,
  start: () => Promise<boolean>,
): Promise<boolean> {
  if (await start()) return true;
  if ((await run.deps.engine.find(workflowId)) === 'failing') run.noteFailing(kind, workflowId);
  return false;
}

export const LOST_EVENTS: Quest<EventRecord> = {
  kind: 'events',
  backlog: ({ deps }) => deps.store.events.unplanned,
  isPast: true,
  // Longer than an event waits in its API for its start (src/api/events/start-queue.ts): what is older is nobody's.
  // With the interval and the duration of a check, it is found within 5 seconds.
  graceMs: 3000,
  everyMs: 1000,
  workflowIdOf: fanOutWorkflowId,
  fix: (run, event) =>
    startOrLook(run, 'events', fanOutWorkflowId(event._id), () =>
      run.deps.engine.startFanOut(event),
    ),
};

export const LOST_REPLAYS: Quest<ReplayRecord> = {
  kind: 'replays',
  backlog: ({ deps }) => deps.store.replays.running,
  isPast: true,
  graceMs: 10_000,
  everyMs: 5000,
  workflowIdOf: replayWorkflowId,
  fix: (run, replay) =>
    startOrLook(run, 'replays', replayWorkflowId(replay._id), () =>
      run.deps.engine.startReplay(replay),
    ),
};

export const LOST_DELIVERIES: Quest<DeliveryRecord> = {
  kind: 'deliveries',
  backlog: ({ deps }) => deps.store.deliveries.due,
  graceMs: DELIVERIES_GRACE_MS,
  everyMs: 3000,
  workflowIdOf: deliveryWorkflowId,
  fix: runAgain,
};

/** Failed deliveries whose courier has died, or could not follow them up. */
export const UNFOLLOWED_FAILURES: Quest<DeliveryRecord> = {
  kind: 'failures',
  backlog: ({ deps }) => deps.store.deliveries.unfollowed,
  isPast: true,
  graceMs: 10_000,
  everyMs: 5000,
  fix: ({ deps }, { _id }) => followSettled(deps, _id),
};

/**
 * Runs an overdue delivery, or wakes its workflow if that waits for another time; ends one whose webhook is
 * gone. If several reconcilers try, only one does.
 */
async function runAgain(run: Run, delivery: DeliveryRecord): Promise<boolean> {
  const { store, engine } = run.deps;
  const { _id, projectId, webhookId } = delivery;
  const decidedAt = moment();
  const found = await engine.activityOf(_id);
  if (found === 'waiting') await engine.signalDelivery(_id, 'wake');
  if (found === 'failing') run.noteFailing('deliveries', deliveryWorkflowId(_id));
  if (found !== 'ended' && found !== null) return false;
  const [webhook, project] = await Promise.all([
    store.webhooks.get(projectId, webhookId),
    store.projects.get(projectId),
  ]);
  if (!webhook || !project) return cancelOrphan(store, delivery);
  // Stopped meanwhile: what has been requested is still carried out.
  if (!run.goesOn()) return false;
  const requested = await store.deliveries.requestRun(
    delivery,
    found,
    run.graceMs(DELIVERIES_GRACE_MS),
  );
  if (!requested) return false;
  const decided = { at: decidedAt, runId: requested.runId };
  return engine.runAgain(toPlanned(requested, webhook, project), found, 'live', decided);
}
