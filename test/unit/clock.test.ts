import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Clock } from '../../src/clock';

const SECOND = 1000;
const HOUR = 60 * 60 * SECOND;

describe("MongoDB's clock, as a process knows it", () => {
  beforeEach(() => {
    jest.useFakeTimers({ now: Date.parse('2026-10-01T00:00:00Z') });
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  /** Reads a clock that is so far ahead of this process's, over a way that takes so long each way. */
  const read = (clock: Clock, aheadMs: number, { thereMs = 0, backMs = 0 } = {}): Promise<void> =>
    clock.read(async () => {
      jest.advanceTimersByTime(thereMs);
      const time = new Date(Date.now() + aheadMs);
      jest.advanceTimersByTime(backMs);
      return time;
    });
  const aheadMs = (clock: Clock): number => clock.now().getTime() - Date.now();

  it('is its own before it was read, and advances as time passes', async () => {
    const clock = new Clock();
    expect(aheadMs(clock)).toBe(0);
    await read(clock, 3 * SECOND);
    jest.advanceTimersByTime(HOUR);
    expect(aheadMs(clock)).toBe(3 * SECOND);
  });

  it('does not follow its own when that is set', async () => {
    const clock = new Clock();
    await read(clock, 0);
    const before = clock.now();
    jest.setSystemTime(Date.now() + HOUR);
    expect(clock.now()).toEqual(before);
  });

  it('believes the answer that came soonest, unless it differs by more than the way explains', async () => {
    const clock = new Clock();
    await read(clock, 0, { thereMs: 5, backMs: 5 });
    await read(clock, 0, { backMs: 4 * SECOND });
    expect(aheadMs(clock)).toBe(0);
    await read(clock, 20 * SECOND, { thereMs: 100, backMs: 100 });
    expect(aheadMs(clock)).toBe(20 * SECOND);
  });

  it('is replaced by a new reading when the known one is old', async () => {
    const clock = new Clock();
    await read(clock, 0);
    jest.advanceTimersByTime(HOUR);
    await read(clock, 40, { thereMs: 50, backMs: 50 });
    expect(aheadMs(clock)).toBe(40);
  });

  it.each([
    ['ahead of', -HOUR],
    ['behind', HOUR],
  ])('reports a process that is an hour %s it, until that is over', async (side, ms) => {
    const clock = new Clock();
    await read(clock, ms);
    expect(clock.trouble).toBe(
      `the clock of this machine is 3600 s ${side} MongoDB's; have NTP set both`,
    );
    await read(clock, ms + 700);
    expect(clock.trouble).toContain('3600 s');
    await read(clock, ms / 2);
    expect(clock.trouble).toContain('1800 s');
    await read(clock, 100);
    expect(clock.trouble).toBeNull();
  });

  it.each(['thereMs', 'backMs'])('is not taken for another one where %s is long', async (leg) => {
    const clock = new Clock();
    await read(clock, 0, { [leg]: 30 * SECOND });
    expect(clock.trouble).toBeNull();
    await read(clock, 3 * SECOND, { [leg]: 30 * SECOND });
    expect(clock.trouble).toBeNull();
  });
});

const ROOT = path.resolve(__dirname, '../..');

/** Where the machine's clock may be asked: what it says there decides nothing that is kept. */
const EXCEPTIONS = [
  // It is what MongoDB's is compared with, and tells whether this process was suspended.
  'src/clock.ts',
  // gRPC and express-rate-limit take moments of the machine's clock, and their difference from it again.
  'src/temporal/calls.ts',
  'src/api/http/rate-limits.ts',
  'src/api/http/failed-lookups.ts',
  'src/api/http/windows.ts',
  // In a workflow it is Temporal's, as of the workflow task.
  'workflows/deliver.ts',
];

describe("the machine's clock", () => {
  it('is asked nowhere else: what decides goes by src/clock.ts, what takes long by performance.now()', () => {
    const asking = ['src', 'activities', 'workflows'].flatMap((room) =>
      readdirSync(path.join(ROOT, room), { recursive: true, encoding: 'utf8' })
        .map((file) => path.join(room, file))
        .filter((file) => file.endsWith('.ts'))
        .filter((file) =>
          /\bDate\.now\b|\bnew Date\(\)/.test(readFileSync(path.join(ROOT, file), 'utf8')),
        ),
    );
    expect(asking.toSorted()).toEqual(EXCEPTIONS.toSorted());
  });
});
