import {
  Client,
  Connection,
  ScheduleAlreadyRunning,
  type ScheduleOptions,
} from '@temporalio/client';
import { temporal } from '@temporalio/proto';
import type { Logger } from 'pino';
import type { Config } from '../config/config';
import type { ReconcilePart } from '../contracts/activities';
import {
  RECONCILE_SCHEDULES,
  SEARCH_ATTRIBUTES,
  TASK_QUEUE,
  WORKFLOWS,
} from '../contracts/temporal';
import { StartError } from '../start-error';
import { connectionOptions } from './connection';
import { searchAttributesOf, whyUnfit } from './fitness';
import { GRPC, isRefusedWith } from './grpc';

const DAY_SECONDS = 24 * 60 * 60;
/**
 * The longest gap between runs of a part of reconcile: normally the next run follows at once (BUFFER_ONE), so this
 * matters only for the first, and after a pause or a termination.
 */
const RECONCILE_EVERY = '10s';
/** The next run waits for the one before it: it must not wait forever. */
const MAX_RUN = '15m';
/** It takes a few seconds until every Temporal server knows a new namespace. */
const PROPAGATION_TRIES = 60;
const CONNECT_TIMEOUT_MS = 10_000;

/**
 * Creates what Posthorn needs in Temporal: namespace with its retention, search attributes, the schedules of
 * reconcile. Idempotent. Temporal Cloud's namespaces are managed there; that is logged.
 * @param options.isPaused whether new schedules are created paused
 * @throws StartError if Temporal can't be used, or an operator has to do what is not allowed here
 */
export async function setUpTemporal(
  config: Config,
  log: Logger,
  { isPaused = false } = {},
): Promise<void> {
  const { address, namespace, retentionDays } = config.temporal;
  let connection: Connection | undefined;
  try {
    connection = await Connection.connect({
      ...connectionOptions(config),
      connectTimeout: CONNECT_TIMEOUT_MS,
    });
    await ensureNamespace(connection, config.temporal, log);
    await ensureSearchAttributes(connection, namespace, log);
    const client = new Client({ connection, namespace });
    await untilFound(() => ensureSchedules(client, isPaused));
    log.info({ namespace, retentionDays }, 'Temporal is set up');
  } catch (error) {
    if (error instanceof StartError) throw error;
    if (isRefusedWith(error, GRPC.notFound)) {
      throw new StartError(
        `TEMPORAL_NAMESPACE: Temporal at ${address} has no namespace ${namespace}, and does not allow creating it; create it there, or correct the setting`,
      );
    }
    throw new StartError(await whyUnfit(config.temporal, error));
  } finally {
    await connection?.close();
  }
}

async function ensureNamespace(
  { workflowService }: Connection,
  { namespace, retentionDays }: Config['temporal'],
  log: Logger,
): Promise<void> {
  const retention = { seconds: retentionDays * DAY_SECONDS } as never;
  try {
    await workflowService.registerNamespace({
      namespace,
      workflowExecutionRetentionPeriod: retention,
    });
  } catch (error) {
    const { alreadyExists, permissionDenied, unimplemented } = GRPC;
    if (!isRefusedWith(error, alreadyExists, permissionDenied, unimplemented)) throw error;
  }
  try {
    await untilFound(async () => {
      await workflowService.updateNamespace({
        namespace,
        config: { workflowExecutionRetentionTtl: retention },
      });
    });
  } catch (error) {
    if (!isRefusedWith(error, GRPC.permissionDenied, GRPC.unimplemented)) throw error;
    const message = 'Temporal does not allow changing its namespace; set its retention there';
    log.warn({ namespace, retentionDays }, message);
  }
}

async function ensureSearchAttributes(
  connection: Connection,
  namespace: string,
  log: Logger,
): Promise<void> {
  const { IndexedValueType } = temporal.api.enums.v1;
  const keyword = IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD;
  const wanted = Object.values(SEARCH_ATTRIBUTES).map(({ name }) => name);
  await untilFound(async () => {
    const attributes = await searchAttributesOf(connection, namespace);
    if (attributes === null) {
      const message =
        'Temporal does not allow listing its search attributes; see there that these exist, of type Keyword';
      log.warn({ namespace, searchAttributes: wanted }, message);
      return;
    }
    const wrong = wanted.find((name) => (attributes[name] ?? keyword) !== keyword);
    if (wrong !== undefined) {
      throw new StartError(
        `TEMPORAL_NAMESPACE: the search attribute ${wrong} of the namespace ${namespace} is not a Keyword; remove it (temporal operator search-attribute remove --name ${wrong}), and run setup again`,
      );
    }
    const missing = wanted.filter((name) => !(name in attributes));
    if (missing.length === 0) return;
    try {
      await connection.operatorService.addSearchAttributes({
        namespace,
        searchAttributes: Object.fromEntries(missing.map((name) => [name, keyword])),
      });
    } catch (error) {
      if (isRefusedWith(error, GRPC.permissionDenied, GRPC.unimplemented)) {
        throw new StartError(
          `TEMPORAL_NAMESPACE: Temporal does not allow adding search attributes to the namespace ${namespace}; add them there, of type Keyword: ${missing.join(', ')}`,
        );
      }
      if (!isRefusedWith(error, GRPC.alreadyExists)) throw error;
    }
  });
}

/**
 * Created or updated; one that an operator has paused stays paused. The one for housekeeping has the id of earlier
 * versions' only schedule, which it replaces; if that was paused, all are.
 */
async function ensureSchedules({ schedule }: Client, isPaused: boolean): Promise<void> {
  const ensure = async (part: ReconcilePart, paused: boolean): Promise<boolean> => {
    const scheduleId = RECONCILE_SCHEDULES[part];
    const wanted: Omit<ScheduleOptions, 'scheduleId'> = {
      spec: { intervals: [{ every: RECONCILE_EVERY }] },
      // Newer schedulers drop a start that has waited longer than the window for the run before it.
      policies: { overlap: 'BUFFER_ONE', catchupWindow: MAX_RUN },
      action: {
        type: 'startWorkflow',
        workflowType: WORKFLOWS.reconcile,
        // A worker of an earlier version, which doesn't know parts, does everything.
        args: [part],
        taskQueue: TASK_QUEUE,
        staticSummary: part,
        workflowExecutionTimeout: MAX_RUN,
      },
    };
    try {
      await schedule.create({ scheduleId, ...wanted, state: { paused } });
      return paused;
    } catch (error) {
      if (!(error instanceof ScheduleAlreadyRunning)) throw error;
      const handle = schedule.getHandle(scheduleId);
      await handle.update(({ state }) => ({ ...wanted, state }));
      return (await handle.describe()).state.paused;
    }
  };
  const paused = await ensure('housekeeping', isPaused);
  await ensure('events', paused);
  await ensure('deliveries', paused);
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
