import { createHash } from 'node:crypto';
import type { Request } from 'express';
import type { Decimal } from '../../domain/decimal';
import type { Payload } from '../../domain/json-text';
import type { EventRecord } from '../../store/event-record';
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

/** The key in the header, with or without quotes; null: it can't be one. */
export function readIdempotencyKey(written: string): string | null {
  if (!IDEMPOTENCY_KEY.test(written)) return null;
  return written.startsWith('"') ? written.slice(1, -1).replace(/\\(.)/g, '$1') : written;
}

/** With spaces, which callers' keys can't have, so that batches' keys differ from single events'. */
export const keyInBatch = (key: string, index: number): string => `batch ${index} ${key}`;

/** What is stored of a body, to recognise it (docs/adr/0018). */
export type Fingerprint = Required<Pick<EventRecord, 'requestHash' | 'requestNumbers'>>;

export function fingerprintOf({ value, largeIntegers, roundedNumbers }: Payload): Fingerprint {
  const whole = largeIntegers.map((number) => ({ ...number, digits: number.value.toString() }));
  const rounded = roundedNumbers.map((number) => ({ ...number, digits: digitsOf(number.value) }));
  return {
    requestHash: hashOf(value, whole),
    requestNumbers: rounded.length === 0 ? '' : hashOf(value, [...whole, ...rounded]),
  };
}

/** Whether an event was accepted from an equal body. Versions that had no `requestNumbers` compared doubles. */
export const isOfRequest = (
  event: Pick<EventRecord, 'requestHash' | 'requestNumbers'>,
  { requestHash, requestNumbers }: Fingerprint,
): boolean =>
  event.requestHash === requestHash && (event.requestNumbers ?? requestNumbers) === requestNumbers;

/** A number that a double doesn't hold, by its place. */
interface ExactNumber {
  holder: object;
  key: string | number;
  digits: string;
}

/** Without a sign where it is positive; unlike a whole number, always with an exponent. */
const digitsOf = ({ isNegative, digits, exponent }: Decimal): string =>
  `${isNegative ? '-' : ''}${digits}e${exponent}`;

const hashOf = (value: unknown, numbers: readonly ExactNumber[]): string =>
  createHash('sha256').update(canonical(value, numbers)).digest('base64');

/** Half of a surrogate pair, which can't occur in callers' texts. */
const EXACTLY = '\ud800';

/** The same text for all bodies with the same values: members sorted by name, these numbers with all digits. */
function canonical(value: unknown, numbers: readonly ExactNumber[]): string {
  const exact = new Map<unknown, Map<string, string>>();
  for (const { holder, key, digits } of numbers) {
    const inHolder = exact.get(holder) ?? new Map<string, string>();
    exact.set(holder, inHolder.set(String(key), digits));
  }
  const inOrder = (inner: unknown): unknown => {
    if (typeof inner !== 'object' || inner === null) return inner;
    const inHolder = exact.get(inner);
    const partOf = (key: string, part: unknown): unknown => {
      const digits = inHolder?.get(key);
      return digits === undefined ? inOrder(part) : { [EXACTLY]: digits };
    };
    if (Array.isArray(inner)) return inner.map((item, index) => partOf(String(index), item));
    const members = Object.entries(inner).map(
      ([name, part]) => [name, partOf(name, part)] as const,
    );
    return Object.fromEntries(members.toSorted(([a], [b]) => (a < b ? -1 : 1)));
  };
  return JSON.stringify(inOrder(value));
}
