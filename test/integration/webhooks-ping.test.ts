import { createHmac } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Answer, ApiClient } from '../support/api-client';
import { deliveryWith } from '../support/deliveries';
import { WAYS } from '../support/dispatch';
import { eventually } from '../support/eventually';
import type { Behaviour } from '../support/receiver';
import { Stack } from '../support/stack';
import { useReceiver, useStack } from '../support/use';
import { expectRefusal } from './api/refusal';

const ping = { profile: 'emailsendx' };
const body = { name: 'Pinged', events: ['campaign.sent'] };

describe('the ping of a new webhook', () => {
  const stack = useStack();
  const receiver = useReceiver();
  beforeEach(() => {
    receiver.requests.length = 0;
    receiver.respondWith(200);
  });

  it('is signed, marked as a test in headers and body, and its success is in the answer', async () => {
    const { client, id: projectId } = await stack.project(ping);
    const made = await client.post('/v1/webhooks', { ...body, url: receiver.url });
    expect(made.status).toBe(201);
    expect(made.body.data).toMatchObject({
      secret: expect.any(String),
      ping: { outcome: 'succeeded', statusCode: 200 },
      lastStatus: 200,
      lastSuccessAt: expect.any(String),
    });
    expect(receiver.requests).toHaveLength(1);
    const { headers, rawBody } = receiver.requests[0]!;
    expect(headers).toMatchObject({ 'x-webhook-event': 'ping', 'x-webhook-test': 'true' });
    const key = made.body.data.secret as string;
    const signature = createHmac('sha256', key).update(rawBody).digest('hex');
    expect(headers['x-webhook-signature']).toBe(signature);
    expect(JSON.parse(rawBody.toString())).toEqual({
      event: 'ping',
      workspaceId: projectId,
      timestamp: expect.stringMatching(/Z$/),
      data: { test: true, message: expect.any(String) },
    });
    const list = await client.get(`/v1/deliveries?webhookId=${made.body.data.id}`);
    expect(list.body.data.deliveries).toMatchObject([
      { test: true, status: 'succeeded', attemptCount: 1 },
    ]);
    await eventually('it is counted', async () => {
      const { data } = (await client.get(`/v1/webhooks/${made.body.data.id}`)).body;
      return data.lastSuccessAt !== null && data.lastStatus === 200 && data.failureCount === 0;
    });
  });

  it('is not a type to post or to subscribe to', async () => {
    const { client } = await stack.project(ping);
    const events = (await client.get('/v1/webhooks/events/available')).body.data.events;
    expect(events).not.toContain('ping');
    const subscribed = { ...body, url: receiver.url, events: ['ping'] };
    expectRefusal(await client.post('/v1/webhooks', subscribed), 'validation_failed', ['events.0']);
    const posted = { type: 'ping', data: { test: true, message: '' } };
    expectRefusal(await client.post('/v1/events', posted), 'validation_failed', ['type']);
  });

  const unreachable = 'http://127.0.0.1:9';
  it.each<[string, Behaviour, Record<string, unknown>, string?]>([
    ['a 500', 500, { statusCode: 500 }],
    ['a 410', 410, { statusCode: 410 }],
    ['a redirect', { kind: 'redirect', location: '/' }, { statusCode: 302 }],
    ['no answer in time', { kind: 'hang' }, { errorCode: 'timeout' }],
    ['nobody there', 200, { errorCode: 'connection_refused' }, unreachable],
  ])('that meets %s is reported, tried once, and counts as a failure', async (...args) => {
    const [, behaviour, told, url = receiver.url] = args;
    receiver.respondWith(behaviour);
    // Short where it is met, and even then enough for a busy receiver to read the request.
    const policy = { timeoutMs: told.errorCode === 'timeout' ? 3000 : 15_000 };
    // On a busy machine the attempt may begin so late that the answer doesn't wait for its end.
    const { client, made } = await eventually('the answer has its end', async () => {
      const project = await stack.project({ ...ping, policy: { autoDisableAfter: 1 } });
      const answer = await project.client.post('/v1/webhooks', { ...body, url, policy });
      expect(answer.status).toBe(201);
      return answer.body.data.ping.outcome !== 'pending' && { ...project, made: answer };
    });
    expect(made.body.data.ping).toEqual({ outcome: 'failed', ...told });
    expect(made.body.data).toMatchObject({
      failureCount: 1,
      lastStatus: told.statusCode ?? told.errorCode,
    });
    const { id } = made.body.data;
    const list = await client.get(`/v1/deliveries?webhookId=${id}`);
    const [delivery] = list.body.data.deliveries;
    expect(delivery).toMatchObject({ status: 'failed', attemptCount: 1, nextAttemptAt: null });
    const isGone = behaviour === 410;
    await eventually('it is counted, and the webhook disabled', async () => {
      const { data } = (await client.get(`/v1/webhooks/${id}`)).body;
      return isDeepStrictEqual(
        [data.failureCount, data.lastStatus, data.isActive, data.disabledReason],
        [1, told.statusCode ?? told.errorCode, false, isGone ? 'gone' : 'consecutive_failures'],
      );
    });
    expect((await client.get(`/v1/webhooks/${id}`)).body.data).toMatchObject({
      lastFailedAt: expect.any(String),
      lastSuccessAt: null,
    });
  });

  it.each(WAYS)(
    'that disables it, dispatched %s, is answered when that is done',
    async (dispatch) => {
      receiver.respondWith(410);
      const { client } = await stack.project({ ...ping, dispatch });
      const { deliveries, webhookHealth } = stack.store;
      const isDue = webhookHealth.isDueForDisabling.bind(webhookHealth);
      const find = jest.spyOn(deliveries, 'find');
      const deciding = jest.spyOn(webhookHealth, 'isDueForDisabling');
      deciding.mockImplementationOnce(async (...asked) => {
        const before = find.mock.calls.length;
        await eventually('it is waited for', () => find.mock.calls.length > before + 2);
        return isDue(...asked);
      });
      const { data } = (await client.post('/v1/webhooks', { ...body, url: receiver.url })).body;
      jest.restoreAllMocks();
      expect(data).toMatchObject({
        ping: { outcome: 'failed', statusCode: 410 },
        failureCount: 1,
        isActive: false,
        disabledReason: 'gone',
      });
    },
  );

  it('that could not leave its worker is answered when it has ended', async () => {
    const own = await Stack.start({ POSTHORN_EGRESS_PROXY: unreachable });
    try {
      for (const dispatch of WAYS) {
        const { client } = await own.project({ ...ping, dispatch });
        const find = jest.spyOn(own.store.deliveries, 'find');
        const made = await client.post('/v1/webhooks', { ...body, url: receiver.url });
        expect(made.body.data).toMatchObject({
          ping: { outcome: 'failed', errorCode: 'egress' },
          failureCount: 0,
          lastStatus: null,
        });
        const seen = await Promise.all(find.mock.results.map(({ value }) => value));
        expect(
          seen.filter((delivery) => delivery?.healthCounted !== undefined).length,
        ).toBeLessThan(2);
        jest.restoreAllMocks();
      }
    } finally {
      await own.stop();
    }
  });

  it('is answered by the attempt that counts', async () => {
    const { client } = await stack.project(ping);
    const { deliveries } = stack.store;
    const find = deliveries.find.bind(deliveries);
    const spy = jest.spyOn(deliveries, 'find').mockImplementation(async (id) => {
      const found = await find(id);
      const [attempt] = found?.attempts ?? [];
      // As where the worker had stood still in one before.
      const before = attempt && {
        ...attempt,
        outcome: 'failed' as const,
        superseded: true as const,
      };
      return found && { ...found, attempts: [...(before ? [before] : []), ...found.attempts] };
    });
    const made = await client.post('/v1/webhooks', { ...body, url: receiver.url });
    spy.mockRestore();
    expect(made.body.data.ping).toEqual({ outcome: 'succeeded', statusCode: 200 });
  });

  it('stays one attempt when it is replayed', async () => {
    receiver.respondWith(500);
    const { client } = await stack.project(ping);
    const made = await client.post('/v1/webhooks', { ...body, url: receiver.url });
    const list = await client.get(`/v1/deliveries?webhookId=${made.body.data.id}`);
    const { id } = list.body.data.deliveries[0];
    await client.post(`/v1/deliveries/${id}/replay`);
    await deliveryWith(client, id, { status: 'failed', attemptCount: 2, replays: 1 });
    await eventually('both attempts are counted', async () => {
      const webhook = await client.get(`/v1/webhooks/${made.body.data.id}`);
      return webhook.body.data.failureCount === 2;
    });
  });

  it('is not sent where the webhook is refused', async () => {
    const { client } = await stack.project({ ...ping, policy: { maxWebhooks: 0 } });
    const refused = await client.post('/v1/webhooks', { ...body, url: receiver.url });
    expectRefusal(refused, 'webhook_limit_reached');
    expect((await client.get('/v1/events')).body.data.events).toEqual([]);
    expect(receiver.requests).toHaveLength(0);
  });

  it.each(['autosend', 'platform', 'ahasend', 'custom'])(
    'does not exist in the profile %s',
    async (profile) => {
      const { client } = await stack.project({ profile });
      const made = await client.post('/v1/webhooks', {
        name: 'Quiet',
        url: receiver.url,
        events: ['*'],
      });
      expect(made.status).toBe(201);
      expect(made.body.data).not.toHaveProperty('ping');
      expect((await client.get('/v1/events')).body.data.events).toEqual([]);
    },
  );
});

describe('without a worker', () => {
  const stack = useStack({}, { worker: false });
  const slow = { policy: { timeoutMs: 60_000, maxWebhooks: 20 } };
  const create = (client: ApiClient, n = 0): Promise<Answer> =>
    client.post('/v1/webhooks', { ...body, url: `https://example.com/${n}` });
  const webhooksOf = async (client: ApiClient): Promise<{ id: string }[]> =>
    (await client.get('/v1/webhooks')).body.data.webhooks;
  afterEach(() => jest.restoreAllMocks());

  it('a ping is pending in the answer, and the webhook is there', async () => {
    const find = jest.spyOn(stack.store.deliveries, 'find');
    const { client } = await stack.project({ ...ping, policy: { timeoutMs: 1000 } });
    const made = await create(client);
    expect([made.status, made.body.data?.ping]).toEqual([201, { outcome: 'pending' }]);
    // Less and less often: within six seconds, every tenth of a second would be 60 times.
    expect(find.mock.calls.length).toBeLessThan(20);
    expect((await client.get(`/v1/webhooks/${made.body.data.id}`)).status).toBe(200);
    const list = await client.get(`/v1/deliveries?webhookId=${made.body.data.id}`);
    expect(list.body.data.deliveries).toMatchObject([{ status: 'pending', test: true }]);
  });

  it('a ping is waited for no longer once its webhook is deleted', async () => {
    const find = jest.spyOn(stack.store.deliveries, 'find');
    const { client } = await stack.project({ ...ping, ...slow });
    const making = create(client);
    const [webhook] = await eventually('it is waited for', async () => {
      return find.mock.calls.length > 0 && webhooksOf(client);
    });
    await client.delete(`/v1/webhooks/${webhook!.id}`);
    const before = find.mock.calls.length;
    expect((await making).body.data.ping).toEqual({ outcome: 'pending' });
    // The one that was in progress, and the one that finds it ended.
    expect(find.mock.calls.length - before).toBeLessThanOrEqual(2);
  });

  it('ten pings of a project are waited for at a time; others are pending at once', async () => {
    const find = jest.spyOn(stack.store.deliveries, 'find');
    const { client } = await stack.project({ ...ping, ...slow });
    const answers: Answer[] = [];
    const making = Array.from({ length: 13 }, async (_, n) => {
      answers.push(await create(client, n));
    });
    await eventually('three are answered', () => answers.length === 3);
    for (const { status, body: made } of answers) {
      expect([status, made.data.ping]).toEqual([201, { outcome: 'pending' }]);
    }
    const followed = (): Set<string> => new Set(find.mock.calls.map(([id]) => id));
    await eventually('ten are waited for', () => followed().size === 10);
    for (const { id } of await webhooksOf(client)) await client.delete(`/v1/webhooks/${id}`);
    await Promise.all(making);
    expect(followed().size).toBe(10);
  });
});
