import { once } from 'node:events';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isGrpcServiceError } from '@temporalio/client';
import {
  IllegalStateError,
  NativeConnection,
  TransportError,
  Worker,
  type WorkerOptions,
} from '@temporalio/worker';
import type { Logger } from 'pino';
import { clock } from '../clock';
import type { Config } from '../config/config';
import type { Readiness } from '../readiness';
import { MAX_AT_ONCE, type Activities } from '../contracts/activities';
import {
  BUILD_ID,
  bulkTaskQueue,
  courierTaskQueue,
  reconcileTaskQueue,
  TASK_QUEUE,
} from '../contracts/temporal';
import { causeOf } from '../reachability';
import { Trouble } from '../trouble';
import { connectionOptions } from './connection';

/** Longer than any attempt may take (60 s, and the margin to record it), so that running ones finish. */
const SHUTDOWN_GRACE_MS = 75_000;
/** After that a worker aborts what is left, such as a result that Temporal does not accept. */
const SHUTDOWN_FORCE_MS = 80_000;

/** Milliseconds between tries to reach a Temporal that is unavailable again. */
const CONNECT_RETRY_MS = 1000;

/** Milliseconds for which it polls before Temporal counts as taking its polls: Core forgives refusals for a minute. */
const TAKEN_MS = 90_000;

/** Milliseconds between checks of whether it may work. */
const LOOK_MS = 500;

/** Concurrent batches of bulk work of a worker, for each of its attempts. */
const BULK_SHARE = 0.1;

/**
 * Polls for workflow tasks, half of them for those of new workflows. One thread runs the tasks: more would wait in
 * this process, where projects don't take turns. Each poll holds a slot while it waits, so there are as many
 * additional slots as attempts within workflow tasks may hold: otherwise receivers that begin to hang would leave
 * none to poll for new workflows.
 */
const WORKFLOW_TASK_POLLS = 8;

/**
 * For one call into a workflow's code, none of which computes for long. The SDK's own 5 s also break off a call in
 * which the process was suspended: in the middle of exchanging the globals of the context that all workflows share.
 */
const WORKFLOW_CALL_TIMEOUT = '10m';

/** Concurrent couriers of a worker: one costs little while its project is quiet. */
const MAX_COURIERS = 2000;

/**
 * Concurrent runs of reconcile: one for each part, and one more that continues while its worker is thought
 * dead.
 */
const MAX_RECONCILES = 6;

/** The bundle made by `npm run build`, beside `dist/src`. */
export const WORKFLOW_BUNDLE = path.resolve(__dirname, '../../workflow-bundle.js');

/** For workers and the bundle: failures are kept without stack traces. */
export const FAILURE_CONVERTER = path.resolve(__dirname, 'failure-converter');

export interface WorkerHandle {
  /** Resolves when everything is drained after `shutdown()`. */
  run: () => Promise<void>;
  shutdown: () => void;
  isPolling: () => boolean;
}

/**
 * A worker on the task queue, and others for bulk work, couriers and reconcile, which have their own slots
 * and never take those of attempts. Any number of processes share the queues.
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
  // These end when asked to, whatever they wait for, and another worker continues at once.
  const endsWhenTold = { shutdownGraceTime: '1ms', shutdownForceTime: SHUTDOWN_GRACE_MS } as const;
  const workers: Worker[] = [];
  const shutdown = (): void => {
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  const run = async (): Promise<void> => {
    // When one fails, the others must stop too, but finish their work in progress.
    const ends = await Promise.allSettled(workers.map((worker) => worker.run().finally(shutdown)));
    await connection.close();
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  };
  // The SDK takes this one, but does not declare it.
  type Options = WorkerOptions & { isolateExecutionTimeout?: typeof WORKFLOW_CALL_TIMEOUT };
  const options: Omit<Options, keyof typeof shared>[] = [
    {
      taskQueue: bulkTaskQueue(taskQueue),
      maxConcurrentActivityTaskExecutions: Math.ceil(config.maxAttempts * BULK_SHARE),
      ...endsWhenTold,
    },
    {
      taskQueue: courierTaskQueue(taskQueue),
      maxConcurrentActivityTaskExecutions: MAX_COURIERS,
      maxHeartbeatThrottleInterval: '1s',
      ...endsWhenTold,
    },
    {
      taskQueue: reconcileTaskQueue(taskQueue),
      maxConcurrentActivityTaskExecutions: MAX_RECONCILES,
      // Only the answer to a heartbeat reveals that a workflow was terminated.
      maxHeartbeatThrottleInterval: '500ms',
      ...endsWhenTold,
    },
    // Last: it has a thread before it reads its namespace, which the first has read then.
    {
      taskQueue,
      workflowBundle: { codePath: bundle },
      buildId: BUILD_ID,
      maxConcurrentWorkflowTaskExecutions: WORKFLOW_TASK_POLLS + MAX_AT_ONCE,
      maxConcurrentWorkflowTaskPolls: WORKFLOW_TASK_POLLS,
      nonStickyToStickyPollRatio: 0.5,
      isolateExecutionTimeout: WORKFLOW_CALL_TIMEOUT,
      maxConcurrentActivityTaskExecutions: config.maxAttempts,
    },
  ];
  try {
    // A worker that can't read its namespace itself leaves its connection open, and says that there is none.
    await connection.workflowService.describeNamespace({ namespace: shared.namespace });
    for (const own of options) workers.push(await DrainingWorker.create({ ...shared, ...own }));
  } catch (error) {
    // Only a worker that runs can be shut down.
    const ended = run();
    shutdown();
    await ended.catch(() => {});
    throw error;
  }
  return {
    shutdown,
    isPolling: () => workers.every((worker) => worker.getState() === 'RUNNING'),
    run,
  };
}

/**
 * Core shuts a worker down when Temporal refuses a poll that is more than a minute old: at the first refusal, if
 * Temporal was unavailable for that long. The SDK then hangs, or fails and abandons the work in progress; this one
 * drains.
 */
class DrainingWorker extends Worker {
  private refusal: Error | undefined;

  /** @throws the refusal, once everything is drained */
  override async run(): Promise<void> {
    try {
      await super.run();
    } catch (error) {
      // Core may still count a poll that has just ended (temporalio/sdk-rust#1330): everything is drained nevertheless.
      if (!(error instanceof IllegalStateError) || this.getState() !== 'STOPPED') throw error;
    }
    if (this.refusal) throw this.refusal;
  }

  protected override pollLoop$<T>(poll: () => Promise<T>) {
    const untilShutDown = async (): Promise<T> => {
      try {
        return await poll();
      } catch (error) {
        if (!(error instanceof TransportError)) throw error;
        this.refusal ??= error;
        if (this.getState() === 'RUNNING') this.shutdown();
        return untilShutDown();
      }
    };
    return super.pollLoop$(untilShutDown);
  }
}

/**
 * Polls until stopped, then drains. It doesn't poll before everything is there, and waits if Temporal is unavailable
 * again by then, or refuses its polls: an API in the same process accepts events meanwhile. While the machine's clock
 * is wrong it takes no work: certificates would seem to have expired, and workers with a correct clock do better. Nor
 * does it while it lacks the encryption keys of most webhooks, which others may have changed. Its connection is
 * Core's, which may fail where that of `Readiness` doesn't: it has its own certificates and proxies.
 */
export function runWorker(
  config: Config,
  log: Logger,
  activities: Activities,
  readiness: Pick<Readiness, 'complete' | 'unreadable'>,
  stopped: AbortSignal,
  { takenMs = TAKEN_MS, bundle = WORKFLOW_BUNDLE } = {},
): { done: Promise<void>; whyIdle: () => string | null } {
  const { address } = config.temporal;
  let handle: WorkerHandle | undefined;
  const connecting = new Trouble(log, 'the worker has connected to Temporal');
  const polling = new Trouble(log, "Temporal takes the worker's polls again");
  const pause = (forMs: number): Promise<void> =>
    sleep(forMs, undefined, { signal: stopped }).catch(() => {});
  const mustWait = (): boolean => clock.trouble !== null || readiness.unreadable !== null;
  const poll = async ({ run: runIt, shutdown, isPolling }: WorkerHandle): Promise<void> => {
    const drained = runIt();
    const look = (): void => {
      if (stopped.aborted || mustWait()) shutdown();
    };
    const looking = setInterval(look, LOOK_MS);
    const untilTaken = setTimeout(() => {
      if (isPolling()) polling.is(null);
    }, takenMs);
    stopped.addEventListener('abort', look);
    look();
    log.info('worker polls');
    try {
      await drained;
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      const reason = reasonOf(error);
      polling.is(
        `the worker's polls of Temporal at ${address} have failed: ${reason}; it polls again`,
      );
    } finally {
      clearTimeout(untilTaken);
      clearInterval(looking);
      stopped.removeEventListener('abort', look);
    }
  };
  const run = async (): Promise<void> => {
    await Promise.race([readiness.complete, once(stopped, 'abort')]);
    while (!stopped.aborted) {
      if (mustWait()) {
        await pause(LOOK_MS);
        continue;
      }
      try {
        handle = await createWorker(config, activities, { bundle });
        connecting.is(null);
        await poll(handle);
      } catch (error) {
        if (!(error instanceof TransportError || isGrpcServiceError(error))) throw error;
        connecting.is(
          `TEMPORAL_ADDRESS: the worker can't connect to Temporal at ${address}: ${reasonOf(error)}; it trusts the certificates of the system or of SSL_CERT_FILE, and uses no proxy`,
        );
      }
      await pause(CONNECT_RETRY_MS);
    }
  };
  const whyIdle = (): string | null =>
    handle?.isPolling()
      ? polling.told
      : (connecting.told ?? polling.told ?? 'the worker does not poll Temporal');
  return { done: run(), whyIdle };
}

/** Without the headers of a refusal, which are different each time. */
const reasonOf = (error: unknown): string => causeOf(error).split(', metadata:')[0]!;
