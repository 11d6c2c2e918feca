/** How many attempts of a webhook a worker makes at a time before it knows anything of its receiver. */
export const START_LIMIT = 10;
/** A receiver that is overloaded still gets this many. */
const MIN_LIMIT = 4;
/** Differences below this many milliseconds say nothing about a receiver's load. */
const NOISE_MS = 25;
/** How much longer than usual an exchange may take before the limit is reduced. */
const TOLERANCE = 1.5;
/** The least that one exchange can count for, however long it took. */
const MIN_GRADIENT = 0.5;
/** Attempts by which the limit may be above what the durations would explain. */
const HEADROOM = 4;
/** The weight of one exchange in the limit. */
const SMOOTHING = 0.2;
/** The weight of one exchange in the long-term average of durations, after this many that weigh the same. */
const LONG_TERM_WEIGHT = 1 / 300;
const WARM_UP = 10;
/** After this many exchanges the average is learned anew. */
const PROBE_EVERY = 1000;
/** What is left of the limit after an exchange that failed by overload. */
const BACKOFF = 0.9;

/**
 * The number of concurrent attempts that a receiver can take, learned from how long they take and whether
 * they fail: the algorithm `Gradient2` of Netflix's concurrency-limits, with the multiplicative decrease of
 * its `AIMD` for failures and the probes of its `Vegas`. It only changes while at least half of it is used. The
 * average is that of exchanges with few others at a time: it doesn't follow the load that a high limit makes.
 */
export class ConcurrencyLimit {
  private limit: number;
  private averageMs = 0;
  /** Exchanges in the average. */
  private count = 0;
  private sinceProbe = 0;

  /** @param max the limit never exceeds it */
  constructor(
    private readonly max: number,
    private readonly start = START_LIMIT,
  ) {
    this.limit = Math.min(start, max);
  }

  get value(): number {
    return Math.max(1, Math.floor(this.limit));
  }

  /**
   * Learns from an exchange.
   * @param tookMs its duration in milliseconds
   * @param running how many ran at its end, this one included
   * @param isOverload it failed in a way that more attempts would only make worse
   */
  learn(tookMs: number, running: number, isOverload: boolean): void {
    if (isOverload) {
      this.set(this.limit * BACKOFF);
      return;
    }
    const isUsed = running * 2 >= this.limit;
    const ms = Math.max(tookMs, NOISE_MS);
    this.probe();
    if (this.averageMs === 0 || running <= this.start) {
      this.averageMs += (ms - this.averageMs) * this.weight();
      this.count += 1;
    }
    // It has been much slower before: forget that sooner.
    if (this.averageMs > 2 * ms) this.averageMs *= 0.95;
    if (!isUsed) return;
    const gradient = Math.max(MIN_GRADIENT, Math.min(1, (TOLERANCE * this.averageMs) / ms));
    const next = this.limit * gradient + HEADROOM;
    this.set(this.limit * (1 - SMOOTHING) + next * SMOOTHING);
  }

  /** Lowers the limit from time to time, so that durations are measured with few exchanges running. */
  private probe(): void {
    this.sinceProbe += 1;
    if (this.sinceProbe < PROBE_EVERY) return;
    this.sinceProbe = this.count = 0;
    this.set(Math.min(this.limit, this.start));
  }

  private weight(): number {
    return this.count < WARM_UP ? 1 / (this.count + 1) : LONG_TERM_WEIGHT;
  }

  private set(limit: number): void {
    this.limit = Math.min(this.max, Math.max(MIN_LIMIT, limit));
  }
}
