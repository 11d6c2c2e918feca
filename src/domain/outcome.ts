import { retryAfterValueMs } from './retry-after';

/** What an HTTP answer means for its delivery (docs/contract.md, 3.3). */
export function isSuccess(statusCode: number): boolean {
  return statusCode >= 200 && statusCode <= 299;
}

/** 410 Gone: the receiver wants no more; ends the delivery and disables the webhook. */
export function isGone(statusCode: number | undefined): boolean {
  return statusCode === 410;
}

/**
 * Milliseconds that a 429 or 503 asks to wait by its Retry-After, or 0; of several the longest.
 * @param nowMs Unix milliseconds, for dates
 */
export function retryAfterMs(
  statusCode: number | undefined,
  retryAfter: readonly string[],
  nowMs: number,
): number {
  if (statusCode !== 429 && statusCode !== 503) return 0;
  return Math.max(0, ...retryAfter.map((value) => retryAfterValueMs(value, nowMs)));
}
