import {
  Client,
  Connection,
  ScheduleAlreadyRunning,
  type ScheduleOptions,
} from '@temporalio/client';
import { temporal } from '@temporalio/proto';
import type { Logger } from 'pino';
import type { Config } from '../config/config';
import { SEARCH_ATTRIBUTES, TASK_QUEUE, WORKFLOWS } from '../contracts/temporal';
import { connectionOptions } from './connection';
import { GRPC, isRefusedWith } from './grpc';

const DAY_SECONDS = 24 * 60 * 60;
const RECONCILE_SCHEDULE = 'posthorn-reconcile';
/** With the activity's grace: what is lost is found within a minute. */
const RECONCILE_EVERY = '30s';
/** A namespace just made takes a few seconds until every Temporal server knows it. */
const PROPAGATION_TRIES = 60;

/**
 * Makes what Posthorn needs in Temporal: namespace with its retention, search attributes, the reconcile
 * schedule. Idempotent. Temporal Cloud's namespaces are managed there: their refusals are logged.
 */
export async function setUpTemporal(config: Config, log: Logger): Promise<void> {
  const connection = await Connection.connect(connectionOptions(config));
  const { namespace, retentionDays } = config.temporal;
  const retention = { seconds: retentionDays * DAY_SECONDS } as never;
  try {
    await ignoring(GRPC.alreadyExists, () =>
      connection.workflowService.registerNamespace({
        namespace,
        workflowExecutionRetentionPeriod: retention,
      }),
    );
    await connection.workflowService.updateNamespace({
      namespace,
      config: { workflowExecutionRetentionTtl: retention },
    });
    const { IndexedValueType } = temporal.api.enums.v1;
    const wanted = Object.values(SEARCH_ATTRIBUTES).map(({ name }) => name);
    await untilFound(async () => {
      const { customAttributes } = await connection.operatorService.listSearchAttributes({
        namespace,
      });
      const missing = wanted.filter((name) => !(name in customAttributes));
      if (missing.length === 0) return;
      await ignoring(GRPC.alreadyExists, () =>
        connection.operatorService.addSearchAttributes({
          namespace,
          searchAttributes: Object.fromEntries(
            missing.map((name) => [name, IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD]),
          ),
        }),
      );
    });
    await untilFound(() => ensureSchedule(new Client({ connection, namespace })));
    log.info({ namespace, retentionDays }, 'Temporal is set up');
  } finally {
    await connection.close();
  }
}

/** Made anew, or brought up to date; one that an operator has paused stays paused. */
async function ensureSchedule({ schedule }: Client): Promise<void> {
  const wanted: Omit<ScheduleOptions, 'scheduleId'> = {
    spec: { intervals: [{ every: RECONCILE_EVERY }] },
    policies: { overlap: 'SKIP', catchupWindow: '1m' },
    action: {
      type: 'startWorkflow',
      workflowType: WORKFLOWS.reconcile,
      taskQueue: TASK_QUEUE,
      // The next run waits for this one: it must not do so for ever.
      workflowExecutionTimeout: '1h',
    },
  };
  try {
    await schedule.create({ scheduleId: RECONCILE_SCHEDULE, ...wanted });
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    await schedule.getHandle(RECONCILE_SCHEDULE).update(({ state }) => ({ ...wanted, state }));
  }
}

async function ignoring(code: number, call: () => Promise<unknown>): Promise<void> {
  try {
    await call();
  } catch (error) {
    if (!isRefusedWith(error, code)) throw error;
  }
}

/** Calls until the server that answers knows the namespace. */
async function untilFound(call: () => Promise<void>): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await call();
    } catch (error) {
      if (!isRefusedWith(error, GRPC.notFound) || tries >= PROPAGATION_TRIES) throw error;
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
}
