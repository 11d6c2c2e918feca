import { TokenBucket } from '../../../src/domain/token-bucket';

/** How many of some that come at that pace are let through. */
const through = (bucket: TokenBucket, count: number, everyMs: number, fromMs = 0): number =>
  Array.from({ length: count }, (_, n) => bucket.take(fromMs + n * everyMs)).filter(Boolean).length;

describe('a token bucket', () => {
  it('lets one of many through that come at once', () => {
    expect(through(new TokenBucket(5), 20, 0)).toBe(1);
  });

  it('lets all through that come at its rate', () => {
    expect(through(new TokenBucket(5), 50, 200)).toBe(50);
  });

  it('lets none through while more come than its rate allows, and the first one after a pause', () => {
    const bucket = new TokenBucket(5);
    expect(through(bucket, 100, 190)).toBe(1);
    expect(through(bucket, 2, 0, 99 * 190 + 199)).toBe(0);
    expect(through(bucket, 2, 0, 99 * 190 + 400)).toBe(1);
  });

  it('has room for as many at once as in a second, and then for none while they take their time', () => {
    const bucket = new TokenBucket(5);
    expect(bucket.take(0, 5)).toBe(true);
    expect(bucket.take(900)).toBe(false);
    expect(bucket.take(1_100)).toBe(true);
    expect(bucket.take(1_200, 5)).toBe(false);
    expect(bucket.take(1_400, 5)).toBe(true);
  });

  it('has no room for more at once than in a second', () => {
    const bucket = new TokenBucket(5);
    expect(bucket.take(0, 6)).toBe(false);
    expect(bucket.take(200, 5)).toBe(true);
  });

  it('gives nothing for a clock that is set back', () => {
    const bucket = new TokenBucket(1);
    expect(bucket.take(10_000)).toBe(true);
    expect(bucket.take(5_000)).toBe(false);
  });
});
