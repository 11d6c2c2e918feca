import type { Logger } from 'pino';
import type {
  Activities,
  ExecutionId,
  FoundRun,
  PlannedDelivery,
} from '../src/contracts/activities';
import type { HttpSender } from '../src/delivery/http';
import type { Mailer } from '../src/mail/mailer';
import type { Cipher } from '../src/store/cipher';
import type { Store } from '../src/store/store';
import { createAttemptDelivery } from './attempt';
import { createCancelDelivery } from './cancel';
import { createMarkFannedOut, createPlanDeliveries } from './plan';
import { createDrainBatch } from './drain';
import { createReconcile } from './reconcile';
import { createReplayBatch } from './replay-batch';

/** What activities ask of Temporal. */
export interface WorkflowStarter {
  /** These answer false when it runs already. */
  startFanOut(event: { _id: string; projectId: string; type: string }): Promise<boolean>;
  startReplay(replay: { _id: string; projectId: string }): Promise<boolean>;
  startDrain(webhook: { _id: string; projectId: string }): Promise<boolean>;
  /** How the latest run of the delivery's workflow stands; null where Temporal has none. */
  findRun(deliveryId: string): Promise<FoundRun>;
  /** Has a running workflow of the delivery look whether its next attempt may come; false: none runs. */
  signalDelivery(deliveryId: string, signal: 'wake'): Promise<boolean>;
  /** Whether Temporal still waits for that execution of an activity of the delivery's. */
  isUnderWay(deliveryId: string, execution: ExecutionId): Promise<boolean>;
  /** A new run of the delivery's workflow: by reset, or by starting its id again. */
  runDelivery(planned: PlannedDelivery, urgency: 'live' | 'bulk'): Promise<void>;
  /** The same where `findRun` found none that runs; false when one runs now. */
  runAgain(planned: PlannedDelivery, found: 'ended' | null): Promise<boolean>;
}

/** What the activities are made from. */
export interface ActivityDependencies {
  store: Store;
  cipher: Cipher;
  sender: HttpSender;
  starter: WorkflowStarter;
  /** null: no mail is sent, nor written down to be. */
  mailer: Mailer | null;
  log: Logger;
  /** Attempts that this worker runs at a time, and those of them that one webhook may have. */
  maxAttempts: number;
  maxAttemptsPerWebhook: number;
  /** How long deliveries are kept, in days. */
  retentionDays: number;
  /** Sent as `User-Agent: Posthorn/<version>`. */
  version: string;
}

/** One function per activity, bound to its dependencies; registered with the worker under these names. */
export function createActivities(dependencies: ActivityDependencies): Activities {
  return {
    planDeliveries: createPlanDeliveries(dependencies),
    markFannedOut: createMarkFannedOut(dependencies),
    attemptDelivery: createAttemptDelivery(dependencies),
    cancelDelivery: createCancelDelivery(dependencies),
    replayBatch: createReplayBatch(dependencies),
    drainBatch: createDrainBatch(dependencies),
    reconcile: createReconcile(dependencies),
  };
}
