import {
  ActivityCancellationDetails,
  type ApplicationFailure,
  CancelledFailure,
} from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { atRate } from '../../activities/at-rate';

describe('a batch at a rate', () => {
  const timed = async (items: number[], perSecond: number): Promise<number> => {
    const start = performance.now();
    await new MockActivityEnvironment().run(() =>
      atRate(items, perSecond, () => Promise.resolve(true)),
    );
    return performance.now() - start;
  };

  it.each([
    ['one item', [1], 5, 200],
    ['several', [1, 2, 3], 20, 150],
  ])('of %s takes all of its time, so that the next one keeps the rate', async (...row) => {
    const [, items, perSecond, leastMs] = row;
    // Timers may fire a millisecond early.
    expect(await timed(items, perSecond)).toBeGreaterThanOrEqual(leastMs - 2);
  });

  const cutOff = async (why: 'workerShutdown' | 'cancelRequested'): Promise<unknown> => {
    const env = new MockActivityEnvironment();
    const told = new ActivityCancellationDetails({ [why]: true });
    const working = env.run(() =>
      atRate([1, 2], 0.01, async () => {
        setImmediate(() => env.cancel(undefined, told));
        return true;
      }),
    );
    return working.catch((error: unknown) => error);
  };

  it('whose worker stops is continued when the rate allows it', async () => {
    const beganAt = performance.now();
    const { nextRetryDelay } = (await cutOff('workerShutdown')) as ApplicationFailure;
    expect(performance.now() - beganAt + Number(nextRetryDelay)).toBeGreaterThanOrEqual(100_000);
  });

  it('ends as cancelled with its replay, and is not continued', async () => {
    expect(await cutOff('cancelRequested')).toBeInstanceOf(CancelledFailure);
  });

  it('ends at once when it is stopped', async () => {
    const done: number[] = [];
    await new MockActivityEnvironment().run(() =>
      atRate([1, 2, 3], 100, async (item) => {
        done.push(item);
        return item < 2;
      }),
    );
    expect(done).toEqual([1, 2]);
  });
});
