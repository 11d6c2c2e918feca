import type { ClientRateLimitInfo, Store } from 'express-rate-limit';
import { LRUCache } from 'lru-cache';

/** Maximum number of callers that are counted; a forgotten one starts afresh. */
const MAX_CALLERS = 100_000;

interface Window {
  hits: number;
  /** By the monotonic clock. */
  endsAt: number;
}

/**
 * Counts requests by caller and time window, for `express-rate-limit`. Its own store uses the machine's
 * clock: if set back by an hour, each caller's window would stay open that long.
 */
export class Windows implements Store {
  readonly localKeys = true;
  private readonly windows = new LRUCache<string, Window>({
    // As a size: with `max`, room for all is taken at once.
    maxSize: MAX_CALLERS,
    sizeCalculation: () => 1,
  });

  constructor(private readonly windowMs: number) {}

  async get(key: string): Promise<ClientRateLimitInfo | undefined> {
    const open = this.openOf(key);
    return open && told(open);
  }

  async increment(key: string): Promise<ClientRateLimitInfo> {
    const open = this.openOf(key) ?? { hits: 0, endsAt: performance.now() + this.windowMs };
    open.hits += 1;
    this.windows.set(key, open);
    return told(open);
  }

  async decrement(key: string): Promise<void> {
    const open = this.openOf(key);
    if (open) open.hits -= 1;
  }

  async resetKey(key: string): Promise<void> {
    this.windows.delete(key);
  }

  private openOf(key: string): Window | undefined {
    const window = this.windows.get(key);
    return window && window.endsAt > performance.now() ? window : undefined;
  }
}

/** `express-rate-limit` subtracts the machine's clock again. */
function told({ hits, endsAt }: Window): ClientRateLimitInfo {
  const inMs = endsAt - performance.now();
  return { totalHits: hits, resetTime: new Date(Date.now() + inMs) };
}
