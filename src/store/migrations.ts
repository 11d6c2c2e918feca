import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { mongo, type Connection } from 'mongoose';
import type { Logger } from 'pino';
import { clock } from '../clock';
import { StartError } from '../start-error';
import { FAILED_WITH } from './delivery-record';
import { isDuplicateKey } from './errors';

/** A change to what earlier versions have stored. */
export interface Migration {
  /** `0001-what-it-does`: its permanent place in the order. */
  id: string;
  /** Can be run again from the start if it was interrupted; old and new processes run alongside it. */
  up: (connection: Connection) => Promise<void>;
}

/** In the order of their ids; forward only: a released one is never changed or removed. */
export const MIGRATIONS: readonly Migration[] = [
  {
    id: '0001-only-what-has-ended-expires',
    up: async (connection) => {
      await dropIndex(connection, 'events', 'expiresAt_1');
      await dropIndex(connection, 'deliveries', 'expiresAt_1');
      await dropIndex(connection, 'deliveries', 'status_1_expiresAt_1');
    },
  },
  {
    id: '0002-indexes-that-wider-ones-replace',
    up: async (connection) => {
      await dropIndex(connection, 'deliveries', 'projectId_1_eventType_1__id_-1');
      await dropIndex(connection, 'webhooks', 'projectId_1_events_1');
    },
  },
  {
    id: '0003-how-last-attempts-failed',
    up: async (connection) => {
      const deliveries = connection.collection<{ _id: string }>('deliveries');
      await inRanges(deliveries, (_id) =>
        deliveries.updateMany(
          { _id, failedWith: { $exists: false }, 'attempts.outcome': 'failed' },
          [{ $set: { failedWith: FAILED_WITH } }],
        ),
      );
    },
  },
  {
    // Housekeeping counts the whole log again, into other collections: a process of the former version, which
    // may still run, would write what this one can't read.
    id: '0004-counts-of-minutes-in-one-document',
    up: dropFormerCounts,
  },
  {
    id: '0005-failures-to-follow-up-by-their-time',
    up: (connection) => dropIndex(connection, 'deliveries', 'followUp_1_projectId_1'),
  },
  {
    id: '0006-indexes-that-were-replaced-without-a-migration',
    up: async (connection) => {
      await dropIndex(connection, 'deliveries', 'projectId_1_followUp_1');
      await dropIndex(connection, 'deliveries', 'nextAttemptAt_1');
      await dropIndex(connection, 'deliveries', 'webhookId_1_eventId_1');
      await dropIndex(connection, 'deliveries', 'queuedIn_1_webhookId_1_eventId_1');
      await dropIndex(connection, 'events', 'acceptedAt_1');
      await dropIndex(connection, 'replays', 'status_1_updatedAt_1');
      await dropIndex(connection, 'statsHours', 'countedAt_1');
    },
  },
  {
    id: '0007-mails-by-projects-in-turn',
    up: async (connection) => {
      await dropIndex(connection, 'mails', 'nextTryAt_1');
      await dropIndex(connection, 'mails', 'projectId_1');
    },
  },
];

/**
 * What housekeeping counted before that.
 * @returns undefined: nothing is left to drop
 */
export async function dropFormerCounts(connection: Connection): Promise<undefined> {
  await dropCollection(connection, 'countedHours');
  await dropCollection(connection, 'deliveryCounts');
}

/** How many documents a migration reads at once: it holds nobody up, and an interruption costs little. */
const RANGE = 20_000;

/** Goes through a whole collection. @param change changes those with ids in that range */
async function inRanges(
  collection: mongo.Collection<{ _id: string }>,
  change: (ids: mongo.Condition<string>) => Promise<unknown>,
): Promise<void> {
  for (let from: string | undefined = ''; from !== undefined;) {
    const next: string | undefined = await nextRange(collection, from);
    await change({ $gte: from, ...(next !== undefined && { $lt: next }) });
    from = next;
  }
}

/** Where the range after the one that begins with that id begins; undefined: it is the last. */
export async function nextRange(
  collection: mongo.Collection<{ _id: string }>,
  from: string,
): Promise<string | undefined> {
  const next = await collection.findOne(
    { _id: { $gte: from } },
    { projection: { _id: 1 }, sort: { _id: 1 }, skip: RANGE },
  );
  return next?._id;
}

/** Drops an index whose options change: `ensureIndexes`, which follows, creates it again. */
const dropIndex = (connection: Connection, collection: string, name: string): Promise<void> =>
  ifThere(connection.collection(collection).dropIndex(name));

const dropCollection = (connection: Connection, name: string): Promise<void> =>
  ifThere(connection.collection(name).drop());

async function ifThere(drop: Promise<unknown>): Promise<void> {
  try {
    await drop;
  } catch (error) {
    const isGone = error instanceof mongo.MongoServerError && MISSING_CODES.has(Number(error.code));
    if (!isGone) throw error;
  }
}

/** MongoDB has no such collection or index. */
const MISSING_CODES: ReadonlySet<number> = new Set([26, 27]);

/** How long a lock outlives the process that held it. */
const LOCK_MS = 60_000;
const LOCK = 'lock';

/** Those applied before, or by another process. */
export const recordsOf = (connection: Connection): mongo.Collection<MigrationRecord> =>
  connection.collection<MigrationRecord>('migrations');

const appliedTo = (records: mongo.Collection<MigrationRecord>): Promise<string[]> =>
  records.distinct('_id', { appliedAt: { $exists: true } });

/** What `migrate` still has to do, in a few words; null: nothing. */
export async function whatIsDue(connection: Connection): Promise<string | null> {
  const applied = await appliedTo(recordsOf(connection));
  const due = MIGRATIONS.find(({ id }) => !applied.includes(id));
  if (!due) return null;
  return applied.length === 0
    ? `the database ${connection.name} of MongoDB is not set up`
    : `the migration ${due.id} of MongoDB is due`;
}

/** Whether a newer version, whose processes run alongside these, has migrated it. */
export async function isMigratedByNewer(connection: Connection): Promise<boolean> {
  const known = new Set(MIGRATIONS.map(({ id }) => id));
  return (await appliedTo(recordsOf(connection))).some((id) => !known.has(id));
}

interface MigrationRecord {
  _id: string;
  appliedAt?: Date;
  /** When what processes of the previous version had written meanwhile was repaired (upgrade-repair.ts). */
  repeatedAt?: Date;
  /** How far that has got: only what has a lower id is repaired. */
  repeatedTo?: string;
  /** Only in the lock. */
  owner?: string;
  until?: Date;
}

interface MigrateOptions {
  log?: Logger;
  lockMs?: number;
  afterwards?: () => Promise<void>;
  interrupted?: Promise<never>;
}

/**
 * Applies the migrations that have not been applied yet, one after another; if several processes call it at
 * once, one does the work and the others wait.
 * @param options.afterwards further work under the same lock
 * @param options.interrupted rejects when that is to end, leaving no lock that the next one would wait for
 * @throws StartError if the database was migrated by a newer version
 */
export async function migrate(
  connection: Connection,
  migrations: readonly Migration[] = MIGRATIONS,
  { log, lockMs = LOCK_MS, afterwards = async () => {}, interrupted }: MigrateOptions = {},
): Promise<void> {
  await connection.asPromise();
  const records = recordsOf(connection);
  const owner = randomUUID();
  const take = async (): Promise<boolean> => {
    const now = clock.now();
    // A lock that ends later than any can was taken by a process with a wrong clock.
    const tooLate = { until: { $gt: new Date(now.getTime() + 2 * lockMs) } };
    const isFree = { _id: LOCK, $or: [{ owner }, { until: { $lt: now } }, tooLate] };
    const held = { owner, until: new Date(now.getTime() + lockMs) };
    try {
      await records.updateOne(isFree, { $set: held }, { upsert: true });
      return true;
    } catch (error) {
      if (isDuplicateKey(error)) return false;
      throw error;
    }
  };

  // One at a time, and none after the end: it would put back the lock that has been released.
  let isOver = false;
  let taking: Promise<unknown> = Promise.resolve();
  const takeInTurn = (): Promise<boolean> => {
    const taken = taking.then(() => !isOver && take());
    taking = taken.catch(() => {});
    return taken;
  };

  let renewal: NodeJS.Timeout | undefined;
  const apply = async (): Promise<void> => {
    for (let tries = 0; !(await takeInTurn()); tries += 1) {
      if (tries === 0) log?.info('waiting for another setup, which is running or was killed');
      await sleep(lockMs / 60);
    }
    renewal = setInterval(() => void takeInTurn().catch(() => {}), lockMs / 3);
    const applied = await appliedTo(records);
    const known = new Set(migrations.map(({ id }) => id));
    const unknown = applied.filter((id) => !known.has(id));
    if (unknown.length > 0) {
      throw new StartError(
        `MONGODB_URL: a newer version of Posthorn has migrated this database (${unknown.join()}); run its setup instead of this one's`,
      );
    }
    for (const { id, up } of migrations) {
      if (applied.includes(id)) continue;
      log?.info({ migration: id }, 'migrating MongoDB');
      await up(connection);
      // It may exist already: a process that is suspended for longer than its lock lasts is not alone.
      const note = { $setOnInsert: { appliedAt: clock.now() } };
      await records.updateOne({ _id: id }, note, { upsert: true });
    }
    await afterwards();
  };
  try {
    await (interrupted ? Promise.race([apply(), interrupted]) : apply());
  } finally {
    isOver = true;
    clearInterval(renewal);
    await taking;
    // If that fails it expires, and what failed before is what matters.
    await records.deleteOne({ _id: LOCK, owner }).catch(() => {});
  }
}
