import path from 'node:path';
import { NativeConnection, Worker } from '@temporalio/worker';
import type { Config } from '../config/config';
import type { Activities } from '../contracts/activities';
import { TASK_QUEUE } from '../contracts/temporal';
import { connectionOptions } from './connection';

/** Longer than any attempt may take (60 s, and the margin to record it): what runs is let finish. */
const SHUTDOWN_GRACE_MS = 75_000;

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
