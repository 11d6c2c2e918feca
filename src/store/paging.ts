import type { Model, QueryFilter } from 'mongoose';
import { ID_PREFIXES, type Resource } from '../contracts/ids';

export interface PageRequest {
  /** 1–100. */
  limit: number;
  /** The last id of the previous page. */
  cursor?: string;
  /** Created at or after this time. */
  since?: Date;
  /** Created before this time. */
  until?: Date;
}

export interface Page<T> {
  items: T[];
  nextCursor: string | null;
}

/**
 * The size of a page's items in bytes, as MongoDB stores what is shown of them: the rest comes with the next
 * page. An item that is larger than this is a page of its own.
 */
export const PAGE_BYTES = 1024 * 1024;

/** An item's place in a list, and its size. */
export interface Sized {
  _id: string;
  bytes: number;
}

/** The fields of an item that are not read. */
export type LeftOut = Record<string, 0>;

/** The projection of a document to `Sized`: the sizes are known before a byte is transferred. */
export function sizedWithout(fields: LeftOut): Record<string, unknown> {
  const shown = Object.keys(fields).reduce<unknown>(
    (input, field) => ({ $unsetField: { field, input } }),
    '$$ROOT',
  );
  return { bytes: { $bsonSize: shown } };
}

/** The first items that together fit on a page: at least one. */
export function fitting<T extends Sized>(items: readonly T[]): T[] {
  let left = PAGE_BYTES;
  const tooMany = items.findIndex(({ bytes }, index) => (left -= bytes) < 0 && index > 0);
  return tooMany === -1 ? [...items] : items.slice(0, tooMany);
}

/** The smallest id that `newId` can return at `time`: ids sort by time, so a range of ids is a range of time. */
export function firstIdAt(resource: Resource, time: Date): string {
  const hex = Math.max(0, time.getTime()).toString(16).padStart(12, '0');
  return `${ID_PREFIXES[resource]}_${hex}${'0'.repeat(20)}`;
}

/**
 * One page of `filter`'s documents, newest first, of at most PAGE_BYTES. Every filter given here has a
 * compound index ending in `_id`.
 */
export async function findPage<T extends { _id: string }>(
  model: Model<T>,
  resource: Resource,
  filter: QueryFilter<T>,
  { limit, cursor, since, until }: PageRequest,
  fields: LeftOut = {},
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
    .find(query as QueryFilter<T>, sizedWithout(fields))
    .sort({ _id: -1 })
    .limit(limit + 1)
    .lean<Sized[]>();
  const ids = fitting(found.slice(0, limit)).map(({ _id }) => _id);
  const items = await model
    .find({ ...filter, _id: { $in: ids } } as QueryFilter<T>, fields)
    .sort({ _id: -1 })
    .lean<T[]>();
  return { items, nextCursor: found.length > ids.length ? (ids.at(-1) ?? null) : null };
}
