import type { Connection, IndexDefinition, IndexOptions, Model } from 'mongoose';
import type { Logger } from 'pino';
import { StartError } from '../start-error';
import { isDuplicateKey } from './errors';
import { isMigratedByNewer } from './migrations';

// oxlint-disable-next-line typescript/no-explicit-any -- whatever is stored in it
type AnyModel = Model<any>;
type Index = [keys: IndexDefinition, options: IndexOptions];

/** How often creating an index is tried while others still add duplicates. */
const TRIES = 10;

/** Ids listed in one message. */
const TOLD = 5;

/**
 * Of several documents of which a non-partial index allows one, the first in this order is kept. A partial
 * index needs no order: all but the oldest lose the field that puts them into it.
 */
const KEPT_FIRST: Readonly<Record<string, Record<string, 1 | -1>>> = {
  // One that succeeded comes before all others.
  deliveries: { status: -1, _id: 1 },
  // The last definition applies.
  eventTypes: { updatedAt: -1, _id: -1 },
  catalogTypes: { updatedAt: -1, _id: -1 },
};

/** The first index that is missing, has other options or is not built yet, in a few words; null: none. */
export async function findMissingIndex(
  connection: Connection,
  models: readonly AnyModel[],
): Promise<string | null> {
  // A newer setup may have changed the others.
  const onlyUnique = await isMigratedByNewer(connection);
  for (const model of models) {
    for (const index of await missingIndexes(model)) {
      if (onlyUnique && !index[1].unique) continue;
      const kind = index[1].unique ? 'unique index' : 'index';
      return `the ${kind} ${nameOf(index)} of MongoDB's collection ${model.collection.name} is missing, or not built yet`;
    }
  }
  return null;
}

/** The indexes that a collection lacks, has with other options, or is still building. */
async function missingIndexes(model: AnyModel): Promise<Index[]> {
  const { toCreate } = await model.diffIndexes({ indexOptionsToCreate: true });
  const wanted = model.schema.indexes() as Index[];
  // If it has none of them, none is being built: the collection may not even exist.
  if (toCreate.length === wanted.length) return toCreate;
  const unready = new Set([...toCreate.map(keysOf), ...(await beingBuilt(model))]);
  return wanted.filter((index) => unready.has(keysOf(index)));
}

/** MongoDB lists these like the others, but they serve no query, and refuse no duplicate. */
async function beingBuilt({ db, collection }: AnyModel): Promise<string[]> {
  const { cursor } = await db.db!.command({
    listIndexes: collection.name,
    includeIndexBuildInfo: true,
    cursor: { batchSize: 1000 },
  });
  const listed = cursor.firstBatch as { spec: { key: IndexDefinition }; indexBuildInfo?: object }[];
  return listed.filter((one) => one.indexBuildInfo).map(({ spec }) => JSON.stringify(spec.key));
}

const keysOf = ([keys]: Index): string => JSON.stringify(keys);
const nameOf = ([keys]: Index): string => Object.keys(keys).join('+');

/**
 * Creates a collection and the indexes that it lacks, all at once: MongoDB reads the collection once for them.
 * It waits for the end of one that is already being built. Idempotent; if it is interrupted between any two steps,
 * the next call finishes the work.
 */
export async function ensureIndexes(model: AnyModel, log: Logger): Promise<void> {
  await model.createCollection();
  for (let tries = 1; ; tries += 1) {
    const missing = await missingIndexes(model);
    if (missing.length === 0) return;
    const documents = await model.estimatedDocumentCount();
    if (documents > 0) {
      const about = { collection: model.collection.name, documents };
      log.info({ ...about, indexes: missing.map(nameOf) }, 'creating indexes');
    }
    await dropOtherKinds(model, missing, log);
    for (const index of missing) if (index[1].unique) await settleDuplicates(model, index, log);
    try {
      await model.collection.createIndexes(
        missing.map(([key, options]) => ({
          ...(options as object),
          key: key as Record<string, 1 | -1>,
        })),
      );
      return;
    } catch (error) {
      // Processes of an earlier version may still be writing.
      if (!isDuplicateKey(error) || tries === TRIES) throw error;
    }
  }
}

/** An index with the same keys and other options prevents the right one from being created. */
async function dropOtherKinds(
  model: AnyModel,
  missing: readonly Index[],
  log: Logger,
): Promise<void> {
  const { toDrop } = await model.diffIndexes();
  const wanted = new Set(missing.map(keysOf));
  for (const { name, key } of await model.collection.indexes()) {
    if (name === undefined || !toDrop.includes(name) || !wanted.has(JSON.stringify(key))) continue;
    await model.collection.dropIndex(name);
    log.warn({ collection: model.collection.name, index: name }, 'index of another kind dropped');
  }
}

/** Leaves one document for each value of a unique index that was missing while documents were written. */
async function settleDuplicates(model: AnyModel, index: Index, log: Logger): Promise<void> {
  const { collection } = model;
  const [keys, options] = index;
  const partial = (options.partialFilterExpression ?? {}) as Record<string, unknown>;
  const fields = Object.keys(keys);
  const groups = collection.aggregate<{ _id: unknown[] }>(
    [
      { $match: partial },
      { $group: { _id: fields.map((field) => `$${field}`), count: { $sum: 1 } } },
      { $match: { count: { $gt: 1 } } },
    ],
    { allowDiskUse: true },
  );
  const member = fields.find((field) => field in partial);
  const order = member === undefined ? KEPT_FIRST[collection.name] : { _id: 1 as const };
  for await (const { _id: values } of groups) {
    const same = Object.fromEntries(fields.map((field, at) => [field, values[at] ?? null]));
    const [kept, ...others] = await collection
      .find<{ _id: never }>(
        { $and: [partial, same] },
        { projection: { _id: 1 }, sort: order ?? { _id: 1 } },
      )
      .toArray();
    if (!kept || others.length === 0) continue;
    const ids = others.map(({ _id }) => _id);
    const told = {
      collection: collection.name,
      kept: kept._id,
      ids: ids.slice(0, TOLD),
      count: ids.length,
    };
    if (member !== undefined) {
      await collection.updateMany({ _id: { $in: ids } }, { $unset: { [member]: 1 } });
      log.warn(
        { ...told, member },
        'duplicates resolved: they stay, without the member that was not unique',
      );
    } else if (order) {
      await collection.deleteMany({ _id: { $in: ids } });
      log.warn(told, 'duplicates resolved: all but one deleted');
    } else {
      const all = [kept._id, ...ids].slice(0, TOLD).join(', ');
      throw new StartError(
        `MongoDB: ${ids.length + 1} documents of the collection ${collection.name} have the same ${nameOf(index)} (${all}); delete all but one of them, and run setup again`,
      );
    }
  }
}
