import { Places, type Place, type Wait } from '../../../activities/places';

const SECOND = 1000;

describe("a worker's places for attempts", () => {
  beforeEach(() => {
    jest.useFakeTimers({ now: 0 });
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  const placed = (answer: Place | Wait): Place => {
    if ('waitMs' in answer) throw new Error(`got no place: ${answer.reason}`);
    return answer;
  };
  const told = (answer: Place | Wait): Wait => {
    if (!('waitMs' in answer)) throw new Error('got a place');
    return answer;
  };

  it('gives a webhook its share and others theirs', () => {
    const places = new Places(100, 2);
    const first = placed(places.take('slow', true));
    placed(places.take('slow', true));
    expect(told(places.take('slow', true)).reason).toBe('webhook_busy');
    placed(places.take('other', true));
    first.leave();
    placed(places.take('slow', true));
  });

  it('keeps a quarter of the places for first attempts', () => {
    const places = new Places(4, 4);
    for (const webhook of ['a', 'b', 'c']) placed(places.take(webhook, false));
    expect(told(places.take('d', false)).reason).toBe('workers_busy');
    placed(places.take('d', true));
  });

  it('tells those who wait one turn after another, by how long attempts take', () => {
    const places = new Places(100, 1);
    const slow = placed(places.take('slow', true));
    jest.setSystemTime(10 * SECOND);
    slow.leave();
    placed(places.take('slow', true));
    const waits = Array.from({ length: 3 }, () => told(places.take('slow', true)).waitMs);
    // A guess of 1 s before, 10 s now: 3.7 s apart.
    expect(waits).toEqual([3700, 7400, 11_100]);
  });

  it('never sends anybody off for less than a second, nor for more than ten minutes', () => {
    const places = new Places(100, 1);
    const waits = Array.from(
      { length: 1000 },
      () => places.wait('rate_limit', 'limited', 2 * SECOND).waitMs,
    );
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(SECOND);
    expect(Math.max(...waits)).toBeLessThanOrEqual(600 * SECOND);
    // Those beyond the line's end come back spread out.
    expect(Math.min(...waits.slice(300))).toBeGreaterThanOrEqual(300 * SECOND);
    expect(new Set(waits.slice(300)).size).toBeGreaterThan(500);
  });

  it('gives turns at the present rate again as soon as those given before are over', () => {
    const places = new Places(100, 1);
    for (let n = 0; n < 50; n += 1) places.wait('rate_limit', 'limited', 2 * SECOND);
    expect(places.wait('rate_limit', 'limited', 2 * SECOND).waitMs).toBe(102 * SECOND);
    jest.setSystemTime(102 * SECOND);
    expect(places.wait('rate_limit', 'limited', 2 * SECOND).waitMs).toBe(2 * SECOND);
  });
});
