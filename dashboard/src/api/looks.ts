/** What an outage or too many requests are answered with: it says nothing against the request itself. */
const OUTAGE = new Set([0, 429, 502, 503, 504]);

/** How often something is asked for that is answered so; Infinity: until it is answered otherwise. */
export function looksAt({ status, code }: { status: number; code: string }): number {
  // Each look would cost MongoDB as much again.
  if (code === 'too_slow') return 1;
  if (OUTAGE.has(status)) return Number.POSITIVE_INFINITY;
  return status >= 500 ? 3 : 1;
}
