import { timingSafeEqual } from 'node:crypto';
import { MINUTE_MS } from '../domain/durations';

/** How far a signature's time may be from ours: the tolerance of Svix and Standard Webhooks. */
const TOLERANCE_MS = 5 * MINUTE_MS;

/**
 * Why the Unix seconds of a signature are not acceptable; null if they are.
 * @param oldestMs how far they may be in the past
 */
export function staleness(seconds: string, now: Date, oldestMs = TOLERANCE_MS): string | null {
  if (!/^\d{1,12}$/.test(seconds)) return "the signature's timestamp must be in Unix seconds";
  const ageMs = now.getTime() - Number(seconds) * 1000;
  return ageMs > oldestMs || ageMs < -TOLERANCE_MS
    ? "the signature's timestamp is too far from now"
    : null;
}

/**
 * Whether a signature's, token's or secret's text is the expected one: compared as text, since other base64 or hex may
 * decode to the same bytes. The time depends only on the lengths, which are not secret.
 */
export function isSame(signature: string, expected: string): boolean {
  const [a, b] = [Buffer.from(signature), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
