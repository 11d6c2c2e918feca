import { randomUUID } from 'node:crypto';
import { WorkflowExecutionAlreadyStartedError, type Client } from '@temporalio/client';
import { clock } from '../clock';
import { WORKFLOWS } from '../contracts/temporal';

/** Milliseconds for which a successful write proves that the next one would succeed. */
const PROOF_MS = 15_000;
const PROBE_TYPE = 'readiness';
/** No worker polls it. */
const PROBE_QUEUE = 'posthorn-readiness';
/** The parts of reconcile, each of which has a run. */
const RECONCILES = 3;
/** Until then it has no task. It is deleted earlier; if that fails, the next probe does it. */
const PROBE_DELAY = '1m';

/**
 * Whether Temporal accepts writes, which reads can't show: they are answered from memory while its database
 * is full, read-only, or gone. Started workflows prove it, and so does the time at which Temporal has stored a
 * heartbeat: reconcile sends some all the time. Without either, a workflow is started that never runs, and deleted.
 */
export class WriteProof {
  private provenAt = -Infinity;
  private probing: Promise<void> | undefined;

  constructor(
    private readonly client: Client,
    private readonly within: <T>(call: () => Promise<T>) => Promise<T>,
  ) {}

  /** Records how a write ended. */
  async of<T>(write: Promise<T>): Promise<T> {
    try {
      const done = await write;
      this.provenAt = performance.now();
      return done;
    } catch (error) {
      // That a workflow is already running says nothing about writes.
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) this.provenAt = -Infinity;
      throw error;
    }
  }

  /** Whether the last write has succeeded, however long ago. */
  get isProven(): boolean {
    return this.provenAt > -Infinity;
  }

  /** @throws if Temporal does not accept writes */
  async check(): Promise<void> {
    if (performance.now() - this.provenAt < PROOF_MS) return;
    this.probing ??= this.prove().finally(() => (this.probing = undefined));
    await this.probing;
  }

  private async prove(): Promise<void> {
    // After a failed one only a write will do, and soon.
    const writtenMsAgo = this.isProven ? await this.writtenMsAgo().catch(() => Infinity) : Infinity;
    if (writtenMsAgo < PROOF_MS) this.provenAt = performance.now() - writtenMsAgo;
    else await this.of(this.probe());
  }

  /** Milliseconds since Temporal has stored a heartbeat of reconcile; Infinity: none is known. */
  private async writtenMsAgo(): Promise<number> {
    const { namespace } = this.client.options;
    const { workflowService } = this.client;
    const query = `WorkflowType = '${WORKFLOWS.reconcile}' AND ExecutionStatus = 'Running'`;
    const { executions } = await this.within(() =>
      workflowService.listWorkflowExecutions({ namespace, query, pageSize: RECONCILES }),
    );
    const described = await Promise.all(
      executions.map(({ execution }) =>
        this.within(() => workflowService.describeWorkflowExecution({ namespace, execution })),
      ),
    );
    const beats = described.flatMap(({ pendingActivities }) =>
      pendingActivities.map(({ lastHeartbeatTime }) => Number(lastHeartbeatTime?.seconds ?? 0)),
    );
    // A clock of Temporal's that is far ahead proves nothing.
    return Math.abs(clock.now().getTime() - Math.max(0, ...beats) * 1000);
  }

  private async probe(): Promise<void> {
    const workflowId = `readiness/${randomUUID()}`;
    await this.within(() =>
      this.client.workflow.start(PROBE_TYPE, {
        workflowId,
        taskQueue: PROBE_QUEUE,
        startDelay: PROBE_DELAY,
        workflowExecutionTimeout: PROBE_DELAY,
        args: [],
      }),
    );
    // That is the proof; the rest may take as long as it takes.
    void this.delete(workflowId).then(() => this.deleteLeftovers().catch(() => {}));
  }

  /**
   * Removes the probes of all processes that are still there: a start that was reported as failed may have
   * been carried out, a deletion may have failed, or a process may have died between the two.
   */
  private async deleteLeftovers(): Promise<void> {
    const { namespace } = this.client.options;
    const query = `WorkflowType = '${PROBE_TYPE}'`;
    const { executions } = await this.within(() =>
      this.client.workflowService.listWorkflowExecutions({ namespace, query, pageSize: 20 }),
    );
    for (const { execution } of executions) {
      if (execution?.workflowId) await this.delete(execution.workflowId, execution.runId);
    }
  }

  /** Where that fails, the next probe does it. */
  private async delete(workflowId: string, runId?: string | null): Promise<void> {
    await this.within(() =>
      this.client.workflowService.deleteWorkflowExecution({
        namespace: this.client.options.namespace,
        workflowExecution: { workflowId, runId },
      }),
    ).catch(() => {});
  }
}
