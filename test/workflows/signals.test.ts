import { WorkflowNotFoundError } from '@temporalio/common';
import { changeWebhook } from '../../src/store/change-webhook';
import { deleteWebhook } from '../../src/store/delete-webhook';
import { eventually } from '../support/eventually';
import { useFreshReceiver } from '../support/use';
import { Harness } from './harness';
import { CANCELS, REQUESTS, Running } from './running';

const MINUTE = 60_000;

/** What is asked while an exchange is in progress: see interrupted.test.ts. */
describe('a delivery', () => {
  let harness: Harness;
  const receiver = useFreshReceiver();

  beforeAll(async () => {
    harness = await Harness.start();
  });
  afterAll(() => harness.stop());

  const start = (): Promise<Running> => Running.start(harness, receiver);

  /** A day goes by in which nothing is sent. */
  async function nothingIsSent(): Promise<void> {
    const before = receiver.requests.length;
    await harness.env.sleep('24 hours');
    expect(receiver.requests).toHaveLength(before);
  }

  describe('before its first attempt', () => {
    it('paused, is not sent until it is resumed', async () => {
      const running = await start();
      await running.ask('pause');
      await harness.working(async () => {
        await running.becomes('paused');
        await nothingIsSent();
        await running.ask('resume');
        await running.expectSucceeded(1);
      });
    });

    it.each(['resume', 'retryNow'] as const)('told %s, is sent once', async (request) => {
      const running = await start();
      await running.ask(request);
      await harness.working(async () => {
        await running.expectSucceeded(1);
        await nothingIsSent();
      });
    });

    it.each(CANCELS)('told %s, is never sent', async (request) => {
      const running = await start();
      await running.ask(request);
      await harness.working(async () => {
        await running.expectCancelled(0);
        await nothingIsSent();
      });
    });

    it('paused, resumed and paused again, is paused', async () => {
      const running = await start();
      await running.ask('pause');
      await running.ask('resume');
      await running.ask('pause');
      await harness.working(async () => {
        await running.becomes('paused');
        await nothingIsSent();
        await running.ask('cancel');
        await running.expectCancelled(0);
      });
    });

    it('paused and resumed, is sent once', async () => {
      const running = await start();
      await running.ask('pause');
      await running.ask('resume');
      await harness.working(async () => {
        await running.expectSucceeded(1);
        await nothingIsSent();
      });
    });
  });

  describe('backing off', () => {
    /** Runs `test` when the first attempt has failed and the server waits for the second. */
    async function backingOff(
      test: (running: Running) => Promise<void>,
      laterStatus = 200,
    ): Promise<void> {
      receiver.respondWith((_request, n) => (n === 1 ? 500 : laterStatus));
      const running = await start();
      await harness.working(async () => {
        await eventually('the server waits for attempt 2', async () => {
          const { raw } = await running.handle.describe();
          return raw.pendingActivities?.[0]?.attempt === 2;
        });
        await test(running);
      });
    }

    it('is attempting, by its state query, until it is done', async () => {
      await backingOff(async (running) => {
        expect(await running.phase()).toBe('attempting');
        await running.expectSucceeded(2);
        expect(await running.phase()).toBe('done');
      });
    });

    it('paused, is not sent until it is resumed', async () => {
      await backingOff(async (running) => {
        await running.ask('pause');
        await running.becomes('paused');
        await nothingIsSent();
        await running.ask('resume');
        await running.expectSucceeded(2);
      });
    });

    it('told resume, keeps to the schedule', async () => {
      await backingOff(async (running) => {
        await running.ask('resume');
        await running.expectSucceeded(2);
        expect(harness.waitsOf(running.planned)[0]).toBeGreaterThanOrEqual(MINUTE);
      });
    });

    it('told retryNow, is sent at once', async () => {
      await backingOff(async (running) => {
        await running.ask('retryNow');
        // No time is skipped here.
        await receiver.waitFor(2);
        expect(harness.waitsOf(running.planned)[0]).toBeLessThan(MINUTE);
        await running.expectSucceeded(2);
      });
    });

    it('after a retryNow without effect, continues with the remaining attempts', async () => {
      await backingOff(async (running) => {
        await running.ask('retryNow');
        await receiver.waitFor(2);
        await expect(running.handle.result()).rejects.toThrow();
        expect(receiver.requests).toHaveLength(4);
        const [, second, third] = harness.waitsOf(running.planned);
        expect(second).toBeGreaterThanOrEqual(5 * MINUTE);
        expect(third).toBeGreaterThanOrEqual(15 * MINUTE);
        expect(await running.record()).toMatchObject({ status: 'failed', attemptCount: 4 });
      }, 500);
    });

    it.each(CANCELS)('told %s, ends at once', async (request) => {
      await backingOff(async (running) => {
        await running.ask(request);
        await running.expectCancelled(1);
        await nothingIsSent();
      });
    });
  });

  describe('paused', () => {
    async function paused(test: (running: Running) => Promise<void>): Promise<void> {
      const running = await start();
      await running.ask('pause');
      await harness.working(async () => {
        await running.becomes('paused');
        await test(running);
      });
    }

    it('told pause, stays paused, and is sent once when resumed', async () => {
      await paused(async (running) => {
        await running.ask('pause');
        expect(await running.phase()).toBe('paused');
        await nothingIsSent();
        await running.ask('resume');
        await running.expectSucceeded(1);
        await nothingIsSent();
      });
    });

    it('told retryNow, is sent once, and is not paused any more', async () => {
      receiver.respondWith((_request, n) => (n === 1 ? 500 : 200));
      await paused(async (running) => {
        await running.ask('retryNow');
        await running.expectSucceeded(2);
        await nothingIsSent();
      });
    });

    it('told retryNow and pause, stays paused', async () => {
      const running = await start();
      for (const request of ['pause', 'retryNow', 'pause'] as const) await running.ask(request);
      await harness.working(async () => {
        await running.becomes('paused');
        await nothingIsSent();
        await running.ask('cancel');
        await running.expectCancelled(0);
      });
    });

    it('told resume twice, is sent once', async () => {
      await paused(async (running) => {
        await running.ask('resume');
        await running.ask('resume');
        await running.expectSucceeded(1);
        await nothingIsSent();
      });
    });

    it.each([
      ['disabled', 'skipped'],
      ['deleted', 'cancelled'],
    ] as const)('ends unsent, within a day, when its webhook is %s', async (how, result) => {
      await paused(async (running) => {
        const { store } = harness.fixture;
        const { projectId, webhookId } = running.planned;
        const project = (await store.projects.get(projectId))!;
        if (how === 'deleted') await deleteWebhook(store, projectId, webhookId);
        else await changeWebhook(store, project, webhookId, { isActive: false });
        expect(await running.handle.result()).toBe(result);
        expect(receiver.requests).toHaveLength(0);
        expect(await running.record()).toMatchObject({ status: result });
      });
    });

    it.each(CANCELS)('told %s, ends unsent', async (request) => {
      await paused(async (running) => {
        await running.ask(request);
        await running.expectCancelled(0);
        await nothingIsSent();
      });
    });
  });

  it.each(REQUESTS)('that is done is left alone by %s', async (request) => {
    const running = await start();
    await harness.working(async () => {
      await running.expectSucceeded(1);
      // The real server refuses a late cancellation too.
      await running.ask(request).catch((error: unknown) => {
        if (!(error instanceof WorkflowNotFoundError)) throw error;
      });
      await nothingIsSent();
      expect(await running.phase()).toBe('done');
      await running.expectSucceeded(1);
    });
  });
});
