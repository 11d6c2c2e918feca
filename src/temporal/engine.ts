import {
  Client,
  Connection,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  type WorkflowStartOptions,
} from '@temporalio/client';
import { elapsedSince, type Moment } from '../clock';
import type { Config } from '../config/config';
import {
  courierWorkflowId,
  deliverySearchAttributes,
  deliveryWorkflowId,
  fanOutPriority,
  fanOutWorkflowId,
  priorityOf,
  replayWorkflowId,
  SEARCH_ATTRIBUTES,
  TASK_QUEUE,
  WAKE_SIGNAL,
  WORKFLOWS,
  type PRIORITIES,
} from '../contracts/temporal';
import type { ExecutionId, PlannedDelivery } from '../contracts/activities';
import { Calls } from './calls';
import { connectionOptions } from './connection';
import { activityIn, isUnderWayIn, type DeliveryActivity, type FoundActivity } from './described';
import { whatIsMissing } from './fitness';
import { isOwnReset, memoOf, ownReason, resetToStart } from './reset';
import { WriteProof } from './writes';

/** Milliseconds that a call to Temporal may take. A start that fails by then is left to reconcile. */
const CALL_TIMEOUT_MS = 2000;

const runOfReplay = (replay: { _id: string; projectId: string }) => ({
  workflowId: replayWorkflowId(replay._id),
  args: [replay._id],
  priority: priorityOf(replay, 'bulk'),
});

export const TEMPORAL_STATES = ['ok', 'read_only', 'incomplete', 'unavailable'] as const;
export type TemporalState = (typeof TEMPORAL_STATES)[number];

/** When something was decided about a delivery, and the run that it knew then; null: none. */
export interface Decided {
  at: Moment;
  runId: string | null;
}

/** What Posthorn needs of Temporal: starting fan-outs, running deliveries again, inspecting them. */
export class Engine {
  readonly writes: WriteProof;
  private readonly calls: Calls;

  /** @param callTimeoutMs for each call; longer than by default only where no reconcile runs */
  constructor(
    private readonly client: Client,
    private readonly callTimeoutMs = CALL_TIMEOUT_MS,
  ) {
    this.calls = new Calls(client, callTimeoutMs);
    this.writes = new WriteProof(client, (call) => this.calls.make(call));
  }

  /** Connects lazily: if Temporal is unavailable, only the calls made meanwhile fail. */
  static connect(config: Config, callTimeoutMs?: number): Engine {
    const connection = Connection.lazy(connectionOptions(config));
    const client = new Client({ connection, namespace: config.temporal.namespace });
    return new Engine(client, callTimeoutMs);
  }

  /** Starts the event's fan-out; false if it runs already. */
  async startFanOut(event: { _id: string; projectId: string; type: string }): Promise<boolean> {
    return this.start(WORKFLOWS.fanOutEvent, {
      workflowId: fanOutWorkflowId(event._id),
      args: [event._id],
      staticSummary: event.type,
      priority: fanOutPriority(event),
      typedSearchAttributes: [
        { key: SEARCH_ATTRIBUTES.projectId, value: event.projectId },
        { key: SEARCH_ATTRIBUTES.eventType, value: event.type },
        { key: SEARCH_ATTRIBUTES.eventId, value: event._id },
      ],
    });
  }

  /** Starts the project's courier, or tells the one that runs that there is work. */
  async wakeCourier(projectId: string): Promise<void> {
    await this.wake(WORKFLOWS.courier, {
      workflowId: courierWorkflowId(projectId),
      args: [projectId],
      priority: priorityOf({ projectId }, 'live'),
      typedSearchAttributes: [{ key: SEARCH_ATTRIBUTES.projectId, value: projectId }],
    });
  }

  /** What a workflow's latest run is doing, as far as Temporal knows; null: it has none. */
  async find(workflowId: string): Promise<FoundActivity | null> {
    const found = await this.describe(workflowId);
    return found && activityIn(found);
  }

  async findRun(deliveryId: string): Promise<FoundActivity | null> {
    return this.find(deliveryWorkflowId(deliveryId));
  }

  /**
   * Those of some workflows that run, according to Temporal's lists, which may be seconds behind; none if
   * lists are unavailable.
   */
  async listRunning(workflowIds: readonly string[]): Promise<Set<string>> {
    const { namespace } = this.client.options;
    const ids = workflowIds.map((id) => `"${id}"`).join(', ');
    // Including those that an operator has paused.
    const query = `CloseTime IS NULL AND WorkflowId IN (${ids})`;
    const pageSize = workflowIds.length;
    const answer = await this.calls
      .make(() =>
        this.client.workflowService.listWorkflowExecutions({ namespace, query, pageSize }),
      )
      .catch(() => null);
    return new Set(answer?.executions.flatMap(({ execution }) => execution?.workflowId ?? []));
  }

  /** Whether Temporal still waits for that execution of one of the delivery's activities. */
  async isUnderWay(deliveryId: string, execution: ExecutionId): Promise<boolean> {
    const found = await this.describe(deliveryWorkflowId(deliveryId), execution.runId);
    return found !== null && isUnderWayIn(found.raw, execution);
  }

  /** Whether Posthorn itself, and not an operator, has made that run of the delivery by a reset. */
  async isOwnReset(deliveryId: string, runId: string): Promise<boolean> {
    const workflowId = deliveryWorkflowId(deliveryId);
    return this.calls.make(() => isOwnReset(this.client, workflowId, runId));
  }

  /**
   * Gives a delivery a new run: by resetting its workflow to the start, or, if Temporal has none
   * (never started, or past its retention), by starting the same id again.
   * @param urgency the priority of its tasks among those that wait for a worker
   * @param decided before it was found, or written, that it needs one, and after which run
   * @throws if that is too long ago: then it is left to reconcile
   */
  async runDelivery(
    planned: PlannedDelivery,
    urgency: keyof typeof PRIORITIES,
    decided: Decided,
  ): Promise<void> {
    if (planned.isExpress) return this.wakeCourier(planned.projectId);
    this.refuseLate(decided.at);
    const workflowId = deliveryWorkflowId(planned.deliveryId);
    const priority = priorityOf(planned, urgency);
    const reason = ownReason(decided.runId);
    const isReset = await this.calls.make(() =>
      resetToStart(this.client, workflowId, priority, reason),
    );
    if (isReset) return;
    // It may have been suspended since.
    this.refuseLate(decided.at);
    await this.startDelivery(planned, urgency, reason);
  }

  /**
   * The same for a delivery without a running workflow.
   * @param found of its latest run
   * @returns false if one runs now, or, where none was found, has run since
   */
  async runAgain(
    planned: PlannedDelivery,
    found: 'ended' | null,
    urgency: keyof typeof PRIORITIES,
    decided: Decided,
  ): Promise<boolean> {
    this.refuseLate(decided.at);
    // If there was no run, a fan-out may be starting one at this moment: it must not be reset, nor, if it has ended by
    // then, be followed by another.
    if (found === null) {
      const reason = ownReason(decided.runId);
      return this.startDelivery(planned, urgency, reason, 'REJECT_DUPLICATE');
    }
    await this.runDelivery(planned, urgency, decided);
    return true;
  }

  /** @returns false if it runs already, or has run, and may not run twice */
  private async startDelivery(
    { summary, ...input }: PlannedDelivery,
    urgency: keyof typeof PRIORITIES,
    reason: string,
    workflowIdReusePolicy?: 'REJECT_DUPLICATE',
  ): Promise<boolean> {
    return this.start(WORKFLOWS.deliverWebhook, {
      workflowId: deliveryWorkflowId(input.deliveryId),
      ...(workflowIdReusePolicy && { workflowIdReusePolicy }),
      args: [input],
      memo: memoOf(reason),
      staticSummary: summary,
      priority: priorityOf(input, urgency),
      typedSearchAttributes: deliverySearchAttributes(input),
    });
  }

  /** @returns false if it runs already */
  async startReplay(replay: { _id: string; projectId: string }): Promise<boolean> {
    return this.start(WORKFLOWS.replayDeliveries, runOfReplay(replay));
  }

  /** Starts a bulk replay, or tells the run that may be about to end that the replay goes on. */
  async wakeReplay(replay: { _id: string; projectId: string }): Promise<void> {
    await this.wake(WORKFLOWS.replayDeliveries, runOfReplay(replay));
  }

  /**
   * Makes the delivery's workflow check its state in MongoDB.
   * @param decided when, and about which run if known
   * @param replays of a cancel: how often the delivery had been replayed; what has been replayed since goes on
   * @returns false if none runs
   */
  async signalDelivery(
    deliveryId: string,
    signal: 'wake' | 'retryNow' | 'cancel',
    decided?: Decided,
    replays?: number,
  ): Promise<boolean> {
    if (decided) this.refuseLate(decided.at);
    const workflowId = deliveryWorkflowId(deliveryId);
    const handle = this.client.workflow.getHandle(workflowId, decided?.runId ?? undefined);
    try {
      const about = replays === undefined ? [] : [replays];
      await this.calls.make(() => handle.signal(signal, ...about));
      return true;
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return false;
      throw error;
    }
  }

  /** The same; the workflow is asked where only it can say. */
  async activityOf(deliveryId: string): Promise<DeliveryActivity | null> {
    const found = await this.findRun(deliveryId);
    if (found !== 'idle') return found;
    const handle = this.client.workflow.getHandle(deliveryWorkflowId(deliveryId));
    const { phase } = await this.calls.make(() => handle.query<{ phase: string }>('state'));
    // Its attempt is about to be scheduled, or has just ended.
    return phase === 'paused' || phase === 'waiting' ? phase : 'queued';
  }

  /** @throws if Temporal can't be reached */
  async ping(): Promise<void> {
    const { namespace } = this.client.options;
    await this.calls.make(() => this.client.workflowService.describeNamespace({ namespace }));
  }

  /** `unavailable`: can't be reached; `read_only`: answers, but accepts nothing new. */
  async state(): Promise<TemporalState> {
    try {
      await this.ping();
    } catch {
      return 'unavailable';
    }
    return (await this.acceptsNew()) ? 'ok' : 'read_only';
  }

  /** Whether Temporal, which answers, accepts anything new. */
  async acceptsNew(): Promise<boolean> {
    return this.writes.check().then(
      () => true,
      () => false,
    );
  }

  /**
   * What `setup` still has to do in Temporal, in a few words; null: nothing.
   * @param options.onlyNamespace whether only the namespace is checked
   * @throws if Temporal can't be reached
   */
  async whatIsMissing(options?: { onlyNamespace: boolean }): Promise<string | null> {
    return this.calls.make(() => whatIsMissing(this.client, options));
  }

  /** Calls in progress end first: one that gRPC tries again on a closed connection would end the process. */
  async close(): Promise<void> {
    await this.calls.ended();
    await this.client.connection.close();
  }

  /**
   * Reconcile requests a run for what is overdue by ten seconds. One that is requested after that, by a process that
   * was suspended since it decided, would deliver once more; a signal could reach another run.
   */
  private refuseLate(decidedAt: Moment): void {
    if (elapsedSince(decidedAt) <= 2 * this.callTimeoutMs) return;
    throw new Error('this process was suspended or slow, and reconcile may have requested a run');
  }

  private async start(
    type: string,
    options: Omit<WorkflowStartOptions, 'taskQueue'>,
  ): Promise<boolean> {
    const started = { ...options, taskQueue: TASK_QUEUE };
    try {
      await this.writes.of(this.calls.make(() => this.client.workflow.start(type, started)));
      return true;
    } catch (error) {
      if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
      throw error;
    }
  }

  /** Signals the workflow that runs, or starts it. */
  private async wake(
    type: string,
    options: Omit<WorkflowStartOptions, 'taskQueue'>,
  ): Promise<void> {
    const signalled = { ...options, taskQueue: TASK_QUEUE, signal: WAKE_SIGNAL };
    await this.writes.of(
      this.calls.make(() => this.client.workflow.signalWithStart(type, signalled)),
    );
  }

  /** A workflow's latest run, or that one; null if Temporal has none. */
  private async describe(workflowId: string, runId?: string) {
    const handle = this.client.workflow.getHandle(workflowId, runId);
    try {
      return await this.calls.make(() => handle.describe());
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return null;
      throw error;
    }
  }
}
