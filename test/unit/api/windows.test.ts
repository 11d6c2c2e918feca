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

  const hits = (key = 'a'): number => windows.count(key).hits;

  it('starts afresh when its window is over, and is separate for each', () => {
    expect([hits(), hits(), hits('b')]).toEqual([1, 2, 1]);
    jest.advanceTimersByTime(MINUTE - 1);
    expect(hits()).toBe(3);
    jest.advanceTimersByTime(1);
    expect(windows.counted('a')).toEqual({ hits: 0, leftMs: 0 });
    expect(hits()).toBe(1);
  });

  it.each([-HOUR, HOUR])('lasts a minute, however the clock is set: by %i ms', (ms) => {
    hits();
    jest.setSystemTime(Date.now() + ms);
    jest.advanceTimersByTime(MINUTE / 2);
    expect(windows.counted('a')).toEqual({ hits: 1, leftMs: MINUTE / 2 });
    jest.advanceTimersByTime(MINUTE / 2);
    expect(hits()).toBe(1);
  });
});
