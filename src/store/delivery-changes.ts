import type { Connection, mongo } from 'mongoose';
import type { DeliveryRecord } from './delivery-record';
import type { Deliveries } from './deliveries';

/** How long MongoDB waits for the next change before it says that there is none. */
const AWAIT_MS = 200;
/** How much a reader may have missed that is looked up for it. */
const MAX_MISSED = 5000;
const MISSED_WITHIN_MS = 5000;
/** A majority has a change after that long, so where none comes any more there is none. */
const COMMITTED_WITHIN_MS = 1000;

interface Change {
  documentKey: { _id: string };
}

/** A change stream of all deliveries: only which ones change, since what they are like is read afterwards. */
export class ChangesFrom {
  constructor(
    private readonly stream: mongo.ChangeStream<DeliveryRecord, mongo.ChangeStreamDocument>,
  ) {}

  /** The id of the next one; null: none for the moment. */
  async next(): Promise<string | null> {
    const change = (await this.stream.tryNext()) as Change | null;
    return change && change.documentKey._id;
  }

  /** Behind what `next` has returned; positions sort as texts. */
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
 * stream is at the time after the last change, which one that continues reaches only by the next change.
 */
const timeOf = (position: string): string => position.slice(0, 18);

/** Which deliveries change, from MongoDB's change streams. */
export class DeliveryChanges {
  constructor(
    private readonly connection: Connection,
    private readonly deliveries: Deliveries,
  ) {}

  /** @param after a position; null: from now on */
  from(after: string | null): ChangesFrom {
    const { name } = this.deliveries.model.collection;
    const stream = this.connection
      .db!.collection<DeliveryRecord>(name)
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

  /** What has changed between two positions; null if that can't be known any more, or is too much. */
  async between(after: string, until: string): Promise<Set<string> | null> {
    const changes = this.from(after);
    const ids = new Set<string>();
    // Its closing ends what is being waited for.
    const limit = setTimeout(() => void changes.close().catch(() => {}), MISSED_WITHIN_MS);
    try {
      const beganAt = performance.now();
      for (let nulls = 0; ids.size <= MAX_MISSED;) {
        const id = await changes.next();
        nulls = id === null ? nulls + 1 : 0;
        if (id !== null) ids.add(id);
        // The first one can mean that MongoDB has only begun to look.
        if (nulls < 2) continue;
        const isThere = timeOf(changes.position) >= timeOf(until);
        if (isThere || performance.now() - beganAt > COMMITTED_WITHIN_MS) return ids;
      }
      return null;
    } catch {
      // It is no position, or older than MongoDB remembers.
      return null;
    } finally {
      clearTimeout(limit);
      await changes.close().catch(() => {});
    }
  }
}
