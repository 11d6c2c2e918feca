import type { Model, QueryFilter } from 'mongoose';
import { ID_PREFIXES, type Resource } from '../contracts/ids';

export interface PageRequest {
  /** 1–100. */
  limit: number;
  /** The last id of the page before. */
  cursor?: string;
  /** Made at or after. */
  since?: Date;
  /** Made before. */
  until?: Date;
}

export interface Page<T> {
  items: T[];
  nextCursor: string | null;
}

/** For visits to all documents of a query: how many at a time. */
export const VISITS = { parallel: 10 } as const;
/** Documents fetched at a time for them: a batch must be worked off before MongoDB gives the cursor up. */
export const VISIT_BATCH = { batchSize: 500 } as const;

/** The smallest id that `newId` can make at `time`: ids sort by time, so a range of ids is a range of time. */
export function firstIdAt(resource: Resource, time: Date): string {
  const hex = Math.max(0, time.getTime()).toString(16).padStart(12, '0');
  return `${ID_PREFIXES[resource]}_${hex}${'0'.repeat(20)}`;
}

/** One page of `filter`'s documents, newest first. Every filter given here has a compound index ending in `_id`. */
export async function findPage<T extends { _id: string }>(
  model: Model<T>,
  resource: Resource,
  filter: QueryFilter<T>,
  { limit, cursor, since, until }: PageRequest,
  fields: Record<string, 0> = {},
): Promise<Page<T>> {
  const before = until && firstIdAt(resource, until);
  const upper =
    cursor !== undefined && before !== undefined && before < cursor ? before : (cursor ?? before);
  const range = {
    ...(since && { $gte: firstIdAt(resource, since) }),
    ...(upper !== undefined && { $lt: upper }),
  };
  const query = { ...filter, ...(Object.keys(range).length > 0 && { _id: range }) };
  const found = await model
    .find(query as QueryFilter<T>, fields)
    .sort({ _id: -1 })
    .limit(limit + 1)
    .lean<T[]>();
  const items = found.slice(0, limit);
  return { items, nextCursor: found.length > limit ? (items.at(-1)?._id ?? null) : null };
}
