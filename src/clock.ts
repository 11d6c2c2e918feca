/** Clocks set by NTP differ by milliseconds; from this difference on one of them is wrong. */
const MAX_SKEW_MS = 5000;
/** How fast what is known of MongoDB's clock loses precision: two clocks drift apart by far less. */
const DRIFT = 0.001;
/** How much a difference must change to be reported again. */
const NEWS_SHARE = 0.1;

/** MongoDB's time, at a moment of the monotonic clock. */
interface Reading {
  timeMs: number;
  atMs: number;
  /** How far off it may be: half the round trip. */
  marginMs: number;
}

/**
 * MongoDB's time, as this process knows it. It decides when something was created, is due, or expires, so
 * that processes agree whatever their own clocks say; those only measure durations. Where a time is written
 * or compared within MongoDB, `$$NOW` gives the same (docs/adr/0023).
 */
export class Clock {
  private known: Reading | undefined;
  private skewMs: number | null = null;

  /** This process's own time until it has been read. */
  now(): Date {
    const { known } = this;
    return new Date(known ? Math.round(known.timeMs + performance.now() - known.atMs) : Date.now());
  }

  /** Why this process's own clock is not reliable; null: it is right. */
  get trouble(): string | null {
    if (this.skewMs === null) return null;
    const seconds = Math.round(Math.abs(this.skewMs) / 1000);
    const side = this.skewMs > 0 ? 'ahead of' : 'behind';
    return `the clock of this machine is ${seconds} s ${side} MongoDB's; have NTP set both`;
  }

  /**
   * Records MongoDB's time. It was read at some moment between the request and the arrival of the answer, so
   * a slow answer is less precise, and doesn't mean that the clocks differ.
   */
  async read(ask: () => Promise<Date>): Promise<void> {
    const [askedAt, askedAtOwn] = [performance.now(), Date.now()];
    const timeMs = (await ask()).getTime();
    const [answeredAt, answeredAtOwn] = [performance.now(), Date.now()];
    const marginMs = (answeredAt - askedAt) / 2;
    this.learn({ timeMs, atMs: askedAt + marginMs, marginMs });
    const aheadMs = Math.max(0, askedAtOwn - timeMs);
    const behindMs = Math.max(0, timeMs - answeredAtOwn);
    this.noteSkew(aheadMs - behindMs);
  }

  /**
   * Keeps the most precise reading, the one with the shortest round trip, until it is old or MongoDB's clock
   * was set.
   */
  private learn(read: Reading): void {
    const { known } = this;
    if (known) {
      const agedMs = read.atMs - known.atMs;
      const knownMarginMs = known.marginMs + agedMs * DRIFT;
      const differMs = Math.abs(read.timeMs - (known.timeMs + agedMs));
      const agree = differMs <= read.marginMs + knownMarginMs + 1;
      if (agree && read.marginMs > knownMarginMs) return;
    }
    this.known = read;
  }

  private noteSkew(skewMs: number): void {
    const toldMs = this.skewMs;
    if (Math.abs(skewMs) <= MAX_SKEW_MS) this.skewMs = null;
    else if (toldMs === null || Math.abs(skewMs - toldMs) > Math.abs(toldMs) * NEWS_SHARE) {
      this.skewMs = skewMs;
    }
  }
}

/** A process has one MongoDB. */
export const clock = new Clock();

/**
 * By both clocks of the process, to measure how long something took: either may stop while a machine is suspended;
 * neither does while a process is stopped.
 */
export type Moment = readonly [monotonicMs: number, unixMs: number];

export const moment = (): Moment => [performance.now(), Date.now()];

/** In milliseconds. */
export const elapsedSince = (then: Moment): number =>
  Math.max(...moment().map((now, index) => now - then[index]!));
