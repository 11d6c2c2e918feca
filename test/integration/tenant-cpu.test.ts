import type { ApiClient, Answer } from '../support/api-client';
import { COSTLY_FILTERS } from '../support/costly-filters';
import { endlessSchema, manyErrorsSchema } from '../support/costly-schemas';
import { deliveryWith, makeWebhook, postEvent } from '../support/deliveries';
import { eventually } from '../support/eventually';
import { portalLink } from '../support/portal-link';
import { profileOf } from '../support/profiler';
import type { Stack } from '../support/stack';
import { useReceiver, useStack } from '../support/use';
import { expectRefusal } from './api/refusal';

/** As large as a batch may be: 5 MiB, and room for what is around it. */
const BYTES = 4.96 * 1024 * 1024;
const ZEROS = `[${'0,'.repeat(BYTES / 2 - 100)}0]`;
const MAX_TOLD = 50;
const ANY = { properties: { a: { type: 'number' } } };

const define = async (client: ApiClient, schema: object, type = 'order.paid'): Promise<void> => {
  const body = { description: 'A test.', schema, sample: { b: 1 } };
  const { status } = await client.send('PUT', `/v1/event-types/${type}`, body);
  expect(status).toBe(201);
};
/** One after the other while `work` continues. */
const answeredBeside = async (
  work: Promise<unknown>,
  ask: () => Promise<Answer>,
): Promise<number[]> => {
  const over = new AbortController();
  const working = work.finally(() => over.abort());
  const statuses: number[] = [];
  while (!over.signal.aborted) statuses.push((await ask()).status);
  await working;
  return statuses;
};
const postBeside = (work: Promise<unknown>, client: ApiClient): Promise<number[]> =>
  answeredBeside(work, () => client.post('/v1/events', { type: 'order.paid', data: { a: 1 } }));
const told = ({ body }: Answer): number => body.error.details.length;
/** An answer to what a busy machine may cut off now and then, but not each time, as the first work of a project. */
const answered = (stack: Stack, path: string, body: string): Promise<Answer> =>
  eventually('it is not cut off', async () => {
    const answer = await (await stack.project()).client.post(path, body);
    return !/takes? too long/.test(JSON.stringify(answer.body)) && answer;
  });

describe('what one tenant’s work costs', () => {
  const stack = useStack({}, { worker: false });
  let other: ApiClient;
  let costly: ApiClient;

  beforeEach(async () => {
    ({ client: other } = await stack.project({ profile: 'custom' }));
    ({ client: costly } = await stack.project({ profile: 'custom' }));
    await define(other, ANY);
  });

  it('needs no more memory than for the reported errors', async () => {
    const schemas = Array.from({ length: 12 }, (_, n) => ({
      ...manyErrorsSchema('b'),
      title: `${n}`,
    }));
    const before = process.memoryUsage().rss;
    const statuses: number[] = [];
    for (const [n, schema] of schemas.entries()) {
      const body = { description: 'A test.', schema, sample: { b: 1 } };
      const answer = await costly.send('PUT', `/v1/event-types/order.n${n}`, body);
      statuses.push(answer.status);
      if (answer.status === 422) expect(told(answer)).toBeLessThanOrEqual(MAX_TOLD);
    }
    expect(statuses[0]).toBe(422);
    expect(statuses.every((status) => status === 422 || status === 429)).toBe(true);
    // Half a million errors for each, kept or formatted, were gigabytes.
    expect(process.memoryUsage().rss - before).toBeLessThan(600 * 1024 * 1024);
  });

  it.each<[string, object]>([
    ['by its items', { properties: { x: { items: { type: 'string' } } } }],
    ['by what is unique', { properties: { x: { uniqueItems: true } } }],
  ])(
    'does not delay others where a batch of millions of values is wrong %s',
    async (_title, schema) => {
      await define(costly, { properties: { b: true }, ...schema });
      const batch = `{"events":[{"type":"order.paid","data":{"x":${ZEROS}}}]}`;
      const posted = Array.from({ length: 7 }, () => costly.post('/v1/events/batch', batch));
      const statuses = await postBeside(Promise.all(posted), other);
      expect(new Set(statuses)).toEqual(new Set([202]));
      // When they held up the process, one was answered between two of them.
      expect(statuses.length).toBeGreaterThan(2 * posted.length);
      const [first, ...others] = await Promise.all(posted);
      expect(first!.status).toBe(422);
      expect(told(first!)).toBeLessThanOrEqual(MAX_TOLD);
      expect(others.every(({ status }) => status === 422 || status === 429)).toBe(true);
    },
  );

  it('is a short answer: so many fields are told, and the rest is counted', async () => {
    const fieldsOf = (length: number): string =>
      Array.from({ length }, (_, n) => `"k${n}":1`).join();
    const fields = fieldsOf(400_000);
    const some = fieldsOf(20_000);
    const few = fieldsOf(10_000);
    const members = [
      ['/v1/events/batch', `{${fields},"events":[]}`],
      ['/v1/events/batch', `{"events":[{"type":"email.sent","data":{},${fields}}]}`],
      ['/v1/events/batch', `{"events":[{"type":"email.sent","data":{${fields}}}]}`],
      ['/v1/events', `{"type":"email.sent","data":{${some}}}`],
      ['/v1/webhooks', `{${few}}`],
      ['/v1/webhooks', `{"name":"a","url":"https://example.com","events":["*"],"policy":{${few}}}`],
    ] as const;
    for (const [path, body] of members) {
      const answer = await answered(stack, path, body);
      expect([path, answer.status]).toEqual([path, 422]);
      expect(told(answer)).toBe(MAX_TOLD);
      expect(answer.body.error.message).toMatch(/; and \d{4,} more$/);
      expect(JSON.stringify(answer.body).length).toBeLessThan(20_000);
    }
    const { body } = await answered(stack, ...members[0]);
    expect(body.error.message).toMatch(/; and 399951 more$/);
    const { client } = await stack.project();
    const long = await client.post('/v1/events', {
      type: 'email.sent',
      data: { ['k'.repeat(200_000)]: 1 },
    });
    expect(JSON.stringify(long.body).length).toBeLessThan(5000);
    const values = await client.post('/v1/webhooks', `{"x":[${'0,'.repeat(100_000)}0]}`);
    expectRefusal(values, 'validation_failed', ['body']);
    const bodies = await client.post('/v1/webhooks/wh_0/pause', `{${few}}`);
    expect(told(bodies)).toBe(MAX_TOLD);
  });

  it('is found equally by a child process and in the API', async () => {
    const { client } = await stack.project();
    const space = ' '.repeat(20_000);
    for (const body of [
      '{"type":',
      '[]',
      '{"type":"email.sent","data":{"a":1,"a":2}}',
      '{"type":1}',
    ]) {
      const [small, large] = [
        await client.post('/v1/events', body),
        await client.post('/v1/events', body + space),
      ];
      expect(large.status).toBe(small.status);
      const { requestId: _one, ...smallError } = small.body.error;
      const { requestId: _other, ...largeError } = large.body.error;
      expect(largeError).toEqual(smallError);
    }
  });
});

describe('what one tenant’s work takes of a small budget', () => {
  const stack = useStack({ POSTHORN_CPU_SECONDS_PER_MINUTE: '12' }, { worker: false });

  it('is not another one’s: slow schemas are cut off, then refused, and events of others taken meanwhile', async () => {
    const [{ client: costly }, { client: other }] = await Promise.all([
      stack.project({ profile: 'custom' }),
      stack.project({ profile: 'custom' }),
    ]);
    await define(other, ANY);
    await define(costly, endlessSchema('a'));
    const events = Array.from({ length: 10 }, () => ({ type: 'order.paid', data: { a: 1 } }));
    const batches = Array.from({ length: 10 }, () => costly.post('/v1/events/batch', { events }));
    const statuses = await postBeside(Promise.all(batches), other);
    expect(new Set(statuses)).toEqual(new Set([202]));
    // When they held up the process, one was answered between two of them.
    expect(statuses.length).toBeGreaterThan(2 * batches.length);
    const answers = await Promise.all(batches);
    const refused = answers.filter(({ status }) => status === 422);
    expect(refused.length).toBeGreaterThan(0);
    expectRefusal(refused[0]!, 'validation_failed', ['events']);
    const over = answers.filter(({ status }) => status === 429);
    expect(over.length + refused.length).toBe(batches.length);
    expectRefusal(over[0]!, 'rate_limited');
    expect(Number(over[0]!.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(over[0]!.body.error.message).toMatch(/used up its CPU time/);
    // A cheap event has to wait too, but not another project's.
    const one = { type: 'order.paid', data: {} };
    const again = () => costly.post('/v1/events', one);
    const { answer, profiled } = await profileOf(stack.store.eventTypes.model.db.db!, again);
    expectRefusal(answer, 'rate_limited');
    expect(profiled.filter(({ ns }) => ns.endsWith('.eventTypes'))).toEqual([]);
    expect((await other.post('/v1/events', one)).status).toBe(202);
  });
});

describe('costly filters', () => {
  const WEBHOOKS = 100;
  const EVENTS = 60;
  // So little that they use it up soon.
  const stack = useStack({ POSTHORN_CPU_SECONDS_PER_MINUTE: '10' });
  const receiver = useReceiver();

  it.each(['workflow', 'express'])(
    'of one project don’t keep another’s event, and pass its own events once it has used up its time (%s)',
    async (dispatch) => {
      const [, filter] = COSTLY_FILTERS.find(([title]) => title === 'a count')!;
      const { client: costly, id } = await stack.project({ dispatch });
      const { client: quiet } = await stack.project({ dispatch });
      await Promise.all(
        Array.from({ length: WEBHOOKS }, async () => {
          const webhook = await makeWebhook(costly, `${receiver.url}/costly`, { filter });
          // What they get is recorded as skipped, which is enough to see it.
          await costly.patch(`/v1/webhooks/${webhook.id}`, { isActive: false });
        }),
      );
      await makeWebhook(quiet, `${receiver.url}/quiet`, { filter: { type: { $regex: '^email' } } });
      const x = 'ab'.repeat(1000);
      const events = Array.from({ length: EVENTS }, () => ({
        type: 'contact.created',
        data: { x },
      }));
      expect((await costly.post('/v1/events/batch', { events })).status).toBe(202);
      const waiting = () =>
        stack.store.events.model.countDocuments({ projectId: id, fannedOutAt: null });

      const arrived = await postEvent(quiet);
      await deliveryWith(quiet, arrived, { status: 'succeeded' });
      expect(await waiting()).toBeGreaterThan(0);

      await eventually('all are fanned out', async () => (await waiting()) === 0, 240_000);
      const skipped = await stack.store.deliveries.model.distinct('eventId', { projectId: id });
      expect(skipped.length).toBeGreaterThan(0);
    },
    500_000,
  );
});

describe('CPU time that portal links use up', () => {
  const stack = useStack({ POSTHORN_CPU_SECONDS_PER_MINUTE: '6' }, { worker: false });

  it('is not that of the project’s own keys, whatever they use it for', async () => {
    const { client } = await stack.project({ profile: 'custom' });
    // Endless only for the marked sample.
    const { properties, $defs } = endlessSchema('test');
    const unmarked = { properties: { test: { const: false } } };
    const schema = { if: unmarked, else: { properties }, $defs };
    const body = { description: 'A test.', schema, sample: { test: false } };
    expect((await client.send('PUT', '/v1/event-types/order.slow', body)).status).toBe(201);
    const webhook = await makeWebhook(client, 'https://example.com/');
    const path = `/v1/webhooks/${webhook.id}`;
    const { client: link } = await portalLink(client, 'manage');
    const over = await link.post(`${path}/test`, { events: ['order.slow'] });
    expectRefusal(over, 'validation_failed', ['events']);

    const requests = [
      [{ filter: { 'data.a': { $regex: 'a' } } }, 200],
      // Too large to be read in the API's own process.
      [{ description: 'a'.repeat(20_000) }, 422],
    ] as const;
    for (const [changes, status] of requests) {
      expectRefusal(await link.patch(path, changes), 'rate_limited');
      expect((await client.patch(path, changes)).status).toBe(status);
    }
    const event = { type: 'order.slow', data: {} };
    expect((await client.post('/v1/events', event)).status).toBe(202);
  });
});
