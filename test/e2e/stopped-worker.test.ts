import { deliveryWith, makeWebhook, postEvent } from '../support/deliveries';
import { eventually } from '../support/eventually';
import { withOwnWorkers, type Own } from '../support/own-workers';

const TIMEOUT_MS = 5000;
/** Two attempts: the second one decides. */
const policy = { timeoutMs: TIMEOUT_MS, retryDelaysMs: [1000], autoDisableAfter: 1 };
/** Tasks of the suspended one time out, and are handed out again. */
const PATIENCE_MS = 150_000;

jest.setTimeout(400_000);

/** Stops the worker that makes attempt 2, which the receiver answers with 200 while it is suspended. */
async function stopped({ stack, receiver, startWorker }: Own) {
  const { client } = await stack.project({ policy });
  const webhook = await makeWebhook(client, receiver.url);
  let answer!: () => void;
  const after = new Promise<void>((resolve) => (answer = resolve));
  const late = { kind: 'answer', status: 200 } as const;
  receiver.respondWith((_request, n) => {
    if (n === 1) return 500;
    return n === 2 ? { ...late, after } : { ...late, delayMs: 1000 };
  });
  const first = await startWorker();
  const id = await postEvent(client);
  await receiver.waitFor(2, PATIENCE_MS);
  first.signal('SIGSTOP');
  answer();
  const other = await startWorker();
  /** Once the success has been counted, which is after it is recorded. */
  const isHealthy = () =>
    eventually('the webhook is healthy', async () => {
      const { isActive, failureCount } = (await client.get(`/v1/webhooks/${webhook.id}`)).body.data;
      return isActive === true && failureCount === 0;
    });
  return { client, id, first, other, isHealthy };
}

/** One that SIGSTOP stops is given up by Temporal, and knows nothing of it when it wakes. */
describe('a worker that is stopped in the middle of a last attempt, and woken', () => {
  it.concurrent('while the other’s attempt is in progress, decides nothing', () =>
    withOwnWorkers(async (own) => {
      const { receiver } = own;
      const { client, id, first, isHealthy } = await stopped(own);
      await receiver.waitFor(3, PATIENCE_MS);
      first.signal('SIGCONT');
      const delivery = await deliveryWith(client, id, { status: 'succeeded' }, PATIENCE_MS);
      await eventually('its own attempt is logged', () =>
        first.log().includes('"superseded":true'),
      );
      const after = await deliveryWith(client, id, { attemptCount: 3 });
      expect(after).toMatchObject({ status: 'succeeded', replays: 0 });
      expect(delivery.nextAttemptAt).toBeNull();
      for (const { durationMs } of after.attempts) {
        // Not that it was suspended, which took longer.
        expect(durationMs).toBeLessThanOrEqual(TIMEOUT_MS + 3000);
      }
      await isHealthy();
      expect(receiver.requests).toHaveLength(3);
    }),
  );

  it.concurrent('after the other’s has succeeded, decides nothing', () =>
    withOwnWorkers(async (own) => {
      const { receiver } = own;
      const { client, id, first, isHealthy } = await stopped(own);
      await deliveryWith(client, id, { status: 'succeeded' }, PATIENCE_MS);
      first.signal('SIGCONT');
      await eventually('its own attempt is logged', () =>
        first.log().includes('"superseded":true'),
      );
      expect(await deliveryWith(client, id, { attemptCount: 3 })).toMatchObject({
        status: 'succeeded',
        replays: 0,
      });
      await isHealthy();
      expect(receiver.requests).toHaveLength(3);
    }),
  );

  it.concurrent(
    'sends nothing that Temporal handed to it while it was suspended, and has given up since',
    () =>
      withOwnWorkers(async ({ stack, receiver, startWorker }) => {
        const { client } = await stack.project({
          // Long enough to be stopped before the second attempt.
          policy: { ...policy, retryDelaysMs: [10_000, 3000] },
        });
        await makeWebhook(client, receiver.url);
        const late = { kind: 'answer', status: 200, delayMs: 1000 } as const;
        receiver.respondWith((_request, n) => (n === 1 ? 500 : late));
        const worker = await startWorker();
        const id = await postEvent(client);
        await deliveryWith(client, id, { attemptCount: 1 }, PATIENCE_MS);
        await eventually(
          'it backs off',
          async () => (await stack.engine.findRun(id)) === 'waiting',
        );
        worker.signal('SIGSTOP');
        // Nobody else is there to take them: one execution is given up, and the next one handed over.
        await eventually(
          'it is handed the third execution',
          () =>
            stack.temporal(async ({ workflow }) => {
              const { raw } = await workflow.getHandle(`delivery/${id}`).describe();
              const [pending] = raw.pendingActivities ?? [];
              return pending?.attempt === 3 && !pending.nextAttemptScheduleTime;
            }),
          PATIENCE_MS,
        );
        worker.signal('SIGCONT');
        await deliveryWith(client, id, { status: 'succeeded', attemptCount: 2 }, PATIENCE_MS);
        await worker.end('SIGTERM');
        expect(await deliveryWith(client, id, { attemptCount: 2 })).toMatchObject({ replays: 0 });
        expect(receiver.requests).toHaveLength(2);
      }),
  );
});

describe('a worker that is stopped in the middle of an attempt made at once, and woken', () => {
  it.concurrent('decides nothing after another worker has delivered, and sends nothing', () =>
    withOwnWorkers(async ({ stack, receiver, startWorker }) => {
      const { client } = await stack.project({ policy });
      const webhook = await makeWebhook(client, receiver.url);
      const first = await startWorker();
      await eventually('one is accepted quickly', async () => {
        const id = await postEvent(client);
        const { attempts } = await deliveryWith(client, id, { status: 'succeeded' });
        return (attempts[0].durationMs as number) < 200;
      });
      const before = receiver.requests.length;
      let answer!: () => void;
      const after = new Promise<void>((resolve) => (answer = resolve));
      receiver.respondWith({ kind: 'answer', status: 200, after });
      const id = await postEvent(client);
      await receiver.waitFor(before + 1, PATIENCE_MS);
      first.signal('SIGSTOP');
      answer();
      await startWorker();
      await deliveryWith(client, id, { status: 'succeeded' }, PATIENCE_MS);
      first.signal('SIGCONT');
      // Its own is logged, whether it has seen the answer or not.
      await deliveryWith(client, id, { attemptCount: 2 }, PATIENCE_MS);
      await eventually('its workflow has ended', async () => {
        return (await stack.engine.findRun(id)) === 'ended';
      });
      expect(await deliveryWith(client, id, { attemptCount: 2 })).toMatchObject({
        status: 'succeeded',
        replays: 0,
      });
      const health = (await client.get(`/v1/webhooks/${webhook.id}`)).body.data;
      expect(health).toMatchObject({ isActive: true, failureCount: 0 });
      expect(receiver.requests).toHaveLength(before + 2);
    }),
  );
});
