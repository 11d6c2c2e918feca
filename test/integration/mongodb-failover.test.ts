import { isStoreUnavailable } from '../../src/store/errors';
import { toPayload } from '../../src/domain/json-text';
import { newEvent } from '../../src/store/new-event';
import type { Answer, ApiClient } from '../support/api-client';
import { deliveryWith, makeWebhook, postEvent } from '../support/deliveries';
import { eventually } from '../support/eventually';
import { Mongod } from '../support/mongod';
import { Receiver } from '../support/receiver';
import { emailSent } from '../support/samples';
import { Stack } from '../support/stack';
import { expectRefusal } from './api/refusal';

jest.setTimeout(300_000);
const PATIENCE_MS = 90_000;

const LANES = 5;
const BATCH = 20;

const impatient = { policy: { retryDelaysMs: [1000] } };
const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, n) => from + n);

/** A failure that ends on its own, in two halves: `begin` resolves while there is no primary. */
interface Failure {
  name: string;
  begin: (mongod: Mongod) => Promise<void>;
  end: (mongod: Mongod) => Promise<void>;
}

const FAILURES: Failure[] = [
  {
    name: 'a step-down of the primary',
    begin: (mongod) => mongod.stepDown(),
    end: (mongod) => mongod.untilPrimary(),
  },
  {
    name: 'kill -9 and a restart of MongoDB',
    begin: (mongod) => mongod.kill(),
    end: (mongod) => mongod.restart(),
  },
];

let mongod: Mongod;
let receiver: Receiver;
let stack: Stack;
beforeAll(async () => {
  [mongod, receiver] = await Promise.all([Mongod.start(), Receiver.start()]);
  stack = await Stack.start({ MONGODB_URL: mongod.freshUrl() });
});
afterAll(async () => {
  await stack.stop();
  await Promise.all([mongod.stop(), receiver.close()]);
});

/** Asks until it is accepted; until then only 503 will do. */
const accepted = (ask: () => Promise<Answer>): Promise<Answer> =>
  eventually(
    'the request is accepted',
    async () => {
      const answer = await ask();
      if (answer.status < 300) return answer;
      expectRefusal(answer, 'unavailable');
      return null;
    },
    PATIENCE_MS,
  );

const postKeyed = (client: ApiClient, n: number): Promise<Answer> =>
  client.post(
    '/v1/events',
    { type: 'email.sent', data: { ...emailSent, subject: `order ${n}` } },
    { 'idempotency-key': `order-${n}` },
  );

describe.each(FAILURES)('through $name', ({ begin, end }) => {
  it('every event that is accepted before, meanwhile and after is stored once and delivered as stored', async () => {
    const { id: projectId, client } = await stack.project(impatient);
    await makeWebhook(client, receiver.url);
    const answers = new Map<number, Answer>();
    const post = async (n: number): Promise<void> => {
      answers.set(n, await accepted(() => postKeyed(client, n)));
    };
    const numbers = range(0, 40);
    const lane = async (): Promise<void> => {
      for (let n = numbers.shift(); n !== undefined; n = numbers.shift()) await post(n);
    };

    const load = Promise.all(range(0, LANES).map(lane));
    await eventually('the load runs', () => answers.size >= 10, PATIENCE_MS);
    await begin(mongod);
    // While there is no primary for certain.
    const meanwhile = Promise.all(range(40, 45).map(post));
    await end(mongod);
    await Promise.all([load, meanwhile]);
    await Promise.all(range(45, 50).map(post));

    for (const [n, { body }] of answers) {
      const { data } = (await accepted(() => postKeyed(client, n))).body;
      expect(data).toEqual({ ...body.data, duplicate: true });
    }
    const events = await stack.store.events.model.find({ projectId }).lean();
    expect(events.map(({ _id }) => _id).toSorted()).toEqual(
      [...answers.values()].map(({ body }) => body.data.id as string).toSorted(),
    );
    expect(events).toHaveLength(50);
    const deliveries = stack.store.deliveries.model;
    await eventually(
      'each is delivered',
      async () => (await deliveries.countDocuments({ projectId, status: 'succeeded' })) === 50,
      PATIENCE_MS,
    );
    expect(await deliveries.countDocuments({ projectId })).toBe(50);
    const own = await deliveries.distinct('_id', { projectId });
    const bodies = receiver.requests
      .filter(({ headers }) => own.includes(String(headers['x-webhook-delivery-id'])))
      .map(({ rawBody }) => rawBody.toString());
    expect(new Set(bodies)).toEqual(new Set(events.map(({ body }) => body)));
  });

  it('no batch, webhook, test event or bulk replay is stored by half', async () => {
    const { id: projectId, client } = await stack.project({ ...impatient, name: 'Whole' });
    const webhook = await makeWebhook(client, receiver.url);
    await deliveryWith(client, await postEvent(client), { status: 'succeeded' });
    const since = new Date(0).toISOString();
    const until = new Date().toISOString();
    const events = range(0, BATCH).map(() => ({ type: 'email.sent', data: emailSent }));
    const batches = range(0, 8).map((n) => `batch-${n}`);
    const postBatch = (key: string): Promise<Answer> =>
      client.post('/v1/events/batch', { events }, { 'idempotency-key': key });
    const url = 'https://example.com/hooks';

    const asked: Promise<Answer>[] = [
      ...batches.map(postBatch),
      ...range(0, 6).flatMap(() => [
        client.post('/v1/webhooks', { name: 'Another', url, events: ['contact.*'] }),
        client.post(`/v1/webhooks/${webhook.id}/test`, { events: ['email.sent', 'email.opened'] }),
        client.post('/v1/replays', { since, until }),
      ]),
    ];
    await Promise.race(asked);
    await begin(mongod);
    await end(mongod);
    const answers = await Promise.all(asked);
    for (const answer of answers) {
      if (answer.status >= 300) expectRefusal(answer, 'unavailable');
    }
    await accepted(() => client.get('/readyz'));

    const { store } = stack;
    const ofBatch = (key: string): Promise<number> =>
      store.events.model.countDocuments({
        projectId,
        idempotencyKey: { $in: range(0, BATCH).map((n) => `batch ${n} ${key}`) },
      });
    for (const [n, key] of batches.entries()) {
      expect(answers[n]!.status === 202 ? [BATCH] : [0, BATCH]).toContain(await ofBatch(key));
      await accepted(() => postBatch(key));
      expect(await ofBatch(key)).toBe(BATCH);
    }

    const { webhookCount } = (await store.projects.get(projectId))!;
    expect(await store.webhooks.model.countDocuments({ projectId })).toBe(webhookCount);
    const tests = await store.events.model.find({ projectId, test: true }).lean();
    const ofTests = { eventId: { $in: tests.map(({ _id }) => _id) } };
    expect(await store.deliveries.model.countDocuments(ofTests)).toBe(tests.length);
    for (const { status, body } of answers) {
      if (status !== 201) continue;
      await accepted(() => client.get(`/v1/webhooks/${body.data.id}`));
    }
    await eventually(
      'all bulk replays are completed',
      async () => {
        const { replays } = (await accepted(() => client.get('/v1/replays'))).body.data;
        if ((replays as { status: string }[]).every(({ status }) => status === 'completed')) {
          return true;
        }
        // One that was stored, and not confirmed, is started by reconcile.
        await stack.reconcile();
        return false;
      },
      PATIENCE_MS,
    );
  });

  it('a transaction that it cuts off in the middle is made again from its beginning, or not at all', async () => {
    const { id: projectId } = await stack.project();
    const project = (await stack.store.projects.get(projectId))!;
    const event = () => newEvent(project, { type: 'email.sent', data: toPayload(emailSent) }, 1);
    const halves = [[event(), event()], [event()]] as const;
    let runs = 0;
    let ended: Promise<void> | undefined;
    const failure: unknown = await stack.store
      .transaction(async (session) => {
        runs += 1;
        await stack.store.events.insertAll(halves[0], session);
        if (runs === 1) {
          await begin(mongod);
          ended = end(mongod);
        }
        await stack.store.events.insertAll(halves[1], session);
      })
      .then(
        () => null,
        (error: unknown) => error,
      );
    await ended;
    expect(failure === null || isStoreUnavailable(failure)).toBe(true);
    await accepted(() => stack.admin.get('/readyz'));
    expect(await stack.store.events.model.countDocuments({ projectId })).toBe(
      failure === null ? 3 : 0,
    );
  });
});
