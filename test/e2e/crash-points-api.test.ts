import type { Answer, ApiClient } from '../support/api-client';
import { dyingApi, inTheEnd, nothing, stoppedApi } from '../support/api-crash';
import { makeWebhook } from '../support/deliveries';
import { eventually } from '../support/eventually';
import { Receiver } from '../support/receiver';
import { emailSent } from '../support/samples';
import { ADMIN_KEY, testEnvironment } from '../support/stack';
import { useFreshReceiver, useStack } from '../support/use';

const event = { type: 'email.sent', data: emailSent };
const keyed = { 'idempotency-key': 'order-1' };

/** Each case has one API process that kills itself at one point; another API, and a worker, live on. */
describe('an API killed with -9', () => {
  const environment = testEnvironment();
  const stack = useStack(environment);
  const receiver = useFreshReceiver();
  let projectId: string;
  /** Of the API that lives on. */
  let client: ApiClient;
  let webhook: { id: string; secret: string };

  beforeEach(async () => {
    ({ id: projectId, client } = await stack.project());
    webhook = await makeWebhook(client, receiver.url);
  });

  /** Makes an API die at that point of a request, which gets no answer. */
  const dying = async (
    dieAt: string,
    ask: (client: ApiClient) => Promise<Answer>,
  ): Promise<void> => {
    expect(await dyingApi(environment, client.key, dieAt, ask)).toBeNull();
  };

  /** The same at a point that may come before or behind the answer. */
  const dyingBehindIt = (
    dieAt: string,
    ask: (client: ApiClient) => Promise<Answer>,
  ): Promise<Answer | null> => dyingApi(environment, client.key, dieAt, ask);

  const events = async () => (await client.get('/v1/events')).body.data.events;
  const deliveries = async () => (await client.get('/v1/deliveries')).body.data.deliveries;
  const areDelivered = async (count: number): Promise<boolean> => {
    const all = await deliveries();
    return (
      all.length === count && all.every(({ status }: { status: string }) => status === 'succeeded')
    );
  };
  const delivered = (count: number): Promise<boolean> =>
    eventually(`${count} are delivered`, () => areDelivered(count));

  describe('while it takes an event', () => {
    const post = (api: ApiClient) => api.post('/v1/events', event, keyed);

    it('before the event is stored: it is not there, and the repeated request is the first', async () => {
      await dying('store/events Events.insert before', post);
      expect(await events()).toEqual([]);
      expect((await post(client)).body.data.duplicate).toBe(false);
      await delivered(1);
    });

    it('between the event and its fan-out: reconcile delivers it', async () => {
      await dyingBehindIt('temporal/engine Engine.startFanOut before', post);
      expect(await events()).toHaveLength(1);
      expect(await stack.reconcile()).toEqual({ ...nothing, events: 1 });
      await delivered(1);
      expect((await post(client)).body.data.duplicate).toBe(true);
      expect(receiver.requests).toHaveLength(1);
    });

    it('between the event and its place in the queue of starts: reconcile delivers it', async () => {
      await dying('api/events/start-queue StartQueue.add before', post);
      expect(await events()).toHaveLength(1);
      expect(await stack.reconcile()).toEqual({ ...nothing, events: 1 });
      await delivered(1);
    });

    it('after the fan-out: it is delivered, and once', async () => {
      await dyingBehindIt('temporal/engine Engine.startFanOut after', post);
      await inTheEnd(stack, 'it is delivered', () => areDelivered(1));
      expect((await post(client)).body.data.duplicate).toBe(true);
      expect(receiver.requests).toHaveLength(1);
    });
  });

  describe('while it takes a batch', () => {
    const post = (api: ApiClient) =>
      api.post('/v1/events/batch', { events: [event, event, event] });

    it('inside its transaction: nothing of it is there', async () => {
      await dying('store/events Events.insertAll after', post);
      expect(await events()).toEqual([]);
    });

    it('between the transaction and the fan-outs: reconcile delivers all', async () => {
      await dying('store/store Store.transaction after', post);
      expect(await events()).toHaveLength(3);
      expect(await stack.reconcile()).toEqual({ ...nothing, events: 3 });
      await delivered(3);
    });
  });

  describe('while it replays', () => {
    let id: string;
    const replay = (api: ApiClient) => api.post(`/v1/deliveries/${id}/replay`);
    beforeEach(async () => {
      await client.post('/v1/events', event);
      await delivered(1);
      id = (await deliveries())[0].id;
    });

    it('before the delivery is pending: nothing has happened', async () => {
      await dying('store/deliveries Deliveries.beginReplay before', replay);
      expect((await deliveries())[0]).toMatchObject({ status: 'succeeded', replays: 0 });
    });

    it('between the change and the reset: reconcile has it run', async () => {
      await dying('temporal/engine Engine.runDelivery before', replay);
      expect((await deliveries())[0]).toMatchObject({ status: 'pending', replays: 1 });
      expect(await stack.reconcile()).toEqual({ ...nothing, deliveries: 1 });
      await delivered(1);
      expect((await deliveries())[0]).toMatchObject({ replays: 1, attemptCount: 2 });
      expect(receiver.requests).toHaveLength(2);
    });

    it('stopped between the change and the reset, until reconcile has had it run: it is sent once', async () => {
      const point = 'store/deliveries Deliveries.beginReplay after';
      const { status } = await stoppedApi(environment, client.key, point, replay, async () => {
        await eventually('reconcile has it run', async () => {
          return (await stack.reconcile(10_000)).deliveries === 1;
        });
        await delivered(1);
      });
      expect(status).toBe(202);
      await eventually('no run is in progress', async () => {
        return (await stack.engine.findRun(id)) === 'ended';
      });
      expect((await deliveries())[0]).toMatchObject({ replays: 1, attemptCount: 2 });
      expect(receiver.requests).toHaveLength(2);
    });

    /** Once its replay is written: the API that lives on cancels it, and replays it again. */
    const askedAgain = async (): Promise<void> => {
      await eventually('it is replayed', async () => (await deliveries())[0].replays === 1);
      expect((await client.post(`/v1/deliveries/${id}/cancel`)).status).toBe(202);
      expect((await replay(client)).status).toBe(202);
      await delivered(1);
    };
    const sentOnceMore = async (): Promise<void> => {
      await eventually('no run is in progress', async () => {
        return (await stack.engine.findRun(id)) === 'ended';
      });
      expect((await deliveries())[0]).toMatchObject({ replays: 2, attemptCount: 2 });
      expect(receiver.requests).toHaveLength(2);
    };

    it('between the change and the reset, then cancelled and asked for again: it is sent once', async () => {
      await dying('temporal/engine Engine.runDelivery before', replay);
      await askedAgain();
      await sentOnceMore();
    });

    it('stopped between the change and the reset, while it is cancelled and asked for again: it is sent once', async () => {
      const point = 'store/deliveries Deliveries.beginReplay after';
      const { status } = await stoppedApi(environment, client.key, point, replay, askedAgain);
      expect(status).toBe(202);
      await sentOnceMore();
    });

    it('between the reset and the answer: it is delivered, and once', async () => {
      await dying('temporal/engine Engine.runDelivery after', replay);
      await inTheEnd(stack, 'it is delivered', () => areDelivered(1));
      expect((await deliveries())[0]).toMatchObject({ replays: 1, attemptCount: 2 });
      expect(receiver.requests).toHaveLength(2);
    });

    it('many, between the replay and its workflow: reconcile has it run', async () => {
      const range = { since: '2020-01-01T00:00:00Z', until: '2099-01-01T00:00:00Z' };
      await dying('temporal/engine Engine.wakeReplay before', (api) =>
        api.post('/v1/replays', { ...range, statuses: ['succeeded'] }),
      );
      // As if that were long ago: without a grace, reconcile would meddle with what it has just started.
      const stalled = { $set: { updatedAt: new Date(0) } };
      await stack.store.replays.model.updateMany({ projectId }, stalled, { timestamps: false });
      expect(await stack.reconcile(20_000)).toEqual({ ...nothing, replays: 1 });
      await eventually('it is completed', async () => {
        const [run] = (await client.get('/v1/replays')).body.data.replays;
        return run.status === 'completed' && run.replayed === 1;
      });
      await delivered(1);
      expect(receiver.requests).toHaveLength(2);
    });
  });

  it('stopped between a cancel and its signal: what is replayed meanwhile goes on', async () => {
    receiver.respondWith(500);
    await client.post('/v1/events', event);
    const attempted = (attemptCount: number): Promise<string> =>
      eventually(`attempt ${attemptCount} is made`, async () => {
        const [one] = await deliveries();
        return one?.attemptCount === attemptCount && one.id;
      });
    const path = `/v1/deliveries/${await attempted(1)}`;
    const point = 'store/deliveries Deliveries.cancel after';
    const cancel = (api: ApiClient) => api.post(`${path}/cancel`);
    await stoppedApi(environment, client.key, point, cancel, async () => {
      await eventually('it is cancelled', async () => {
        return (await client.post(`${path}/replay`)).status === 202;
      });
      await attempted(2);
    });
    receiver.respondWith(200);
    expect((await client.post(`${path}/retry`)).status).toBe(202);
    await delivered(1);
    expect((await deliveries())[0]).toMatchObject({ replays: 1, attemptCount: 3 });
  });

  describe('while it pauses and resumes', () => {
    it('before the webhook is paused: events go out', async () => {
      await dying('store/webhooks Webhooks.setPaused before', (api) =>
        api.post(`/v1/webhooks/${webhook.id}/pause`),
      );
      await client.post('/v1/events', event);
      await delivered(1);
    });

    it('between the pause and the answer: events are held until it is resumed', async () => {
      await dying('store/webhooks Webhooks.setPaused after', (api) =>
        api.post(`/v1/webhooks/${webhook.id}/pause`),
      );
      await client.post('/v1/events', event);
      await eventually('it is held', async () => (await deliveries())[0]?.status === 'held');
      await client.post(`/v1/webhooks/${webhook.id}/resume`);
      await delivered(1);
    });

    it('before the courier is notified: reconcile notifies it', async () => {
      await client.post(`/v1/webhooks/${webhook.id}/pause`);
      await client.post('/v1/events', event);
      await eventually('it is held', async () => (await deliveries())[0]?.status === 'held');
      await dying('temporal/engine Engine.wakeCourier before', (api) =>
        api.post(`/v1/webhooks/${webhook.id}/resume`),
      );
      expect((await deliveries())[0].status).toBe('held');
      expect(await stack.reconcile()).toEqual({ ...nothing, drains: 1 });
      await delivered(1);
      expect(receiver.requests).toHaveLength(1);
    });
  });

  describe('while it rotates a secret', () => {
    const rotate = (api: ApiClient) => api.post(`/v1/webhooks/${webhook.id}/secret/rotate`, {});
    const secret = async () =>
      (await client.get(`/v1/webhooks/${webhook.id}/secret`)).body.data.secret;

    it('inside its transaction: the secret is the old one, alone', async () => {
      await dying('store/webhooks Webhooks.rotateSecret after', rotate);
      expect(await secret()).toBe(webhook.secret);
      await client.post('/v1/events', event);
      const [request] = await receiver.waitFor(1);
      expect(request!.headers).not.toHaveProperty('x-webhook-signature-previous');
      await delivered(1);
    });

    it('between the transaction and the answer: both sign, and the new one can be read', async () => {
      await dying('store/store Store.transaction after', rotate);
      expect(await secret()).not.toBe(webhook.secret);
      await client.post('/v1/events', event);
      const [request] = await receiver.waitFor(1);
      expect(request!.headers).toHaveProperty('x-webhook-signature-previous');
      await delivered(1);
    });
  });

  describe('while it disables a webhook', () => {
    let told: Receiver;
    const disable = (api: ApiClient) =>
      api.patch(`/v1/webhooks/${webhook.id}`, { isActive: false });
    const isActive = async () =>
      (await client.get(`/v1/webhooks/${webhook.id}`)).body.data.isActive as boolean;
    beforeEach(async () => {
      told = await Receiver.start();
      await makeWebhook(client, told.url, { events: ['webhook.disabled'] });
    });
    afterEach(() => told.close());

    it('inside its transaction: it is active, and no event is sent', async () => {
      await dying('store/webhooks Webhooks.update after', disable);
      expect(await isActive()).toBe(true);
      expect(await events()).toEqual([]);
    });

    it('between the transaction and the fan-out: it is disabled, and reconcile sends the event', async () => {
      await dying('store/store Store.transaction after', disable);
      expect(await isActive()).toBe(false);
      expect(await stack.reconcile()).toEqual({ ...nothing, events: 1 });
      await told.waitFor(1);
      await delivered(1);
    });

    it('before what is pending ends: reconcile ends it as skipped, and nothing is sent', async () => {
      receiver.respondWith(500);
      await client.post('/v1/events', event);
      await eventually('it was attempted', async () => (await deliveries())[0]?.attemptCount === 1);
      await dying('store/end-deliveries endDeliveriesOf before', disable);
      expect(await isActive()).toBe(false);
      expect(await deliveries()).toMatchObject([{ status: 'pending' }]);
      await stack.reconcile(20_000);
      expect(await deliveries()).toMatchObject([{ status: 'skipped', attemptCount: 1 }]);
    });
  });

  it('inside the transaction that makes a webhook: its place in the limit is free again', async () => {
    const before = await stack.store.projects.get(projectId);
    await dying('store/webhooks Webhooks.create after', (api) =>
      api.post('/v1/webhooks', { name: 'B', url: receiver.url, events: ['*'] }),
    );
    expect((await stack.store.projects.get(projectId))!.webhookCount).toBe(before!.webhookCount);
    expect((await client.get('/v1/webhooks')).body.data.webhooks).toHaveLength(1);
  });

  describe('while it makes a project with a key', () => {
    const post = (api: ApiClient) =>
      api.post('/v1/projects?key=owner&get_if_exists=true', { name: 'A', externalId: webhook.id });
    const dyingAt = async (dieAt: string): Promise<void> => {
      expect(await dyingApi(environment, ADMIN_KEY, dieAt, post)).toBeNull();
    };

    it('inside its transaction: neither is there, and the repeated request makes both', async () => {
      await dyingAt('store/keys Keys.create after');
      const again = await post(stack.admin);
      expect(again.status).toBe(201);
      expect(again.body.data.key).toMatch(/^phk_/);
    });

    it('between the transaction and the answer: it is found, and another key can be made', async () => {
      await dyingAt('store/store Store.transaction after');
      const again = await post(stack.admin);
      expect(again.status).toBe(200);
      const keys = `/v1/projects/ext:${webhook.id}/keys`;
      expect((await stack.admin.get(keys)).body.data.keys).toHaveLength(1);
      expect((await stack.admin.post(keys, { name: 'A', role: 'owner' })).status).toBe(201);
    });
  });

  it('after the transaction that deletes a webhook: reconcile ends what is pending', async () => {
    receiver.respondWith(500);
    await client.post('/v1/events', event);
    await eventually('it was attempted', async () => (await deliveries())[0]?.attemptCount === 1);
    await dying('store/end-deliveries endDeliveriesOf before', (api) =>
      api.delete(`/v1/webhooks/${webhook.id}`),
    );
    expect((await client.get(`/v1/webhooks/${webhook.id}`)).status).toBe(404);
    await stack.reconcile(20_000);
    expect(await deliveries()).toMatchObject([{ status: 'cancelled', attemptCount: 1 }]);
  });

  it('inside the transaction that deletes a webhook: it is whole', async () => {
    await dying('store/webhooks Webhooks.delete after', (api) =>
      api.delete(`/v1/webhooks/${webhook.id}`),
    );
    await client.post('/v1/events', event);
    await delivered(1);
    expect((await stack.store.projects.get(projectId))!.webhookCount).toBe(1);
  });
});
