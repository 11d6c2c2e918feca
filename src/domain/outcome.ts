/** What an HTTP answer means for its delivery (contract, section 3). */
export function isSuccess(statusCode: number): boolean {
  return statusCode >= 200 && statusCode <= 299;
}

/** 410 Gone: the receiver wants no more; ends the delivery and disables the webhook. */
export function isGone(statusCode: number | undefined): boolean {
  return statusCode === 410;
}

/**
 * Milliseconds that a 429 or 503 asks to wait by its Retry-After (seconds, or an HTTP date), or 0.
 * @param nowMs Unix milliseconds, for dates
 */
export function retryAfterMs(
  statusCode: number | undefined,
  retryAfter: string | undefined,
  nowMs: number,
): number {
  if ((statusCode !== 429 && statusCode !== 503) || retryAfter === undefined) return 0;
  const value = retryAfter.trim();
  if (/^\d+$/.test(value)) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? 0 : Math.max(0, date - nowMs);
}
