/** The `Date` of an answer has whole seconds and was on its way: no further apart, a clock is right. */
const APART_MS = 3_000;

/** How far the API's clock is ahead of this machine's, which may be wrong. */
let aheadMs = 0;

export function followClock({ headers }: Response): void {
  const apartMs = Date.parse(headers.get('date') ?? '') - Date.now();
  aheadMs = Math.abs(apartMs) > APART_MS ? apartMs : 0;
}

/** The time, by the API's clock: what is asked for and compared has its times. */
export const nowMs = (): number => Date.now() + aheadMs;
