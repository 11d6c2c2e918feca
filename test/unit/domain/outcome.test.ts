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
  it.each([429, 503])('of a %d is read as seconds', (status) => {
    expect(retryAfterMs(status, '120', NOW)).toBe(120_000);
    expect(retryAfterMs(status, ' 7 ', NOW)).toBe(7000);
    expect(retryAfterMs(status, '0', NOW)).toBe(0);
  });

  it.each([429, 503])('of a %d is read as an HTTP date', (status) => {
    expect(retryAfterMs(status, 'Sun, 01 Mar 2026 12:02:30 GMT', NOW)).toBe(150_000);
  });

  it('with a date in the past asks for no wait', () => {
    expect(retryAfterMs(503, 'Sun, 01 Mar 2026 11:59:59 GMT', NOW)).toBe(0);
  });

  it.each([200, 301, 400, 404, 408, 410, 500, 502, 504, undefined])(
    'means nothing with %s',
    (status) => {
      expect(retryAfterMs(status, '120', NOW)).toBe(0);
    },
  );

  it.each(['', 'soon', '-5', '1.5', '1e3', 'NaN', '10, 20', '120s'])(
    'that is %j asks for no wait',
    (value) => {
      expect(retryAfterMs(503, value, NOW)).toBe(0);
    },
  );

  it('missing asks for no wait', () => {
    expect(retryAfterMs(503, undefined, NOW)).toBe(0);
  });

  it('is never negative and never no number, whatever a receiver sends', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^\d{1,400}$/)), (value) => {
        expect(retryAfterMs(429, value, NOW)).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});
