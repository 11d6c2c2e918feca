import { deliveryWith, makeWebhook, postEvent } from '../support/deliveries';
import { WAYS } from '../support/dispatch';
import { eventually } from '../support/eventually';
import { emailSent } from '../support/samples';
import type { ApiClient } from '../support/api-client';
import { useFreshReceiver, useStack } from '../support/use';

/** Many more than go at the same time. */
const COUNT = 30;

const stack = useStack();

describe.each(WAYS)('pausing and steering deliveries, dispatched %s', (dispatch) => {
  const receiver = useFreshReceiver();
  let client: ApiClient;

  beforeEach(async () => {
    ({ client } = await stack.project({ dispatch }));
  });

  it('holds the events of a paused webhook and drains them in their order when it is resumed', async () => {
    const webhook = await makeWebhook(client, receiver.url);
    await client.post(`/v1/webhooks/${webhook.id}/pause`);
    const events = Array.from({ length: COUNT }, (_, n) => ({
      type: 'email.sent',
      data: { ...emailSent, emailId: `em_${n}` },
    }));
    await client.post('/v1/events/batch', { events });
    await eventually('all are held', async () => {
      const list = await client.get('/v1/deliveries?status=held&limit=100');
      return list.body.data.deliveries.length === COUNT;
    });
    expect(receiver.requests).toHaveLength(0);
    const [held] = (await client.get('/v1/deliveries?status=held&limit=1')).body.data.deliveries;
    const one = await client.get(`/v1/deliveries/${held.id}`);
    expect(one.body.data.pending).toMatchObject({ reason: 'webhook_paused', attempt: 1 });

    await client.post(`/v1/webhooks/${webhook.id}/resume`);

    await receiver.waitFor(COUNT);
    await eventually('all have succeeded', async () => {
      const list = await client.get('/v1/deliveries?status=succeeded&limit=100');
      return list.body.data.deliveries.length === COUNT;
    });
    const last = await deliveryWith(client, held.id, { status: 'succeeded' });
    expect(last).toMatchObject({ replays: 0, attemptCount: 1 });
    // Started one after another; those that go, or wait for a worker, at the same time may overtake each other.
    const order = receiver.requests.map(({ rawBody }) =>
      Number(JSON.parse(rawBody.toString()).data.emailId.slice(3)),
    );
    const placesOf = (from: number): number =>
      Array.from({ length: 10 }, (_, n) => order.indexOf(from + n)).reduce((sum, n) => sum + n, 0);
    expect(placesOf(0)).toBeLessThan(placesOf(COUNT - 10));
    expect(new Set(order).size).toBe(COUNT);
  });

  it('holds a delivery whose webhook is paused while it backs off, and continues with the remaining attempts', async () => {
    // Never due before it is paused.
    const policy = { retryDelaysMs: [86_400_000] };
    const webhook = await makeWebhook(client, receiver.url, { policy });
    receiver.respondWith(500);
    const id = await postEvent(client);
    await deliveryWith(client, id, { attemptCount: 1 });
    await client.post(`/v1/webhooks/${webhook.id}/pause`);
    await stack.store.deliveries.hasten(id);
    await eventually('it is held', async () => {
      await stack.reconcile();
      return (await client.get(`/v1/deliveries/${id}`)).body.data.status === 'held';
    });
    expect(receiver.requests).toHaveLength(1);

    await client.post(`/v1/webhooks/${webhook.id}/resume`);

    const failed = await deliveryWith(client, id, { status: 'failed' });
    expect(failed).toMatchObject({ attemptCount: 2, replays: 0 });
  });

  it('drains what a fan-out held behind the resume, by reconcile', async () => {
    const webhook = await makeWebhook(client, receiver.url);
    await client.post(`/v1/webhooks/${webhook.id}/pause`);
    const id = await postEvent(client);
    await deliveryWith(client, id, { status: 'held' });
    // As if the drain had just ended: resumed without one.
    await stack.store.webhooks.model.updateOne({ _id: webhook.id }, { $set: { isPaused: false } });

    // Where the courier is still at work, it sees so itself.
    const { drains } = await stack.reconcile();
    if (dispatch === 'workflow') expect(drains).toBe(1);

    await deliveryWith(client, id, { status: 'succeeded' });
  });

  it('attempts a delivery that backs off now, when asked', async () => {
    await makeWebhook(client, receiver.url);
    receiver.respondWith({ kind: 'answer', status: 503, headers: { 'retry-after': '3600' } });
    const id = await postEvent(client);
    await deliveryWith(client, id, { attemptCount: 1 });
    const waiting = await eventually('it waits', async () => {
      const { data } = (await client.get(`/v1/deliveries/${id}`)).body;
      return data.pending?.reason === 'waiting_for_retry' && data.pending;
    });
    expect(waiting.attempt).toBe(2);
    expect(waiting.message).toMatch(/status 503 and Retry-After: 3600/);
    expect(Date.parse(waiting.nextAttemptAt) - Date.now()).toBeGreaterThan(3_500_000);
    receiver.respondWith(200);

    expect((await client.post(`/v1/deliveries/${id}/retry`)).status).toBe(202);

    const done = await deliveryWith(client, id, { status: 'succeeded' });
    expect(done.attempts).toMatchObject([{ statusCode: 503 }, { statusCode: 200 }]);
    expect((await client.post(`/v1/deliveries/${id}/retry`)).body.error.code).toBe(
      'delivery_ended',
    );
  });

  it('stops a delivery that backs off, or is held, when cancelled; a replay delivers it after all', async () => {
    const webhook = await makeWebhook(client, receiver.url);
    receiver.respondWith(500);
    const id = await postEvent(client);
    await deliveryWith(client, id, { attemptCount: 1 });
    expect((await client.post(`/v1/deliveries/${id}/cancel`)).status).toBe(202);
    await deliveryWith(client, id, { status: 'cancelled', nextAttemptAt: null });

    await client.post(`/v1/webhooks/${webhook.id}/pause`);
    const heldId = await postEvent(client);
    await deliveryWith(client, heldId, { status: 'held' });
    const answer = await client.post(`/v1/deliveries/${heldId}/cancel`);
    expect(answer.body.data.status).toBe('cancelled');
    await client.post(`/v1/webhooks/${webhook.id}/resume`);
    receiver.respondWith(200);
    const sent = receiver.requests.length;

    await client.post(`/v1/deliveries/${id}/replay`);

    await deliveryWith(client, id, { status: 'succeeded', replays: 1 });
    await deliveryWith(client, heldId, { status: 'cancelled' });
    expect(receiver.requests).toHaveLength(sent + 1);
  });

  it('says that an attempt is running', async () => {
    await makeWebhook(client, receiver.url);
    receiver.respondWith({ kind: 'hang' });
    const id = await postEvent(client);
    await receiver.waitFor(1);
    const { data } = (await client.get(`/v1/deliveries/${id}`)).body;
    expect(data.pending).toMatchObject({ reason: 'attempt_running', attempt: 1 });
  });
});
