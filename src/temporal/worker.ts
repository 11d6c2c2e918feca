import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { NativeConnection, TransportError, Worker } from '@temporalio/worker';
import type { Logger } from 'pino';
import type { Config } from '../config/config';
import type { Activities } from '../contracts/activities';
import { TASK_QUEUE } from '../contracts/temporal';
import { connectionOptions } from './connection';

/** Longer than any attempt may take (60 s, and the margin to record it): what runs is let finish. */
const SHUTDOWN_GRACE_MS = 75_000;

/** Milliseconds between tries to reach a Temporal that is away. */
const CONNECT_RETRY_MS = 1000;

/** The bundle that `npm run build` made, beside `dist/src`. */
export const WORKFLOW_BUNDLE = path.resolve(__dirname, '../../workflow-bundle.js');

export interface WorkerHandle {
  worker: Worker;
  /** Resolves when the worker has drained after `worker.shutdown()`. */
  run: () => Promise<void>;
}

/** A worker on the one task queue; any number of them share it. */
export async function createWorker(
  config: Config,
  activities: Activities,
  { taskQueue = TASK_QUEUE, bundle = WORKFLOW_BUNDLE } = {},
): Promise<WorkerHandle> {
  const connection = await NativeConnection.connect(connectionOptions(config));
  const worker = await Worker.create({
    connection,
    namespace: config.temporal.namespace,
    taskQueue,
    workflowBundle: { codePath: bundle },
    activities: { ...activities },
    maxConcurrentActivityTaskExecutions: config.maxAttempts,
    shutdownGraceTime: SHUTDOWN_GRACE_MS,
  });
  return {
    worker,
    run: async () => {
      try {
        await worker.run();
      } finally {
        await connection.close();
      }
    },
  };
}

/**
 * Polls until stopped, then drains. A Temporal that is away at the start is waited for: an API in the
 * same process accepts events meanwhile.
 */
export async function runWorker(
  config: Config,
  log: Logger,
  activities: Activities,
  stopped: AbortSignal,
): Promise<void> {
  while (!stopped.aborted) {
    const handle = await createWorker(config, activities).catch((error: unknown) => {
      if (!(error instanceof TransportError)) throw error;
      log.warn({ err: error }, 'Temporal is away; the worker waits for it');
    });
    if (handle) {
      const shutDown = (): void => handle.worker.shutdown();
      stopped.addEventListener('abort', shutDown);
      const run = handle.run();
      if (stopped.aborted) shutDown();
      log.info('worker polls');
      return run;
    }
    await sleep(CONNECT_RETRY_MS, undefined, { signal: stopped }).catch(() => {});
  }
}
