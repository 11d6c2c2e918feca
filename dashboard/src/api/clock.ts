/** The `Date` of an answer has whole seconds: no further apart, a clock is right. */
const APART_MS = 3_000;

/** How far the API's clock is ahead of this machine's, which may be wrong. */
let aheadMs = 0;

/** By an answer, which was made at some time since it was asked for: one that took long shows no wrong clock. */
export function followClock({ headers }: Response, askedAt: number): void {
  const madeAt = Date.parse(headers.get('date') ?? '');
  const apartMs = Math.min(madeAt - askedAt, 0) + Math.max(madeAt - Date.now(), 0);
  aheadMs = Math.abs(apartMs) > APART_MS ? apartMs : 0;
}

/** The time, by the API's clock: what is asked for and compared has its times. */
export const nowMs = (): number => Date.now() + aheadMs;
