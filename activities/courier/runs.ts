import type { DeliveryRecord } from '../../src/store/delivery-record';
import type { Store } from '../../src/store/store';

/** Between two looks at what has become of them. */
const CHECK_MS = 100;
/** After this what Temporal makes of one is not waited for any longer. */
const GIVEN_UP_MS = 60_000;

/** `refused`: there was no place for the attempt; `unknown`: not seen to be made. */
export type RunEnd = 'made' | 'refused' | 'unknown';

interface Run {
  attemptCount: number;
  /** By the monotonic clock. */
  since: number;
  end: (end: RunEnd) => void;
}

/** Deliveries that their workflows run, from when they were let go until an attempt has been made. */
export class Runs {
  private readonly running = new Map<string, Run>();
  private checkedAt = 0;
  private isStopped = false;

  constructor(private readonly store: Store) {}

  /** @param delivery as it was let go */
  ended({ _id, attemptCount }: DeliveryRecord): Promise<RunEnd> {
    // One that was just being let go: nobody looks any more.
    if (this.isStopped) return Promise.resolve('unknown');
    return new Promise((end) => {
      this.running.set(_id, { attemptCount, since: performance.now(), end });
    });
  }

  /** Looks what has become of them, where that is due. */
  async check(): Promise<void> {
    const at = performance.now();
    if (this.running.size === 0 || at - this.checkedAt < CHECK_MS) return;
    this.checkedAt = at;
    const found = await this.store.deliveries.model
      .find({ _id: { $in: [...this.running.keys()] } }, { status: 1, attemptCount: 1, queuedIn: 1 })
      .lean<DeliveryRecord[]>();
    const byId = new Map(found.map((delivery) => [delivery._id, delivery]));
    for (const [id, run] of this.running) {
      const end = outcome(byId.get(id), run);
      if (end) this.end(id, run, end);
    }
  }

  /** Waits for none of them any longer, nor for what is let go after this. */
  stop(): void {
    this.isStopped = true;
    for (const [id, run] of this.running) this.end(id, run, 'unknown');
  }

  private end(id: string, run: Run, end: RunEnd): void {
    this.running.delete(id);
    run.end(end);
  }
}

function outcome(delivery: DeliveryRecord | undefined, run: Run): RunEnd | null {
  if (!delivery || delivery.attemptCount > run.attemptCount) return 'made';
  if (delivery.queuedIn !== undefined) return 'refused';
  if (delivery.status !== 'pending') return 'made';
  return performance.now() - run.since > GIVEN_UP_MS ? 'unknown' : null;
}
