import { useSyncExternalStore } from 'react';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../../../src/domain/durations';
import { nowMs } from '../api/clock';
import { usePreferences } from '../app/preferences';
import { texts } from '../texts';

/** One clock for the whole page, which ticks only while something shows it. */
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;
let shownMs = nowMs();

function subscribe(listener: () => void): () => void {
  shownMs = nowMs();
  listeners.add(listener);
  timer ??= setInterval(() => {
    shownMs = nowMs();
    for (const tell of listeners) tell();
  }, SECOND_MS);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

/** The time, again at each second. */
export const useNow = (): number => useSyncExternalStore(subscribe, () => shownMs);

/** A duration in its largest unit: `340 ms`, `5 min`, `2 days`. */
export function formatDuration(ms: number): string {
  const { units } = texts.common;
  if (ms < SECOND_MS) return units.millisecond(Math.round(ms));
  if (ms < 10 * SECOND_MS && ms % SECOND_MS !== 0) return units.second(Math.round(ms / 100) / 10);
  if (ms < MINUTE_MS) return units.second(Math.round(ms / SECOND_MS));
  if (ms < HOUR_MS) return units.minute(Math.round(ms / MINUTE_MS));
  if (ms < 2 * DAY_MS) {
    const minutes = Math.round(ms / MINUTE_MS);
    const rest = minutes % 60;
    const hours = units.hour(Math.floor(minutes / 60));
    return rest === 0 ? hours : `${hours} ${units.minute(rest)}`;
  }
  return units.day(Math.round(ms / DAY_MS));
}

/** How long ago, or until when. */
export function relative(timeMs: number, now: number): string {
  const { common } = texts;
  const apartMs = Math.abs(timeMs - now);
  if (apartMs < SECOND_MS) return common.now;
  const whole = apartMs < MINUTE_MS ? Math.floor(apartMs / SECOND_MS) * SECOND_MS : apartMs;
  const text = formatDuration(whole);
  return timeMs > now ? common.in(text) : common.ago(text);
}

/** In the zone that the user has chosen. */
export function useFormatTime(): (value: string) => string {
  const { zone } = usePreferences();
  const format = new Intl.DateTimeFormat(document.documentElement.lang || undefined, {
    year: 'numeric',
    month: 'short',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
    ...(zone === 'utc' && { timeZone: 'UTC' }),
    timeZoneName: 'short',
  });
  return (value) => format.format(new Date(value));
}

/** A moment: relative with the exact time as its tooltip, or exact with the relative one. */
export function Time({
  value,
  isAbsolute = false,
}: {
  value: string | null | undefined;
  isAbsolute?: boolean;
}): React.ReactNode {
  const now = useNow();
  const format = useFormatTime();
  if (value === null || value === undefined) return texts.common.never;
  const absolute = format(value);
  const near = relative(Date.parse(value), now);
  return (
    <time dateTime={value} title={isAbsolute ? near : absolute}>
      {isAbsolute ? absolute : near}
    </time>
  );
}
