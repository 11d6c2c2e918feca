import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { SECOND_MS } from '../../domain/durations';
import { causeOf } from '../../reachability';
import type { Cipher } from '../../store/cipher';
import type { ListedDelivery } from '../../store/delivery-record';
import type { Store } from '../../store/store';
import { listView } from '../deliveries/deliveries';
import { CatchingUp } from './catching-up';
import { Positions } from './positions';
import { MAX_AT_ONCE, type StreamReader, type ToldDelivery } from './reader';

/** Changes are shown together, at the latest after this long or this many. */
const GATHER_MS = 200;
const GATHER_MAX = 500;
/** Milliseconds between heartbeats, and at least between checks of a reader's rights. */
const BEAT_MS = 5 * SECOND_MS;
/** Milliseconds between attempts to follow the changes; meanwhile the readers load their lists at each beat. */
const RETRY_MS = 5 * SECOND_MS;

const toTold = (delivery: ListedDelivery): ToldDelivery => ({
  id: delivery._id,
  json: JSON.stringify(listView(delivery)),
});

/**
 * Tells readers how deliveries change: one change stream of MongoDB for all of this process's readers, open
 * only while there are any. What has changed is read after it changed, so a reader is told of each state
 * that lasts, in order, and not necessarily of each change.
 */
export class LiveDeliveries {
  private readonly readers = new Set<StreamReader>();
  private readonly positions: Positions;
  private readonly catchingUp = new CatchingUp();
  private readonly stopping = new AbortController();
  private readonly changed = new Set<string>();
  /** The position up to which everything was shown, as it is told; null: there is none. */
  private position: string | null = null;
  private isRunning = false;
  private isPolling = false;
  private isChecking = false;

  constructor(
    private readonly store: Store,
    cipher: Cipher,
    private readonly log: Logger,
  ) {
    this.positions = new Positions(cipher);
  }

  count(is: (reader: StreamReader) => boolean): number {
    return [...this.readers].filter(is).length;
  }

  /** @param told the position up to which it knows everything; undefined: it will load its lists */
  add(reader: StreamReader, told: string | undefined): void {
    if (this.stopping.signal.aborted) {
      reader.end('restart');
      return;
    }
    this.readers.add(reader);
    const after = told === undefined ? undefined : this.positions.open(told);
    if (after === null) reader.reload('missed');
    else if (this.isPolling) reader.reload('polling');
    else if (after !== undefined) reader.continueAfter(after);
    if (!this.isRunning) void this.run();
  }

  remove(reader: StreamReader): void {
    this.readers.delete(reader);
    this.catchingUp.leave(reader);
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
    this.changed.clear();
    // One may have come while the change stream was being closed.
    if (this.isWanted) void this.run();
  }

  private async follow(): Promise<void> {
    const changes = this.store.deliveryChanges.from(null);
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
    const { deliveries } = this.store;
    const ids = [...this.changed];
    this.changed.clear();
    const projectIds = [...new Set([...this.readers].map(({ projectId }) => projectId))];
    const found = ids.length > 0 ? await deliveries.listChanged(ids, projectIds, ids.length) : [];
    const isBack = this.isPolling;
    this.isPolling = false;
    const told = this.positions.seal(position);
    const byProject = new Map<string, ToldDelivery[]>(projectIds.map((id) => [id, []]));
    for (const delivery of found) byProject.get(delivery.projectId)!.push(toTold(delivery));
    for (const reader of this.readers) {
      if (isBack) reader.reload('polling');
      // One of another project may have come since: it is promised nothing from before its `ready`.
      reader.show(byProject.get(reader.projectId) ?? [], told);
      // Up to this position and no earlier one: a reader that came during this is shown only what changes after it.
      const { after } = reader;
      if (after === null) continue;
      reader.after = null;
      this.catchingUp.join(reader, () => this.catchUp(reader, after, position));
    }
    this.position = told;
  }

  /** After a failure: what MongoDB doesn't tell, readers have to ask for. */
  private async poll(failure: unknown): Promise<void> {
    if (!this.isWanted) return;
    if (!this.isPolling) {
      const reason = causeOf(failure);
      this.log.warn({ reason }, 'no change stream of MongoDB: readers of /v1/stream poll');
      // From now on each beat says it again: another attempt to follow the changes may take long to fail.
      for (const reader of this.readers) reader.reload('polling');
    }
    this.isPolling = true;
    this.changed.clear();
    // All load their lists anew, so the changes since need not be found.
    this.position = null;
    await sleep(RETRY_MS, undefined, { signal: this.stopping.signal, ref: false }).catch(() => {});
  }

  private async catchUp(reader: StreamReader, after: string, until: string): Promise<void> {
    const missed = await this.missedBy(reader, after, until).catch(() => null);
    reader.catchUp(missed && missed.map(toTold));
  }

  /** At most one more than are told of at once; null: that can no longer be known. */
  private async missedBy(
    reader: StreamReader,
    after: string,
    until: string,
  ): Promise<ListedDelivery[] | null> {
    // It may have loaded its lists again while it waited.
    if (!reader.isBehind) return [];
    const { deliveryChanges } = this.store;
    return deliveryChanges.between(after, until, reader.projectId, MAX_AT_ONCE + 1);
  }

  /** Sends something to all of them at once: while MongoDB is unavailable, each check takes long. */
  private async beat(): Promise<void> {
    for (const reader of this.readers) {
      if (this.isPolling) reader.reload('polling');
      else reader.beat(this.position);
    }
    if (this.isChecking) return;
    this.isChecking = true;
    for (const reader of this.readers) {
      if (await reader.isAllowed()) continue;
      reader.end('unauthorized');
      this.readers.delete(reader);
    }
    this.isChecking = false;
  }
}
