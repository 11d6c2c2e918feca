import { randomUUID } from 'node:crypto';
import { WorkflowExecutionAlreadyStartedError, type Client } from '@temporalio/client';

/** Milliseconds for which a successful write proves that the next one would succeed. */
const PROOF_MS = 15_000;
const PROBE_TYPE = 'readiness';
/** No worker polls it. */
const PROBE_QUEUE = 'posthorn-readiness';
/** Until then it has no task. It is deleted before; if that fails, the next probe does it. */
const PROBE_DELAY = '1m';

/**
 * Whether Temporal accepts writes, which reads can't show: they are answered from memory while its database
 * is full, read-only, or gone. Started workflows prove it; if there was none recently, one is started that
 * never runs, and deleted.
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
      // That one runs already says nothing about writes.
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) this.provenAt = -Infinity;
      throw error;
    }
  }

  /** @throws if Temporal does not accept writes */
  async check(): Promise<void> {
    if (performance.now() - this.provenAt < PROOF_MS) return;
    this.probing ??= this.of(this.probe()).finally(() => (this.probing = undefined));
    await this.probing;
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
    const { namespace } = this.client.options;
    await this.within(() =>
      this.client.workflowService.deleteWorkflowExecution({
        namespace,
        workflowExecution: { workflowId, runId },
      }),
    ).catch(() => {});
  }
}
