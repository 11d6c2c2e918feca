import { RECONCILE_SCHEDULES } from '../../src/contracts/temporal';
import { floorTo, hourId } from '../../src/store/counted-hours';
import { idAt, insertDelivery } from '../integration/api/insert';
import type { ApiClient } from '../support/api-client';
import { deliveryWith, makeWebhook, postEvent } from '../support/deliveries';
import { eventually } from '../support/eventually';
import { withOwnWorkers, type Own } from '../support/own-workers';
import { PATIENCE_MS, policy, stopInLastAttempt, TIMEOUT_MS } from '../support/stopped-attempt';

const HOUR_MS = 3_600_000;
const DISABLED = { isActive: false };

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
        await worker.end('SIGTERM');
        expect(await deliveryWith(client, id, { attemptCount: 2 })).toMatchObject({ replays: 0 });
        expect(receiver.requests).toHaveLength(2);
      }),
  );
});

describe('a worker that is stopped between the record of a failure and its consequences, and woken', () => {
  it.concurrent.each([
    [410, 1],
    [500, 2],
  ])('does not disable a webhook that was enabled since, by its %d', (status, attempts) =>
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
      expect(await first.end('SIGTERM')).toBe(0);
      const { data } = (await client.get(path)).body;
      expect(data).toMatchObject({ isActive: true, failureCount: 0, disabledReason: null });
      expect(receiver.requests).toHaveLength(attempts);
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

describe('a worker that is stopped between the last check and the request, and woken', () => {
  it.concurrent.each([
    ['an activity', 0],
    ['its workflow’s first task', 1],
  ])('sends nothing in %s', (_where, quick) =>
    withOwnWorkers(async ({ stack, receiver, startWorker }) => {
      const { client } = await stack.project({ policy });
      await makeWebhook(client, receiver.url);
      const first = await startWorker(null);
      // Whoever is known to answer quickly has its next delivery made at once.
      for (let n = 0; n < quick; n++) await anEvent(client);
      await first.dieAt('delivery/http HttpSender.send before 1 SIGSTOP');
      const id = await postEvent(client);
      await eventually('it is stopped', () => first.isStopped(), PATIENCE_MS);
      await startWorker();
      await deliveryWith(client, id, { status: 'succeeded' }, PATIENCE_MS);
      first.signal('SIGCONT');
      expect(await first.end('SIGTERM')).toBe(0);
      expect(await deliveryWith(client, id, { attemptCount: 1 })).toMatchObject({ replays: 0 });
      expect(receiver.requests).toHaveLength(quick + 1);
    }),
  );
});

/** Longer than what is not noticed (activities/attempt/execution.ts). */
const STANDSTILL_MS = 3000;

describe('a worker that is stopped between what it has read and the request, and woken', () => {
  it.concurrent.each([
    ['disabled', 'skipped', (client: ApiClient, to: string) => client.patch(to, DISABLED)],
    ['paused', 'held', (client: ApiClient, to: string) => client.post(`${to}/pause`)],
    ['deleted', 'cancelled', (client: ApiClient, to: string) => client.delete(to)],
  ] as const)('sends nothing to a webhook that was %s meanwhile', (_how, status, change) =>
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
      expect(await worker.end('SIGTERM')).toBe(0);
      expect(await deliveryWith(client, id, { status })).toMatchObject({ attemptCount: 1 });
      expect(receiver.requests).toHaveLength(1);
    }),
  );
});

describe('a worker that is stopped between the reading and the writing of a count, and woken', () => {
  it.concurrent('writes nothing over what another has counted meanwhile, and loses no change', () =>
    withOwnWorkers(async ({ stack, receiver, startWorker }) => {
      const { store } = stack;
      const { client, id: projectId } = await stack.project({ policy });
      await makeWebhook(client, receiver.url);
      const first = await startWorker(null);
      const real = await postEvent(client);
      await deliveryWith(client, real, { status: 'succeeded' }, PATIENCE_MS);

      // As if that had been hours ago, with others.
      const { _id, ...delivery } = (await store.deliveries.find(real))!;
      const createdAt = new Date(Date.now() - 5 * HOUR_MS);
      const old = { ...delivery, createdAt, completedAt: createdAt };
      const ids: string[] = [];
      for (const eventId of [delivery.eventId, await anEvent(client), await anEvent(client)]) {
        await store.deliveries.model.deleteMany({ eventId });
        ids.push(
          await insertDelivery(stack, { ...old, eventId, _id: idAt('delivery', createdAt) }),
        );
      }
      const { countedHours, recounts } = store;
      const theHour = hourId(projectId, floorTo(HOUR_MS, createdAt));
      const hour = () => countedHours.model.findById(theHour).lean();
      const since = new Date(createdAt.getTime() - HOUR_MS).toISOString();
      const expectAttempts = async (succeeded: number): Promise<void> => {
        const { data } = (await client.get(`/v1/stats?since=${since}`)).body;
        expect(data.deliveries).toMatchObject({ total: ids.length, succeeded: ids.length });
        expect(data.attempts).toEqual({ total: succeeded, succeeded, failed: 0 });
      };
      const replay = async (id: string): Promise<void> => {
        expect((await client.post(`/v1/deliveries/${id}/replay`)).status).toBe(202);
        await deliveryWith(client, id, { status: 'succeeded', replays: 1 }, PATIENCE_MS);
      };
      /** Until statistics are answered from counts alone, as if all had ended long ago. */
      const untilFinal = async (): Promise<void> => {
        const ended = { $set: { completedAt: createdAt } };
        await store.deliveries.model.updateMany({ projectId }, ended);
        await eventually(
          'all is counted',
          async () => {
            await countedHours.model.updateOne({ _id: theHour }, { nextCountAt: new Date(0) });
            const isNoted = await recounts.model.exists({ projectId });
            return isNoted === null && (await hour())!.open.length === 0;
          },
          PATIENCE_MS,
        );
      };
      await stack.temporal(({ schedule }) =>
        schedule.getHandle(RECONCILE_SCHEDULES.housekeeping).trigger(),
      );
      await eventually('it is counted', async () => (await hour())?.countedAt, PATIENCE_MS);
      await expectAttempts(3);

      const { version } = (await hour())!;
      await first.dieAt('store/count-ranges countDeliveries after 1 SIGSTOP');
      await countedHours.model.updateOne({ _id: theHour }, { nextCountAt: new Date(0) });
      await eventually('it is stopped', () => first.isStopped(), PATIENCE_MS);
      await startWorker();
      await replay(ids[0]!);
      await replay(ids[1]!);
      await expectAttempts(5);
      await untilFinal();
      await expectAttempts(5);
      await replay(ids[2]!);
      await expectAttempts(6);

      const db = store.deliveries.model.db.db!;
      // Without `slowms`, which is of all databases: mongod would log each operation of the other tests.
      const filter = { ns: `${db.databaseName}.statsHours` };
      await db.command({ profile: 1, filter });
      first.signal('SIGCONT');
      await eventually(
        'it has tried to write',
        () =>
          db.collection('system.profile').findOne({ 'command.q.version': version, nMatched: 0 }),
        PATIENCE_MS,
      );
      await expectAttempts(6);
      await untilFinal();
      await expectAttempts(6);
    }),
  );
});

async function anEvent(client: ApiClient): Promise<string> {
  const id = await postEvent(client);
  const { eventId } = await deliveryWith(client, id, { status: 'succeeded' }, PATIENCE_MS);
  return eventId as string;
}
