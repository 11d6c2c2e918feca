import type { Logger } from 'pino';
import type {
  Activities,
  ExecutionId,
  FoundRun,
  PlannedDelivery,
} from '../src/contracts/activities';
import type { Dispatch } from '../src/contracts/delivery';
import type { HttpSender } from '../src/delivery/http';
import type { Mailer } from '../src/mail/mailer';
import type { Cipher } from '../src/store/cipher';
import type { EventRecord } from '../src/store/events';
import type { Store } from '../src/store/store';
import type { TemporalState } from '../src/temporal/engine';
import { CourierCalls } from '../src/temporal/courier-calls';
import type { TenantCpu } from '../src/tenant-cpu/tenant-cpu';
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

/** What activities ask of Temporal. */
export interface WorkflowStarter {
  /** These answer false when it runs already. */
  startFanOut(
    event: Pick<EventRecord, '_id' | 'projectId' | 'type' | 'isExpress'>,
  ): Promise<boolean>;
  startReplay(replay: { _id: string; projectId: string }): Promise<boolean>;
  /** Starts the project's courier, or tells the one that runs that there is work. */
  wakeCourier(projectId: string): Promise<void>;
  /** How the latest run of the delivery's workflow stands; null where Temporal has none. */
  findRun(deliveryId: string): Promise<FoundRun>;
  /** Those of some workflows that run, as far as Temporal's lists tell, which may be seconds behind. */
  listRunning(workflowIds: readonly string[]): Promise<Set<string>>;
  /** Whether that workflow runs, but its tasks fail again and again. */
  isFailing(workflowId: string): Promise<boolean>;
  /** Whether Temporal can be reached, and takes what is new. */
  state(): Promise<TemporalState>;
  /** Has a running workflow of the delivery look whether its next attempt may come; false: none runs. */
  signalDelivery(deliveryId: string, signal: 'wake'): Promise<boolean>;
  /** Whether Temporal still waits for that execution of an activity of the delivery's. */
  isUnderWay(deliveryId: string, execution: ExecutionId): Promise<boolean>;
  /**
   * A new run of the delivery's workflow, where `findRun` found none that runs: by reset, or by starting its
   * id again; false when one runs now.
   */
  runAgain(
    planned: PlannedDelivery,
    found: 'ended' | null,
    urgency?: 'live' | 'bulk',
  ): Promise<boolean>;
}

/** What the activities are made from. */
export interface ActivityDependencies {
  store: Store;
  cipher: Cipher;
  sender: HttpSender;
  starter: WorkflowStarter;
  /** null: no mail is sent, nor written down to be. */
  mailer: Mailer | null;
  tenantCpu: TenantCpu;
  log: Logger;
  /** Attempts that this worker runs at a time, and those of them that one webhook may have. */
  maxAttempts: number;
  maxAttemptsPerWebhook: number;
  /** How long deliveries are kept, in days. */
  retentionDays: number;
  /** How events are driven where their project says nothing. */
  dispatch: Dispatch;
  /** Sent as `User-Agent: Posthorn/<version>`. */
  version: string;
}

/** One function per activity, bound to its dependencies; registered with the worker under these names. */
export function createActivities(dependencies: ActivityDependencies): Activities {
  const couriers = new CourierCalls(dependencies.starter, dependencies.log);
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
