import { createHash } from 'node:crypto';
import { z } from 'zod';
import { INSTANT } from '../domain/instant';
import { addressOf } from '../domain/mailbox';

/* Conversions of providers' fields. A bad field that we only pass on never invalidates its report. */

/** Smaller numbers are seconds, others milliseconds: 1973 in milliseconds, 5138 in seconds. */
const FIRST_MILLISECOND = 1e11;
const OLDEST_MS = Date.parse('2000-01-01T00:00:00Z');
const NEWEST_MS = Date.parse('2100-01-01T00:00:00Z');

const digits = z.string().regex(/^\d{1,16}(\.\d{1,9})?$/);

/**
 * ISO 8601 with an offset, Unix seconds or Unix milliseconds, as a number or as text → ISO 8601 in
 * UTC with milliseconds; null for anything else, and outside the years 2000–2099.
 */
export function toInstant(value: unknown): string | null {
  const ms =
    typeof value === 'string' && INSTANT.test(value)
      ? Date.parse(value)
      : fromUnix(digits.safeParse(value).success ? Number(value) : value);
  return ms >= OLDEST_MS && ms < NEWEST_MS ? new Date(ms).toISOString() : null;
}

function fromUnix(value: unknown): number {
  if (typeof value !== 'number') return NaN;
  return Math.trunc(value < FIRST_MILLISECOND ? value * 1000 : value);
}

/** The address of `a@b` or `Name <a@b>`; null for what isn't one. */
export function toAddress(value: unknown): string | null {
  return typeof value === 'string' ? addressOf(value) : null;
}

/** An id, text or a number; null for anything else. */
export function toId(value: unknown): string | null {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value !== '' ? value : null;
}

/** Longer ones are replaced by their hash: they are keys of an index. */
const MAX_REPORT_ID_LENGTH = 255;

/** A provider's id of its own report; null for anything else. */
export function toReportId(value: unknown): string | null {
  const id = toId(value);
  return id === null || id.length <= MAX_REPORT_ID_LENGTH
    ? id
    : createHash('sha256').update(id).digest('hex');
}

/** A provider's term for what happened. */
export const reportType = z.string().min(1).max(200);
