import { newId } from '../../src/contracts/ids';
import { PATIENCE_MS, useCrashes, type Crash } from '../support/crash';
import { makeWebhook } from '../support/deliveries';
import { eventually } from '../support/eventually';
import { Receiver } from '../support/receiver';

// As in crash-points-worker.test.ts.
jest.setTimeout(300_000);

/** Waits until there are so many deliveries, all of the same look. */
const all = (crash: Crash, count: number, expected: Record<string, unknown>): Promise<unknown> =>
  crash.until(`${count} are ${JSON.stringify(expected)}`, async () => {
    const { deliveries } = (await crash.client.get('/v1/deliveries?limit=100')).body.data;
    return (
      deliveries.length === count &&
      deliveries.every((delivery: Record<string, unknown>) =>
        Object.entries(expected).every(([name, value]) => delivery[name] === value),
      )
    );
  });

const pathsOf = ({ receiver }: Crash): string[] => receiver.requests.map(({ path }) => path);
const once = { status: 'succeeded', attemptCount: 1, replays: 0 };

describe('a worker killed with -9', () => {
  const on = useCrashes();

  it.concurrent.each([
    ['between their deliveries and the mark', 'store/deliveries Deliveries.plan after'],
    ['between the mark and their workflows', 'store/events Events.markFannedOut after'],
    ['while their workflows start', 'store/deliveries Deliveries.findWithParts before'],
  ])('while it fans an event out to many, %s: each gets it, once', (_title, dieAt) =>
    on(async (crash) => {
      const { client, receiver } = crash;
      for (const path of ['/b', '/c']) await makeWebhook(client, receiver.url + path);
      await crash.dying(dieAt, () => crash.post());
      await all(crash, 3, once);
      expect(pathsOf(crash).toSorted()).toEqual(['/', '/b', '/c']);
    }),
  );

  it.concurrent.each([
    ['while it judges their filters', 'store/webhooks Webhooks.listSubscribers before 2'],
    ['between two pages of a hundred webhooks', 'store/webhooks Webhooks.listSubscribers before 3'],
  ])('while it fans an event out to many, %s: the first and the last get it', (_title, dieAt) =>
    on(async (crash) => {
      const { client, receiver, stack, webhookId } = crash;
      const { model } = stack.store.webhooks;
      const first = await model.findById(webhookId).lean();
      const others = Array.from({ length: 100 }, () => ({
        ...first!,
        filter: JSON.stringify({ type: 'email.opened' }),
      }));
      await model.insertMany(others.map((other) => ({ ...other, _id: newId('webhook') })));
      await makeWebhook(client, `${receiver.url}/last`);
      await crash.dying(dieAt, () => crash.post());
      await all(crash, 2, once);
      // The first may have been in progress by the same worker already.
      expect(new Set(pathsOf(crash))).toEqual(new Set(['/', '/last']));
    }),
  );

  it.concurrent.each([
    ['before it is started', 'temporal/engine Engine.startDelivery before'],
    ['after it is started', 'temporal/engine Engine.startDelivery after'],
  ])(
    'while reconcile starts a delivery that Temporal has no run of, %s: it is sent once',
    (_title, dieAt) =>
      on(async (crash) => {
        const { client, projectId, webhookId, temporal, receiver } = crash;
        const { engine, store } = crash.stack;
        // Its fan-out was seen to end; its workflow, started by it, is past Temporal's retention.
        const spy = jest.spyOn(engine, 'startFanOut').mockRejectedValue(new Error('unavailable'));
        await client.post(`/v1/webhooks/${webhookId}/test`, { events: ['email.sent'] });
        spy.mockRestore();
        const long = new Date(Date.now() - 60_000);
        await store.events.model.updateMany({ projectId }, { $set: { fannedOutAt: long } });
        await store.deliveries.model.updateMany({ projectId }, { $set: { nextAttemptAt: long } });
        await crash.dying(dieAt, () =>
          temporal.schedule.getHandle('posthorn-reconcile-deliveries').trigger(),
        );
        await crash.becomes(once);
        expect(receiver.requests).toHaveLength(1);
      }),
  );

  it.concurrent(
    'while reconcile removes events, between what it keeps and what it removes: both are done',
    () =>
      on(async (crash) => {
        const { client, projectId, webhookId, temporal } = crash;
        const { engine, store } = crash.stack;
        const spy = jest.spyOn(engine, 'startFanOut').mockRejectedValue(new Error('unavailable'));
        await client.post(`/v1/webhooks/${webhookId}/test`, { events: ['email.sent'] });
        const { id: ended } = (await crash.post()).body.data;
        spy.mockRestore();
        const past = new Date(Date.now() - 60_000);
        await store.events.model.updateMany(
          { projectId },
          { $set: { fannedOutAt: past, expiresAt: past } },
        );
        const later = { nextAttemptAt: new Date(Date.now() + 3_600_000), expiresAt: past };
        await store.deliveries.model.updateMany({ projectId }, { $set: later });
        await crash.dying('store/events Events.keep after', () =>
          temporal.schedule.getHandle('posthorn-reconcile').trigger(),
        );
        await crash.until('the one that has ended is gone', async () => {
          return (await store.events.find(ended as string)) === null;
        });
        const [kept, ...others] = await store.events.model.find({ projectId }).lean();
        expect(others).toEqual([]);
        expect(kept!.expiresAt.getTime()).toBeGreaterThan(Date.now());
        expect(await crash.deliveries()).toMatchObject([{ status: 'pending' }]);
      }),
  );

  it.concurrent('between a rate limit’s slot and the request: it is sent once', () =>
    on(async (crash) => {
      const { client, receiver, webhookId } = crash;
      await client.patch(`/v1/webhooks/${webhookId}`, { policy: { ratePerSecond: 1 } });
      await crash.dying('store/webhooks Webhooks.takeSlot after', () => crash.post());
      await crash.becomes(once);
      expect(receiver.requests).toHaveLength(1);
    }),
  );

  it.concurrent.each([
    ['before its event is stored', 'store/events Events.insert before'],
    ['between its event and the fan-out', 'temporal/engine Engine.startFanOut before'],
  ])('while it reports a failed delivery, %s: it is reported once', (_title, dieAt) =>
    on(async (crash) => {
      const { client, receiver } = crash;
      const told = await Receiver.start();
      try {
        await makeWebhook(client, told.url, { events: ['delivery.failed'] });
        receiver.respondWith(500);
        await crash.dying(dieAt, () => crash.post());
        await crash.becomes({ status: 'failed', attemptCount: 2 });
        await crash.until('it is told', async () => {
          const { body } = await client.get('/v1/deliveries?status=succeeded');
          return body.data.deliveries.length === 1;
        });
        expect(told.requests).toHaveLength(1);
        expect(await crash.webhook()).toMatchObject({ failureCount: 2 });
      } finally {
        await told.close();
      }
    }),
  );

  it.concurrent.each([
    ['of a workflow', 'store/operational-events announceFailure before', 'workflow'],
    ['of a courier', 'store/operational-events announceFailure before', 'express'],
  ])(
    'before it reports a failed delivery %s that is replayed then: it is reported once',
    (_title, dieAt, dispatch) =>
      on(
        async (crash) => {
          const { client, receiver } = crash;
          const told = await Receiver.start();
          try {
            await makeWebhook(client, told.url, { events: ['delivery.failed'] });
            receiver.respondWith(500);
            await crash.dying(dieAt, async () => {
              await crash.post();
              const hasFailed = async (): Promise<string | false> => {
                const [delivery] = await crash.deliveries();
                return delivery?.status === 'failed' && delivery.id;
              };
              // Without reconcile, which would report it before the worker does.
              const id = await eventually('it has failed', hasFailed, PATIENCE_MS);
              receiver.respondWith(200);
              expect((await client.post(`/v1/deliveries/${id}/replay`)).status).toBe(202);
            });
            await crash.becomes({ status: 'succeeded', attemptCount: 3, replays: 1 });
            await crash.until('it is told', async () => told.requests.length > 0);
            const [{ data }] = told.requests.map(({ rawBody }) => JSON.parse(rawBody.toString()));
            expect(data).toMatchObject({ attempts: 2, replays: 0, statusCode: 500 });
            await crash.until('that is recorded', async () => {
              const { body } = await client.get('/v1/deliveries?status=succeeded');
              return body.data.deliveries.length === 2;
            });
            expect(told.requests).toHaveLength(1);
          } finally {
            await told.close();
          }
        },
        { dispatch },
      ),
  );
});
