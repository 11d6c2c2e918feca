import { insertBatch } from '../../src/store/insert-batch';
import { isStoreUnavailable } from '../../src/store/errors';
import { toPayload } from '../../src/domain/json-text';
import { newEvent } from '../../src/store/new-event';
import type { Answer } from '../support/api-client';
import { deliveryWith, makeWebhook, postEvent } from '../support/deliveries';
import { eventually } from '../support/eventually';
import { Mongod } from '../support/mongod';
import { Receiver } from '../support/receiver';
import { emailSent } from '../support/samples';
import { Stack } from '../support/stack';
import { expectRefusal, stored } from './api/refusal';

const PATIENCE_MS = 60_000;

/** More than the driver has connections. */
const WAITING = 150;
const LANES = 10;

const event = { type: 'email.sent', data: emailSent };
const impatient = { policy: { retryDelaysMs: [1000] } };

// SIGSTOP: its connections stay open, and it answers nothing.
describe('while MongoDB hangs', () => {
  let mongod: Mongod;
  let receiver: Receiver;
  let stack: Stack;
  beforeAll(async () => {
    [mongod, receiver] = await Promise.all([Mongod.start(), Receiver.start()]);
    stack = await Stack.start({
      MONGODB_URL: mongod.freshUrl(),
      POSTHORN_RATE_LIMIT_PER_MINUTE: '100000',
    });
  });
  afterEach(() => {
    mongod.thaw();
    receiver.respondWith(200);
  });
  afterAll(async () => {
    await stack.stop();
    await Promise.all([mongod.stop(), receiver.close()]);
  });

  const untilReady = (status = 200): Promise<unknown> =>
    eventually(
      `readyz is ${status}`,
      async () => (await stack.admin.get('/readyz')).status === status,
      PATIENCE_MS,
    );

  it('every request is answered 503, however many wait, until it recovers', async () => {
    const { id: projectId, client } = await stack.project();
    const webhook = await makeWebhook(client, receiver.url);
    const delivery = await postEvent(client);
    await deliveryWith(client, delivery, { status: 'succeeded' });
    const before = await stored(stack);
    const range = { since: new Date(0).toISOString(), until: new Date().toISOString() };
    const kinds: (() => Promise<Answer>)[] = [
      () => client.post('/v1/events', event),
      () => client.post('/v1/events', event, { 'idempotency-key': 'order-1' }),
      () => client.post('/v1/events/batch', { events: [event, event] }),
      () => client.post('/v1/webhooks', { name: 'A', url: 'https://example.com/', events: ['*'] }),
      () => client.patch(`/v1/webhooks/${webhook.id}`, { name: 'B' }),
      () => client.post(`/v1/webhooks/${webhook.id}/secret/rotate`),
      () => client.post(`/v1/webhooks/${webhook.id}/pause`),
      () => client.get(`/v1/webhooks/${webhook.id}/stats`),
      () => client.delete(`/v1/webhooks/${webhook.id}`),
      () => client.get('/v1/deliveries'),
      () => client.post(`/v1/deliveries/${delivery}/replay`),
      () => client.post('/v1/replays', range),
      () => client.post(`/v1/projects/${projectId}/keys`, { name: 'A', role: 'reader' }),
      () => client.get('/v1/audit'),
      () => stack.admin.post('/v1/projects', { name: 'A' }),
      () => stack.admin.delete(`/v1/projects/${projectId}`),
      () => client.get('/readyz'),
    ];
    const waiting = Array.from({ length: WAITING }, () => () => client.get('/v1/events'));

    mongod.freeze();
    // The first wait on connections that seem to be there, the second find none.
    const answers = await Promise.all([...kinds, ...waiting].map((ask) => ask()));
    answers.push(...(await Promise.all(kinds.map((ask) => ask()))));
    for (const answer of answers) {
      expectRefusal(answer, 'unavailable');
      expect(answer.headers.get('retry-after')).toBe('5');
    }
    expect((await client.get('/healthz')).status).toBe(200);

    mongod.thaw();
    await untilReady();
    const { events: eventsBefore, ...othersBefore } = before;
    const { events, ...others } = await stored(stack);
    expect(others).toEqual(othersBefore);
    // An event that was being written may be stored, although that was not confirmed: the two of the first round.
    expect(events! - eventsBefore!).toBeLessThanOrEqual(2);
    expect((await client.get(`/v1/webhooks/${webhook.id}`)).body.data.name).toBe('Test');
    await deliveryWith(client, await postEvent(client), { status: 'succeeded' });
  });

  it('events in progress are answered 202 or 503; repeated with its key each is stored once, and delivered', async () => {
    const { id: projectId, client } = await stack.project(impatient);
    await makeWebhook(client, receiver.url);
    const post = (n: number): Promise<Answer> =>
      client.post('/v1/events', event, { 'idempotency-key': `order-${n}` });
    const first: Answer[] = [];
    let posted = 0;
    const lane = async (): Promise<void> => {
      for (;;) {
        const n = posted++;
        const answer = await post(n);
        first[n] = answer;
        if (answer.status !== 202) return;
      }
    };

    const load = Promise.all(Array.from({ length: LANES }, lane));
    await eventually('the load runs', () => first.length >= 2 * LANES);
    mongod.freeze();
    await load;
    const cutOff = first.filter(({ status }) => status !== 202);
    expect(cutOff).toHaveLength(LANES);
    for (const answer of cutOff) expectRefusal(answer, 'unavailable');
    mongod.thaw();
    await untilReady();

    const again = await Promise.all(
      first.map((_, n) =>
        eventually('it is accepted', async () => {
          const answer = await post(n);
          return answer.status !== 503 && answer;
        }),
      ),
    );
    for (const [n, { status, body }] of again.entries()) {
      expect(status).toBe(202);
      if (first[n]!.status !== 202) continue;
      expect(body.data).toEqual({ ...first[n]!.body.data, duplicate: true });
    }
    expect(new Set(again.map(({ body }) => body.data.id)).size).toBe(posted);
    expect(await stack.store.events.model.countDocuments({ projectId })).toBe(posted);
    const deliveries = stack.store.deliveries.model;
    await eventually(
      'each is delivered',
      async () => (await deliveries.countDocuments({ projectId, status: 'succeeded' })) === posted,
      PATIENCE_MS,
    );
    expect(await deliveries.countDocuments({ projectId })).toBe(posted);
  });

  it('a batch of which it has taken only the beginning fails as a whole', async () => {
    const { id, client } = await stack.project();
    const project = (await stack.store.projects.get(id))!;
    // More than a connection takes without being read from.
    const data = toPayload({ ...emailSent, subject: 'x'.repeat(240 * 1024) });
    const batch = Array.from({ length: 20 }, (_, n) => ({
      ...newEvent(project, { type: event.type, data }, 1),
      idempotencyKey: `batch ${n} order-1`,
    }));
    const isCounted = (): Promise<number> =>
      stack.store.events.model.countDocuments({ projectId: id });

    mongod.freeze();
    const failure: unknown = await insertBatch(stack.store, batch).catch((error: unknown) => error);
    expect(isStoreUnavailable(failure)).toBe(true);
    mongod.thaw();
    await untilReady();
    expect(await isCounted()).toBe(0);
    expect(await insertBatch(stack.store, batch)).toMatchObject({ duplicate: false });
    expect(await isCounted()).toBe(batch.length);
    expect((await client.get('/v1/events')).status).toBe(200);
  });

  it('what only takes long, longer than it takes to notice that, is let finish', async () => {
    const { client } = await stack.project();
    const { id } = (await client.post('/v1/events', event)).body.data;
    const slow = { _id: id as string, $where: 'sleep(6000) || true' };
    const { model } = stack.store.events;
    // More than the limit of any read, by which nothing shall end here.
    const limit = { maxTimeMS: 60_000 };
    const [found, inTransaction] = await Promise.all([
      model.find(slow, null, limit).lean(),
      stack.store.transaction((session) => model.find(slow, null, { ...limit, session }).lean()),
    ]);
    expect(found).toHaveLength(1);
    expect(inTransaction).toHaveLength(1);
  });

  it('an attempt that can not be recorded is lost and made again, and reconcile continues', async () => {
    const { client } = await stack.project(impatient);
    await makeWebhook(client, `${receiver.url}/unrecorded`);
    let isFirst = true;
    receiver.respondWith(({ path }) => {
      if (path === '/unrecorded' && isFirst) {
        isFirst = false;
        mongod.freeze();
      }
      return 200;
    });
    const posted = await client.post('/v1/events', event);
    expect(posted.status).toBe(202);
    await receiver.waitFor((all) => all.some(({ path }) => path === '/unrecorded'));
    await untilReady(503);
    await expect(stack.reconcile()).rejects.toThrow();

    mongod.thaw();
    await untilReady();
    const eventId = posted.body.data.id as string;
    const delivered = await eventually(
      'it is delivered',
      async () => {
        const { body } = await client.get(`/v1/deliveries?eventId=${eventId}&status=succeeded`);
        return body.data.deliveries[0];
      },
      PATIENCE_MS,
    );
    // What the worker had sent before it gave up may still have been executed.
    const { attempts } = (await client.get(`/v1/deliveries/${delivered.id}`)).body.data;
    expect(attempts.at(-1).outcome).toBe('succeeded');
    await eventually(
      'nothing is left to reconcile',
      async () => {
        const report = await stack.reconcile();
        return Object.values(report).every((count) => count === 0);
      },
      PATIENCE_MS,
    );
  });
});
