/** Allows a number per second, and as many at once after a quiet second; at least one. */
export class TokenBucket {
  private tokens: number;
  private filledAtMs: number;

  constructor(
    private readonly perSecond: number,
    nowMs: number,
  ) {
    this.tokens = this.capacity;
    this.filledAtMs = nowMs;
  }

  /** @returns false when there is no room */
  take(nowMs: number): boolean {
    const elapsedMs = Math.max(0, nowMs - this.filledAtMs);
    this.tokens = Math.min(this.capacity, this.tokens + (elapsedMs * this.perSecond) / 1000);
    this.filledAtMs = nowMs;
    if (this.tokens < 1) return false;
    this.tokens -= 1;
    return true;
  }

  private get capacity(): number {
    return Math.max(1, this.perSecond);
  }
}
