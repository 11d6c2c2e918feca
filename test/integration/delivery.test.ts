import { createHmac } from 'node:crypto';
import { WAYS } from '../support/dispatch';
import { deliveryWith, makeWebhook, postEvent } from '../support/deliveries';
import { eventually } from '../support/eventually';
import { Receiver } from '../support/receiver';
import { emailSent } from '../support/samples';
import { useReceiver, useStack } from '../support/use';

const DAY_MS = 24 * 60 * 60 * 1000;
/** Two processes' knowledge of MongoDB's time may differ by it. */
const CLOCK_MS = 10;

const stack = useStack();

describe.each(WAYS)('the way of one event, dispatched %s,', (dispatch) => {
  const receiver = useReceiver();

  it('arrives signed at the subscribed webhook, and is logged with its attempt', async () => {
    const { client } = await stack.project({ dispatch });
    const webhook = await client.post('/v1/webhooks', {
      name: 'Orders',
      url: `${receiver.url}/hooks`,
      events: ['email.sent'],
    });
    const event = await client.post('/v1/events', { type: 'email.sent', data: emailSent });
    expect(event.status).toBe(202);

    const delivery = await eventually('the delivery succeeds', async () => {
      const list = await client.get(
        `/v1/deliveries?eventId=${event.body.data.id}&status=succeeded`,
      );
      return list.body.data.deliveries[0];
    });
    const [request] = receiver.requests;
    expect(request?.headers['x-webhook-signature']).toBe(
      createHmac('sha256', webhook.body.data.secret).update(request!.rawBody).digest('hex'),
    );
    expect(request?.headers['x-webhook-delivery-id']).toBe(delivery.id);
    expect(JSON.parse(request!.rawBody.toString())).toEqual({
      type: 'email.sent',
      createdAt: event.body.data.createdAt,
      data: emailSent,
    });

    const one = await client.get(`/v1/deliveries/${delivery.id}`);
    expect(one.body.data).toMatchObject({
      eventId: event.body.data.id,
      webhookId: webhook.body.data.id,
      status: 'succeeded',
      replays: 0,
      attempts: [{ number: 1, outcome: 'succeeded', statusCode: 200 }],
      ...(dispatch === 'workflow' && { workflow: { id: `delivery/${delivery.id}` } }),
      ...(dispatch === 'express' && { workflow: null }),
    });
    const health = await eventually('it is counted', async () => {
      const { data } = (await client.get(`/v1/webhooks/${webhook.body.data.id}`)).body;
      return data.lastSuccessAt !== null && data;
    });
    expect(health).toMatchObject({ failureCount: 0, lastStatus: 200, lastFailedAt: null });
  });

  it('says in the list how its last attempt failed, and is found by that while it is the last', async () => {
    const failing = await Receiver.start();
    failing.respondWith((_request, n) => (n === 1 ? 503 : 202));
    const { client } = await stack.project({ dispatch });
    // Not by itself, while it is looked at.
    await makeWebhook(client, failing.url, { policy: { retryDelaysMs: [DAY_MS] } });
    const id = await postEvent(client);
    const listed = async (query: string) =>
      (await client.get(`/v1/deliveries?${query}`)).body.data.deliveries;
    const [shown] = await eventually('it is listed with its attempt', async () => {
      const list = await listed('statusCode=5xx');
      return list.length === 1 && list;
    });
    expect(shown).toMatchObject({
      id,
      status: 'pending',
      attemptCount: 1,
      lastAttempt: {
        number: 1,
        startedAt: expect.any(String),
        durationMs: expect.any(Number),
        outcome: 'failed',
        statusCode: 503,
      },
      nextAttemptAt: expect.any(String),
    });
    const { startedAt, durationMs } = shown.lastAttempt;
    expect(Date.parse(shown.nextAttemptAt)).toBeGreaterThanOrEqual(
      Date.parse(startedAt) + durationMs + DAY_MS - CLOCK_MS,
    );
    expect((await client.post(`/v1/deliveries/${id}/retry`)).status).toBe(202);
    await deliveryWith(client, id, { status: 'succeeded' });
    expect(await listed('statusCode=5xx')).toEqual([]);
    expect(await listed('statusCode=202')).toMatchObject([
      { id, attemptCount: 2, lastAttempt: { number: 2, outcome: 'succeeded', statusCode: 202 } },
    ]);
    await failing.close();
    const lost = await postEvent(client);
    const [refused] = await eventually('it is listed as refused', async () => {
      const list = await listed('errorCode=connection_refused');
      return list.length === 1 && list;
    });
    expect(refused).toMatchObject({
      id: lost,
      lastAttempt: { outcome: 'failed', errorCode: 'connection_refused' },
    });
  });

  it('goes to the webhook’s URL as it is shown, byte by byte', async () => {
    const { client } = await stack.project({ dispatch });
    const odd = `/a/%2e%2e/b//it's/{id}/100%/ü?q={x}&it's|^[]&%zz`;
    const made = await client.post('/v1/webhooks', {
      name: 'Odd',
      url: `${receiver.url}${odd}`,
      events: ['email.sent'],
    });
    const { url } = made.body.data;
    expect(url).toBe(
      `${receiver.url}/b//it's/%7Bid%7D/100%25/%C3%BC?q=%7Bx%7D&it%27s%7C%5E%5B%5D&%25zz`,
    );
    await client.post('/v1/events', { type: 'email.sent', data: emailSent });
    await receiver.waitFor((requests) => requests.some(({ path }) => receiver.url + path === url));
  });
});
