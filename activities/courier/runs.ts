import type { DeliveryRecord } from '../../src/store/delivery-record';
import type { Store } from '../../src/store/store';

/** Between two checks of their state. */
const CHECK_MS = 100;
/** After this a run is no longer waited for. */
const GIVEN_UP_MS = 60_000;

/**
 * `refused`: there was no place for the attempt; `held`: its webhook had been paused by then; `unknown`: it was not
 * seen.
 */
export type RunEnd = 'made' | 'refused' | 'held' | 'unknown';

interface Run {
  id: string;
  attemptCount: number;
  /** By the monotonic clock. */
  since: number;
  /** It was seen that its attempt had begun. */
  isBegun: boolean;
  begun: () => void;
  end: (end: RunEnd) => void;
}

/** Deliveries run by workflows, from their release until an attempt has been made. */
export class Runs {
  /** After this nothing waits for an attempt to begin: reconcile looks after it. */
  static readonly unbegunMs: number = 2000;
  private readonly running = new Set<Run>();
  private checkedAt = 0;
  private isStopped = false;

  constructor(private readonly store: Store) {}

  /**
   * @param delivery as released
   * @param begun called once its attempt is under way, or has not begun for long; not if it ends before
   */
  ended({ _id, attemptCount }: DeliveryRecord, begun: () => void): Promise<RunEnd> {
    // One that was just being released: no longer watched.
    if (this.isStopped) return Promise.resolve('unknown');
    return new Promise((end) => {
      const since = performance.now();
      this.running.add({ id: _id, attemptCount, since, isBegun: false, begun, end });
    });
  }

  /** Checks their state, if that is due. */
  async check(): Promise<void> {
    const at = performance.now();
    if (this.running.size === 0 || at - this.checkedAt < CHECK_MS) return;
    this.checkedAt = at;
    const asked = [...this.running];
    const found = await this.store.deliveries.model
      .find(
        { _id: { $in: asked.map(({ id }) => id) } },
        { status: 1, attemptCount: 1, queuedIn: 1, runRequested: 1 },
      )
      .lean<DeliveryRecord[]>();
    const byId = new Map(found.map((delivery) => [delivery._id, delivery]));
    for (const run of asked) {
      if (!this.running.has(run)) continue;
      const delivery = byId.get(run.id);
      const end = outcome(delivery, run);
      if (end) this.end(run, end);
      // Not when that is first seen: there is something to load before it is sent.
      else if (run.isBegun || at - run.since > Runs.unbegunMs) run.begun();
      else run.isBegun = delivery?.runRequested === false;
    }
  }

  /** Stops waiting, even for what is released later. */
  stop(): void {
    this.isStopped = true;
    for (const run of this.running) this.end(run, 'unknown');
  }

  private end(run: Run, end: RunEnd): void {
    this.running.delete(run);
    run.end(end);
  }
}

function outcome(delivery: DeliveryRecord | undefined, run: Run): RunEnd | null {
  if (!delivery || delivery.attemptCount > run.attemptCount) return 'made';
  if (delivery.queuedIn !== undefined) return delivery.status === 'held' ? 'held' : 'refused';
  if (delivery.status !== 'pending') return 'made';
  return performance.now() - run.since > GIVEN_UP_MS ? 'unknown' : null;
}
