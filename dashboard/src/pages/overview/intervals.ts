import type { Stats } from '../../api/types';
import type { Bar } from '../../ui/sparkline';

type Interval = Stats['hours'][number] | NonNullable<Stats['minutes']>[number];

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** More bars can't be told apart on a small screen: each then stands for several intervals. */
const MAX_BARS = 84;

/** A bar for each stretch of the range, also for those in which nothing happened. */
export function barsOf(stats: Stats, barOf: (interval: Interval) => Bar): Bar[] {
  const found = new Map<number, Interval>();
  for (const one of stats.minutes ?? []) found.set(Date.parse(one.minute), one);
  if (!stats.minutes) for (const one of stats.hours) found.set(Date.parse(one.hour), one);
  const stepMs = stats.minutes ? MINUTE_MS : HOUR_MS;
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
