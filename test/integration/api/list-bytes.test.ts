import { newId, type Resource } from '../../../src/contracts/ids';
import type { Store } from '../../../src/store/store';
import type { Answer, ApiClient } from '../../support/api-client';
import { documentedRoutes } from '../../support/documented-routes';
import { profileOf } from '../../support/profiler';
import { emailSent } from '../../support/samples';
import { useStack } from '../../support/use';
import { idAt, insertDeliveries } from './insert';
import { expectRefusal } from './refusal';

const KIB = 1024;
const PAGE = KIB * KIB;
/** What MongoDB and the envelope put around a page's items. */
const AROUND = 64 * KIB;

const LARGE = 'x'.repeat(100 * KIB);
const COUNT = 25;
const now = new Date();
const range = { since: now, until: now };
const expiresAt = new Date(now.getTime() + 3_600_000);

/** Each list's items, with as much as can be in a field that has no bound, or a wide one. */
const ITEMS: Record<string, [kind: keyof Store, resource: Resource, fields: object]> = {
  '/v1/projects': ['projects', 'project', { name: LARGE, profile: 'custom' }],
  '/v1/projects/{projectId}/keys': ['keys', 'key', { name: LARGE, role: 'reader' }],
  '/v1/webhooks': [
    'webhooks',
    'webhook',
    {
      name: 'A',
      description: LARGE,
      url: 'https://example.com/',
      events: ['*'],
      signing: ['hex'],
      secrets: [{ keyId: 'k', box: LARGE }],
    },
  ],
  '/v1/events?include=data': [
    'events',
    'event',
    {
      type: 'a.b',
      createdAt: now,
      acceptedAt: now,
      expiresAt,
      body: `{"type":"a.b","data":{"x":"${LARGE}"}}`,
    },
  ],
  '/v1/deliveries': [
    'deliveries',
    'delivery',
    {
      eventType: LARGE,
      status: 'failed',
      createdAt: now,
      expiresAt,
      attempts: [
        { number: 1, startedAt: now, durationMs: 5, outcome: 'failed', responseBody: LARGE },
      ],
    },
  ],
  '/v1/replays': [
    'replays',
    'replay',
    {
      query: { statuses: ['failed'], types: [LARGE], ...range },
      ratePerSecond: 1,
      status: 'completed',
      matched: 0,
    },
  ],
  '/v1/audit': [
    'audit',
    'audit',
    {
      action: 'webhook.updated',
      changedFields: [LARGE],
      key: 'admin',
      role: 'admin',
      outcome: 'done',
      time: now,
      expiresAt,
    },
  ],
  '/v1/reports': [
    'inbound',
    'report',
    {
      provider: 'resend',
      reason: LARGE,
      payload: LARGE,
      verified: true,
      receivedAt: now,
      expiresAt,
    },
  ],
  '/v1/event-types': [
    'eventTypes',
    'eventType',
    { description: LARGE, schema: '{}', sample: '{}' },
  ],
  '/v1/catalogs/{name}/event-types': [
    'catalogTypes',
    'eventType',
    { catalog: 'orders', description: LARGE, schema: '{}', sample: '{}' },
  ],
};

const stack = useStack({ POSTHORN_RATE_LIMIT_PER_MINUTE: '100000' }, { worker: false });
let owner: ApiClient;
let projectId: string;

beforeAll(async () => {
  ({ id: projectId, client: owner } = await stack.project({ profile: 'custom' }));
});

/** Bytes that MongoDB hands over for a request. */
async function costOf(ask: () => Promise<Answer>): Promise<{ answer: Answer; bytes: number }> {
  const { answer, profiled } = await profileOf(stack.store.deliveries.model.db.db!, ask);
  return {
    answer,
    bytes: profiled.reduce((sum, { responseLength = 0 }) => sum + responseLength, 0),
  };
}

/** All pages, first to last, each within its bound: from MongoDB, and on the wire. */
async function walk(
  client: ApiClient,
  path: string,
  most = PAGE + AROUND,
): Promise<{ id?: string; type?: string }[][]> {
  const pages: { id?: string }[][] = [];
  let cursor: string | null = null;
  do {
    const more: string = cursor === null ? '' : `&cursor=${cursor}`;
    const { answer, bytes } = await costOf(() => client.get(`${path}${more}`));
    expect({ status: answer.status, error: answer.body.error }).toEqual({ status: 200 });
    expect(bytes).toBeLessThan(most);
    expect(Number(answer.headers.get('content-length'))).toBeLessThan(most);
    const { nextCursor, ...items } = answer.body.data;
    pages.push(Object.values(items)[0] as { id?: string }[]);
    cursor = nextCursor;
  } while (cursor !== null);
  return pages;
}

describe('a page of a list', () => {
  it('is of a list that these tests know', () => {
    const lists = documentedRoutes()
      .filter(({ method, query }) => method === 'GET' && query.includes('cursor'))
      .map(({ path }) => path)
      // An export is all pages, and a search has its own bounds.
      .filter((path) => !path.endsWith('/export') && path !== '/v1/search');
    const known = Object.keys(ITEMS).map((path) => path.split('?')[0]);
    // Catalogues have short names, and nothing else.
    expect(new Set([...known, '/v1/catalogs'])).toEqual(new Set(lists));
  });

  it.each(Object.entries(ITEMS))(
    'has no more large items than fit, and the next page continues after them: %s',
    async (path, [kind, resource, fields]) => {
      const isType = resource === 'eventType';
      const documents = Array.from({ length: COUNT }, (_, n) => ({
        _id: idAt(resource, new Date(now.getTime() + n)),
        ...(!['catalogTypes', 'projects'].includes(kind) && { projectId }),
        ...(kind === 'keys' && { hash: `hash-${n}` }),
        ...(kind === 'deliveries' && { eventId: newId('event'), webhookId: newId('webhook') }),
        ...(isType && { type: `a.t${n}` }),
        ...fields,
      }));
      const { model } = stack.store[kind] as unknown as Store['events'];
      await model.insertMany(documents);

      const client = /^\/v1\/(projects|catalogs)/.test(path) ? stack.admin : owner;
      const url = path.replace('{projectId}', projectId).replace('{name}', 'orders');
      const pages = await walk(client, `${url}${url.includes('?') ? '&' : '?'}limit=100`);
      const seen = pages.flat().map(({ id, type }) => (isType ? type : id));
      const made = documents.map((one) => (isType ? (one as { type?: string }).type : one._id));
      expect(seen.filter((one) => made.includes(one))).toEqual(made.toReversed());
      expect(new Set(seen).size).toBe(seen.length);
      expect(pages.length).toBeGreaterThan(2);
      expect(pages.length).toBeLessThan(COUNT / 2);
    },
  );

  it('has at least one item, whatever its size', async () => {
    const other = await stack.project({ profile: 'platform' });
    const report = {
      projectId: other.id,
      provider: 'resend',
      payload: '{}',
      verified: true,
      receivedAt: now,
      expiresAt,
    };
    const ids = ['small', 'large', 'small', 'large', 'large'].map((size, n) => ({
      ...report,
      _id: idAt('report', new Date(now.getTime() + n)),
      reason: size === 'large' ? LARGE.repeat(11) : 'x',
    }));
    await stack.store.inbound.model.insertMany(ids);
    const pages = await walk(other.client, '/v1/reports?limit=100', 2 * PAGE);
    expect(
      pages.map((page) => page.map(({ id }) => ids.findIndex(({ _id }) => _id === id))),
    ).toEqual([[4], [3], [2], [1], [0]]);
  });
});

describe('the list of events', () => {
  it('is without their data, unless it is asked for', async () => {
    const { client } = await stack.project();
    const event = { type: 'email.sent', data: emailSent };
    const { id } = (await client.post('/v1/events', event)).body.data;
    const read = (await client.get(`/v1/events/${id}`)).body.data;
    const { deliveries: _none, body: _text, ...whole } = read;
    const { data, ...bare } = whole;
    expect(data).toEqual(emailSent);
    expect((await client.get('/v1/events')).body.data.events).toEqual([bare]);
    expect((await client.get('/v1/events?include=data')).body.data.events).toEqual([whole]);

    await client.delete(`/v1/events/${id}`);
    const [expunged] = (await client.get('/v1/events?include=data')).body.data.events;
    expect(expunged).toEqual({ ...whole, data: null, expungedAt: expect.any(String) });
    for (const include of ['', 'body', 'data&include=data']) {
      const refused = await client.get(`/v1/events?include=${include}`);
      expectRefusal(refused, 'validation_failed', ['include']);
    }
  });

  it('without their data has its limit’s events, and MongoDB hands none of their data over', async () => {
    const { client } = await stack.project();
    const large = { type: 'contact.created', data: { note: LARGE } };
    for (let n = 0; n < COUNT; n += 1) await client.post('/v1/events', large);
    const { answer, bytes } = await costOf(() => client.get(`/v1/events?limit=${COUNT}`));
    expect(answer.body.data.events).toHaveLength(COUNT);
    expect(answer.body.data.nextCursor).toBeNull();
    expect(bytes).toBeLessThan(AROUND);
  });

  it('with their data is read to its end by its cursor, whatever their sizes', async () => {
    const { client } = await stack.project();
    const made: string[] = [];
    for (const kib of [255, 1, 255, 200, 1, 1, 255, 255, 255, 255, 100, 1]) {
      const event = { type: 'contact.created', data: { note: 'x'.repeat(kib * KIB) } };
      made.push((await client.post('/v1/events', event)).body.data.id as string);
    }
    for (const limit of [1, 3, 100]) {
      const pages = await walk(client, `/v1/events?include=data&limit=${limit}`);
      expect(pages.flat().map(({ id }) => id)).toEqual(made.toReversed());
    }
  });
});

it('a repeated or another batch under a known Idempotency-Key costs none of the payloads stored under it', async () => {
  const { client } = await stack.project();
  const headers = { 'idempotency-key': 'order-1' };
  const large = { type: 'contact.created', data: { note: LARGE } };
  const small = { type: 'contact.created', data: {} };
  const [many, few] = [large, small].map((event) => ({ events: Array(COUNT).fill(event) }));
  for (const [path, kept, other] of [
    ['/v1/events/batch', many, few],
    ['/v1/events', large, small],
  ] as const) {
    expect((await client.post(path, kept, headers)).status).toBe(202);
    const conflict = await costOf(() => client.post(path, other, headers));
    expectRefusal(conflict.answer, 'idempotency_conflict');
    const again = await costOf(() => client.post(path, kept, headers));
    expect(again.answer.status).toBe(202);
    expect(conflict.bytes + again.bytes).toBeLessThan(AROUND);
  }
});

it.each(['own', 'catalogue'])(
  'a batch of events of many types costs their schemas alone (%s)',
  async (whose) => {
    const catalog = whose === 'own' ? undefined : 'wide';
    const types = Array.from({ length: 40 }, (_, n) => `a.wide${n}`);
    const body = { description: 'A test.', schema: {}, sample: { x: 'x'.repeat(30 * KIB) } };
    const wide = await stack.project({ profile: 'custom' });
    const [client, path] = catalog
      ? [stack.admin, `/v1/catalogs/${catalog}/event-types`]
      : [wide.client, '/v1/event-types'];
    for (const type of types) await client.send('PUT', `${path}/${type}`, body);
    if (catalog) await stack.admin.patch(`/v1/projects/${wide.id}`, { catalog });
    const events = types.map((type) => ({ type, data: {} }));
    const { answer, bytes } = await costOf(() => wide.client.post('/v1/events/batch', { events }));
    expect(answer.status).toBe(202);
    expect(bytes).toBeLessThan(AROUND);
  },
);

it('an event with more than 1,000 deliveries shows the newest, and where the others are', async () => {
  const { id: project, client } = await stack.project();
  const posted = await client.post('/v1/events', { type: 'email.sent', data: emailSent });
  const eventId = posted.body.data.id as string;
  const insert = (from: number, to: number): Promise<string[]> =>
    insertDeliveries(
      stack,
      Array.from({ length: to - from }, (_, n) => {
        const createdAt = new Date(now.getTime() + from + n);
        return { projectId: project, eventId, createdAt };
      }),
    );
  const ids = await insert(0, 1000);
  const all = (await client.get(`/v1/events/${eventId}`)).body.data;
  expect(all.deliveries.map(({ id }: { id: string }) => id)).toEqual(ids);
  expect(all.deliveriesCursor).toBeUndefined();
  ids.push(...(await insert(1000, 1005)));
  const { deliveries, deliveriesCursor } = (await client.get(`/v1/events/${eventId}`)).body.data;
  expect(deliveries.map(({ id }: { id: string }) => id)).toEqual(ids.slice(5));
  const rest = await client.get(`/v1/deliveries?eventId=${eventId}&cursor=${deliveriesCursor}`);
  expect(rest.body.data.deliveries.map(({ id }: { id: string }) => id)).toEqual(
    ids.slice(0, 5).toReversed(),
  );
});
