import { ConcurrencyLimit } from '../../../src/domain/concurrency-limit';

const MAX = 80;

/**
 * A receiver's exchanges, with as many at a time as the limit allows.
 * @param tookMs how long one takes, by how many run at a time
 */
function exchange(limit: ConcurrencyLimit, times: number, tookMs: (running: number) => number) {
  for (let n = 0; n < times; n += 1) limit.learn(tookMs(limit.value), limit.value, false);
}
const fail = (limit: ConcurrencyLimit, times: number): void => {
  for (let n = 0; n < times; n += 1) limit.learn(10_000, limit.value, true);
};

describe("the limit of a webhook's concurrent attempts", () => {
  it('begins with 10, or with less if that is the maximum', () => {
    expect(new ConcurrencyLimit(MAX).value).toBe(10);
    expect(new ConcurrencyLimit(3).value).toBe(3);
  });

  it.each([1, 100, 5000])('grows to its maximum while exchanges take %d ms', (ms) => {
    const limit = new ConcurrencyLimit(MAX);
    exchange(limit, 200, () => ms);
    expect(limit.value).toBe(MAX);
  });

  it('ignores differences of a few milliseconds', () => {
    const limit = new ConcurrencyLimit(MAX);
    for (let n = 0; n < 200; n += 1) limit.learn(n % 5 === 0 ? 20 : 1, limit.value, false);
    expect(limit.value).toBe(MAX);
  });

  it('grows too where some events take much longer than others', () => {
    const limit = new ConcurrencyLimit(MAX);
    for (let n = 0; n < 400; n += 1) limit.learn(n % 4 === 0 ? 200 : 50, limit.value, false);
    expect(limit.value).toBeGreaterThan(20);
  });

  it('stops where more only take longer', () => {
    const limit = new ConcurrencyLimit(MAX);
    const capacity = 20;
    exchange(limit, 2900, (running) => 100 * Math.max(1, running / capacity));
    expect(limit.value).toBeGreaterThanOrEqual(capacity);
    expect(limit.value).toBeLessThan(3 * capacity);
  });

  it('shrinks when its receiver becomes slow', () => {
    const limit = new ConcurrencyLimit(MAX);
    exchange(limit, 200, () => 100);
    exchange(limit, 30, () => 1000);
    expect(limit.value).toBeLessThan(20);
  });

  it('grows again when that turns out to be the usual duration', () => {
    const limit = new ConcurrencyLimit(MAX);
    exchange(limit, 200, () => 100);
    exchange(limit, 2000, () => 300);
    expect(limit.value).toBe(MAX);
  });

  it('shrinks to 4 by failures, and grows again by answers', () => {
    const limit = new ConcurrencyLimit(MAX);
    fail(limit, 100);
    expect(limit.value).toBe(4);
    exchange(limit, 200, () => 100);
    expect(limit.value).toBe(MAX);
  });

  it('stays within a maximum below 4', () => {
    const limit = new ConcurrencyLimit(2);
    fail(limit, 100);
    expect(limit.value).toBe(2);
    exchange(limit, 100, () => 100);
    expect(limit.value).toBe(2);
  });

  it('does not grow while it is not used', () => {
    const limit = new ConcurrencyLimit(MAX);
    for (let n = 0; n < 1000; n += 1) limit.learn(100, 4, false);
    expect(limit.value).toBe(10);
  });
});
