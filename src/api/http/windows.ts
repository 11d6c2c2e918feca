import { LRUCache } from 'lru-cache';

/** Maximum number of callers that are counted; a forgotten one starts afresh. */
const MAX_CALLERS = 100_000;

interface Window {
  hits: number;
  /** By the monotonic clock. */
  endsAt: number;
}

/** A caller's hits in its window, and the milliseconds until that is over. */
export interface Count {
  hits: number;
  leftMs: number;
}

/** Counts requests by caller and time window. */
export class Windows {
  private readonly windows = new LRUCache<string, Window>({ max: MAX_CALLERS });

  constructor(private readonly windowMs: number) {}

  /** Counts one more. */
  count(caller: string): Count {
    const at = performance.now();
    const known = this.windows.get(caller);
    const open = known && known.endsAt > at ? known : { hits: 0, endsAt: at + this.windowMs };
    open.hits += 1;
    if (open !== known) this.windows.set(caller, open);
    return { hits: open.hits, leftMs: open.endsAt - at };
  }

  counted(caller: string): Count {
    const at = performance.now();
    const known = this.windows.get(caller);
    return known && known.endsAt > at
      ? { hits: known.hits, leftMs: known.endsAt - at }
      : { hits: 0, leftMs: 0 };
  }
}
