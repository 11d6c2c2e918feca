import type { mongo } from 'mongoose';

/** Room for all that a test asks; MongoDB's own 1 MiB would drop the oldest entries, and end who reads them. */
const BYTES = 64 * 1024 * 1024;

const NAMESPACE_EXISTS = 48;

/** What MongoDB's profiler says of a command, as it was run. */
export interface Profiled {
  op: string;
  ns: string;
  command: Record<string, unknown>;
  planSummary?: string;
  execStats?: object;
  hasSortStage?: boolean;
  docsExamined?: number;
  keysExamined?: number;
  nreturned?: number;
  ninserted?: number;
  responseLength?: number;
}

/** Makes an empty one. What was begun within an earlier one may end in between, and make MongoDB's own. */
async function begin(db: mongo.Db): Promise<void> {
  for (;;) {
    await db.collection('system.profile').drop();
    try {
      await db.createCollection('system.profile', { capped: true, size: BYTES });
      return;
    } catch (error) {
      if ((error as { code?: number }).code !== NAMESPACE_EXISTS) throw error;
    }
  }
}

/**
 * What this database does meanwhile, oldest first.
 * @param filter of these entries
 * @returns what the work has returned, too
 */
export async function profileOf<T>(
  db: mongo.Db,
  work: () => Promise<T>,
  filter: mongo.Filter<Profiled> = {},
): Promise<{ answer: T; profiled: Profiled[] }> {
  const profile = db.collection<Profiled>('system.profile');
  await begin(db);
  await db.command({ profile: 2 });
  try {
    const answer = await work();
    const theirs = { $and: [{ ns: { $not: /\.system\./ } }, filter] };
    return { answer, profiled: await profile.find(theirs).toArray() };
  } finally {
    await db.command({ profile: 0 });
  }
}
