import { warningAt } from '../../../src/domain/failure-warning';

describe('the warning of a webhook that keeps failing', () => {
  it('comes at 50 and at 75 % of the threshold', () => {
    expect([0, 49, 50, 74, 75, 99, 100, 150].map((n) => warningAt(n, 100))).toEqual([
      null,
      null,
      50,
      50,
      75,
      75,
      75,
      75,
    ]);
  });

  it('is rounded up: never before its share is reached', () => {
    expect([1, 2, 3, 4].map((n) => warningAt(n, 5))).toEqual([null, null, 50, 75]);
  });

  it('is none where only the threshold itself reaches its share', () => {
    expect(warningAt(1, 1)).toBeNull();
    expect([1, 2].map((n) => warningAt(n, 2))).toEqual([50, 50]);
    expect([1, 2, 3].map((n) => warningAt(n, 3))).toEqual([null, 50, 50]);
  });
});
