import type { Answer } from '../../support/api-client';
import { deliveryWith, makeWebhook, postEvent } from '../../support/deliveries';
import { DEFAULTS } from '../../support/embedded';
import { eventually } from '../../support/eventually';
import { Receiver } from '../../support/receiver';
import { emailSent } from '../../support/samples';
import { Stack, testEnvironment, testServer } from '../../support/stack';
import { Store } from '../../../src/store/store';
import { expectRefusal, stored } from './refusal';
import { TcpProxy } from './tcp-proxy';

// Requests wait for an unavailable server, and clients for the time to retry.
const RECONNECT_MS = 90_000;

const event = { type: 'email.sent', data: emailSent };

describe('while MongoDB is unavailable', () => {
  let proxy: TcpProxy;
  let mongodbUrl: string;
  beforeEach(async () => {
    const { MONGODB_URL } = testEnvironment();
    const url = new URL(MONGODB_URL!);
    proxy = await TcpProxy.start(url.host);
    url.host = proxy.address;
    // Else the driver would ask the server for its own address, past the proxy.
    url.search = '?directConnection=true';
    mongodbUrl = url.toString();
  });
  afterEach(() => proxy.stop());

  it('every request is answered 503 and nothing is stored, until it is back', async () => {
    const stack = await Stack.start({ MONGODB_URL: mongodbUrl }, { worker: false });
    const { id: projectId, client } = await stack.project();
    const webhook = await makeWebhook(client, 'https://example.com/hooks');
    const before = await stored(stack);
    await proxy.cut();

    const ask: (() => Promise<Answer>)[] = [
      () => client.post('/v1/events', event),
      () => client.post('/v1/events', event, { 'idempotency-key': 'order-1' }),
      () => client.post('/v1/webhooks', { name: 'A', url: 'https://example.com/', events: ['*'] }),
      () => client.patch(`/v1/webhooks/${webhook.id}`, { name: 'B' }),
      () => client.delete(`/v1/webhooks/${webhook.id}`),
      () => client.get('/v1/deliveries'),
      () => client.post(`/v1/projects/${projectId}/keys`, { name: 'A', role: 'reader' }),
      () => stack.admin.post('/v1/projects', { name: 'A' }),
      () => stack.admin.get('/v1/projects'),
      () => stack.admin.delete(`/v1/projects/${projectId}`),
      () => client.get('/readyz'),
    ];
    // The first go out on connections that break under them, the second find none.
    const answers = await Promise.all(ask.map((call) => call()));
    answers.push(...(await Promise.all(ask.map((call) => call()))));
    for (const answer of answers) {
      expectRefusal(answer, 'unavailable');
      expect(answer.headers.get('retry-after')).toBe('5');
    }
    expect((await client.get('/healthz')).status).toBe(200);

    await proxy.restore();
    await eventually(
      'the API is ready again',
      async () => (await client.get('/readyz')).status === 200,
      RECONNECT_MS,
    );
    expect(await stored(stack)).toEqual(before);
    const unchanged = await client.get(`/v1/webhooks/${webhook.id}`);
    expect(unchanged.body.data.name).toBe('Test');
    const again = await client.post('/v1/events', event, { 'idempotency-key': 'order-1' });
    expect(again.status).toBe(202);
    expect(again.body.data.duplicate).toBe(false);
    await stack.stop();
  });

  it('a store that is opened waits for it, however long it takes', async () => {
    await proxy.cut();
    const store = Store.open(mongodbUrl, DEFAULTS);
    await Promise.all([
      expect(store.readClock()).rejects.toThrow(),
      expect(store.projects.list({ limit: 1 })).rejects.toThrow(),
    ]);
    await proxy.restore();
    const page = await eventually(
      'the store is connected',
      () => store.projects.list({ limit: 1 }).catch(() => null),
      RECONNECT_MS,
    );
    expect(page).toEqual({ items: [], nextCursor: null });
    await store.close();
  });
});

describe('while Temporal is unavailable', () => {
  let receiver: Receiver;
  let proxy: TcpProxy;
  /** Has a worker, and Temporal all the time. */
  let stack: Stack;
  /** Another API on the same database and namespace, which reaches Temporal through the proxy only. */
  let cutOff: Stack;
  beforeAll(async () => {
    const { MONGODB_URL, TEMPORAL_NAMESPACE, POSTHORN_ENCRYPTION_KEY } = testEnvironment();
    const shared = {
      MONGODB_URL: MONGODB_URL!,
      TEMPORAL_NAMESPACE: TEMPORAL_NAMESPACE!,
      POSTHORN_ENCRYPTION_KEY: POSTHORN_ENCRYPTION_KEY!,
    };
    proxy = await TcpProxy.start(testServer('TEMPORAL_ADDRESS'));
    receiver = await Receiver.start();
    stack = await Stack.start(shared);
    cutOff = await Stack.start(
      { ...shared, TEMPORAL_ADDRESS: proxy.address },
      { worker: false, isPatient: false },
    );
  });
  afterAll(async () => {
    await Promise.all([stack.stop(), cutOff.stop(), receiver.close()]);
    await proxy.stop();
  });

  it('events are accepted and replays taken, and go out once reconcile runs', async () => {
    const { id: projectId } = await cutOff.project();
    const client = await cutOff.client(projectId, 'owner');
    await makeWebhook(client, receiver.url);
    const earlier = await postEvent(client);
    await deliveryWith(client, earlier, { status: 'succeeded' });
    await eventually(
      'its workflow has ended',
      async () => (await stack.engine.findRun(earlier)) === 'ended',
    );

    await proxy.cut();
    const posted = await client.post('/v1/events', event, { 'idempotency-key': 'order-1' });
    expect(posted.status).toBe(202);
    const repeated = await client.post('/v1/events', event, { 'idempotency-key': 'order-1' });
    expect(repeated.body.data).toEqual({ ...posted.body.data, duplicate: true });
    const replay = await client.post(`/v1/deliveries/${earlier}/replay`);
    expect(replay.status).toBe(202);
    expect(replay.body.data).toMatchObject({ status: 'pending', replays: 1 });
    expectRefusal(await client.post(`/v1/deliveries/${earlier}/replay`), 'delivery_in_progress');
    const ready = await client.get('/readyz');
    expect(ready.status).toBe(200);
    expect(ready.body.data).toEqual({ status: 'ok', mongodb: 'ok', temporal: 'unavailable' });
    const eventId = posted.body.data.id as string;
    expect((await client.get(`/v1/events/${eventId}`)).body.data.deliveries).toEqual([]);
    expect(receiver.requests).toHaveLength(1);

    expect(await stack.reconcile()).toMatchObject({ events: 1, deliveries: 1 });
    await deliveryWith(client, earlier, { status: 'succeeded', replays: 1, attemptCount: 2 });
    await eventually('the event is delivered', async () => {
      const { body } = await client.get(`/v1/deliveries?eventId=${eventId}&status=succeeded`);
      return body.data.deliveries.length === 1;
    });
    expect(receiver.requests).toHaveLength(3);
    await eventually('nothing is left to reconcile', async () => {
      const report = await stack.reconcile();
      return Object.values(report).every((count) => count === 0);
    });
    expect(receiver.requests).toHaveLength(3);

    await proxy.restore();
    await eventually(
      'Temporal is back',
      async () => (await client.get('/readyz')).body.data.temporal === 'ok',
      RECONNECT_MS,
    );
    await deliveryWith(client, await postEvent(client), { status: 'succeeded' });
    expect(receiver.requests).toHaveLength(4);
  });
});
