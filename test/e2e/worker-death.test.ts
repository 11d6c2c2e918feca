import { deliveryWith, makeWebhook, postEvent } from '../support/deliveries';
import { withOwnWorkers } from '../support/own-workers';
import { PATIENCE_MS } from '../support/stopped-attempt';

jest.setTimeout(400_000);

/** Shorter than the default, so that a lost attempt is given up soon; longer than a busy machine stands still. */
const policy = { timeoutMs: 9000, retryDelaysMs: [1000, 1000] };

describe('workers as processes of their own', () => {
  it.concurrent(
    'completes a delivery whose worker is killed with -9 in the middle of an attempt',
    () =>
      withOwnWorkers(async ({ stack, receiver, startWorker }) => {
        const { client } = await stack.project({ policy });
        await makeWebhook(client, receiver.url);
        receiver.respondWith({ kind: 'hang' });
        const first = await startWorker();
        const id = await postEvent(client);
        await receiver.waitFor(1);

        await first.end('SIGKILL');
        receiver.respondWith(200);
        await startWorker();

        const delivery = await deliveryWith(client, id, { status: 'succeeded' }, PATIENCE_MS);
        // The attempt that died with its worker had been sent, but its end was not seen.
        expect(delivery.attempts).toMatchObject([{ number: 1, outcome: 'succeeded' }]);
        expect(delivery.replays).toBe(0);
        expect(receiver.requests).toHaveLength(2);
      }),
  );

  it.concurrent(
    'makes an attempt that died with its worker again soon, although the first delay is a day',
    () =>
      withOwnWorkers(async ({ stack, receiver, startWorker }) => {
        const late = { policy: { timeoutMs: 9000, retryDelaysMs: [86_400_000] } };
        const { client } = await stack.project(late);
        await makeWebhook(client, receiver.url);
        receiver.respondWith({ kind: 'hang' });
        const first = await startWorker();
        const id = await postEvent(client);
        await receiver.waitFor(1);

        await first.end('SIGKILL');
        receiver.respondWith(200);
        await startWorker();

        // A minute more than the first one: the delay is cut to it.
        const once = { status: 'succeeded', attemptCount: 1 };
        await deliveryWith(client, id, once, PATIENCE_MS + 60_000);
        expect(receiver.requests).toHaveLength(2);
      }),
  );

  it.concurrent('lets a worker finish its attempt on SIGTERM, and exits 0', () =>
    withOwnWorkers(async ({ stack, receiver, startWorker }) => {
      const { client } = await stack.project({ policy });
      await makeWebhook(client, receiver.url);
      receiver.respondWith({ kind: 'answer', status: 200, delayMs: 1500 });
      const worker = await startWorker();
      const id = await postEvent(client);
      await receiver.waitFor(1);

      await worker.drains();

      const delivery = await deliveryWith(client, id, { attemptCount: 1 });
      expect(delivery).toMatchObject({
        status: 'succeeded',
        attempts: [{ outcome: 'succeeded' }],
      });
    }),
  );
});
