import { intercept } from '../support/intercept';
import { releasing } from './releasing';
import { useFreshReceiver } from '../support/use';
import { Harness } from './harness';
import { CANCELS, REQUESTS, Running, type Request } from './running';

/** Long enough to be told from "at once", short enough to be waited for. */
const SOON = [1500, 1500, 1500];
/** Long enough for a busy machine to see the workflow waiting, before it is over. */
const SEEN = [20_000, 20_000, 20_000];
/** Not met within a test. */
const LATE = [3_600_000];

/** On the real server: the time-skipping one loses a failure that comes after a cancel request. */
describe('a delivery', () => {
  let harness: Harness;
  const receiver = useFreshReceiver();

  beforeAll(async () => {
    harness = await Harness.startReal();
  });
  afterAll(() => harness.stop());

  const start = (retryDelaysMs: number[]): Promise<Running> =>
    Running.start(harness, receiver, { policy: { retryDelaysMs } });

  async function expectKeptToSchedule(running: Running, schedule = SOON): Promise<void> {
    const { attempts } = await running.record();
    const [first, second] = attempts.map(({ startedAt }) => startedAt.getTime());
    expect(second! - first!).toBeGreaterThanOrEqual(schedule[0]!);
  }

  describe('with an exchange in progress', () => {
    /** Runs `test` once the receiver has the request, whose answer is `status` when released. */
    async function underWay(
      status: number,
      schedule: number[],
      test: (running: Running, release: () => void) => Promise<void>,
    ): Promise<void> {
      receiver.respondWith((_request, n) => (n === 1 ? status : 200));
      let release!: () => void;
      const released = new Promise<void>((resolve) => {
        release = resolve;
      });
      const { sender } = harness.fixture.dependencies;
      const activities = harness.fixture.activities({
        sender: intercept(sender, 'send', async (request) => {
          const answer = await sender.send(request);
          await released;
          return answer;
        }),
      });
      const running = await start(schedule);
      await harness.working(async () => {
        try {
          await receiver.waitFor(1);
          await test(running, release);
        } finally {
          release();
        }
      }, activities);
    }

    /** Asks, and makes the workflow act on it during the exchange. */
    async function ask(running: Running, request: Request): Promise<void> {
      await running.ask(request);
      expect(await running.phase()).toBe('attempting');
    }

    it.each(REQUESTS)('that is taken, told %s, has succeeded with it', async (request) => {
      await underWay(200, LATE, async (running, release) => {
        await ask(running, request);
        release();
        await running.expectSucceeded(1);
      });
    });

    it('that fails, paused, logs the attempt, waits to be resumed, and keeps to the schedule', async () => {
      await underWay(500, SOON, async (running, release) => {
        await ask(running, 'pause');
        release();
        await running.becomes('paused');
        expect(await running.record()).toMatchObject({ status: 'pending', attemptCount: 1 });
        expect((await running.handle.describe()).raw.pendingActivities).toEqual([]);
        await running.ask('resume');
        await running.expectSucceeded(2);
        await expectKeptToSchedule(running);
      });
    });

    it('that fails, paused and resumed meanwhile, keeps to the schedule', async () => {
      await underWay(500, SOON, async (running, release) => {
        await ask(running, 'pause');
        await ask(running, 'resume');
        release();
        await running.expectSucceeded(2);
        await expectKeptToSchedule(running);
      });
    });

    it.each(['resume', 'retryNow'] as const)(
      'that fails, told %s, was the attempt asked for: the next one keeps to the schedule',
      async (request) => {
        await underWay(500, SOON, async (running, release) => {
          await ask(running, request);
          release();
          await running.expectSucceeded(2);
          await expectKeptToSchedule(running);
        });
      },
    );

    it.each(CANCELS)('that fails, told %s, logs the attempt and ends', async (request) => {
      await underWay(500, LATE, async (running, release) => {
        await ask(running, request);
        release();
        await running.expectCancelled(1);
      });
    });
  });

  it('put into the queue, and released before Temporal knows, is sent', async () => {
    const policy = { retryDelaysMs: LATE, ratePerSecond: 1 };
    const running = await Running.start(harness, receiver, { policy });
    const { store } = harness.fixture;
    const activities = harness.fixture.activities({ store: releasing(store, running) });
    await harness.working(() => running.expectSucceeded(1), activities);
  });

  it('that is retried after an attempt was recorded, and before that has ended, is sent at once', async () => {
    receiver.respondWith((_request, n) => (n === 1 ? 500 : 200));
    const running = await start(LATE);
    const { store } = harness.fixture;
    const rounds = intercept(store.rounds, 'record', async (...args) => {
      const recorded = await store.rounds.record(...args);
      if (args[0].attemptCount === 0) {
        await store.deliveries.hasten(args[0]._id);
        await running.ask('retryNow');
        expect(await running.phase()).toBe('attempting');
      }
      return recorded;
    });
    const activities = harness.fixture.activities({ store: intercept(store, 'rounds', rounds) });
    await harness.working(() => running.expectSucceeded(2), activities);
  });

  describe('waiting after an attempt that a signal interrupted', () => {
    /** Runs `test` in the workflow's own wait for the second attempt. */
    async function waiting(
      schedule: number[],
      test: (running: Running) => Promise<void>,
    ): Promise<void> {
      receiver.respondWith((_request, n) => (n === 1 ? 500 : 200));
      const running = await start(schedule);
      const { store } = harness.fixture;
      const rounds = intercept(store.rounds, 'record', async (...args) => {
        if (args[0].attemptCount === 0) {
          await running.ask('pause');
          await running.ask('resume');
          expect(await running.phase()).toBe('attempting');
        }
        return store.rounds.record(...args);
      });
      const activities = harness.fixture.activities({
        store: intercept(store, 'rounds', rounds),
      });
      await harness.working(async () => {
        await running.becomes('waiting');
        await test(running);
      }, activities);
    }

    it('told resume, keeps to the schedule', async () => {
      await waiting(SEEN, async (running) => {
        await running.ask('resume');
        await running.expectSucceeded(2);
        await expectKeptToSchedule(running, SEEN);
      });
    });

    it('paused, is not sent until it is resumed, nor before its time', async () => {
      await waiting(SEEN, async (running) => {
        await running.ask('pause');
        await running.becomes('paused');
        expect(receiver.requests).toHaveLength(1);
        await running.ask('resume');
        await running.expectSucceeded(2);
        await expectKeptToSchedule(running, SEEN);
      });
    });

    it('told retryNow, is sent at once', async () => {
      await waiting(LATE, async (running) => {
        await running.ask('retryNow');
        await running.expectSucceeded(2);
      });
    });

    it.each(CANCELS)('told %s, ends at once', async (request) => {
      await waiting(LATE, async (running) => {
        await running.ask(request);
        await running.expectCancelled(1);
      });
    });
  });
});
