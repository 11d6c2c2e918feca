import { randomUUID } from 'node:crypto';
import { WorkflowExecutionAlreadyStartedError, type Client } from '@temporalio/client';

/** Milliseconds for which a write that has succeeded proves that the next one would. */
const PROOF_MS = 15_000;
/** Nobody polls it. */
const PROBE_QUEUE = 'posthorn-readiness';
/** Until then it has no task. It is deleted before; where that fails, it ends by itself. */
const PROBE_DELAY = '1m';

/**
 * What is known of Temporal's taking writes, which a call that only reads says nothing of: it is answered
 * from memory while its database is full, read-only, or gone. Workflows that are started prove it; where
 * none was of late, one is started that never runs, and deleted.
 */
export class WriteProof {
  private provenAt = -Infinity;
  private probing: Promise<void> | undefined;

  constructor(
    private readonly client: Client,
    private readonly within: <T>(call: () => Promise<T>) => Promise<T>,
  ) {}

  /** Notes how a write ended. */
  async of<T>(write: Promise<T>): Promise<T> {
    try {
      const done = await write;
      this.provenAt = performance.now();
      return done;
    } catch (error) {
      // That one runs already says nothing of writes.
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) this.provenAt = -Infinity;
      throw error;
    }
  }

  /** @throws when Temporal does not take writes */
  async check(): Promise<void> {
    if (performance.now() - this.provenAt < PROOF_MS) return;
    this.probing ??= this.of(this.probe()).finally(() => (this.probing = undefined));
    await this.probing;
  }

  private async probe(): Promise<void> {
    const workflowId = `readiness/${randomUUID()}`;
    await this.within(() =>
      this.client.workflow.start('readiness', {
        workflowId,
        taskQueue: PROBE_QUEUE,
        startDelay: PROBE_DELAY,
        workflowExecutionTimeout: PROBE_DELAY,
        args: [],
      }),
    );
    const { namespace } = this.client.options;
    const deletion = { namespace, workflowExecution: { workflowId } };
    await this.within(() => this.client.workflowService.deleteWorkflowExecution(deletion)).catch(
      () => {},
    );
  }
}
