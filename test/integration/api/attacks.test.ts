import { newId } from '../../../src/contracts/ids';
import { ApiClient, type Answer } from '../../support/api-client';
import { makeWebhook } from '../../support/deliveries';
import { documentedRoutes, type DocumentedRoute } from '../../support/documented-routes';
import { emailSent } from '../../support/samples';
import { useStack } from '../../support/use';
import { insertDelivery } from './insert';

const routes = documentedRoutes();
const named = (of: DocumentedRoute[]): [string, DocumentedRoute][] =>
  of.map((route) => [`${route.method} ${route.path}`, route]);

const stack = useStack({ POSTHORN_RATE_LIMIT_PER_MINUTE: '100000' }, { worker: false });
/** Who attacks: the owner of one project, and the admin's key for what is the admin's. */
let attacker: ApiClient;
let attackersProject: string;
/** The same of a project that defines its own event types. */
let definer: ApiClient;
/** Who is attacked: one of each, of another project. */
let victim: Record<
  'project' | 'key' | 'webhook' | 'event' | 'delivery' | 'replay' | 'report',
  string
>;
let own: typeof victim;

async function populate(profile: string): Promise<{ ids: typeof victim; client: ApiClient }> {
  const { id: project, client } = await stack.project({ profile });
  const keys = await client.get(`/v1/projects/${project}/keys`);
  const webhook = (await makeWebhook(client, 'https://example.com/')).id;
  const posted = await client.post('/v1/events', {
    type: 'email.open',
    data: { email_id: 'em_1', recipient: 'a@example.com', timestamp: '2026-01-01T00:00:00Z' },
  });
  expect(posted.status).toBe(202);
  const event = posted.body.data.id as string;
  await client.post('/api/webhooks', { type: 'delivered', email_id: 'em_1' });
  const report = (await client.get('/v1/reports')).body.data.reports[0].id as string;
  const fields = { projectId: project, webhookId: webhook, eventId: event };
  const delivery = await insertDelivery(stack, { ...fields, status: 'failed' });
  const since = new Date(Date.now() - 1000).toISOString();
  const until = new Date().toISOString();
  const replayed = await client.post('/v1/replays', { since, until });
  expect(replayed.status).toBe(202);
  const replay = replayed.body.data.id as string;
  const key = keys.body.data.keys[0].id as string;
  return { ids: { project, key, webhook, event, delivery, replay, report }, client };
}

beforeAll(async () => {
  ({ ids: victim } = await populate('platform'));
  const mine = await populate('platform');
  own = mine.ids;
  attacker = mine.client;
  attackersProject = own.project;
  definer = (await stack.project({ profile: 'custom' })).client;
});

/** Everything of the project, but for when its keys were used. */
async function everything(projectId: string): Promise<string> {
  const { store } = stack;
  const of = { projectId };
  const found = await Promise.all([
    store.projects.model.findById(projectId).lean(),
    store.keys.model.find(of, { lastUsedAt: 0 }).lean(),
    store.webhooks.model.find(of).lean(),
    store.events.model.find(of).lean(),
    store.deliveries.model.find(of).lean(),
    store.replays.model.find(of).lean(),
    store.eventTypes.model.find(of).lean(),
  ]);
  return JSON.stringify(found);
}

/** Which resource's id is in a path. */
function resourceOf(path: string): keyof typeof victim {
  const [, , room] = path.split('/');
  const rooms: Record<string, keyof typeof victim> = {
    projects: 'project',
    webhooks: 'webhook',
    events: 'event',
    deliveries: 'delivery',
    replays: 'replay',
    reports: 'report',
  };
  const resource = rooms[room!];
  if (!resource) throw new Error(`an id in ${path} that this test does not know`);
  return resource;
}

/** The path with these ids in it. */
const withIds = (path: string, ids: typeof victim): string =>
  path
    .replace('{projectId}', ids.project)
    .replace('{keyId}', ids.key)
    .replace('{id}', () => ids[resourceOf(path)])
    .replace('{name}', 'acme')
    .replace('{type}', 'order.paid')
    .replace('{provider}', 'resend');

/** As who may do this at all. */
const askerFor = ({ path }: DocumentedRoute): ApiClient => {
  if (path === '/v1/event-types/{type}') return definer;
  return /^\/v1\/(projects(\/\{id\})?$|catalogs)/.test(path) ? stack.admin : attacker;
};

describe('another project’s id', () => {
  const withId = routes.filter(({ path }) => /\{(id|projectId|keyId)\}/.test(path));

  it('can be tried on this many routes', () => expect(withId.length).toBeGreaterThanOrEqual(25));

  it.each(named(withId))('is answered as none, and changes nothing: %s', async (_title, route) => {
    const before = await everything(victim.project);
    const path = withIds(route.path, victim);
    const answer = await attacker.send(route.method, path, route.body);
    const isAdmins = /^\/v1\/projects\/\{id\}$/.test(route.path);
    expect([answer.status, answer.body.error.code]).toEqual(
      isAdmins ? [403, 'forbidden'] : [404, 'not_found'],
    );
    expect(JSON.stringify(answer.body)).not.toContain('Test');
    // The admin's key in the name of the attacker's project has no more reach.
    if (!route.path.startsWith('/v1/projects')) {
      const admin = stack.admin.with({ 'x-project-id': attackersProject });
      expect((await admin.send(route.method, path, route.body)).status).toBe(404);
    }
    expect(await everything(victim.project)).toBe(before);
  });

  it('mixed with the own project’s is none either', async () => {
    const before = await everything(victim.project);
    const path = `/v1/projects/${own.project}/keys/${victim.key}`;
    expect((await attacker.delete(path)).status).toBe(404);
    expect(await everything(victim.project)).toBe(before);
  });

  it.each(['webhookId', 'eventId'])('in ?%s finds nothing', async (name) => {
    const id = name === 'webhookId' ? victim.webhook : victim.event;
    const { body } = await attacker.get(`/v1/deliveries?${name}=${id}`);
    expect(body.data.deliveries).toEqual([]);
  });

  it('in ?target of the audit finds nothing', async () => {
    const { body } = await attacker.get(`/v1/audit?target=${victim.webhook}`);
    expect(body.data.entries).toEqual([]);
  });

  it('in a bulk replay matches nothing', async () => {
    const before = await everything(victim.project);
    const range = { since: '2026-01-01T00:00:00Z', until: '2099-01-01T00:00:00Z' };
    const answer = await attacker.post('/v1/replays', {
      ...range,
      webhookId: victim.webhook,
      dryRun: true,
    });
    expect(answer.status === 404 || answer.body.data.matched === 0).toBe(true);
    expect(await everything(victim.project)).toBe(before);
  });

  it('as a cursor shows nothing of theirs', async () => {
    for (const [path, id, plural] of [
      ['/v1/webhooks', victim.webhook, 'webhooks'],
      ['/v1/events', victim.event, 'events'],
      ['/v1/deliveries', victim.delivery, 'deliveries'],
      ['/v1/replays', victim.replay, 'replays'],
    ]) {
      const { status, body } = await attacker.get(`${path}?cursor=${id}`);
      expect(status).toBe(200);
      expect(JSON.stringify(body)).not.toContain(victim.project);
      expect(body.data[plural!]).toEqual(expect.any(Array));
    }
  });
});

const OPERATORS = ['$ne', '$gt', '$regex', '$where', '$in', '$exists'];

describe('MongoDB’s operators', () => {
  const parameters = routes.flatMap((route) =>
    route.query.map((name): [string, string, DocumentedRoute] => [
      name,
      `${route.method} ${route.path}`,
      route,
    ]),
  );

  it.each(parameters)('are not accepted as ?%s: %s', async (name, _title, route) => {
    const path = withIds(route.path, own);
    for (const operator of OPERATORS) {
      for (const query of [`${name}[${operator}]=x`, `${name}[${operator}][]=x`]) {
        expect((await askerFor(route).get(`${path}?${query}`)).status).toBe(422);
      }
    }
    const twice = await askerFor(route).get(`${path}?${name}=a&${name}=b`);
    expect(twice.status).toBe(422);
  });

  it.each(['[$ne]', '[$gt]'])('are not accepted as a key: ?token%s', async (operator) => {
    const anonymous = new ApiClient(stack.url, '');
    const answer = await anonymous.get(`/api/webhooks/manage?token${operator}=x`);
    expect(answer.status).toBe(401);
  });

  /** Fields whose value is JSON of the caller's own; and headers, which may be called `$where`. */
  const FREE = new Set(['schema', 'sample', 'headers']);
  const fields = routes.flatMap((route) =>
    route.fields
      .filter((name) => !FREE.has(name))
      .map((name): [string, string, DocumentedRoute] => [
        name,
        `${route.method} ${route.path}`,
        route,
      ]),
  );

  it('can be tried in this many fields', () => expect(fields.length).toBeGreaterThanOrEqual(45));

  it.each(fields)('are not accepted in the field %s: %s', async (name, _title, route) => {
    const before = await everything(own.project);
    for (const value of [{ $gt: '' }, { $ne: null }, { $where: 'sleep(1000)' }, [{ $gt: '' }]]) {
      const body = { ...route.body, [name]: value };
      const answer = await askerFor(route).send(route.method, withIds(route.path, own), body);
      expect([answer.status, answer.body.error?.code]).toEqual([422, expect.any(String)]);
    }
    expect(await everything(own.project)).toBe(before);
  });
});

describe('a forged cursor', () => {
  const lists = routes.filter(({ query }) => query.includes('cursor'));
  const FORGED = [
    '',
    'x',
    'null',
    '{"$gt":""}',
    '../../etc/passwd',
    '%00',
    'wh_0192f5a9e3f27d508c6e7f8091a2345', // a digit short
    'wh_0192f5a9e3f27d508c6e7f8091a23456%00',
    'WH_0192F5A9E3F27D508C6E7F8091A23456',
    'zz_0192f5a9e3f27d508c6e7f8091a23456',
    'x'.repeat(4000),
  ];
  it.each(named(lists))('is refused: %s', async (_title, route) => {
    for (const cursor of FORGED) {
      const path = `${withIds(route.path, own)}?cursor=${cursor}`;
      expect([cursor, (await askerFor(route).get(path)).status]).toEqual([cursor, 422]);
    }
  });
});

const withBody = routes.filter(({ body }) => body !== undefined);
/** A provider's own payload is kept as it came, whatever else is in it. */
const closed = withBody.filter(({ path }) => !path.includes('{provider}'));
const sendRaw = (route: DocumentedRoute, raw: string): Promise<Answer> =>
  askerFor(route).send(route.method, withIds(route.path, own), raw);

describe('a body that reaches for prototypes', () => {
  const POLLUTIONS = [
    '"__proto__":{"polluted":true}',
    '"constructor":{"prototype":{"polluted":true}}',
    '"prototype":{"polluted":true}',
  ];
  it.each(named(closed))('is refused, and changes no prototype: %s', async (_title, route) => {
    const before = await everything(own.project);
    const rest = JSON.stringify(route.body).slice(1);
    for (const pollution of POLLUTIONS) {
      const raw = `{${pollution}${rest === '}' ? '' : ','}${rest}`;
      const { status } = await sendRaw(route, raw);
      expect([pollution, status]).toEqual([pollution, 422]);
    }
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    expect(await everything(own.project)).toBe(before);
  });

  it('is refused in the middle of an event’s data too', async () => {
    const { client } = await stack.project();
    for (const pollution of POLLUTIONS) {
      const data = `{${pollution},${JSON.stringify(emailSent).slice(1)}`;
      const answer = await client.post('/v1/events', `{"type":"email.sent","data":${data}}`);
      expect([pollution, answer.status]).toEqual([pollution, 422]);
    }
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  it('is kept as data, and nothing more, where any data may be; but for __proto__', async () => {
    const type = { description: 'Any', schema: { type: 'object' }, sample: {} };
    const defined = await definer.send('PUT', '/v1/event-types/any.thing', type);
    expect([defined.status, defined.body.error]).toEqual([expect.any(Number), undefined]);
    const post = (raw: string): Promise<Answer> =>
      definer.post('/v1/events', `{"type":"any.thing","data":${raw}}`);
    expect((await post(`{"a":[{${POLLUTIONS[0]}}]}`)).status).toBe(422);
    const data = `{${POLLUTIONS.slice(1).join(',')},"a.b":1,"$where":"1"}`;
    const posted = await post(data);
    expect(posted.status).toBe(202);
    const read = await definer.get(`/v1/events/${posted.body.data.id}`);
    expect(JSON.stringify(read.body.data.data)).toBe(data);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});

describe('a body nested a hundred thousand levels deep', () => {
  it.each(named(withBody))('is refused, and the API lives on: %s', async (_title, route) => {
    const deep = '['.repeat(100_000) + ']'.repeat(100_000);
    const field = route.fields[0] ?? 'data';
    for (const raw of [
      `{"${field}":${deep}}`,
      `{"x":${'{"a":'.repeat(30_000)}1${'}'.repeat(30_001)}`,
    ]) {
      const { status } = await sendRaw(route, raw);
      expect(status).toBeGreaterThanOrEqual(400);
      expect(status).toBeLessThan(500);
    }
    expect((await stack.admin.get('/healthz')).status).toBe(200);
  });
});

describe('an id that is none', () => {
  const ids = ['__proto__', 'constructor', '%00', '..%2f..', '[object%20Object]', newId('audit')];
  const withId = routes.filter(({ path }) => path.includes('{id}'));
  it.each(named(withId))('is answered 404: %s', async (_title, route) => {
    for (const id of ids) {
      const path = route.path.replace('{id}', id);
      const answer = await askerFor(route).send(route.method, path, route.body);
      expect([id, answer.status]).toEqual([id, 404]);
    }
  });
});
