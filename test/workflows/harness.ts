import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { activityInfo, ApplicationFailure } from '@temporalio/activity';
import type { WorkflowHandle } from '@temporalio/client';
import { msToNumber } from '@temporalio/common/lib/time';
import { temporal } from '@temporalio/proto';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import { pino } from 'pino';
import { loadConfig } from '../../src/config/config';
import type { Activities, PlannedDelivery } from '../../src/contracts/activities';
import {
  BUILD_ID,
  deliveryWorkflowId,
  SEARCH_ATTRIBUTES,
  WORKFLOWS,
} from '../../src/contracts/temporal';
import { setUpTemporal } from '../../src/temporal/setup';
import { startPatiently, timeSkippingServer } from '../support/embedded';
import { eventually } from '../support/eventually';
import { Fixture } from '../support/fixture';
import { testEnvironment } from '../support/stack';

const BUNDLE = path.resolve(__dirname, '../../dist/workflow-bundle.js');

/** One execution of `attemptDelivery`. */
export interface Execution {
  /** When it began, by the server's skipped clock. */
  atMs: number;
  /** Temporal's count, from 1 for each scheduled activity. */
  attempt: number;
  /** The wait that it asked for, where it failed and another one follows. */
  nextDelayMs?: number;
}

/** The real activities on the real MongoDB, with a server of Temporal. */
export class Harness {
  readonly taskQueue = `test-${randomUUID()}`;
  private readonly executions = new Map<string, Execution[]>();
  private readonly skippedMs = new Map<string, number>();

  private constructor(
    readonly env: TestWorkflowEnvironment,
    readonly fixture: Fixture,
    /** The time-skipping server doesn't note it: its histories are those of the first version. */
    private readonly buildId?: string,
  ) {}

  /** On its own time-skipping server. */
  static async start(): Promise<Harness> {
    const server = { executable: timeSkippingServer() };
    const [env, fixture] = await Promise.all([
      startPatiently(() => TestWorkflowEnvironment.createTimeSkipping({ server })),
      Fixture.open(),
    ]);
    const { INDEXED_VALUE_TYPE_KEYWORD } = temporal.api.enums.v1.IndexedValueType;
    await env.connection.operatorService.addSearchAttributes({
      namespace: env.client.options.namespace,
      searchAttributes: Object.fromEntries(
        Object.values(SEARCH_ATTRIBUTES).map(({ name }) => [name, INDEXED_VALUE_TYPE_KEYWORD]),
      ),
    });
    return new Harness(env, fixture);
  }

  /** In a namespace of its own on the test run's real server, for what the other one does not do. */
  static async startReal(): Promise<Harness> {
    const config = loadConfig('all', testEnvironment());
    await setUpTemporal(config, pino({ level: 'silent' }));
    const { address, namespace } = config.temporal;
    const [env, fixture] = await Promise.all([
      TestWorkflowEnvironment.createFromExistingServer({ address, namespace }),
      Fixture.open(),
    ]);
    return new Harness(env, fixture, BUILD_ID);
  }

  async stop(): Promise<void> {
    await this.env.teardown();
    await this.fixture.close();
  }

  /** Starts a delivery's workflow, which does nothing until a worker runs. */
  start(planned: PlannedDelivery): Promise<WorkflowHandle> {
    const { summary, ...input } = planned;
    return this.env.client.workflow.start(WORKFLOWS.deliverWebhook, {
      workflowId: deliveryWorkflowId(input.deliveryId),
      taskQueue: this.taskQueue,
      args: [input],
      staticSummary: summary,
    });
  }

  /** Runs `test` with a worker with the real activities, or with some of them replaced. */
  async working<T>(test: () => Promise<T>, replaced: Partial<Activities> = {}): Promise<T> {
    const activities = { ...this.fixture.activities(), ...replaced };
    const worker = await Worker.create({
      connection: this.env.nativeConnection,
      namespace: this.env.client.options.namespace,
      taskQueue: this.taskQueue,
      workflowBundle: { codePath: BUNDLE },
      ...(this.buildId !== undefined && { buildId: this.buildId }),
      activities: {
        ...activities,
        attemptDelivery: (...args: Parameters<Activities['attemptDelivery']>) =>
          this.observed(args[0], () => activities.attemptDelivery(...args)),
      },
    });
    return worker.runUntil(test);
  }

  executionsOf({ deliveryId }: PlannedDelivery): Execution[] {
    return this.executions.get(deliveryId) ?? [];
  }

  /** Resolves once there have been so many. */
  async until(planned: PlannedDelivery, executions: number): Promise<void> {
    await eventually(
      `${executions} executions`,
      () => this.executionsOf(planned).length >= executions,
    );
  }

  /** Milliseconds between the executions, by the skipped clock. */
  waitsOf(planned: PlannedDelivery): number[] {
    const times = this.executionsOf(planned).map(({ atMs }) => atMs);
    return times.slice(1).map((at, index) => at - times[index]!);
  }

  private async observed<T>(deliveryId: string, run: () => Promise<T>): Promise<T> {
    const execution: Execution = {
      atMs: await this.env.currentTimeMs(),
      attempt: activityInfo().attempt,
    };
    await this.letPass(deliveryId, execution.atMs - Date.now());
    this.executions.set(deliveryId, [...(this.executions.get(deliveryId) ?? []), execution]);
    try {
      return await run();
    } catch (error) {
      if (error instanceof ApplicationFailure && error.nextRetryDelay !== undefined) {
        execution.nextDelayMs = msToNumber(error.nextRetryDelay);
      }
      throw error;
    }
  }

  /** The server's clock skips, MongoDB's doesn't: what was skipped has passed for the delivery too. */
  private async letPass(deliveryId: string, skippedMs: number): Promise<void> {
    const ms = skippedMs - (this.skippedMs.get(deliveryId) ?? 0);
    if (Math.abs(ms) < 100) return;
    this.skippedMs.set(deliveryId, skippedMs);
    await this.fixture.store.deliveries.model.updateOne(
      { _id: deliveryId, nextAttemptAt: { $ne: null } },
      [{ $set: { nextAttemptAt: { $subtract: ['$nextAttemptAt', Math.round(ms)] } } }],
    );
  }
}
