import { Budget } from '../../../src/tenant-cpu/budget';

/** Of 30 s a minute, of which 10 s may be used at once. */
function budget(): { of: Budget; pass: (ms: number) => void } {
  let now = 0;
  const of = new Budget(30_000, () => now);
  return { of, pass: (ms) => (now += ms) };
}

describe('a project’s budget of time', () => {
  it('is a third of a minute’s at once', () => {
    const { of } = budget();
    expect(of.waitMs('a')).toBe(0);
    of.spend('a', 9999);
    expect(of.waitMs('a')).toBe(0);
    of.spend('a', 1);
    expect(of.waitMs('a')).toBeGreaterThan(0);
  });

  it('comes back with time, and no more than it was', () => {
    const { of, pass } = budget();
    of.spend('a', 10_000);
    const waitMs = of.waitMs('a');
    pass(waitMs);
    expect(of.waitMs('a')).toBe(0);
    pass(3_600_000);
    of.spend('a', 10_000);
    expect(of.waitMs('a')).toBe(waitMs);
  });

  it('may be overdrawn by what is in progress, which makes the wait longer', () => {
    const { of, pass } = budget();
    of.spend('a', 10_000);
    const waitMs = of.waitMs('a');
    of.spend('a', 5000);
    expect(of.waitMs('a')).toBe(waitMs + 10_000);
    pass(waitMs);
    expect(of.waitMs('a')).toBeGreaterThan(0);
  });

  it('is each project’s own', () => {
    const { of } = budget();
    of.spend('a', 60_000);
    expect(of.waitMs('b')).toBe(0);
    expect(of.isHeavy('a')).toBe(true);
    expect(of.isHeavy('b')).toBe(false);
  });
});
