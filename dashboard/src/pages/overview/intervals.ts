import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../../../src/domain/durations';
import type { Stats } from '../../api/types';
import type { Bar } from '../../ui/sparkline';

type Interval = Omit<NonNullable<Stats['hours']>[number], 'hour'>;

/** More bars can't be told apart on a small screen: each then stands for several intervals. */
const MAX_BARS = 84;

export const attemptsOf = ({ attempts }: Interval): Bar => ({
  good: attempts.succeeded,
  bad: attempts.failed,
});

/** A bar for each stretch of the range, also for those in which nothing happened. */
export function barsOf(stats: Stats, barOf: (interval: Interval) => Bar): Bar[] {
  const { days, hours, minutes } = stats;
  const found = new Map<number, Interval>();
  for (const one of days ?? []) found.set(Date.parse(one.day), one);
  if (!minutes) for (const one of hours ?? []) found.set(Date.parse(one.hour), one);
  for (const one of minutes ?? []) found.set(Date.parse(one.minute), one);
  const stepMs = minutes ? MINUTE_MS : days ? DAY_MS : HOUR_MS;
  const beginMs = Math.floor(Date.parse(stats.since) / stepMs) * stepMs;
  const count = Math.ceil((Date.parse(stats.until) - beginMs) / stepMs);
  const perBar = Math.ceil(count / MAX_BARS);
  const bars = Array.from({ length: Math.ceil(count / perBar) }, () => ({ good: 0, bad: 0 }));
  for (const [timeMs, interval] of found) {
    const bar = bars[Math.floor((timeMs - beginMs) / stepMs / perBar)];
    const { good, bad } = barOf(interval);
    if (!bar) continue;
    bar.good += good;
    bar.bad += bad;
  }
  return bars;
}
