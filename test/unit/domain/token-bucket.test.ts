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
    expect(takes(bucket, 400, 20)).toBe(2);
    expect(takes(bucket, 60_000, 20)).toBe(5);
  });

  it('always has room for one after a quiet while, however low its rate', () => {
    const bucket = new TokenBucket(0.1, 0);
    expect(takes(bucket, 0, 3)).toBe(1);
    expect(takes(bucket, 10_000, 3)).toBe(1);
  });

  it('gives nothing for a clock that is set back', () => {
    const bucket = new TokenBucket(1, 10_000);
    takes(bucket, 10_000, 1);
    expect(bucket.take(5_000)).toBe(false);
  });
});
