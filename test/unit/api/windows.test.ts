import { Windows } from '../../../src/api/http/windows';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

describe("a caller's count", () => {
  let windows: Windows;

  beforeEach(() => {
    jest.useFakeTimers({ now: Date.parse('2026-10-01T00:00:00Z') });
    windows = new Windows(MINUTE);
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  const hits = async (key = 'a'): Promise<number> => (await windows.increment(key)).totalHits;

  it('starts afresh when its window is over, and is separate for each', async () => {
    expect([await hits(), await hits(), await hits('b')]).toEqual([1, 2, 1]);
    jest.advanceTimersByTime(MINUTE - 1);
    expect(await hits()).toBe(3);
    jest.advanceTimersByTime(1);
    expect(await windows.get('a')).toBeUndefined();
    expect(await hits()).toBe(1);
  });

  it.each([-HOUR, HOUR])('lasts a minute, however the clock is set: by %i ms', async (ms) => {
    await hits();
    jest.setSystemTime(Date.now() + ms);
    jest.advanceTimersByTime(MINUTE / 2);
    const { totalHits, resetTime } = (await windows.get('a'))!;
    expect({ totalHits, inMs: resetTime!.getTime() - Date.now() }).toEqual({
      totalHits: 1,
      inMs: MINUTE / 2,
    });
    jest.advanceTimersByTime(MINUTE / 2);
    expect(await hits()).toBe(1);
  });

  it('is taken back, and forgotten', async () => {
    await hits();
    await hits();
    await windows.decrement('a');
    expect(await hits()).toBe(2);
    await windows.resetKey('a');
    expect(await hits()).toBe(1);
  });
});
