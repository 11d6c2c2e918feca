import * as fc from 'fast-check';
import { isGone, isSuccess, retryAfterMs } from '../../../src/domain/outcome';

const NOW = Date.parse('2026-03-01T12:00:00Z');

describe('an answer', () => {
  it('is a success from 200 to 299 and a failure otherwise', () => {
    const statuses = Array.from({ length: 500 }, (_, index) => 100 + index);
    const taken = statuses.filter(isSuccess);
    expect(taken).toEqual(Array.from({ length: 100 }, (_, index) => 200 + index));
  });

  it('ends the delivery only when it is 410', () => {
    expect(isGone(410)).toBe(true);
    for (const status of [undefined, 200, 404, 409, 411, 500]) expect(isGone(status)).toBe(false);
  });
});

describe('Retry-After', () => {
  it.each([429, 503])('of a %d is waited for', (status) => {
    expect(retryAfterMs(status, ['120'], NOW)).toBe(120_000);
  });

  it.each([200, 301, 400, 404, 408, 410, 500, 502, 504, undefined])(
    'means nothing with %s',
    (status) => {
      expect(retryAfterMs(status, ['120'], NOW)).toBe(0);
    },
  );

  it('missing asks for no wait', () => {
    expect(retryAfterMs(503, [], NOW)).toBe(0);
  });

  it('given more than once asks for the longest of its waits', () => {
    expect(retryAfterMs(503, ['60', 'soon', '120', '90'], NOW)).toBe(120_000);
  });

  it.each([
    ['0', 0],
    ['7', 7_000],
    ['007', 7_000],
    ['2050', 2_050_000],
    // Fractions are not standard, but can only be understood in one way.
    ['2050.5', 2_051_000],
    ['0.1', 1_000],
    ['3.0', 3_000],
    // The three forms of RFC 9110, 5.6.7.
    ['Sun, 01 Mar 2026 12:02:30 GMT', 150_000],
    ['Sunday, 01-Mar-26 12:02:30 GMT', 150_000],
    ['Sun Mar  1 12:02:30 2026', 150_000],
    ['Sun Mar 01 12:02:30 2026', 150_000],
    ['Sun, 01 Mar 2026 12:00:60 GMT', 60_000],
    ['Sun, 01 Mar 2026 11:59:59 GMT', 0],
    ['Thu Jan  1 00:00:00 1970', 0],
    // Years of two digits are at most 50 years ahead.
    ['Sunday, 01-Mar-76 12:00:00 GMT', Date.UTC(2076, 2, 1, 12) - NOW],
    ['Sunday, 01-Mar-76 12:00:01 GMT', 0],
    ['Tuesday, 01-Mar-99 12:00:00 GMT', 0],
  ])('of %j is a wait of %d ms', (value, waitMs) => {
    expect(retryAfterMs(503, [value], NOW)).toBe(waitMs);
  });

  it('of two digits of a year may be one of the next century', () => {
    const in2099 = Date.UTC(2099, 11, 31, 23, 59);
    expect(retryAfterMs(503, ['Friday, 01-Jan-00 00:00:00 GMT'], in2099)).toBe(60_000);
  });

  it.each([
    '',
    'soon',
    '-5',
    '+5',
    '1e3',
    'NaN',
    'Infinity',
    '0x10',
    '10, 20',
    '120s',
    '1.',
    '.5',
    '1 0',
    '1,5',
    '２',
    'tomorrow',
    '2026-03-01T13:00:00Z',
    '2026-03-01',
    'May 2050',
    '12:30',
    'Sun, 01 Mar 2026 13:00:00',
    'Sun, 01 Mar 2026 13:00:00 +0000',
    'Sun, 01 Mar 2026 13:00:00 UTC',
    'Sun, 01 Mar 2026 13:00 GMT',
    'Sun, 1 Mar 2026 13:00:00 GMT',
    'sun, 01 mar 2026 13:00:00 gmt',
    'Sun, 30 Feb 2027 13:00:00 GMT',
    'Sun, 01 Mar 2027 24:00:00 GMT',
    'Sun, 01 Mar 2027 13:60:00 GMT',
    'Sun, 01 Mar 2027 13:00:61 GMT',
    'Sunday, 31-Apr-27 13:00:00 GMT',
    'Sun Mar 1 13:00:00 2027',
    'Sun Mar  1 13:00:00 2027 GMT',
  ])('that is %j asks for no wait', (value) => {
    expect(retryAfterMs(503, [value], NOW)).toBe(0);
  });

  it('is never negative and never no number, whatever a receiver sends', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^\d{1,400}$/)), (value) => {
        expect(retryAfterMs(429, [value], NOW)).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  it('reads every date of today and later as JavaScript writes it', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 38 }), (seconds) => {
        const date = new Date(NOW + seconds * 1000);
        fc.pre(date.getUTCFullYear() < 10_000);
        expect(retryAfterMs(429, [date.toUTCString()], NOW)).toBe(seconds * 1000);
      }),
    );
  });
});
