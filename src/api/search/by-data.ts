import { timeOf } from '../../contracts/ids';
import { textsIn, type PayloadQuery } from '../../domain/payload-query';
import { scanEvents, type ScannedEvent } from '../../store/event-scan';
import { firstIdAt } from '../../store/paging';
import { isTooSlow } from '../../store/errors';
import type { Store } from '../../store/store';
import type { Checks } from '../events/checks';
import { rateLimited } from '../http/errors';
import { Places } from '../http/turns';
import type { Scanned, SearchResult } from '../schemas/search';
import { fromEvent } from './results';

/** What one search may examine, so that it costs others little: the caller continues where it stopped. */
export const SCAN_LIMITS = { events: 20_000, bytes: 32 * 1024 * 1024, ms: 4000 };
/** Bodies that are judged together. */
const TOGETHER = { events: 200, bytes: 1024 * 1024 };
/** Concurrent searches by a project's keys, by all its portal links, and by the admin for it. */
const AT_A_TIME = 1;
const RETRY_MS = 2000;

export interface DataSearch {
  projectId: string;
  /** Whose share it takes (`placeOf`). */
  owner: string;
  query: PayloadQuery;
  type?: string | undefined;
  since: Date;
  until: Date;
  /** The last event that was examined. */
  cursor?: string | undefined;
  limit: number;
  /** Whether nobody is waiting for the answer any longer. */
  isOver: () => boolean;
}

export interface DataFound {
  results: SearchResult[];
  nextCursor: string | null;
  scanned: Scanned;
}

/** Looks for events by a field of their data. */
export class DataSearches {
  private readonly places = new Places(AT_A_TIME);

  constructor(
    private readonly store: Store,
    private readonly checks: Checks,
    private readonly limits = SCAN_LIMITS,
  ) {}

  /** @throws ApiError 429 if one is in progress: it would hold up what else is read */
  async find(search: DataSearch): Promise<DataFound> {
    const end = this.places.take(search.owner);
    if (!end) {
      const message =
        'another search in the data of this project’s events is in progress; wait for it';
      throw rateLimited(RETRY_MS, message);
    }
    try {
      return await this.scan(search);
    } finally {
      end();
    }
  }

  private async scan(search: DataSearch): Promise<DataFound> {
    const { projectId, owner, query, type, since, until, cursor, limit } = search;
    const { limits } = this;
    const beganAt = performance.now();
    const before = firstIdAt('event', until);
    const end = cursor !== undefined && cursor < before ? cursor : before;
    const results: SearchResult[] = [];
    let waiting: ScannedEvent[] = [];
    let waitingBytes = 0;
    let last = end;
    let bytes = 0;
    let events = 0;
    let isComplete = true;

    /** Judges those that wait; false if there are enough results. */
    const judge = async (): Promise<boolean> => {
      const candidates = waiting.filter(({ body }) => body !== null);
      const bodies = candidates.map(({ body }) => body!);
      const isFound = await this.checks.judgeBodies(owner, { bodies, query });
      const found = candidates.filter((_event, at) => isFound[at]).slice(0, limit - results.length);
      results.push(...found.map((event) => fromEvent(event, 'data')));
      const isEnough = results.length === limit;
      const lastJudged = isEnough ? found.at(-1)! : waiting.at(-1);
      for (const event of waiting) {
        if (isEnough && event._id < lastJudged!._id) break;
        events += 1;
        bytes += event.bytes;
      }
      last = lastJudged?._id ?? last;
      waiting = [];
      waitingBytes = 0;
      return !isEnough;
    };

    const scan = scanEvents(this.store.events, {
      projectId,
      type,
      first: firstIdAt('event', since),
      end,
      texts: textsIn(query),
      // One more tells whether there are more.
      limit: limits.events + 1,
      maxTimeMs: limits.ms,
    });
    let seenBytes = 0;
    let seen = 0;
    try {
      for await (const event of scan) {
        const isTooMuch =
          seen === limits.events ||
          seenBytes + event.bytes > limits.bytes ||
          performance.now() - beganAt > limits.ms;
        // At least one, so that the search makes progress.
        if (seen > 0 && (isTooMuch || search.isOver())) {
          isComplete = false;
          break;
        }
        seen += 1;
        seenBytes += event.bytes;
        waiting.push(event);
        waitingBytes += event.body?.length ?? 0;
        const isFull = waiting.length >= TOGETHER.events || waitingBytes >= TOGETHER.bytes;
        if (isFull && !(await judge())) {
          isComplete = false;
          break;
        }
      }
    } catch (error) {
      if (!isTooSlow(error) || seen === 0) throw error;
      isComplete = false;
    }
    if (waiting.length > 0 && !(await judge())) isComplete = false;
    return {
      results,
      nextCursor: isComplete ? null : last,
      scanned: {
        since: isComplete ? since : timeOf(last),
        until: cursor !== undefined && end === cursor ? timeOf(cursor) : until,
        events,
        bytes,
        isComplete,
      },
    };
  }
}
