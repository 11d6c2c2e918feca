import type { ApiClient } from '../support/api-client';
import { deliveryWith, makeWebhook, postEvent } from '../support/deliveries';
import { WAYS } from '../support/dispatch';
import { eventually } from '../support/eventually';
import { withOwnWorkers, type Own } from '../support/own-workers';
import {
  deliverOne,
  PATIENCE_MS,
  policy,
  STANDSTILL_MS,
  stopInLastAttempt,
  TIMEOUT_MS,
} from '../support/stopped-attempt';

const DISABLED = { isActive: false };
/** After which the SDK ends a call into a workflow, if it is not told otherwise. */
const SDKS_CALL_TIMEOUT_MS = 5000;

jest.setTimeout(400_000);

/** Stops the worker that makes attempt 2, and starts another one. */
async function stopped(own: Own) {
  const { client, webhook, id, worker: first } = await stopInLastAttempt(own);
  await own.startWorker();
  /** Once the success has been counted, which is after it is recorded. */
  const isHealthy = () =>
    eventually('the webhook is healthy', async () => {
      const { isActive, failureCount } = (await client.get(`/v1/webhooks/${webhook.id}`)).body.data;
      return isActive === true && failureCount === 0;
    });
  return { client, id, first, isHealthy };
}

/** One that SIGSTOP stops is given up by Temporal, and knows nothing of it when it wakes. */
describe('a worker that is stopped, and woken,', () => {
  it.concurrent(
    'in the middle of a last attempt, while the other’s attempt is in progress, decides nothing',
    () =>
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

  it.concurrent(
    'in the middle of a last attempt, after the other’s has succeeded, decides nothing',
    () =>
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
    'in the middle of a last attempt, before anybody has taken over, decides nothing by a connection that was given up',
    () =>
      withOwnWorkers(async (own) => {
        const { client, webhook, id, worker } = await stopInLastAttempt(own, {}, 'reset');
        const until = performance.now() + STANDSTILL_MS;
        await eventually('that is noticed', () => performance.now() > until);
        worker.signal('SIGCONT');
        const delivery = await deliveryWith(client, id, { status: 'succeeded' }, PATIENCE_MS);
        expect(delivery).toMatchObject({ attemptCount: 3, replays: 0 });
        expect(delivery.attempts[1]).toMatchObject({
          superseded: true,
          errorCode: 'connection_reset',
        });
        const { data } = (await client.get(`/v1/webhooks/${webhook.id}`)).body;
        expect(data.isActive).toBe(true);
      }),
  );

  it.concurrent.each(WAYS)(
    'in the middle of a last attempt, decides in the end if it is stopped each time, dispatched %s',
    (dispatch) =>
      withOwnWorkers(async ({ stack, receiver, startWorker }) => {
        const project = { dispatch, policy: { ...policy, autoDisableAfter: null } };
        const { client } = await stack.project(project);
        await makeWebhook(client, receiver.url);
        let reset: (() => void) | undefined;
        receiver.respondWith(() => {
          const after = new Promise<void>((resolve) => (reset = resolve));
          return { kind: 'reset', after };
        });
        const worker = await startWorker();
        const id = await postEvent(client);
        let stoppedAt = Infinity;
        await eventually(
          'it has failed',
          async () => {
            if (reset) {
              worker.signal('SIGSTOP');
              stoppedAt = performance.now();
              reset();
              reset = undefined;
            }
            if (performance.now() - stoppedAt > STANDSTILL_MS) {
              worker.signal('SIGCONT');
              stoppedAt = Infinity;
            }
            return (await stack.store.deliveries.find(id))?.status === 'failed';
          },
          PATIENCE_MS,
        );
      }),
  );

  it.concurrent(
    'in the middle of a last attempt, sends nothing that Temporal handed to it while it was suspended, and has given up since',
    () =>
      withOwnWorkers(async ({ stack, receiver, startWorker }) => {
        const { client } = await stack.project({
          // Long enough to be stopped before the second attempt.
          policy: { ...policy, retryDelaysMs: [20_000, 3000] },
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
        await worker.drains();
        expect(await deliveryWith(client, id, { attemptCount: 2 })).toMatchObject({ replays: 0 });
        expect(receiver.requests).toHaveLength(2);
      }),
  );

  it.concurrent.each([
    [410, 1],
    [500, 2],
  ])(
    'between the record of a failure and its consequences, does not disable a webhook that was enabled since, by its %d',
    (status, attempts) =>
      withOwnWorkers(async ({ stack, receiver, startWorker }) => {
        const { client } = await stack.project({ policy });
        const webhook = await makeWebhook(client, receiver.url);
        const path = `/v1/webhooks/${webhook.id}`;
        receiver.respondWith(status);
        const first = await startWorker(null);
        const count = 'store/webhook-health WebhookHealth.countAttempt before';
        await first.dieAt(`${count} ${attempts} SIGSTOP`);
        const id = await postEvent(client);
        await deliveryWith(client, id, { status: 'failed' }, PATIENCE_MS);
        await eventually('it is stopped', () => first.isStopped(), PATIENCE_MS);
        await startWorker();
        await eventually(
          'another one has disabled it',
          async () => (await client.get(path)).body.data.isActive === false,
          PATIENCE_MS,
        );
        await client.patch(path, { isActive: true });
        first.signal('SIGCONT');
        await first.drains();
        const { data } = (await client.get(path)).body;
        expect(data).toMatchObject({ isActive: true, failureCount: 0, disabledReason: null });
        expect(receiver.requests).toHaveLength(attempts);
      }),
  );

  it.concurrent(
    'in the middle of an attempt made at once, decides nothing after another worker has delivered, and sends nothing',
    () =>
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

  it.concurrent.each([
    ['an activity', 0],
    ['its workflow’s first task', 1],
  ])('between the last check and the request, sends nothing in %s', (_where, quick) =>
    withOwnWorkers(async ({ stack, receiver, startWorker }) => {
      const { client } = await stack.project({ policy });
      await makeWebhook(client, receiver.url);
      const first = await startWorker(null);
      // Whoever is known to answer quickly has its next delivery made at once.
      for (let n = 0; n < quick; n++) await deliverOne(client);
      await first.dieAt('delivery/http HttpSender.send before 1 SIGSTOP');
      const id = await postEvent(client);
      await eventually('it is stopped', () => first.isStopped(), PATIENCE_MS);
      await startWorker();
      await deliveryWith(client, id, { status: 'succeeded' }, PATIENCE_MS);
      first.signal('SIGCONT');
      await first.drains();
      expect(await deliveryWith(client, id, { attemptCount: 1 })).toMatchObject({ replays: 0 });
      expect(receiver.requests).toHaveLength(quick + 1);
    }),
  );

  it.concurrent.each([
    ['disabled', 'skipped', (client: ApiClient, to: string) => client.patch(to, DISABLED)],
    ['paused', 'held', (client: ApiClient, to: string) => client.post(`${to}/pause`)],
    ['deleted', 'cancelled', (client: ApiClient, to: string) => client.delete(to)],
  ] as const)(
    'between what it has read and the request, sends nothing to a webhook that was %s meanwhile',
    (_how, status, change) =>
      withOwnWorkers(async ({ stack, receiver, startWorker }) => {
        receiver.respondWith(500);
        const { client } = await stack.project({ policy: { ...policy, autoDisableAfter: null } });
        const limited = { policy: { ratePerSecond: 100 } };
        const webhook = await makeWebhook(client, receiver.url, limited);
        const worker = await startWorker(null);
        // Of the second attempt: the first would be given up, being in a workflow task.
        await worker.dieAt('store/webhooks Webhooks.takeSlot before 2 SIGSTOP');
        const id = await postEvent(client);
        await eventually('it is stopped', () => worker.isStopped(), PATIENCE_MS);
        const stoppedAt = performance.now();
        expect((await change(client, `/v1/webhooks/${webhook.id}`)).status).toBeLessThan(300);
        await eventually('that is noticed', () => performance.now() - stoppedAt > STANDSTILL_MS);
        worker.signal('SIGCONT');
        await deliveryWith(client, id, { status }, PATIENCE_MS);
        await eventually(
          'its workflow has ended',
          async () => (await stack.engine.findRun(id)) === 'ended',
          PATIENCE_MS,
        );
        await worker.drains();
        expect(await deliveryWith(client, id, { status })).toMatchObject({ attemptCount: 1 });
        expect(receiver.requests).toHaveLength(1);
      }),
  );

  it.concurrent('within a workflow’s code, goes on there', () =>
    withOwnWorkers(async ({ stack, receiver, startWorker }) => {
      const { client } = await stack.project({});
      await makeWebhook(client, receiver.url);
      const worker = await startWorker('workflow activate');
      const posted = postEvent(client);
      await eventually('it is stopped', () => worker.isStopped(), PATIENCE_MS);
      const until = performance.now() + SDKS_CALL_TIMEOUT_MS + STANDSTILL_MS;
      await eventually('that is noticed', () => performance.now() > until);
      worker.signal('SIGCONT');
      await deliveryWith(client, await posted, { status: 'succeeded' }, PATIENCE_MS);
      await worker.drains();
      expect(worker.log()).not.toContain('Script execution timed out');
    }),
  );
});
