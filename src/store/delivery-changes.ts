import type { Connection, mongo } from 'mongoose';
import type { DeliveryRecord, ListedDelivery } from './delivery-record';
import type { Deliveries } from './deliveries';

/** How long MongoDB waits for the next change before it says that there is none. */
const AWAIT_MS = 200;
/** How many changes at a time are searched for what a reader may have missed. */
const MISSED_AT_ONCE = 1000;
/** A majority has a change after that long, so if no more arrive there are none. */
const COMMITTED_WITHIN_MS = 1000;

interface Change {
  documentKey: { _id: string };
}

/** A change stream of all deliveries. It tells only which ones change: their state is read afterwards. */
export class ChangesFrom {
  constructor(
    private readonly stream: mongo.ChangeStream<DeliveryRecord, mongo.ChangeStreamDocument>,
  ) {}

  /** The id of the next one; null: none for the moment. */
  async next(): Promise<string | null> {
    const change = (await this.stream.tryNext()) as Change | null;
    return change && change.documentKey._id;
  }

  /** The position after what `next` has returned; positions sort as texts. */
  get position(): string {
    const { _data: data } = this.stream.resumeToken as { _data: string };
    return data;
  }

  async close(): Promise<void> {
    await this.stream.close();
  }
}

/**
 * The part of a position that is MongoDB's time: a type and two numbers of 32 bits in hexadecimal. A new change
 * stream starts at the time after the last change; one that continues reaches that time only with the next change.
 */
const timeOf = (position: string): string => position.slice(0, 18);

/** Which deliveries change, from MongoDB's change streams. */
export class DeliveryChanges {
  /** How long to search for what a reader may have missed. */
  static readonly missedWithinMs: number = 5000;

  constructor(
    private readonly connection: Connection,
    private readonly deliveries: Deliveries,
  ) {}

  /** @param after a position; null: from now on */
  from(after: string | null): ChangesFrom {
    const stream = this.connection
      .db!.collection<DeliveryRecord>(this.deliveries.model.collection.name)
      .watch(
        [
          { $match: { operationType: { $in: ['insert', 'update', 'replace'] } } },
          { $project: { documentKey: 1 } },
        ],
        {
          maxAwaitTimeMS: AWAIT_MS,
          readConcern: { level: 'majority' },
          ...(after !== null && { resumeAfter: { _data: after } }),
        },
      );
    return new ChangesFrom(stream);
  }

  /**
   * The project's deliveries that have changed between two positions, as they are now, oldest first, and at most
   * `limit`; null if that can no longer be known, or takes too long.
   */
  async between(
    after: string,
    until: string,
    projectId: string,
    limit: number,
  ): Promise<ListedDelivery[] | null> {
    const changes = this.from(after);
    const found = new Map<string, ListedDelivery>();
    // Its closing ends what is being waited for.
    const timer = setTimeout(
      () => void changes.close().catch(() => {}),
      DeliveryChanges.missedWithinMs,
    );
    try {
      for (let isMore = true; isMore && found.size < limit;) {
        const ids = new Set<string>();
        isMore = await addUntil(changes, until, ids);
        const own = await this.deliveries.listChanged([...ids], [projectId], limit);
        for (const delivery of own) found.set(delivery._id, delivery);
      }
      const byAge = [...found.values()].toSorted((one, other) => (one._id < other._id ? -1 : 1));
      return byAge.slice(0, limit);
    } catch {
      // It is not a position, or is older than MongoDB remembers.
      return null;
    } finally {
      clearTimeout(timer);
      await changes.close().catch(() => {});
    }
  }
}

/**
 * Adds the ids of what changes, up to that position.
 * @returns whether there may be more
 */
async function addUntil(changes: ChangesFrom, until: string, ids: Set<string>): Promise<boolean> {
  const beganAt = performance.now();
  for (let nulls = 0; ids.size < MISSED_AT_ONCE;) {
    const id = await changes.next();
    if (id !== null) {
      nulls = 0;
      ids.add(id);
      // In case changes never pause. The changes of one transaction have the same time.
      if (timeOf(changes.position) > timeOf(until)) return false;
      continue;
    }
    nulls += 1;
    // The first one can mean that MongoDB has only begun to look.
    if (nulls < 2) continue;
    const isThere = timeOf(changes.position) >= timeOf(until);
    if (isThere || performance.now() - beganAt > COMMITTED_WITHIN_MS) return false;
  }
  return true;
}
