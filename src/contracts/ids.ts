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
  /** A project's event types: visible only as a list's cursor; they are identified by their names. */
  eventType: 'ety',
  /** Reports of e-mail providers. */
  report: 'inb',
  portalLink: 'plk',
  /** Mails to owners: visible as their Message-ID. */
  mail: 'mail',
} as const;

export type Resource = keyof typeof ID_PREFIXES;

const firstAt = (msecs: number) => ({ msecs, seq: Math.floor(Math.random() * 2 ** 31) });
/** Of the latest id: `uuid` keeps this too, but by this process's own clock. */
let latest = firstAt(0);
/**
 * Milliseconds that MongoDB's clock may be set back, or what is known of it be corrected, without ids going back
 * with it.
 */
const MAX_SET_BACK_MS = 5000;

/**
 * A new id, `<prefix>_<32 hex digits of a UUIDv7>`: ids of one resource sort by creation time, by MongoDB's
 * clock, on which lists ("newest first") and cursors rely; those of one process also by their order.
 */
export function newId(resource: Resource): string {
  const msecs = clock.now().getTime();
  const isLater = msecs > latest.msecs || msecs < latest.msecs - MAX_SET_BACK_MS;
  latest = isLater ? firstAt(msecs) : { ...latest, seq: latest.seq + 1 };
  return `${ID_PREFIXES[resource]}_${uuidv7(latest).replaceAll('-', '')}`;
}

/** Later ids of this process are not before that time either, within the same bounds. */
export function noneBefore(time: Date): void {
  const msecs = time.getTime();
  if (msecs > latest.msecs) latest = firstAt(msecs);
}

/** When an id was created, to the millisecond: ids sort by it. */
export function timeOf(id: string): Date {
  return new Date(Number.parseInt(id.slice(id.indexOf('_') + 1).slice(0, 12), 16));
}

/** The format of an id of that resource. */
export function idPattern(resource: Resource): RegExp {
  return new RegExp(`^${ID_PREFIXES[resource]}_[0-9a-f]{32}$`);
}

/** The prefix of a caller's own id where it is used as an id: `ext:cust_42`. */
export const EXTERNAL_PREFIX = 'ext:';

/** What a caller may choose: visible ASCII, since `x-project-id` carries it unchanged. */
export const EXTERNAL_ID = /^[\x21-\x7e]{1,128}$/;

/** The format of a reference to such a resource: its id, or `ext:` and the caller's own. */
export function referencePattern(resource: 'project' | 'webhook'): RegExp {
  return new RegExp(`${idPattern(resource).source}|^${EXTERNAL_PREFIX}[\\x21-\\x7e]{1,128}$`);
}

/** The caller's own id in a reference; undefined where the reference is an id of ours. */
export function externalIdIn(reference: string): string | undefined {
  return reference.startsWith(EXTERNAL_PREFIX)
    ? reference.slice(EXTERNAL_PREFIX.length)
    : undefined;
}

/** Whether `value` has the format of an id of that resource; not whether it exists. */
export function isId(resource: Resource, value: string): boolean {
  return idPattern(resource).test(value);
}
