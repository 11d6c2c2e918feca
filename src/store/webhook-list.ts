import type { Model, QueryFilter } from 'mongoose';
import type { HealthState } from '../domain/webhook-health';
import {
  containing,
  findPage,
  fitting,
  sizedWithout,
  type Page,
  type PageRequest,
  type Sized,
} from './paging';
import { WITHOUT_COUNTED, type ShownWebhook, type WebhookRecord } from './webhook-record';

export interface WebhookFilter {
  /** A part of the name or the URL, in upper or lower case; or the id, or the externalId. */
  q?: string | undefined;
  /** The health: one of these. */
  states?: readonly HealthState[] | undefined;
}

export const WEBHOOK_SORTS = [
  'createdAt',
  'name',
  'failureCount',
  'lastFailedAt',
  'lastSuccessAt',
] as const;

export interface WebhookOrder {
  by: (typeof WEBHOOK_SORTS)[number];
  isAscending: boolean;
}

/** What lists don't show, and don't read. */
export const LEFT_OUT = { secrets: 0, ...WITHOUT_COUNTED } as const;

/** What decides a webhook's place in a list. */
type Place = Pick<WebhookRecord, '_id'> & Partial<WebhookRecord>;

/** When `healthOf` (domain/webhook-health.ts) says so. */
export const IN_STATE: Readonly<Record<HealthState, QueryFilter<WebhookRecord>>> = {
  healthy: { isActive: true, isPaused: false, failureCount: 0 },
  failing: { isActive: true, isPaused: false, failureCount: { $gt: 0 } },
  paused: { isActive: true, isPaused: true },
  disabled: { isActive: false },
};

/**
 * A page of a project's webhooks. A project has few, so only the usual order, newest first, comes from an index.
 * @returns null if the cursor is not of a list in that order
 */
export async function listWebhooks(
  model: Model<WebhookRecord>,
  projectId: string,
  filter: WebhookFilter,
  { by, isAscending }: WebhookOrder,
  page: PageRequest,
): Promise<Page<ShownWebhook> | null> {
  const { limit, cursor } = page;
  const last = cursor === undefined ? undefined : placeIn(cursor, by);
  if (last === null) return null;
  const query = queryOf(projectId, filter);
  if (by === 'createdAt' && !isAscending) {
    return findPage(model, 'webhook', query, page, { leftOut: LEFT_OUT });
  }
  const sign = isAscending ? 1 : -1;
  const placed = await model
    .find(query, { ...sizedWithout(LEFT_OUT), [by]: 1 })
    .lean<(Sized & Place)[]>();
  const rest = placed
    .toSorted((a, b) => sign * compare(a, b, by))
    .filter((one) => !last || sign * compare(one, last, by) > 0);
  const ids = fitting(rest.slice(0, limit)).map(({ _id }) => _id);
  const found = await model.find({ _id: { $in: ids }, projectId }, LEFT_OUT).lean<ShownWebhook[]>();
  const byId = new Map(found.map((webhook) => [webhook._id, webhook]));
  const shownTo = rest.length > ids.length ? rest[ids.length - 1] : undefined;
  return {
    items: ids.flatMap((id) => byId.get(id) ?? []),
    nextCursor: shownTo ? cursorOf(shownTo, by) : null,
  };
}

/** The id, followed by what decides the place: that of the webhook itself may change before the next page. */
function cursorOf(place: Place, by: WebhookOrder['by']): string {
  if (by === 'createdAt') return place._id;
  const value = by === 'name' ? place.name : Number(place[by] ?? 0);
  return `${place._id}.${Buffer.from(JSON.stringify(value)).toString('base64url')}`;
}

function placeIn(cursor: string, by: WebhookOrder['by']): Place | null {
  const [id, text] = cursor.split('.') as [string, string?];
  if (by === 'createdAt') return text === undefined ? { _id: id } : null;
  try {
    const value: unknown = JSON.parse(Buffer.from(text ?? '', 'base64url').toString());
    return typeof value === (by === 'name' ? 'string' : 'number') ? { _id: id, [by]: value } : null;
  } catch {
    return null;
  }
}

function queryOf(projectId: string, { q, states }: WebhookFilter): QueryFilter<WebhookRecord> {
  const conditions: QueryFilter<WebhookRecord>[] = [];
  if (q !== undefined) {
    const part = containing(q);
    // URLs are stored in percent-encoding.
    const urls = [part, containing(encodeURI(q))].map((url) => ({ url }));
    conditions.push({ $or: [{ name: part }, ...urls, { _id: q }, { externalId: q }] });
  }
  if (states) conditions.push({ $or: states.map((state) => IN_STATE[state]) });
  return { projectId, ...(conditions.length > 0 && { $and: conditions }) };
}

const NAMES = new Intl.Collator('en', { numeric: true });

/** By that field, and by age where it is equal. */
function compare(a: Place, b: Place, by: WebhookOrder['by']): number {
  const byField =
    by === 'createdAt'
      ? 0
      : by === 'name'
        ? NAMES.compare(a.name ?? '', b.name ?? '')
        : Number(a[by] ?? 0) - Number(b[by] ?? 0);
  return byField || (a._id < b._id ? -1 : a._id > b._id ? 1 : 0);
}
