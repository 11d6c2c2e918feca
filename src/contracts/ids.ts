import { v7 as uuidv7 } from 'uuid';
import { clock } from '../clock';

/** Prefix of every id that leaves the system, by resource (docs/contract.md, 5.2). */
export const ID_PREFIXES = {
  project: 'proj',
  key: 'key',
  webhook: 'wh',
  event: 'evt',
  delivery: 'dlv',
  replay: 'rpl',
  audit: 'aud',
  /** Own event types: only as a list's cursor does it leave; they go by their names. */
  eventType: 'ety',
  /** Reports of e-mail providers. */
  report: 'inb',
  /** Mails to owners: it leaves as their Message-ID. */
  mail: 'mail',
} as const;

export type Resource = keyof typeof ID_PREFIXES;

/** Of the latest id: what `uuid` keeps by itself as well, but by this process's own clock. */
let latest = { msecs: 0, seq: 0 };
/** Milliseconds that MongoDB's time may be set back without ids going back with it. */
const MAX_SET_BACK_MS = 1000;

/**
 * A new id, `<prefix>_<32 hex digits of a UUIDv7>`: ids of one resource sort by the time of their
 * making, by MongoDB's clock, which is what lists ("newest first") and cursors rely on; those of one
 * process by their order, too.
 */
export function newId(resource: Resource): string {
  const msecs = clock.now().getTime();
  const isLater = msecs > latest.msecs || msecs < latest.msecs - MAX_SET_BACK_MS;
  latest = isLater
    ? { msecs, seq: Math.floor(Math.random() * 2 ** 31) }
    : { ...latest, seq: latest.seq + 1 };
  return `${ID_PREFIXES[resource]}_${uuidv7(latest).replaceAll('-', '')}`;
}

/** When an id was made, to the millisecond: ids sort by it. */
export function timeOf(id: string): Date {
  return new Date(Number.parseInt(id.slice(id.indexOf('_') + 1).slice(0, 12), 16));
}

/** The shape of an id of that resource. */
export function idPattern(resource: Resource): RegExp {
  return new RegExp(`^${ID_PREFIXES[resource]}_[0-9a-f]{32}$`);
}

/** Stands before an id of the caller's own where it is used as an id: `ext:cust_42`. */
export const EXTERNAL_PREFIX = 'ext:';

/** What a caller may choose as one: visible ASCII, since `x-project-id` carries it as it is. */
export const EXTERNAL_ID = /^[\x21-\x7e]{1,128}$/;

/** The shape of a reference to such a resource: its id, or `ext:` and the caller's own. */
export function referencePattern(resource: 'project' | 'webhook'): RegExp {
  return new RegExp(`${idPattern(resource).source}|^${EXTERNAL_PREFIX}[\\x21-\\x7e]{1,128}$`);
}

/** The caller's own id in a reference; undefined where the reference is an id of ours. */
export function externalIdIn(reference: string): string | undefined {
  return reference.startsWith(EXTERNAL_PREFIX)
    ? reference.slice(EXTERNAL_PREFIX.length)
    : undefined;
}

/** Whether `value` has the shape of an id of that resource; says nothing about its existence. */
export function isId(resource: Resource, value: string): boolean {
  return idPattern(resource).test(value);
}
