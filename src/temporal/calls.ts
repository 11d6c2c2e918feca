import type { Client } from '@temporalio/client';

/** Calls to Temporal: each has a deadline, and those in progress can be waited for. */
export class Calls {
  private readonly inProgress = new Set<Promise<unknown>>();

  constructor(
    private readonly client: Client,
    private readonly timeoutMs: number,
  ) {}

  async make<T>(call: () => Promise<T>): Promise<T> {
    const made = this.client.withDeadline(Date.now() + this.timeoutMs, call);
    this.inProgress.add(made);
    try {
      return await made;
    } finally {
      this.inProgress.delete(made);
    }
  }

  async ended(): Promise<void> {
    while (this.inProgress.size > 0) await Promise.allSettled(this.inProgress);
  }
}
