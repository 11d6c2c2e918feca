/**
 * Allows a number per second, and as many at once after a quiet second. What finds no room counts too, up to one
 * second's worth: while more come than it allows, none is let through, until fewer come for a second.
 */
export class TokenBucket {
  private tokens: number;
  private filledAtMs: number;

  constructor(
    private readonly perSecond: number,
    nowMs: number,
  ) {
    this.tokens = perSecond;
    this.filledAtMs = nowMs;
  }

  /**
   * @param count how many at once; after a quiet while even more than a second's worth, and then none for as long
   *   as that many take
   * @returns false when there is no room
   */
  take(nowMs: number, count = 1): boolean {
    const { perSecond } = this;
    const elapsedMs = Math.max(0, nowMs - this.filledAtMs);
    const filled = Math.min(perSecond, this.tokens + (elapsedMs * perSecond) / 1000);
    const hasRoom = filled >= Math.min(count, perSecond);
    this.tokens = hasRoom ? filled - count : Math.max(filled - count, Math.min(filled, -perSecond));
    this.filledAtMs = nowMs;
    return hasRoom;
  }
}
