import { randomUUID } from 'node:crypto';
import type { ApiClient } from '../support/api-client';
import { deliveryWith, makeWebhook, postEvent } from '../support/deliveries';
import { WAYS } from '../support/dispatch';
import { eventually } from '../support/eventually';
import { freePort } from '../support/free-port';
import { Receiver, type Behaviour } from '../support/receiver';
import { useFreshReceiver, useStack } from '../support/use';

/** Of exchanges that must meet it; a busy receiver still reads their requests within it. */
const TIMEOUT_MS = 3000;

const stack = useStack();

describe.each(WAYS)('an attempt, dispatched %s,', (dispatch) => {
  let client: ApiClient;
  let projectId: string;
  const receiver = useFreshReceiver();

  beforeAll(async () => {
    // A day until the next attempt, so that one attempt is all there is.
    const policy = { retryDelaysMs: [86_400_000] };
    ({ client, id: projectId } = await stack.project({ dispatch, policy }));
  });

  /** The delivery of a new event to that address alone, after its first attempt. */
  async function attempted(url: string, timeoutMs = 10_000) {
    const webhook = await makeWebhook(client, url, { policy: { timeoutMs } });
    try {
      const id = await postEvent(client);
      await eventually('it was attempted', async () => {
        const { data } = (await client.get(`/v1/webhooks/${webhook.id}`)).body;
        return data.lastSuccessAt !== null || data.lastFailedAt !== null;
      });
      const delivery = (await client.get(`/v1/deliveries/${id}`)).body.data;
      const health = (await client.get(`/v1/webhooks/${webhook.id}`)).body.data;
      return { webhook, delivery, health };
    } finally {
      await client.delete(`/v1/webhooks/${webhook.id}`);
    }
  }

  it.each([
    ['secret', { 'secrets.0.box': 'damaged' }],
    ['headers', { headers: { keyId: 'gone', box: 'damaged' } }],
  ])(
    'whose webhook’s %s can not be read is logged with that, follows the schedule, and counts',
    async (_what, damage) => {
      const soon = await stack.project({ dispatch, policy: { retryDelaysMs: [1000, 1000] } });
      const webhook = await makeWebhook(soon.client, receiver.url);
      await stack.store.webhooks.model.updateOne({ _id: webhook.id }, { $set: damage });
      const id = await postEvent(soon.client);
      const delivery = await deliveryWith(soon.client, id, { status: 'failed' });
      expect(delivery.attempts).toMatchObject(
        [1, 2, 3].map((number) => ({
          number,
          outcome: 'failed',
          errorCode: 'secret_unreadable',
          // Customers read it too: it says what failed, and leaves what to do to `health`.
          errorMessage: "nothing was sent: the webhook's secret or headers could not be decrypted",
        })),
      );
      const [first, second] = delivery.attempts.map((each: { startedAt: string }) =>
        Date.parse(each.startedAt),
      );
      expect(second - first).toBeGreaterThanOrEqual(1000);
      // Counted right after the last one is recorded.
      const health = await eventually('all are counted', async () => {
        const found = await stack.store.webhooks.model.findById(webhook.id).lean();
        return found?.failureCount === 3 && found;
      });
      expect(health).toMatchObject({ lastStatus: 'secret_unreadable' });
      expect(receiver.requests).toHaveLength(0);
    },
  );

  it('is logged with what was sent and answered, in a delivery of just these fields', async () => {
    receiver.respondWith({
      kind: 'answer',
      status: 201,
      headers: { 'x-trace': 'abc' },
      body: 'x'.repeat(20_000),
    });
    const { webhook, delivery } = await attempted(receiver.url);
    const { headers } = receiver.requests[0]!;
    expect(delivery).toEqual({
      id: expect.stringMatching(/^dlv_[0-9a-f]{32}$/),
      eventId: expect.stringMatching(/^evt_[0-9a-f]{32}$/),
      webhookId: webhook.id,
      projectId,
      eventType: 'email.sent',
      status: 'succeeded',
      attemptCount: 1,
      nextAttemptAt: null,
      replays: 0,
      test: false,
      createdAt: expect.any(String),
      completedAt: expect.any(String),
      lastAttempt: {
        number: 1,
        startedAt: delivery.attempts[0].startedAt,
        durationMs: delivery.attempts[0].durationMs,
        outcome: 'succeeded',
        statusCode: 201,
      },
      attempts: [
        {
          number: 1,
          runId: expect.any(String),
          startedAt: expect.any(String),
          durationMs: expect.any(Number),
          outcome: 'succeeded',
          statusCode: 201,
          requestHeaders: {
            'Content-Type': 'application/json',
            'User-Agent': headers['user-agent'],
            'X-Webhook-Signature': headers['x-webhook-signature'],
            'X-Webhook-Event': 'email.sent',
            'X-Webhook-Delivery-Id': delivery.id,
            'X-Webhook-Timestamp': headers['x-webhook-timestamp'],
          },
          responseHeaders: expect.objectContaining({ 'x-trace': 'abc' }),
          responseBody: 'x'.repeat(16 * 1024),
          responseBodyCut: true,
        },
      ],
      workflow: delivery.workflow && {
        id: `delivery/${delivery.id}`,
        runId: delivery.attempts[0].runId,
        webUrl: expect.stringContaining(delivery.attempts[0].runId),
      },
    });
  });

  it('that was sent twice says so', async () => {
    const webhook = await makeWebhook(client, receiver.url);
    const headers = { 'Keep-Alive': 'timeout=60' };
    let closesNext = false;
    receiver.respondWith(() => {
      if (!closesNext) return { kind: 'answer', status: 200, headers };
      closesNext = false;
      return { kind: 'close' };
    });
    const made = { webhookId: webhook.id, attemptCount: 1 };
    // A busy machine may take longer between the two than a connection is kept.
    const { first, second } = await eventually('one is sent on a used connection', async () => {
      receiver.requests.length = 0;
      const sent = await deliveryWith(client, await postEvent(client), made);
      closesNext = true;
      const sentTwice = await deliveryWith(client, await postEvent(client), made);
      return sentTwice.attempts[0].resent === true && { first: sent, second: sentTwice };
    });
    expect(first.attempts[0]).not.toHaveProperty('resent');
    expect(second).toMatchObject({
      status: 'succeeded',
      attempts: [{ number: 1, statusCode: 200, resent: true }],
    });
    expect(receiver.requests).toHaveLength(3);
    await client.delete(`/v1/webhooks/${webhook.id}`);
  });

  it.each([200, 204, 299])('answered %d has succeeded', async (status) => {
    receiver.respondWith(status);
    const { delivery, health } = await attempted(receiver.url);
    expect(delivery).toMatchObject({ status: 'succeeded', attempts: [{ statusCode: status }] });
    expect(health).toMatchObject({ failureCount: 0, lastStatus: status, lastFailedAt: null });
  });

  it.each<[title: string, behaviour: Behaviour, told: Record<string, unknown>]>([
    ['a redirect, which is not followed', { kind: 'redirect', location: '/' }, { statusCode: 302 }],
    ['304', 304, { statusCode: 304 }],
    ['400', 400, { statusCode: 400 }],
    ['404', 404, { statusCode: 404 }],
    ['500', 500, { statusCode: 500 }],
    ['nothing in its time', { kind: 'hang' }, { errorCode: 'timeout' }],
    ['a body that does not end in its time', { kind: 'drip' }, { errorCode: 'timeout' }],
    ['a reset', { kind: 'reset' }, { errorCode: 'connection_reset' }],
    ['what is no HTTP', { kind: 'raw' }, { errorCode: 'invalid_response' }],
  ])('answered by %s has failed, and another follows', async (_title, behaviour, told) => {
    receiver.respondWith(behaviour);
    const isTimeout = told.errorCode === 'timeout';
    const { delivery, health } = await eventually('one is made', async () => {
      receiver.requests.length = 0;
      const made = await attempted(receiver.url, isTimeout ? TIMEOUT_MS : undefined);
      // What times out while the machine stands still is sent again.
      return (!isTimeout || receiver.requests.length === 1) && made;
    });
    expect(receiver.requests).toHaveLength(1);
    expect(delivery).toMatchObject({
      status: 'pending',
      nextAttemptAt: expect.any(String),
      completedAt: null,
      attempts: [{ number: 1, outcome: 'failed', ...told }],
    });
    const [attempt] = delivery.attempts;
    if ('errorCode' in told) expect(attempt.errorMessage).toMatch(/\S/);
    if (isTimeout) expect(attempt.durationMs).toBeGreaterThanOrEqual(TIMEOUT_MS - 1);
    expect(health).toMatchObject({
      failureCount: 1,
      lastStatus: told.statusCode ?? told.errorCode,
      lastSuccessAt: null,
      isActive: true,
    });
  });

  it('that finds no server, no such name or no TLS says so', async () => {
    const goneUrl = `http://127.0.0.1:${await freePort()}`;
    const garbage = await Receiver.start({ tls: 'garbage' });
    try {
      const codes: unknown[] = [];
      for (const url of [goneUrl, `https://${randomUUID()}.invalid/`, garbage.url]) {
        codes.push((await attempted(url)).delivery.attempts[0].errorCode);
      }
      expect(codes).toEqual(['connection_refused', 'dns', 'tls']);
    } finally {
      await garbage.close();
    }
  });
});
