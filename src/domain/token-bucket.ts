/**
 * Allows a number per second, evenly: after some, there is room again when their time at that rate is over. What
 * finds no room counts as well, so nothing is let through while more come than it allows.
 */
export class TokenBucket {
  private freeAtMs = -Infinity;

  constructor(private readonly perSecond: number) {}

  /**
   * @param count how many at once; more than a second's never find room
   * @returns false when there is no room
   */
  take(nowMs: number, count = 1): boolean {
    const hasRoom = count <= this.perSecond && nowMs >= this.freeAtMs;
    const busyMs = ((hasRoom ? count : 1) * 1000) / this.perSecond;
    this.freeAtMs = Math.max(this.freeAtMs, nowMs + busyMs);
    return hasRoom;
  }
}
