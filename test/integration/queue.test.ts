import type { Dispatch } from '../../src/contracts/delivery';
import type { DeliveryRecord } from '../../src/store/delivery-record';
import type { ApiClient } from '../support/api-client';
import { deliveryWith, makeWebhook, postEvent } from '../support/deliveries';
import { MIXED, MODES } from '../support/dispatch';
import { eventually, PATIENCE_MS } from '../support/eventually';
import { Receiver } from '../support/receiver';
import { emailSent } from '../support/samples';
import { useStack } from '../support/use';

/** How many attempts of one webhook the worker runs at a time: so many may overtake each other. */
const AT_A_TIME = 4;

/** What each case has of its own, so that they wait beside each other. */
interface Own {
  client: ApiClient;
  receiver: Receiver;
  /** Posts so many events, numbered from 1 on. */
  post: (count: number) => Promise<void>;
  deliveries: () => Promise<DeliveryRecord[]>;
  /** Those with that status, once there are so many. */
  all: (status: string, count: number) => Promise<DeliveryRecord[]>;
  /** The numbers of the events as they have arrived. */
  order: () => number[];
}

describe('what may not go now', () => {
  const stack = useStack({
    ...MIXED,
    WORKER_MAX_ATTEMPTS_PER_WEBHOOK: String(AT_A_TIME),
  });

  /** Webhooks that get only each third slot that they ask for, and how often they have asked. */
  const asked = new Map<string, number>();
  beforeAll(() => {
    const { webhooks } = stack.store;
    const takeSlot = webhooks.takeSlot.bind(webhooks);
    jest.spyOn(webhooks, 'takeSlot').mockImplementation(async (...args) => {
      const [id] = args;
      const before = asked.get(id);
      if (before === undefined) return takeSlot(...args);
      asked.set(id, before + 1);
      return before % 3 === 2 ? takeSlot(...args) : null;
    });
  });
  afterAll(() => jest.restoreAllMocks());

  async function on(dispatch: Dispatch, work: (own: Own) => Promise<void>): Promise<void> {
    const receiver = await Receiver.start();
    const { client, id: projectId } = await stack.project({ dispatch });
    let posted = 0;
    const deliveries: Own['deliveries'] = () =>
      stack.store.deliveries.model
        .find({ projectId })
        .sort({ eventId: 1 })
        .lean<DeliveryRecord[]>();
    const own: Own = {
      client,
      receiver,
      post: async (count) => {
        const events = Array.from({ length: count }, () => {
          posted += 1;
          return { type: 'email.sent', data: { ...emailSent, emailId: `em_${posted}` } };
        });
        await client.post('/v1/events/batch', { events });
      },
      deliveries,
      all: (status, count) =>
        eventually(`${count} are ${status}`, async () => {
          const found = (await deliveries()).filter((delivery) => delivery.status === status);
          return found.length === count && found;
        }),
      order: () =>
        receiver.requests.map(({ rawBody }) =>
          Number(JSON.parse(rawBody.toString()).data.emailId.slice(3)),
        ),
    };
    try {
      await work(own);
    } finally {
      await receiver.close();
    }
  }

  it('has its places again when another courier took over while its workflows ran', () =>
    on('workflow', async ({ client, receiver, post, all }) => {
      // None of its attempts may end before it is asked to.
      const { id } = await makeWebhook(client, receiver.url, { policy: { timeoutMs: 60_000 } });
      await client.post(`/v1/webhooks/${id}/pause`);
      await post(3 * AT_A_TIME);
      const [{ projectId } = { projectId: '' }] = await all('held', 3 * AT_A_TIME);
      let answer = (): void => {};
      const after = new Promise<void>((resolve) => (answer = resolve));
      receiver.respondWith({ kind: 'answer', status: 200, after });
      await client.post(`/v1/webhooks/${id}/resume`);
      await receiver.waitFor(AT_A_TIME);

      // As another process does that thinks this one dead.
      const { shift } = (await stack.store.couriers.begin(projectId, new Date()))!;
      await eventually('the next shift has begun', async () => {
        const courier = await stack.store.couriers.model.findById(projectId).lean();
        return courier!.shift > shift;
      });
      answer();
      receiver.respondWith(200);
      await all('succeeded', 3 * AT_A_TIME);
    }));

  describe.each(MODES)('in a project whose events are dispatched %s', (dispatch: Dispatch) => {
    it.concurrent('goes in the order of the events, and what is new behind it', () =>
      on(dispatch, async ({ client, receiver, post, all, order }) => {
        const webhook = await makeWebhook(client, receiver.url);
        await client.post(`/v1/webhooks/${webhook.id}/pause`);
        await post(30);
        await all('held', 30);
        expect(receiver.requests).toHaveLength(0);
        await client.post(`/v1/webhooks/${webhook.id}/resume`);
        await post(10);
        const done = await all('succeeded', 40);
        expect(done.every(({ attemptCount, replays }) => attemptCount === 1 && replays === 0)).toBe(
          true,
        );
        expect(receiver.requests).toHaveLength(40);
        // As many as go at a time may overtake each other, and the courier's own those that workflows run.
        const firstNew = order().findIndex((number) => number > 30);
        expect(firstNew).toBeGreaterThanOrEqual(30 - 2 * AT_A_TIME);
        const held = order().filter((number) => number <= 30);
        const isNear = held.filter(
          (number, place) => Math.abs(number - 1 - place) <= 2 * AT_A_TIME,
        );
        expect(isNear.length).toBeGreaterThanOrEqual(25);
      }),
    );

    it.concurrent('lets what is new go first, if its webhook says so', () =>
      on(dispatch, async ({ client, receiver, post, all, order }) => {
        const policy = { backlogOrder: 'newest_first', ratePerSecond: 0.2 };
        const webhook = await makeWebhook(client, receiver.url, { policy });
        await client.post(`/v1/webhooks/${webhook.id}/pause`);
        await post(15);
        await all('held', 15);
        await client.post(`/v1/webhooks/${webhook.id}/resume`);
        await receiver.waitFor(1);
        expect(order()[0]).toBe(15);
        await post(1);
        await eventually('the new one is there', () => order().includes(16));
        expect(order()).not.toContain(1);
        await client.patch(`/v1/webhooks/${webhook.id}`, {
          policy: { backlogOrder: 'newest_first' },
        });
        await all('succeeded', 16);
        expect(order().toSorted((a, b) => a - b)).toEqual(
          Array.from({ length: 16 }, (_, index) => index + 1),
        );
      }),
    );

    it.concurrent('as part of a bulk replay lets new deliveries go first', () =>
      on(dispatch, async ({ client, receiver, post, deliveries, all, order }) => {
        const webhook = await makeWebhook(client, receiver.url);
        await post(12);
        await all('succeeded', 12);
        // None but the first goes before the new one waits, too.
        await client.patch(`/v1/webhooks/${webhook.id}`, { policy: { ratePerSecond: 0.01 } });
        const replay = await client.post('/v1/replays', {
          since: new Date(Date.now() - 3_600_000).toISOString(),
          until: new Date(Date.now() + 1000).toISOString(),
          statuses: ['succeeded'],
          ratePerSecond: 100,
        });
        await eventually('all are in the queue', async () => {
          const { data } = (await client.get(`/v1/replays/${replay.body.data.id}`)).body;
          return data.replayed === 12;
        });
        const waiting = (await deliveries()).findLast(
          ({ deferredFor }) => deferredFor === 'replay',
        );
        const { data } = (await client.get(`/v1/deliveries/${waiting!._id}`)).body;
        expect(data.pending).toMatchObject({ reason: 'replay', attempt: 2 });
        await receiver.waitFor(13);
        await post(1);
        await eventually('it waits', async () => (await deliveries())[12]?.queuedIn !== undefined);
        const limitedAt = Date.now();
        await client.patch(`/v1/webhooks/${webhook.id}`, { policy: { ratePerSecond: 1 } });
        await all('succeeded', 13);
        expect(receiver.requests).toHaveLength(25);
        const isNew = order().map((number) => number === 13);
        expect(isNew.filter(Boolean)).toHaveLength(1);
        expect(isNew.indexOf(true)).toBeLessThan(22);
        const lastAt = receiver.requests[24]!.receivedAt.getTime();
        expect(lastAt - limitedAt).toBeGreaterThanOrEqual(11 * 1000 - 50);
      }),
    );

    it.concurrent('stays when its webhook is paused once more, and is lost to none of it', () =>
      on(dispatch, async ({ client, receiver, post, deliveries, all, order }) => {
        // So slow that it is not through before it is paused.
        const webhook = await makeWebhook(client, receiver.url, { policy: { ratePerSecond: 0.2 } });
        await client.post(`/v1/webhooks/${webhook.id}/pause`);
        await post(10);
        await all('held', 10);
        await client.post(`/v1/webhooks/${webhook.id}/resume`);
        await receiver.waitFor(2);
        await client.post(`/v1/webhooks/${webhook.id}/pause`);
        await eventually('nothing is in progress', async () => {
          const states = (await deliveries()).map(({ status }) => status);
          return (
            !states.includes('pending') &&
            states.filter((one) => one === 'succeeded').length === receiver.requests.length
          );
        });
        const sent = receiver.requests.length;
        expect(sent).toBeLessThan(10);
        await client.patch(`/v1/webhooks/${webhook.id}`, { policy: { ratePerSecond: null } });
        await client.post(`/v1/webhooks/${webhook.id}/resume`);
        await all('succeeded', 10);
        expect(order().toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
      }),
    );

    it.concurrent('for the sake of a rate limit costs nothing while it waits, and says why', () =>
      on(dispatch, async ({ client, receiver, post, deliveries, order }) => {
        const webhook = await makeWebhook(client, receiver.url, {
          policy: { ratePerSecond: 0.01 },
        });
        await post(1);
        await receiver.waitFor(1);
        await post(3);
        const waiting = await eventually('three wait', async () => {
          const found = (await deliveries()).filter(({ queuedIn }) => queuedIn !== undefined);
          return found.length === 3 && found;
        });
        for (const { _id } of waiting) {
          await eventually('no workflow runs for it', async () => {
            return [null, 'ended'].includes(await stack.engine.findRun(_id));
          });
          const { data } = (await client.get(`/v1/deliveries/${_id}`)).body;
          expect(data).toMatchObject({ status: 'pending', attemptCount: 0, nextAttemptAt: null });
          expect(data.pending).toMatchObject({ reason: 'rate_limit', attempt: 1 });
        }
        const [first, second, third] = waiting.map(({ _id }) => _id);
        expect((await client.post(`/v1/deliveries/${second}/cancel`)).body.data.status).toBe(
          'cancelled',
        );
        await client.patch(`/v1/webhooks/${webhook.id}`, { policy: { ratePerSecond: null } });
        // A slot that was taken at the old rate doesn't count at the new one.
        await deliveryWith(client, first!, { status: 'succeeded', attemptCount: 1 });
        await deliveryWith(client, third!, { status: 'succeeded', attemptCount: 1 });
        // Those that go at the same time may overtake each other.
        expect(order().toSorted((a, b) => a - b)).toEqual([1, 2, 4]);
      }),
    );

    it.concurrent('keeps the rate when it goes', () =>
      on(dispatch, async ({ client, receiver, post, all }) => {
        await makeWebhook(client, receiver.url, { policy: { ratePerSecond: 5 } });
        // Not from the first attempt on, which a busy machine may delay.
        const postedAt = Date.now();
        await post(12);
        const done = await all('succeeded', 12);
        const sent = done.map(({ attempts }) => attempts[0]!.startedAt.getTime());
        expect(Math.max(...sent) - postedAt).toBeGreaterThanOrEqual(11 * 200 - 50);
        expect(receiver.requests).toHaveLength(12);
      }),
    );

    it.concurrent('has its whole schedule, however often it was deferred', () =>
      on(dispatch, async ({ client, receiver }) => {
        receiver.respondWith(500);
        const webhook = await makeWebhook(client, receiver.url, {
          policy: { ratePerSecond: 100, retryDelaysMs: [1000, 1000, 1000] },
        });
        asked.set(webhook.id, 0);
        const id = await postEvent(client);
        // On a busy machine it is put off many times, each time for longer.
        const { attempts } = await deliveryWith(client, id, { status: 'failed' }, 3 * PATIENCE_MS);
        expect(attempts.map(({ number }: { number: number }) => number)).toEqual([1, 2, 3, 4]);
        const times = attempts.map(({ startedAt }: { startedAt: string }) => Date.parse(startedAt));
        for (const n of [1, 2, 3]) expect(times[n] - times[n - 1]).toBeGreaterThanOrEqual(1000);
        expect(receiver.requests).toHaveLength(4);
        await eventually('all are counted', async () => {
          return (await client.get(`/v1/webhooks/${webhook.id}`)).body.data.failureCount === 4;
        });
      }),
    );
  });
});
