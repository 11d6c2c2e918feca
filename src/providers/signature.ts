import { timingSafeEqual } from 'node:crypto';
import { MINUTE_MS } from '../domain/durations';

/** How far a signature's time may lie from ours: Svix's and Standard Webhooks' tolerance. */
const TOLERANCE_MS = 5 * MINUTE_MS;

/** Why the Unix seconds of a signature can't be taken; null when they can. */
export function staleness(seconds: string, now: Date): string | null {
  if (!/^\d{1,12}$/.test(seconds)) return "the signature's timestamp is not in Unix seconds";
  return Math.abs(now.getTime() - Number(seconds) * 1000) > TOLERANCE_MS
    ? "the signature's timestamp is more than five minutes from now"
    : null;
}

/**
 * Whether a signature's text is the expected one: text, since other base64 or hex may stand for the
 * same bytes. Takes a time that depends on the lengths only, which are no secret.
 */
export function isSame(signature: string, expected: string): boolean {
  const [a, b] = [Buffer.from(signature), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
