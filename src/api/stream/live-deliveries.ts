import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { SECOND_MS } from '../../domain/durations';
import { causeOf } from '../../reachability';
import type { Deliveries } from '../../store/deliveries';
import type { DeliveryChanges } from '../../store/delivery-changes';
import { listView } from '../deliveries/deliveries';
import { Turns } from '../http/turns';
import type { StreamReader } from './reader';

/** Changes are shown together, at the latest after that long or that many. */
const GATHER_MS = 200;
const GATHER_MAX = 500;
/** Milliseconds between heartbeats, and between checks of the readers' rights. */
const BEAT_MS = 5 * SECOND_MS;
/** Milliseconds between attempts to follow the changes; meanwhile the readers load their lists as often. */
const RETRY_MS = 5 * SECOND_MS;

/**
 * Tells readers how deliveries change: one change stream of MongoDB for all of this process's readers, open
 * only while there are any. What has changed is read after it changed, so a reader is told of each state
 * that lasts, in order, and not necessarily of each change.
 */
export class LiveDeliveries {
  private readonly readers = new Set<StreamReader>();
  private readonly turns = new Turns(1);
  private readonly stopping = new AbortController();
  private changed = new Set<string>();
  private position: string | null = null;
  private isRunning = false;
  private isPolling = false;
  private isBeating = false;
  /** Those who wait for a position. */
  private waiting: ((position: string) => void)[] = [];

  constructor(
    private readonly changes: DeliveryChanges,
    private readonly deliveries: Deliveries,
    private readonly log: Logger,
  ) {}

  count(is: (reader: StreamReader) => boolean): number {
    return [...this.readers].filter(is).length;
  }

  /** @param after the position up to which it knows everything; undefined: it will load its lists */
  add(reader: StreamReader, after: string | undefined): void {
    this.readers.add(reader);
    if (this.isPolling) reader.reload('polling');
    if (!this.isRunning) void this.run();
    if (after !== undefined) void this.catchUp(reader, after);
  }

  remove(reader: StreamReader): void {
    this.readers.delete(reader);
  }

  /** Ends all of them, for good: clients connect again, to another process. */
  stop(): void {
    this.stopping.abort();
    for (const reader of this.readers) reader.end('restart');
    this.readers.clear();
  }

  private get isWanted(): boolean {
    return this.readers.size > 0 && !this.stopping.signal.aborted;
  }

  private async run(): Promise<void> {
    this.isRunning = true;
    const beats = setInterval(() => void this.beat(), BEAT_MS);
    while (this.isWanted) {
      try {
        await this.follow();
      } catch (error) {
        await this.poll(error);
      }
    }
    clearInterval(beats);
    this.isRunning = false;
    this.isPolling = false;
    this.position = null;
    this.waiting = [];
    this.changed.clear();
    // One may have come while the change stream was being closed.
    if (this.isWanted) void this.run();
  }

  private async follow(): Promise<void> {
    const changes = this.changes.from(this.position);
    try {
      let shownAt = performance.now();
      while (this.isWanted) {
        const id = await changes.next();
        if (id !== null) this.changed.add(id);
        const isDue = performance.now() - shownAt > GATHER_MS || this.changed.size >= GATHER_MAX;
        if (id !== null && !isDue) continue;
        await this.show(changes.position);
        shownAt = performance.now();
      }
    } finally {
      await changes.close().catch(() => {});
    }
  }

  private async show(position: string): Promise<void> {
    const ids = this.changed;
    this.changed = new Set();
    const projectIds = new Set([...this.readers].map(({ projectId }) => projectId));
    const found =
      ids.size === 0 ? [] : await this.deliveries.listChanged([...ids], [...projectIds]);
    const isBack = this.isPolling;
    this.isPolling = false;
    for (const reader of this.readers) {
      const { missed, projectId } = reader;
      reader.missed = null;
      const before = missed ? await this.deliveries.listChanged([...missed], [projectId]) : [];
      const own = found.filter((delivery) => delivery.projectId === projectId);
      if (isBack) reader.reload('polling');
      reader.show([...own, ...before].map(listView), position);
    }
    this.position = position;
    this.waiting.splice(0).forEach((resolve) => resolve(position));
  }

  /** After a failure: what MongoDB doesn't tell, readers have to ask for. */
  private async poll(failure: unknown): Promise<void> {
    if (!this.isWanted) return;
    if (!this.isPolling) {
      const reason = causeOf(failure);
      this.log.warn({ reason }, 'no change stream of MongoDB: readers of /v1/stream poll');
    }
    this.isPolling = true;
    this.changed.clear();
    // All load their lists anew, so the changes since need not be found.
    this.position = null;
    for (const reader of this.readers) reader.reload('polling');
    await sleep(RETRY_MS, undefined, { signal: this.stopping.signal, ref: false }).catch(() => {});
  }

  private async catchUp(reader: StreamReader, after: string): Promise<void> {
    reader.isBehind = true;
    // What changes from here on is shown to everyone.
    const until = this.position ?? (await new Promise<string>((open) => this.waiting.push(open)));
    const endTurn = await this.turns.take(reader.projectId);
    // It may have gone while it waited, and another come for it.
    const isThere = this.readers.has(reader);
    const missed = isThere ? await this.changes.between(after, until).catch(() => null) : null;
    endTurn();
    if (!isThere) return;
    reader.isBehind = false;
    if (missed) reader.missed = missed;
    else reader.reload('missed');
  }

  private async beat(): Promise<void> {
    if (this.isBeating) return;
    this.isBeating = true;
    for (const reader of this.readers) {
      if (await reader.isAllowed()) {
        reader.beat(this.position);
      } else {
        reader.end('unauthorized');
        this.readers.delete(reader);
      }
    }
    this.isBeating = false;
  }
}
