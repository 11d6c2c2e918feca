import { timeOf } from '../../src/contracts/ids';
import type { EventRecord } from '../../src/store/event-record';
import { firstIdAt } from '../../src/store/paging';
import { listAccepted } from '../../src/store/queue';
import type { Store } from '../../src/store/store';

/** By how much an event may be visible later than one that was accepted after it: inserts overtake each other. */
const OVERTAKEN_MS = 250;
/** How often all events are looked for, however late they became visible. */
const WHOLE_MS = 250;

/**
 * Finds accepted events. Most looks begin shortly before the newest event that was found: before that are what is
 * in hand, and the index entries of what was settled recently, which MongoDB would have to skip.
 */
export class Arrivals {
  private newestId: string | undefined;
  /** By the monotonic clock. */
  private wholeAt = -Infinity;

  constructor(
    private readonly store: Store,
    private readonly projectId: string,
  ) {}

  /**
   * Those that are not planned yet, in order. Those that are not taken are found again.
   * @param taken ids of those that are in hand
   * @param limit the maximum number of those that are not
   */
  async list(taken: Iterable<string>, limit: number): Promise<EventRecord[]> {
    const { store, projectId, newestId } = this;
    const at = performance.now();
    const isWhole = newestId === undefined || at - this.wholeAt > WHOLE_MS;
    if (isWhole) this.wholeAt = at;
    const since = isWhole ? null : new Date(timeOf(newestId).getTime() - OVERTAKEN_MS);
    const after = since ? firstIdAt('event', since) : '';
    const except = [...taken].filter((id) => id > after);
    return listAccepted(store, projectId, { after, except, limit });
  }

  /** Those up to this one are in hand. */
  took(id: string): void {
    if (id > (this.newestId ?? '')) this.newestId = id;
  }
}
