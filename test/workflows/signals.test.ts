import type { WorkflowHandle } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/common';
import type { PlannedDelivery } from '../../src/contracts/activities';
import type { HttpSender } from '../../src/delivery/http';
import type { WebhookRecord } from '../../src/store/webhooks';
import {
  cancelSignal,
  pauseSignal,
  resumeSignal,
  retryNowSignal,
  stateQuery,
  type DeliveryPhase,
} from '../../workflows/messages';
import { eventually } from '../support/eventually';
import { intercept } from '../support/intercept';
import { Receiver } from '../support/receiver';
import { Harness } from './harness';

const MINUTE = 60_000;
const DAY = '24 hours';

/** What a person can do to a delivery; `Web UI cancel` is the button there. */
const REQUESTS = {
  pause: (handle: WorkflowHandle) => handle.signal(pauseSignal),
  resume: (handle: WorkflowHandle) => handle.signal(resumeSignal),
  retryNow: (handle: WorkflowHandle) => handle.signal(retryNowSignal),
  cancel: (handle: WorkflowHandle) => handle.signal(cancelSignal),
  'Web UI cancel': (handle: WorkflowHandle) => handle.cancel(),
};
const CANCELS = ['cancel', 'Web UI cancel'] as const;

interface Running {
  handle: WorkflowHandle;
  planned: PlannedDelivery;
  webhook: WebhookRecord;
}

describe('a delivery', () => {
  let harness: Harness;
  let receiver: Receiver;

  beforeAll(async () => {
    harness = await Harness.start();
  });
  afterAll(() => harness.stop());
  beforeEach(async () => {
    receiver = await Receiver.start();
  });
  afterEach(() => receiver.close());

  async function start(): Promise<Running> {
    const { planned, webhook } = await harness.fixture.planned(receiver.url);
    return { handle: await harness.start(planned), planned, webhook };
  }

  const phaseOf = async ({ handle }: Running): Promise<DeliveryPhase> =>
    (await handle.query(stateQuery)).phase;
  const becomes = (running: Running, phase: DeliveryPhase): Promise<true> =>
    eventually(`the delivery is ${phase}`, async () => (await phaseOf(running)) === phase);
  const recorded = ({ planned }: Running) => harness.fixture.delivery(planned.deliveryId);

  /** A day goes by in which nothing is sent. */
  async function nothingIsSent(): Promise<void> {
    const before = receiver.requests.length;
    await harness.env.sleep(DAY);
    expect(receiver.requests).toHaveLength(before);
  }

  async function expectCancelled(running: Running, attempts: number): Promise<void> {
    expect(await running.handle.result()).toBe('cancelled');
    await nothingIsSent();
    expect(receiver.requests).toHaveLength(attempts);
    expect(await recorded(running)).toMatchObject({
      status: 'cancelled',
      attemptCount: attempts,
      nextAttemptAt: null,
      completedAt: expect.any(Date) as Date,
    });
    const { failureCount } = await harness.fixture.health(running.webhook);
    expect(failureCount).toBe(attempts);
  }

  async function expectSucceeded(running: Running, attempts: number): Promise<void> {
    expect(await running.handle.result()).toBe('succeeded');
    expect(receiver.requests).toHaveLength(attempts);
    expect(await recorded(running)).toMatchObject({ status: 'succeeded', attemptCount: attempts });
  }

  describe('before its first attempt', () => {
    it('paused, is not sent until it is resumed', async () => {
      const running = await start();
      await REQUESTS.pause(running.handle);
      await harness.working(async () => {
        await becomes(running, 'paused');
        await nothingIsSent();
        await REQUESTS.resume(running.handle);
        await expectSucceeded(running, 1);
      });
    });

    it.each(['resume', 'retryNow'] as const)('told %s, is sent once', async (request) => {
      const running = await start();
      await REQUESTS[request](running.handle);
      await harness.working(async () => {
        await expectSucceeded(running, 1);
        await nothingIsSent();
      });
    });

    it.each(CANCELS)('told %s, is never sent', async (request) => {
      const running = await start();
      await REQUESTS[request](running.handle);
      await harness.working(() => expectCancelled(running, 0));
    });

    it('paused, resumed and paused again, is paused', async () => {
      const running = await start();
      await REQUESTS.pause(running.handle);
      await REQUESTS.resume(running.handle);
      await REQUESTS.pause(running.handle);
      await harness.working(async () => {
        await becomes(running, 'paused');
        await nothingIsSent();
        await REQUESTS.cancel(running.handle);
        await expectCancelled(running, 0);
      });
    });
  });

  describe('with an exchange under way', () => {
    /** Runs `test` once the receiver has the request, whose answer is `status` when released. */
    async function underWay(
      status: number,
      test: (running: Running, release: () => void) => Promise<void>,
    ): Promise<void> {
      receiver.respondWith((_request, n) => (n === 1 ? status : 200));
      let release!: () => void;
      const released = new Promise<void>((resolve) => {
        release = resolve;
      });
      const { sender } = harness.fixture.dependencies;
      const slow: HttpSender = intercept(sender, 'send', async (request) => {
        const answer = await sender.send(request);
        await released;
        return answer;
      });
      const running = await start();
      const { attemptDelivery } = harness.fixture.activities({ sender: slow });
      await harness.working(
        async () => {
          try {
            await receiver.waitFor(1);
            await test(running, release);
          } finally {
            release();
          }
        },
        { attemptDelivery },
      );
    }

    /** Makes the request, and has the workflow act on it while the exchange goes on. */
    async function ask(running: Running, request: keyof typeof REQUESTS): Promise<void> {
      await REQUESTS[request](running.handle);
      // A query is answered after the events before it.
      expect(await phaseOf(running)).toBe('attempting');
    }

    it.each(Object.keys(REQUESTS) as (keyof typeof REQUESTS)[])(
      'that is taken, told %s, has succeeded with that exchange',
      async (request) => {
        await underWay(200, async (running, release) => {
          await ask(running, request);
          release();
          await expectSucceeded(running, 1);
          await nothingIsSent();
        });
      },
    );

    it('that fails, paused, logs the attempt and waits to be resumed', async () => {
      await underWay(500, async (running, release) => {
        await ask(running, 'pause');
        release();
        await becomes(running, 'paused');
        await nothingIsSent();
        expect(await recorded(running)).toMatchObject({ status: 'pending', attemptCount: 1 });
        await REQUESTS.resume(running.handle);
        await expectSucceeded(running, 2);
      });
    });

    it('that fails, paused and resumed meanwhile, keeps to the schedule', async () => {
      await underWay(500, async (running, release) => {
        await ask(running, 'pause');
        await ask(running, 'resume');
        release();
        await expectSucceeded(running, 2);
        expect(harness.waitsOf(running.planned)[0]).toBeGreaterThanOrEqual(MINUTE);
      });
    });

    it.each(['resume', 'retryNow'] as const)(
      'that fails, told %s, was the attempt asked for: the next one keeps to the schedule',
      async (request) => {
        await underWay(500, async (running, release) => {
          await ask(running, request);
          release();
          await expectSucceeded(running, 2);
          expect(harness.waitsOf(running.planned)[0]).toBeGreaterThanOrEqual(MINUTE);
        });
      },
    );

    it.each(CANCELS)('that fails, told %s, logs the attempt and ends', async (request) => {
      await underWay(500, async (running, release) => {
        await ask(running, request);
        release();
        await expectCancelled(running, 1);
      });
    });
  });

  describe('backing off', () => {
    /** Runs `test` when the first attempt has failed and the server waits for the second. */
    async function backingOff(
      test: (running: Running) => Promise<void>,
      second: number = 200,
    ): Promise<void> {
      receiver.respondWith((_request, n) => (n === 1 ? 500 : second));
      const running = await start();
      await harness.working(async () => {
        await eventually('the server waits for attempt 2', async () => {
          const { raw } = await running.handle.describe();
          return raw.pendingActivities?.[0]?.attempt === 2;
        });
        await test(running);
      });
    }

    it('paused, is not sent until it is resumed', async () => {
      await backingOff(async (running) => {
        await REQUESTS.pause(running.handle);
        await becomes(running, 'paused');
        await nothingIsSent();
        await REQUESTS.resume(running.handle);
        await expectSucceeded(running, 2);
      });
    });

    it('told resume, keeps to the schedule', async () => {
      await backingOff(async (running) => {
        await REQUESTS.resume(running.handle);
        await expectSucceeded(running, 2);
        expect(harness.waitsOf(running.planned)[0]).toBeGreaterThanOrEqual(MINUTE);
      });
    });

    it('told retryNow, is sent at once', async () => {
      await backingOff(async (running) => {
        await REQUESTS.retryNow(running.handle);
        // No time is skipped here.
        await receiver.waitFor(2);
        expect(harness.waitsOf(running.planned)[0]).toBeLessThan(MINUTE);
        await expectSucceeded(running, 2);
      });
    });

    it('told retryNow in vain, goes on with the attempts that remain', async () => {
      await backingOff(async (running) => {
        await REQUESTS.retryNow(running.handle);
        await receiver.waitFor(2);
        await expect(running.handle.result()).rejects.toThrow();
        expect(receiver.requests).toHaveLength(4);
        const [, second, third] = harness.waitsOf(running.planned);
        expect(second).toBeGreaterThanOrEqual(5 * MINUTE);
        expect(third).toBeGreaterThanOrEqual(15 * MINUTE);
        expect(await recorded(running)).toMatchObject({ status: 'failed', attemptCount: 4 });
      }, 500);
    });

    it.each(CANCELS)('told %s, ends at once', async (request) => {
      await backingOff(async (running) => {
        await REQUESTS[request](running.handle);
        await expectCancelled(running, 1);
      });
    });
  });

  describe('waiting after an attempt that a signal had interrupted', () => {
    /** Runs `test` in the workflow's own wait for the second attempt. */
    async function waiting(test: (running: Running) => Promise<void>): Promise<void> {
      receiver.respondWith((_request, n) => (n === 1 ? 500 : 200));
      const running = await start();
      const { store } = harness.fixture;
      // Signalled between the attempt and its end, so that it is certain to be under way.
      const { attemptDelivery } = harness.fixture.activities({
        store: intercept(
          store,
          'deliveries',
          intercept(store.deliveries, 'recordAttempt', async (...args) => {
            if (args[0].attemptCount === 0) {
              await REQUESTS.retryNow(running.handle);
              expect(await phaseOf(running)).toBe('attempting');
            }
            return store.deliveries.recordAttempt(...args);
          }),
        ),
      });
      await harness.working(
        async () => {
          await becomes(running, 'waiting');
          await test(running);
        },
        { attemptDelivery },
      );
    }

    it('keeps to the schedule', async () => {
      await waiting(async (running) => {
        await expectSucceeded(running, 2);
        expect(harness.waitsOf(running.planned)[0]).toBeGreaterThanOrEqual(MINUTE);
      });
    });

    it('paused, is not sent until it is resumed', async () => {
      await waiting(async (running) => {
        await REQUESTS.pause(running.handle);
        await becomes(running, 'paused');
        await nothingIsSent();
        await REQUESTS.resume(running.handle);
        await expectSucceeded(running, 2);
      });
    });

    it('told resume, keeps to the schedule', async () => {
      await waiting(async (running) => {
        await REQUESTS.resume(running.handle);
        await expectSucceeded(running, 2);
        expect(harness.waitsOf(running.planned)[0]).toBeGreaterThanOrEqual(MINUTE);
      });
    });

    it('told retryNow, is sent at once', async () => {
      await waiting(async (running) => {
        await REQUESTS.retryNow(running.handle);
        await receiver.waitFor(2);
        expect(harness.waitsOf(running.planned)[0]).toBeLessThan(MINUTE);
        await expectSucceeded(running, 2);
      });
    });

    it.each(CANCELS)('told %s, ends at once', async (request) => {
      await waiting(async (running) => {
        await REQUESTS[request](running.handle);
        await expectCancelled(running, 1);
      });
    });
  });

  describe('paused', () => {
    async function paused(test: (running: Running) => Promise<void>): Promise<void> {
      const running = await start();
      await REQUESTS.pause(running.handle);
      await harness.working(async () => {
        await becomes(running, 'paused');
        await test(running);
      });
    }

    it.each(['pause', 'retryNow'] as const)(
      'told %s, stays paused, and is sent once when resumed',
      async (request) => {
        await paused(async (running) => {
          await REQUESTS[request](running.handle);
          expect(await phaseOf(running)).toBe('paused');
          await nothingIsSent();
          await REQUESTS.resume(running.handle);
          await expectSucceeded(running, 1);
          await nothingIsSent();
        });
      },
    );

    it('told resume twice, is sent once', async () => {
      await paused(async (running) => {
        await REQUESTS.resume(running.handle);
        await REQUESTS.resume(running.handle);
        await expectSucceeded(running, 1);
        await nothingIsSent();
      });
    });

    it.each(CANCELS)('told %s, ends unsent', async (request) => {
      await paused(async (running) => {
        await REQUESTS[request](running.handle);
        await expectCancelled(running, 0);
      });
    });
  });

  it.each(Object.keys(REQUESTS) as (keyof typeof REQUESTS)[])(
    'that is done is left alone by %s',
    async (request) => {
      const running = await start();
      await harness.working(async () => {
        await expectSucceeded(running, 1);
        await expect(REQUESTS[request](running.handle)).rejects.toBeInstanceOf(
          WorkflowNotFoundError,
        );
        await nothingIsSent();
        expect(await phaseOf(running)).toBe('done');
      });
      expect(await recorded(running)).toMatchObject({ status: 'succeeded', attemptCount: 1 });
    },
  );

  it('attempts while it runs and backs off, by its state query', async () => {
    receiver.respondWith((_request, n) => (n === 1 ? 500 : 200));
    const running = await start();
    await harness.working(async () => {
      await receiver.waitFor(1);
      expect(await phaseOf(running)).toBe('attempting');
      await expectSucceeded(running, 2);
      expect(await phaseOf(running)).toBe('done');
    });
  });
});
