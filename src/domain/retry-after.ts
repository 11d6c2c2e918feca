const SECONDS = /^\d+(\.\d+)?$/;
const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');
const [MONTH, TIME] = [`(${MONTHS.join('|')})`, '(\\d\\d):(\\d\\d):(\\d\\d)'];
const DAY = '(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)';
const LONG_DAY = '(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day';

/** HTTP's three date formats (RFC 9110, 5.6.7), all in UTC and case-sensitive. */
const IMF_FIXDATE = new RegExp(`^${DAY}, (\\d\\d) ${MONTH} (\\d{4}) ${TIME} GMT$`);
const RFC_850 = new RegExp(`^${LONG_DAY}, (\\d\\d)-${MONTH}-(\\d\\d) ${TIME} GMT$`);
const ASCTIME = new RegExp(`^${DAY} ${MONTH} (\\d\\d| \\d) ${TIME} (\\d{4})$`);

/**
 * Milliseconds that a `Retry-After` asks to wait (RFC 9110, 10.2.3): seconds, possibly with a fraction, or a
 * date; 0 for anything else.
 * @param nowMs Unix milliseconds, for dates
 */
export function retryAfterValueMs(value: string, nowMs: number): number {
  if (SECONDS.test(value)) return Math.ceil(Number(value)) * 1000;
  const date = dateMs(value, nowMs);
  return date === null ? 0 : Math.max(0, date - nowMs);
}

function dateMs(value: string, nowMs: number): number | null {
  const imf = IMF_FIXDATE.exec(value);
  if (imf) {
    const [, day, month, year, ...time] = imf;
    return utcMs(Number(year), month!, day!, time);
  }
  const asctime = ASCTIME.exec(value);
  if (asctime) {
    const [, month, day, hour, minute, second, year] = asctime;
    return utcMs(Number(year), month!, day!, [hour!, minute!, second!]);
  }
  const rfc850 = RFC_850.exec(value);
  if (!rfc850) return null;
  const [, day, month, twoDigits, ...time] = rfc850;
  const now = new Date(nowMs);
  const inFiftyYears = new Date(nowMs).setUTCFullYear(now.getUTCFullYear() + 50);
  const century = now.getUTCFullYear() - (now.getUTCFullYear() % 100);
  // The latest year with these digits that is not more than 50 years ahead.
  const dates = [100, 0, -100].map((years) =>
    utcMs(century + years + Number(twoDigits), month!, day!, time),
  );
  return dates.find((date) => date !== null && date <= inFiftyYears) ?? null;
}

/** null for a day or a time that doesn't exist. */
function utcMs(year: number, month: string, day: string, time: string[]): number | null {
  const [hour, minute, second] = time.map(Number) as [number, number, number];
  const date = new Date(0);
  date.setUTCFullYear(year, MONTHS.indexOf(month), Number(day));
  const isDay = date.getUTCDate() === Number(day);
  // 60: a leap second.
  if (!isDay || hour > 23 || minute > 59 || second > 60) return null;
  return date.setUTCHours(hour, minute, second);
}
