import { TokenBucket } from '../../../src/domain/token-bucket';

const takes = (bucket: TokenBucket, nowMs: number, tries: number): number =>
  Array.from({ length: tries }, () => bucket.take(nowMs)).filter(Boolean).length;

describe('a token bucket', () => {
  it('lets as many through at once as in a second, and no more', () => {
    expect(takes(new TokenBucket(5, 0), 0, 20)).toBe(5);
  });

  it('fills up by its rate, up to one second of it', () => {
    const bucket = new TokenBucket(5, 0);
    takes(bucket, 0, 5);
    expect(takes(bucket, 400, 2)).toBe(2);
    expect(takes(bucket, 60_000, 20)).toBe(5);
  });

  it('lets all through that come by its rate', () => {
    const bucket = new TokenBucket(5, 0);
    const taken = Array.from({ length: 50 }, (_, n) => bucket.take(n * 200));
    expect(taken).not.toContain(false);
  });

  it('lets none through while more come than by its rate, and some again a second later', () => {
    const bucket = new TokenBucket(5, 0);
    const early = Array.from({ length: 100 }, (_, n) => bucket.take(n * 50));
    expect(early.filter(Boolean)).toHaveLength(6);
    expect(early.slice(20)).not.toContain(true);
    expect(takes(bucket, 5_000, 1)).toBe(0);
    expect(takes(bucket, 6_500, 1)).toBe(1);
  });

  it('has room for many at once after a quiet while, and for none while they take their time', () => {
    const bucket = new TokenBucket(5, 0);
    expect(bucket.take(0, 20)).toBe(true);
    expect(bucket.take(3_000)).toBe(false);
    expect(bucket.take(5_000)).toBe(true);
    expect(bucket.take(5_100, 20)).toBe(false);
  });

  it('gives nothing for a clock that is set back', () => {
    const bucket = new TokenBucket(1, 10_000);
    takes(bucket, 10_000, 1);
    expect(bucket.take(5_000)).toBe(false);
  });
});
