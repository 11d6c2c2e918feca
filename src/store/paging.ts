import type { Model, PipelineStage, QueryFilter } from 'mongoose';
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
  /** Oldest first, and only from before this time: nothing more can be added there. Missing: newest first. */
  ascendingTo?: Date;
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

/** The ids of what was made from `since` until before `until`. */
export const idsWithin = (resource: Resource, { since, until }: { since: Date; until: Date }) => ({
  $gte: firstIdAt(resource, since),
  $lt: firstIdAt(resource, until),
});

/** A page's place in the list, as a condition on ids. */
function rangeOf(
  resource: Resource,
  { cursor, since, until, ascendingTo }: PageRequest,
): Record<string, string> {
  const ends = [until, ascendingTo].flatMap((end) => (end ? firstIdAt(resource, end) : []));
  if (cursor !== undefined && !ascendingTo) ends.push(cursor);
  const [end] = ends.toSorted();
  return {
    ...(since && { $gte: firstIdAt(resource, since) }),
    ...(cursor !== undefined && ascendingTo && { $gt: cursor }),
    ...(end !== undefined && { $lt: end }),
  };
}

/** Maximum number of items that are examined for a page, by a condition that no index has. */
export const MAX_EXAMINED = 2000;

export interface PageOptions<T> {
  leftOut?: LeftOut;
  /** Stages that make fields from what is left out, before it is. */
  made?: readonly (PipelineStage.Set | PipelineStage.Unset)[];
  /**
   * A further condition that no index has. A page then ends after MAX_EXAMINED items, with those that fulfil it,
   * and the next one continues from there.
   */
  where?: QueryFilter<T>;
  /** The index that finds them. If few match, MongoDB would choose one whose results it has to sort. */
  hint?: string | undefined;
}

/**
 * One page of `filter`'s documents, of at most PAGE_BYTES, in the order of their ids. Every filter given here has
 * a compound index ending in `_id`.
 */
export async function findPage<T extends { _id: string }, Shown extends { _id: string } = T>(
  model: Model<T>,
  resource: Resource,
  filter: QueryFilter<T>,
  page: PageRequest,
  { leftOut = {}, made = [], where, hint }: PageOptions<T> = {},
): Promise<Page<Shown>> {
  const isAscending = page.ascendingTo !== undefined;
  const direction = isAscending ? 1 : -1;
  const range = rangeOf(resource, page);
  const within = (ids: Record<string, unknown>): QueryFilter<T> => ({
    ...filter,
    ...(Object.keys(ids).length > 0 && { _id: ids }),
  });
  const last =
    where &&
    (await model
      .findOne(within(range), { _id: 1 })
      .sort({ _id: direction })
      .skip(MAX_EXAMINED - 1)
      .lean<{ _id: string }>());
  if (last) range[isAscending ? '$lte' : '$gte'] = last._id;
  const found = await model
    .find({ ...within(range), ...where } as QueryFilter<T>, sizedWithout(leftOut))
    .sort({ _id: direction })
    .limit(page.limit + 1)
    .setOptions(hint === undefined ? {} : { hint })
    .lean<Sized[]>();
  const ids = fitting(found.slice(0, page.limit)).map(({ _id }) => _id);
  const fields = Object.keys(leftOut);
  const items = await model.aggregate<Shown>([
    { $match: within({ $in: ids }) },
    { $sort: { _id: direction } },
    ...made,
    ...(fields.length > 0 ? [{ $unset: fields }] : []),
  ]);
  const isLast = found.length === ids.length;
  return { items, nextCursor: (isLast ? last?._id : ids.at(-1)) ?? null };
}

/** Matches texts that contain this, in upper or lower case. */
export const containing = (text: string): { $regex: string; $options: string } => ({
  $regex: text.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`),
  $options: 'i',
});
