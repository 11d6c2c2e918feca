import type { Activities } from '../src/contracts/activities';
import type { ActivityDependencies } from './dependencies';
import { Pulse } from './attempt/execution';
import type { Attempting } from './attempt/make';
import { createAttemptAtOnce } from './attempt-at-once';
import { createAttemptDelivery } from './attempt-delivery';
import { createCancelDelivery } from './cancel-delivery';
import { Places } from './concurrency';
import { createDeliverQueued } from './deliver-queued';
import { createPlanFilteredDeliveries, planner } from './plan-deliveries';
import { createFindEnd } from './find-end';
import { createReconcile } from './reconcile';
import { createReplayBatch } from './replay-batch';

/** One function per activity, bound to its dependencies; registered with the worker under these names. */
export function createActivities(dependencies: ActivityDependencies): Activities {
  const { maxAttempts, maxAttemptsPerWebhook } = dependencies;
  const attempting: Attempting = {
    deps: dependencies,
    places: new Places(maxAttempts, maxAttemptsPerWebhook),
    pulse: new Pulse(),
  };
  return {
    planDeliveries: planner(dependencies, false),
    planFilteredDeliveries: createPlanFilteredDeliveries(dependencies),
    // For fan-outs that an earlier version has planned.
    markFannedOut: (eventId) => dependencies.store.events.markFannedOut(eventId),
    attemptAtOnce: createAttemptAtOnce(attempting),
    attemptDelivery: createAttemptDelivery(attempting),
    cancelDelivery: createCancelDelivery(dependencies),
    findEnd: createFindEnd(dependencies),
    replayBatch: createReplayBatch(dependencies),
    // For drains that an earlier version has begun: housekeeping leaves the rest to the courier.
    drainBatch: () => Promise.resolve(false),
    deliverQueued: createDeliverQueued(dependencies, attempting.pulse),
    reconcile: createReconcile(dependencies),
  };
}
