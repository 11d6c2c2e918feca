import type { Activities } from '../src/contracts/activities';
import { CourierCalls } from '../src/temporal/courier-calls';
import type { ActivityDependencies } from './dependencies';
import { createAttemptDelivery } from './attempt-delivery';
import { createCancelDelivery } from './cancel-delivery';
import { createDeliverQueued } from './deliver-queued';
import {
  createMarkFannedOut,
  createPlanDeliveries,
  createPlanFilteredDeliveries,
} from './plan-deliveries';
import { createDrainBatch } from './drain-batch';
import { createReconcile } from './reconcile';
import { createReplayBatch } from './replay-batch';

/** One function per activity, bound to its dependencies; registered with the worker under these names. */
export function createActivities(dependencies: ActivityDependencies): Activities {
  const couriers = new CourierCalls(dependencies.engine, dependencies.log);
  return {
    planDeliveries: createPlanDeliveries(dependencies, couriers),
    planFilteredDeliveries: createPlanFilteredDeliveries(dependencies, couriers),
    markFannedOut: createMarkFannedOut(dependencies),
    attemptDelivery: createAttemptDelivery(dependencies, couriers),
    cancelDelivery: createCancelDelivery(dependencies),
    replayBatch: createReplayBatch(dependencies, couriers),
    drainBatch: createDrainBatch(dependencies),
    deliverQueued: createDeliverQueued(dependencies),
    reconcile: createReconcile(dependencies),
  };
}
