import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { activityInfo } from '@temporalio/activity';
import type { WorkflowHandle } from '@temporalio/client';
import { temporal } from '@temporalio/proto';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import type { Activities, PlannedDelivery } from '../../src/contracts/activities';
import { deliveryWorkflowId, SEARCH_ATTRIBUTES, WORKFLOWS } from '../../src/contracts/temporal';
import { timeSkippingServer } from '../support/embedded';
import { Fixture } from '../support/fixture';

const BUNDLE = path.resolve(__dirname, '../../dist/workflow-bundle.js');

/** When the server handed out one execution of `attemptDelivery`, by its own, skipped clock. */
export interface Execution {
  scheduledAtMs: number;
  /** Temporal's count, from 1 for each scheduled activity. */
  attempt: number;
}

/** The time-skipping server, with the real activities on the real MongoDB. */
export class Harness {
  readonly taskQueue = `test-${randomUUID()}`;
  private readonly executions = new Map<string, Execution[]>();

  private constructor(
    readonly env: TestWorkflowEnvironment,
    readonly fixture: Fixture,
  ) {}

  static async start(): Promise<Harness> {
    Runtime.install({ logger: new DefaultLogger('ERROR') });
    const [env, fixture] = await Promise.all([
      TestWorkflowEnvironment.createTimeSkipping({ server: { executable: timeSkippingServer() } }),
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

  async stop(): Promise<void> {
    await this.env.teardown();
    await this.fixture.close();
  }

  /** Starts a delivery's workflow, which stands still until a worker runs. */
  start(planned: PlannedDelivery): Promise<WorkflowHandle> {
    const { summary, ...input } = planned;
    return this.env.client.workflow.start(WORKFLOWS.deliverWebhook, {
      workflowId: deliveryWorkflowId(input.deliveryId),
      taskQueue: this.taskQueue,
      args: [input],
      staticSummary: summary,
    });
  }

  /** Runs `test` beside a worker with the real activities, or with some of them replaced. */
  async working<T>(test: () => Promise<T>, replaced: Partial<Activities> = {}): Promise<T> {
    const activities = { ...this.fixture.activities(), ...replaced };
    const worker = await Worker.create({
      connection: this.env.nativeConnection,
      taskQueue: this.taskQueue,
      workflowBundle: { codePath: BUNDLE },
      activities: {
        ...activities,
        attemptDelivery: (...args: Parameters<Activities['attemptDelivery']>) => {
          this.noteExecution(args[0]);
          return activities.attemptDelivery(...args);
        },
      },
    });
    return worker.runUntil(test);
  }

  executionsOf({ deliveryId }: PlannedDelivery): Execution[] {
    return this.executions.get(deliveryId) ?? [];
  }

  private noteExecution(deliveryId: string): void {
    const { currentAttemptScheduledTimestampMs, attempt } = activityInfo();
    const noted = this.executions.get(deliveryId) ?? [];
    noted.push({ scheduledAtMs: currentAttemptScheduledTimestampMs, attempt });
    this.executions.set(deliveryId, noted);
  }
}
