import { once } from 'node:events';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { IllegalStateError, NativeConnection, TransportError, Worker } from '@temporalio/worker';
import type { Logger } from 'pino';
import { clock } from '../clock';
import type { Config } from '../config/config';
import type { Activities } from '../contracts/activities';
import {
  bulkTaskQueue,
  courierTaskQueue,
  reconcileTaskQueue,
  TASK_QUEUE,
} from '../contracts/temporal';
import { connectionOptions } from './connection';

/** Longer than any attempt may take (60 s, and the margin to record it): what runs is let finish. */
const SHUTDOWN_GRACE_MS = 75_000;
/** After that a worker ends whatever is left, such as an answer that Temporal does not take. */
const SHUTDOWN_FORCE_MS = 80_000;

/** Milliseconds between tries to reach a Temporal that is unavailable again. */
const CONNECT_RETRY_MS = 1000;

/** Milliseconds between looks whether the clock is right, or wrong. */
const CLOCK_LOOK_MS = 500;

/** How many batches of bulk work a worker has at a time, for each of its attempts. */
const BULK_SHARE = 0.1;

/**
 * Workflow tasks of a worker at a time. One thread runs them: more than it keeps busy with would wait in
 * here, where projects take no turns.
 */
const MAX_WORKFLOW_TASKS = 8;

/** Couriers of a worker at a time: one costs little while its project is quiet. */
const MAX_COURIERS = 2000;

/** Runs of reconcile at a time: of each part one, and one more that goes on while its worker is thought dead. */
const MAX_RECONCILES = 6;

/** The bundle that `npm run build` made, beside `dist/src`. */
export const WORKFLOW_BUNDLE = path.resolve(__dirname, '../../workflow-bundle.js');

/** What workers, and the bundle, are told of: failures are kept without stack traces. */
export const FAILURE_CONVERTER = path.resolve(__dirname, 'failure-converter');

export interface WorkerHandle {
  /** Resolves when all is drained after `shutdown()`. */
  run: () => Promise<void>;
  shutdown: () => void;
  isPolling: () => boolean;
}

/**
 * A worker on the task queue, and others for bulk work, couriers and reconcile, which so have places of
 * their own and never those of attempts. Any number of processes share the queues.
 */
export async function createWorker(
  config: Config,
  activities: Activities,
  { taskQueue = TASK_QUEUE, bundle = WORKFLOW_BUNDLE } = {},
): Promise<WorkerHandle> {
  const connection = await NativeConnection.connect(connectionOptions(config));
  const shared = {
    connection,
    namespace: config.temporal.namespace,
    activities: { ...activities },
    dataConverter: { failureConverterPath: FAILURE_CONVERTER },
    shutdownGraceTime: SHUTDOWN_GRACE_MS,
    shutdownForceTime: SHUTDOWN_FORCE_MS,
  };
  // These end in order when they are told to, and another worker goes on at once.
  const endsWhenTold = { shutdownGraceTime: '1ms', shutdownForceTime: SHUTDOWN_GRACE_MS } as const;
  const workers = [
    await Worker.create({
      ...shared,
      taskQueue,
      workflowBundle: { codePath: bundle },
      maxConcurrentWorkflowTaskExecutions: MAX_WORKFLOW_TASKS,
      maxConcurrentActivityTaskExecutions: config.maxAttempts,
    }),
    await Worker.create({
      ...shared,
      taskQueue: bulkTaskQueue(taskQueue),
      maxConcurrentActivityTaskExecutions: Math.ceil(config.maxAttempts * BULK_SHARE),
    }),
    await Worker.create({
      ...shared,
      taskQueue: courierTaskQueue(taskQueue),
      maxConcurrentActivityTaskExecutions: MAX_COURIERS,
      maxHeartbeatThrottleInterval: '1s',
      ...endsWhenTold,
    }),
    await Worker.create({
      ...shared,
      taskQueue: reconcileTaskQueue(taskQueue),
      maxConcurrentActivityTaskExecutions: MAX_RECONCILES,
      // The answer to a heartbeat is what tells of a workflow that was terminated.
      maxHeartbeatThrottleInterval: '500ms',
      ...endsWhenTold,
    }),
  ];
  const shutdown = (): void => {
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  return {
    shutdown,
    isPolling: () => workers.every((worker) => worker.getState() === 'RUNNING'),
    run: async () => {
      // When one can't go on, the others must not either, but let finish what they have under way.
      const ends = await Promise.allSettled(
        workers.map((worker) => untilDrained(worker).finally(shutdown)),
      );
      await connection.close();
      for (const end of ends) if (end.status === 'rejected') throw end.reason;
    },
  };
}

/** Core may still count a poll that has just ended (temporalio/sdk-rust#1330): what is drained is drained. */
async function untilDrained(worker: Worker): Promise<void> {
  try {
    await worker.run();
  } catch (error) {
    if (!(error instanceof IllegalStateError) || worker.getState() !== 'STOPPED') throw error;
  }
}

/**
 * Polls until stopped, then drains. It polls nothing before all is `ready`, and waits for a Temporal that
 * is unavailable again by then: an API in the same process accepts events meanwhile. While the machine's
 * clock is wrong it takes nothing: certificates would seem to have expired, and workers that are right
 * deliver better.
 */
export function runWorker(
  config: Config,
  log: Logger,
  activities: Activities,
  ready: Promise<void>,
  stopped: AbortSignal,
): { done: Promise<void>; isPolling: () => boolean } {
  let handle: WorkerHandle | undefined;
  const pause = (forMs: number): Promise<void> =>
    sleep(forMs, undefined, { signal: stopped }).catch(() => {});
  const poll = async ({ run: runIt, shutdown }: WorkerHandle): Promise<void> => {
    const drained = runIt();
    const look = (): void => {
      if (stopped.aborted || clock.trouble !== null) shutdown();
    };
    const looking = setInterval(look, CLOCK_LOOK_MS);
    stopped.addEventListener('abort', look);
    look();
    log.info('worker polls');
    try {
      await drained;
    } finally {
      clearInterval(looking);
      stopped.removeEventListener('abort', look);
    }
  };
  const run = async (): Promise<void> => {
    await Promise.race([ready, once(stopped, 'abort')]);
    while (!stopped.aborted) {
      if (clock.trouble !== null) {
        await pause(CLOCK_LOOK_MS);
        continue;
      }
      handle = await createWorker(config, activities).catch((error: unknown) => {
        if (!(error instanceof TransportError)) throw error;
        return undefined;
      });
      if (handle) await poll(handle);
      else await pause(CONNECT_RETRY_MS);
    }
  };
  return { done: run(), isPolling: () => handle?.isPolling() ?? false };
}
