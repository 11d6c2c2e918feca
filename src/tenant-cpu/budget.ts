import { LRUCache } from 'lru-cache';

/** The number of projects that are remembered; a forgotten one starts afresh. */
const REMEMBERED = 10_000;
/** The share of a minute's time that may be used at once. */
const BURST_SHARE = 1 / 3;
/** The share of that which makes a project a heavy one. */
const LIGHT_SHARE = 0.1;

/**
 * The CPU time that each project may use: an amount per minute, a third of it at once. A task's time is known
 * only afterwards, so the last one may overdraw the budget, and the project then waits longer.
 */
export class Budget {
  private readonly accounts = new LRUCache<string, { leftMs: number; atMs: number }>({
    max: REMEMBERED,
  });
  private readonly capacityMs: number;

  /** @param perMinuteMs milliseconds */
  constructor(
    private readonly perMinuteMs: number,
    private readonly now: () => number,
  ) {
    this.capacityMs = perMinuteMs * BURST_SHARE;
  }

  spend(owner: string, tookMs: number): void {
    this.accounts.set(owner, { leftMs: this.leftMs(owner) - tookMs, atMs: this.now() });
  }

  /** How long the project has to wait; 0: it may continue. */
  waitMs(owner: string): number {
    const leftMs = this.leftMs(owner);
    if (leftMs > 0) return 0;
    // Until there is enough for more than a moment.
    return Math.ceil(((this.capacityMs * LIGHT_SHARE - leftMs) * 60_000) / this.perMinuteMs);
  }

  /** Whether it has used much lately. */
  isHeavy(owner: string): boolean {
    return this.leftMs(owner) < this.capacityMs * (1 - LIGHT_SHARE);
  }

  private leftMs(owner: string): number {
    const account = this.accounts.get(owner);
    if (!account) return this.capacityMs;
    const refilledMs = ((this.now() - account.atMs) * this.perMinuteMs) / 60_000;
    return Math.min(this.capacityMs, account.leftMs + refilledMs);
  }
}
