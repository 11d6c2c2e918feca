import type { DeliveryRecord } from '../../src/store/delivery-record';
import type { Store } from '../../src/store/store';

/** Between two checks of their state. */
const CHECK_MS = 100;
/** After this one is no longer waited for. */
const GIVEN_UP_MS = 60_000;

/** `refused`: there was no place for the attempt; `unknown`: it was not seen. */
export type RunEnd = 'made' | 'refused' | 'unknown';

interface Run {
  attemptCount: number;
  /** By the monotonic clock. */
  since: number;
  end: (end: RunEnd) => void;
}

/** Deliveries run by workflows, from their release until an attempt has been made. */
export class Runs {
  private readonly running = new Map<string, Run>();
  private checkedAt = 0;
  private isStopped = false;

  constructor(private readonly store: Store) {}

  /** @param delivery as released */
  ended({ _id, attemptCount }: DeliveryRecord): Promise<RunEnd> {
    // One that was just being released: no longer watched.
    if (this.isStopped) return Promise.resolve('unknown');
    return new Promise((end) => {
      this.running.set(_id, { attemptCount, since: performance.now(), end });
    });
  }

  /** Checks their state, if that is due. */
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

  /** Stops waiting, also for what is released later. */
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
