import { START_LIMIT } from '../../src/domain/concurrency-limit';
import { deliveryWith, makeWebhook } from '../support/deliveries';
import { eventually } from '../support/eventually';
import { withOwnWorkers, type Own } from '../support/own-workers';
import { emailSent } from '../support/samples';
import {
  PATIENCE_MS,
  policy,
  STANDSTILL_MS,
  stopInLastAttempt,
  TIMEOUT_MS,
} from '../support/stopped-attempt';

/** More than go at a time. */
const MANY = 30;

jest.setTimeout(400_000);

/** Stops the courier that makes attempt 2. */
async function stopped(own: Own, end?: 'answer' | 'reset') {
  const project = { dispatch: 'express' };
  const { client, webhook, id, worker } = await stopInLastAttempt(own, project, end);
  const expectDelivered = async (): Promise<void> => {
    const delivery = await deliveryWith(client, id, { status: 'succeeded' }, PATIENCE_MS);
    expect(delivery).toMatchObject({ attemptCount: 2, replays: 0 });
    const { data } = (await client.get(`/v1/webhooks/${webhook.id}`)).body;
    expect(data).toMatchObject({ isActive: true, failureCount: 0 });
  };
  return { worker, expectDelivered };
}

describe('a courier’s worker that is stopped in the middle of a last attempt, and woken', () => {
  it.concurrent.each(['in progress', 'recorded'] as const)(
    'while that of the courier that has taken over is %s, decides nothing',
    (when) =>
      withOwnWorkers(async (own) => {
        const { worker, expectDelivered } = await stopped(own);
        await own.startWorker();
        await own.receiver.waitFor(3, PATIENCE_MS);
        if (when === 'recorded') await expectDelivered();
        worker.signal('SIGCONT');
        // What it would write, it has written by then.
        await worker.drains();
        await expectDelivered();
        expect(own.receiver.requests).toHaveLength(3);
      }),
  );

  it.concurrent('sends nothing of what it had in hand', () =>
    withOwnWorkers(async ({ stack, receiver, startWorker }) => {
      const { client } = await stack.project({
        dispatch: 'express',
        policy: { ...policy, timeoutMs: 60_000 },
      });
      await makeWebhook(client, receiver.url);
      let answer!: () => void;
      const after = new Promise<void>((resolve) => (answer = resolve));
      receiver.respondWith({ kind: 'answer', status: 200, after });
      const worker = await startWorker();
      const events = Array.from({ length: MANY }, () => ({ type: 'email.sent', data: emailSent }));
      await client.post('/v1/events/batch', { events });
      await receiver.waitFor(1, PATIENCE_MS);
      worker.signal('SIGSTOP');
      receiver.respondWith(200);
      answer();
      await startWorker();
      await eventually(
        'another has delivered all',
        async () => {
          const { data } = (await client.get('/v1/deliveries?status=succeeded&limit=100')).body;
          return data.deliveries.length === MANY;
        },
        PATIENCE_MS,
      );
      worker.signal('SIGCONT');
      await worker.drains();
      // Those that were on their way have been sent again.
      expect(receiver.requests.length).toBeLessThanOrEqual(MANY + START_LIMIT);
      const { data } = (await client.get('/v1/deliveries?limit=100')).body;
      for (const each of data.deliveries) expect(each).toMatchObject({ attemptCount: 1 });
    }),
  );
});

describe('a courier’s worker that is stopped in the middle of a last attempt, and woken before anybody has taken over', () => {
  it.concurrent.each([
    ['its timer, which ran on', 'answer', TIMEOUT_MS + 1000],
    ['a connection that the receiver gave up', 'reset', STANDSTILL_MS],
  ] as const)('decides nothing by %s', (_what, end, forMs) =>
    withOwnWorkers(async (own) => {
      const { worker, expectDelivered } = await stopped(own, end);
      const until = performance.now() + forMs;
      await eventually('that is over', () => performance.now() > until);
      worker.signal('SIGCONT');
      await expectDelivered();
    }),
  );
});
