import * as fc from 'fast-check';
import { JITTER, MAX_RETRY_AFTER_MS, nextDelayMs, retryPolicy } from '../../../src/domain/schedule';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
/** Of every profile (docs/contract.md, 1.1). */
const SCHEDULES = {
  autosend: [1 * MINUTE, 5 * MINUTE, 15 * MINUTE],
  emailsendx: [30 * SECOND, 2 * MINUTE, 10 * MINUTE, 30 * MINUTE, 1 * HOUR],
  ahasend: [15, 30, 60, 120, 240, 510].map((s) => s * SECOND),
  custom: [5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 10 * HOUR],
};

/** What the server waits after the failed attempt `attempt`, when the worker names no delay. */
function serverDelayMs(delaysMs: readonly number[], attempt: number): number {
  const { initialInterval, backoffCoefficient, maximumInterval } = retryPolicy(delaysMs);
  return Math.min(initialInterval * backoffCoefficient ** (attempt - 1), maximumInterval);
}

/** As the API lets them through: 1 to 20 delays of 1 s to 24 h. */
const delays = fc.array(fc.integer({ min: SECOND, max: 24 * HOUR }), {
  minLength: 1,
  maxLength: 20,
});
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe('the retry policy', () => {
  it('of 1, 5, 15 minutes waits exactly 1, 5 and 15 minutes, and makes 4 attempts', () => {
    expect([1, 2, 3].map((n) => serverDelayMs(SCHEDULES.autosend, n))).toEqual(SCHEDULES.autosend);
    expect(retryPolicy(SCHEDULES.autosend)).toEqual({
      initialInterval: MINUTE,
      backoffCoefficient: 5,
      maximumInterval: 15 * MINUTE,
      maximumAttempts: 4,
    });
  });

  it.each(Object.entries(SCHEDULES))('of %s makes one attempt more than delays', (_name, list) => {
    expect(retryPolicy(list).maximumAttempts).toBe(list.length + 1);
  });

  it('is one that Temporal accepts, for every schedule that the API accepts', () => {
    fc.assert(
      fc.property(delays, (list) => {
        const policy = retryPolicy(list);
        expect(policy.initialInterval).toBeGreaterThan(0);
        expect(policy.backoffCoefficient).toBeGreaterThanOrEqual(1);
        expect(policy.maximumInterval).toBeGreaterThanOrEqual(policy.initialInterval);
        expect(policy.maximumAttempts).toBe(list.length + 1);
      }),
    );
  });

  it('waits no longer after a loss than the schedule does, nor than a minute, and later a quarter of an hour', () => {
    fc.assert(
      fc.property(delays, (list) => {
        expect(serverDelayMs(list, 1)).toBe(Math.min(list[0]!, 60_000));
        for (const n of list.keys()) {
          const longest = Math.min(Math.max(...list), 900_000);
          expect(serverDelayMs(list, n + 1)).toBeLessThanOrEqual(longest);
        }
      }),
    );
  });
});

describe('the delay after a failed attempt', () => {
  it.each(Object.entries(SCHEDULES))(
    'of %s is the schedule as written, without jitter',
    (_n, list) => {
      const policy = { retryDelaysMs: list };
      expect(list.map((_delay, index) => nextDelayMs(policy, index + 1, 0))).toEqual(list);
    },
  );

  it('is none after the last attempt, whatever the receiver asks for', () => {
    const policy = { retryDelaysMs: SCHEDULES.autosend };
    expect(nextDelayMs(policy, 4, 0)).toBeNull();
    expect(nextDelayMs(policy, 4, 0.5, HOUR)).toBeNull();
    expect(nextDelayMs(policy, 5, 0)).toBeNull();
  });

  it('is lengthened by 0–10 % of jitter and never shortened', () => {
    fc.assert(
      fc.property(delays, random, fc.nat({ max: 19 }), (list, jitter, index) => {
        const attempt = (index % list.length) + 1;
        const planned = list[attempt - 1]!;
        const delay = nextDelayMs({ retryDelaysMs: list }, attempt, jitter);
        expect(delay).toBeGreaterThanOrEqual(planned);
        // Rounded to whole milliseconds, which is what Temporal takes.
        expect(delay).toBeLessThanOrEqual(Math.round(planned * (1 + JITTER)));
        expect(Number.isInteger(delay)).toBe(true);
      }),
    );
  });

  it('spreads over the whole of the 10 %', () => {
    const policy = { retryDelaysMs: [MINUTE] };
    expect([0, 0.25, 0.5, 0.75].map((jitter) => nextDelayMs(policy, 1, jitter))).toEqual([
      60_000, 61_500, 63_000, 64_500,
    ]);
  });

  it('is at least what the receiver asked for, up to 24 hours, and never below the schedule', () => {
    fc.assert(
      fc.property(
        delays,
        random,
        fc.oneof(fc.integer({ min: 0, max: 100 * HOUR }), fc.constant(Infinity)),
        (list, jitter, asked) => {
          const plain = nextDelayMs({ retryDelaysMs: list }, 1, jitter)!;
          const delay = nextDelayMs({ retryDelaysMs: list }, 1, jitter, asked)!;
          expect(delay).toBe(Math.max(plain, Math.min(asked, MAX_RETRY_AFTER_MS)));
        },
      ),
    );
    expect(MAX_RETRY_AFTER_MS).toBe(24 * HOUR);
  });
});
