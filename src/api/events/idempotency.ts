import { createHash } from 'node:crypto';
import type { Request } from 'express';
import type { Payload } from '../../domain/json-text';
import { invalid } from '../http/errors';

/**
 * Visible ASCII, as in other APIs, or the same as a structured-field string (RFC 8941): the IETF's draft for
 * the header uses double quotes.
 */
export const IDEMPOTENCY_KEY =
  /^(?:[\x21\x23-\x7e][\x21-\x7e]{0,254}|"(?:[\x21\x23-\x5b\x5d-\x7e]|\\["\\]){1,255}")$/;

/** The header's key, if any. */
export function idempotencyKeyOf(req: Request): string | undefined {
  const header = req.get('idempotency-key');
  if (header === undefined) return undefined;
  const key = readIdempotencyKey(header);
  if (key === null) {
    const message =
      'must be 1-255 visible ASCII characters without spaces, alone or in double quotes (then " and \\ in it are written \\" and \\\\)';
    throw invalid([{ field: 'Idempotency-Key', message }]);
  }
  return key;
}

/** The key as the header may write it; null: it can't be one. */
export function readIdempotencyKey(written: string): string | null {
  if (!IDEMPOTENCY_KEY.test(written)) return null;
  return written.startsWith('"') ? written.slice(1, -1).replace(/\\(.)/g, '$1') : written;
}

/** With spaces, which callers' keys can't have, so that batches' keys differ from single events'. */
export const keyInBatch = (key: string, index: number): string => `batch ${index} ${key}`;

/** The fingerprint of a body (docs/adr/0018). */
export function requestHashOf(body: Payload): string {
  return createHash('sha256').update(canonical(body)).digest('base64');
}

/** Half of a surrogate pair, which can't occur in callers' texts. */
const EXACTLY = '\ud800';

/**
 * The same text for all bodies with the same values: members sorted by name, whole numbers with all digits.
 */
function canonical({ value, largeIntegers }: Payload): string {
  const exact = new Map<unknown, Map<string, string>>();
  for (const { holder, key, value: integer } of largeIntegers) {
    const inHolder = exact.get(holder) ?? new Map<string, string>();
    exact.set(holder, inHolder.set(String(key), integer.toString()));
  }
  const inOrder = (inner: unknown): unknown => {
    if (typeof inner !== 'object' || inner === null) return inner;
    const digits = exact.get(inner);
    const partOf = (key: string, part: unknown): unknown => {
      const integer = digits?.get(key);
      return integer === undefined ? inOrder(part) : { [EXACTLY]: integer };
    };
    if (Array.isArray(inner)) return inner.map((item, index) => partOf(String(index), item));
    const members = Object.entries(inner).map(
      ([name, part]) => [name, partOf(name, part)] as const,
    );
    return Object.fromEntries(members.toSorted(([a], [b]) => (a < b ? -1 : 1)));
  };
  return JSON.stringify(inOrder(value));
}
