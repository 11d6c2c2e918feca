import { SCAN_LIMITS } from '../../../src/api/search/by-data';
import { newId, type Resource } from '../../../src/contracts/ids';
import { ApiClient } from '../../support/api-client';
import { makeWebhook } from '../../support/deliveries';
import { eventually, PATIENCE_MS } from '../../support/eventually';
import { useStack } from '../../support/use';
import { idAt, insertDelivery } from './insert';
import { expectRefusal } from './refusal';

const stack = useStack({ POSTHORN_RATE_LIMIT_PER_MINUTE: '100000' }, { worker: false });
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const expiresAt = new Date(Date.now() + DAY_MS);

const search = (client: ApiClient, q: string, more = '') =>
  client.get(`/v1/search?q=${encodeURIComponent(q)}${more}`);
const idsOf = (results: { id: string }[]): string[] => results.map(({ id }) => id);
const found = async (client: ApiClient, q: string, more = ''): Promise<string[]> => {
  const { status, body } = await search(client, q, more);
  expect({ q, status, error: body.error }).toEqual({ q, status: 200, error: undefined });
  return idsOf(body.data.results);
};

describe('a search by an id', () => {
  let projectId: string;
  let owner: ApiClient;
  let other: ApiClient;
  let admin: ApiClient;
  const ids: Record<string, string> = {};
  /** As each is shown. */
  const expected: Record<string, object> = {};

  beforeAll(async () => {
    ({ id: projectId, client: owner } = await stack.project({
      profile: 'platform',
      name: 'Acme',
      externalId: 'cust_42',
    }));
    other = (await stack.project()).client;
    admin = stack.admin.with({ 'x-project-id': projectId });
    const webhook = { name: 'CRM', externalId: 'crm/1' };
    ids.webhook = (await makeWebhook(owner, 'https://crm.example.com/in', webhook)).id;
    const data = { email_id: 'em_1', recipient: 'a@x.example', timestamp: '2026-01-01T00:00:00Z' };
    const event = { type: 'email.open', data };
    ids.event = (await owner.post('/v1/events', event)).body.data.id;
    const fields = { projectId, webhookId: ids.webhook, eventId: ids.event };
    ids.delivery = await insertDelivery(stack, { ...fields, status: 'failed' });
    await owner.post('/api/webhooks', { type: 'delivered', email_id: 'em_1' });
    ids.report = (await owner.get('/v1/reports')).body.data.reports[0].id;
    const range = { since: new Date(0).toISOString(), until: '2099-01-01T00:00:00Z' };
    ids.replay = (await owner.post('/v1/replays', range)).body.data.id;
    ids.key = (await owner.get(`/v1/projects/${projectId}/keys`)).body.data.keys[0].id;
    ids.audit = (await owner.get('/v1/audit?action=webhook.created')).body.data.entries[0].id;
    ids.project = projectId;
    Object.assign(expected, {
      webhook: {
        title: 'CRM',
        url: 'https://crm.example.com/in',
        path: `/v1/webhooks/${ids.webhook}`,
        status: 'active',
      },
      event: { title: 'email.open', path: `/v1/events/${ids.event}` },
      delivery: {
        title: 'email.sent to CRM',
        path: `/v1/deliveries/${ids.delivery}`,
        status: 'failed',
      },
      report: { title: 'plain delivered', path: `/v1/reports/${ids.report}` },
      replay: {
        title: 'bulk replay (1 matched)',
        path: `/v1/replays/${ids.replay}`,
        status: 'running',
      },
      key: { title: 'owner (owner)', path: `/v1/projects/${projectId}/keys` },
      audit: {
        title: `webhook.created ${ids.webhook}`,
        path: `/v1/audit?target=${ids.webhook}`,
      },
      project: { title: 'Acme', path: `/v1/projects/${projectId}` },
    });
  });

  const KINDS = ['webhook', 'event', 'delivery', 'report', 'replay', 'key', 'audit', 'project'];
  it.each(KINDS)('says what it is and where: %s', async (kind) => {
    for (const client of [owner, admin, stack.admin]) {
      const { body } = await search(client, ids[kind]!);
      if (kind === 'project' && client === owner) {
        expect(body.data.results).toEqual([]);
        continue;
      }
      expect(body.data).toEqual({
        results: [
          {
            kind,
            id: ids[kind],
            projectId,
            matched: 'id',
            createdAt: expect.any(String),
            ...expected[kind],
          },
        ],
        nextCursor: null,
        scanned: null,
      });
      // Its place answers this caller.
      expect(
        (await client.with({ 'x-project-id': projectId }).get(body.data.results[0].path)).status,
      ).toBe(200);
    }
  });

  it('finds it within other text: a path, a workflow’s id, a line of a log; and several', async () => {
    expect(await found(owner, `/v1/webhooks/${ids.webhook}/test?x=1`)).toEqual([ids.webhook]);
    expect(await found(owner, `delivery/${ids.delivery}`)).toEqual([ids.delivery]);
    expect(
      await found(owner, ` {"eventId":"${ids.event}","deliveryId":"${ids.delivery}"} `),
    ).toEqual([ids.event, ids.delivery]);
    expect(await found(owner, `${ids.event} ${ids.event}`)).toEqual([ids.event]);
  });

  it('shows nothing of other projects, or of what a role may not see', async () => {
    const reader = await stack.client(projectId, 'reader');
    const foreignAdmin = stack.admin.with({
      'x-project-id': (await stack.project()).id,
    });
    const link = await owner.post('/v1/portal-links', { capabilities: 'manage' });
    const portal = new ApiClient(stack.url, link.body.data.token as string);
    for (const [kind, id] of Object.entries(ids)) {
      expect([kind, await found(other, id)]).toEqual([kind, []]);
      expect([kind, await found(foreignAdmin, id)]).toEqual([kind, []]);
      const isHidden = ['key', 'project'].includes(kind);
      expect([kind, await found(reader, id)]).toEqual([kind, isHidden ? [] : [id]]);
      const isOutside = isHidden || ['report', 'audit'].includes(kind);
      expect([kind, await found(portal, id)]).toEqual([kind, isOutside ? [] : [id]]);
    }
    const sender = await stack.client(projectId, 'sender');
    expectRefusal(await search(sender, ids.event!), 'forbidden');
  });

  it('finds nothing for ids that nothing has', async () => {
    for (const kind of KINDS) expect(await found(owner, newId(kind as Resource))).toEqual([]);
    expect(await found(owner, ids.event!.slice(0, -1))).toEqual([]);
    expect(await found(owner, ids.event!.toUpperCase())).toEqual([]);
  });

  it('finds external ids: of webhooks in the project; of projects, the admin', async () => {
    expect(await found(owner, 'ext:crm/1')).toEqual([ids.webhook]);
    expect(await found(owner, 'ext:cust_42')).toEqual([]);
    expect(await found(owner, 'ext:nobody')).toEqual([]);
    expect(await found(other, 'ext:crm/1')).toEqual([]);
    expect(await found(stack.admin, 'ext:cust_42')).toEqual([projectId]);
    expect(await found(admin, 'ext:cust_42')).toEqual([projectId]);
    expect(await found(admin, 'ext:crm/1')).toEqual([ids.webhook]);
    const { results } = (await search(owner, 'ext:crm/1')).body.data;
    expect(results[0]).toMatchObject({ kind: 'webhook', matched: 'externalId' });
  });

  it('across all projects is of ids alone', async () => {
    for (const q of ['crm', 'data.email = x', 'some-key']) {
      expectRefusal(await search(stack.admin, q), 'validation_failed', ['x-project-id']);
    }
  });

  it('shows nothing of a project that is deleted', async () => {
    const gone = await stack.project();
    const delivery = await insertDelivery(stack, { projectId: gone.id });
    expect(await found(stack.admin, delivery)).toEqual([delivery]);
    await stack.store.projects.model.updateOne({ _id: gone.id }, { deletedAt: new Date() });
    stack.store.projects.known.forget();
    expect(await found(stack.admin, delivery)).toEqual([]);
  });
});

describe('a search by an Idempotency-Key', () => {
  it('finds the event, or the events of the batch, that were posted with it', async () => {
    const { client } = await stack.project({ profile: 'autosend' });
    const { client: other } = await stack.project();
    const event = { type: 'contact.created', data: { email: 'a@example.com' } };
    const key = { 'Idempotency-Key': 'order:42/paid$ne.*' };
    const { id } = (await client.post('/v1/events', event, key)).body.data;
    const batch = { events: [event, event, event] };
    const posted = await client.post('/v1/events/batch', batch, { 'Idempotency-Key': 'b-7' });
    expect(await found(client, 'order:42/paid$ne.*')).toEqual([id]);
    expect(await found(client, '"order:42/paid$ne.*"')).toEqual([id]);
    expect(await found(client, 'b-7')).toEqual(idsOf(posted.body.data.events));
    expect(await found(client, 'b-7', '&limit=2')).toHaveLength(2);
    expect(await found(client, 'order:42')).toEqual([]);
    expect(await found(other, 'b-7')).toEqual([]);
    const { results } = (await search(client, 'order:42/paid$ne.*')).body.data;
    expect(results[0]).toMatchObject({ kind: 'event', matched: 'idempotencyKey' });
  });

  it.each([1, 3, 5, 7])(
    'finds %i at a time of a batch’s events, and of webhooks with the same in their name',
    async (limit) => {
      const { client } = await stack.project({ profile: 'autosend' });
      const event = { type: 'contact.created', data: { email: 'a@example.com' } };
      const batch = { events: Array.from({ length: 5 }, () => event) };
      const posted = await client.post('/v1/events/batch', batch, { 'Idempotency-Key': 'acme' });
      const webhooks: string[] = [];
      for (const name of ['acme', 'Acme 2']) {
        webhooks.push((await makeWebhook(client, 'https://example.com/', { name })).id);
      }
      const seen: string[] = [];
      let cursor = '';
      do {
        const { data } = (await search(client, 'acme', `&limit=${limit}${cursor}`)).body;
        expect(data.results.length).toBeLessThanOrEqual(limit);
        seen.push(...idsOf(data.results));
        cursor = data.nextCursor === null ? '' : `&cursor=${data.nextCursor}`;
      } while (cursor !== '');
      expect(seen).toEqual([...idsOf(posted.body.data.events), ...webhooks.toReversed()]);
    },
  );

  it('finds keys, and URLs, that contain ids that are not from here', async () => {
    const { client } = await stack.project({ profile: 'autosend' });
    const event = { type: 'contact.created', data: { email: 'a@example.com' } };
    const foreign = newId('event');
    for (const key of [foreign, `retry/${foreign}`, 'ext:42']) {
      const { body } = await client.post('/v1/events', event, { 'Idempotency-Key': key });
      expect([key, await found(client, key)]).toEqual([key, [body.data.id]]);
    }
    const url = `https://example.com/in/${newId('webhook')}`;
    const webhook = await makeWebhook(client, url);
    expect(await found(client, url)).toEqual([webhook.id]);
  });
});

describe('a search by a piece of a name or URL', () => {
  it('finds the project’s webhooks, in any case, and no pattern', async () => {
    const { client } = await stack.project();
    const { client: other } = await stack.project();
    const make = (name: string, url: string, more = {}) =>
      makeWebhook(client, url, { name, ...more }).then(({ id }) => id);
    const crm = await make('CRM of Größe', 'https://crm.example.com/in?team=a.b');
    const shop = await make('Shop (100%)', 'https://Shop.example.com/grüße/1');
    const third = await make('third', 'https://third.example.com/', { externalId: 'cust-77' });
    await makeWebhook(other, 'https://crm.example.com/', { name: 'CRM' });
    await client.post(`/v1/webhooks/${shop}/pause`);
    for (const [q, expected] of [
      ['crm', [crm]],
      ['GRÖSSE', []],
      ['größe', [crm]],
      ['of gr', [crm]],
      ['example.com', [third, shop, crm]],
      ['https://SHOP.example.com', [shop]],
      ['/grüße/', [shop]],
      ['?team=a.b', [crm]],
      ['?team=aXb', []],
      ['(100%)', [shop]],
      ['.*', []],
      ['^crm', []],
      ['$', []],
      ['cust-77', [third]],
      ['shop (100%) ', [shop]],
      ['{"$ne":null}', []],
    ] as const) {
      expect([q, await found(client, q)]).toEqual([q, expected]);
    }
    const { results } = (await search(client, 'shop')).body.data;
    expect(results).toEqual([
      expect.objectContaining({ kind: 'webhook', matched: 'name', status: 'paused' }),
    ]);
  });

  it('is continued by its cursor', async () => {
    const { client } = await stack.project();
    const made: string[] = [];
    for (let n = 0; n < 7; n += 1) {
      made.push((await makeWebhook(client, `https://a${n}.example.com/`)).id);
    }
    const seen: string[] = [];
    let cursor = '';
    do {
      const { data } = (await search(client, '.example.com', `&limit=3${cursor}`)).body;
      seen.push(...idsOf(data.results));
      cursor = data.nextCursor === null ? '' : `&cursor=${data.nextCursor}`;
    } while (cursor !== '');
    expect(seen).toEqual(made.toReversed());
  });

  it.each(['', '%20', 'x'.repeat(1001)])('is refused for "%s"', async (q) => {
    const { client } = await stack.project();
    expectRefusal(await client.get(`/v1/search?q=${q}`), 'validation_failed', ['q']);
    expectRefusal(await client.get('/v1/search'), 'validation_failed', ['q']);
  });
});

describe('a search by events’ data', () => {
  let projectId: string;
  let client: ApiClient;

  /** Stores events of these data, as text, a minute apart, the last one a minute ago. */
  const insertEvents = async (
    of: string,
    texts: readonly string[],
    { apartMs = MINUTE_MS, types = ['order.paid'] } = {},
  ): Promise<string[]> => {
    const events = texts.map((text, n) => {
      const acceptedAt = new Date(Date.now() - (texts.length - n) * apartMs);
      const type = types[n % types.length]!;
      return {
        _id: idAt('event', acceptedAt),
        projectId: of,
        type,
        createdAt: acceptedAt,
        acceptedAt,
        fannedOutAt: acceptedAt,
        body: `{"type":"${type}","timestamp":"x","data":${text}}`,
        expiresAt,
      };
    });
    await stack.store.events.model.insertMany(events);
    return events.map(({ _id }) => _id);
  };

  /** Bounds of events and bytes are shown here, which a slow machine would not reach in time. */
  const limit = jest.replaceProperty(SCAN_LIMITS, 'ms', PATIENCE_MS);
  afterAll(() => limit.restore());

  beforeAll(async () => {
    ({ id: projectId, client } = await stack.project({ profile: 'custom' }));
  });

  it('finds those whose field has the value, as their JSON means it and not as it is written', async () => {
    const texts = [
      '{"email":"ada@example.com","total":10}',
      '{ "email" : "ada\\u0040example.com", "total": 10.0 }',
      '{"\\u0065mail":"ada@example.com","total":"10"}',
      '{"email":"Ada@example.com","total":1e1}',
      '{"to":[{"email":"ada@example.com"},{"email":"bob@example.com"}],"total":11}',
      '{"note":"email: ada@example.com","big":9007199254740993}',
      '{"email":null,"ok":true,"tags":["a","b"]}',
      '{"slash":"a\\/b","quote":"say \\"hi\\"","a.b":1,"line":"x\\ny"}',
      '{"email":{"$ne":"ada@example.com"}}',
    ];
    const ids = await insertEvents(projectId, texts);
    const at = (...places: number[]) => places.map((place) => ids[place]!);
    for (const [q, expected] of [
      ['data.email = ada@example.com', at(2, 1, 0)],
      ['data.email = "ada@example.com"', at(2, 1, 0)],
      ['data.total = 10', at(3, 1, 0)],
      ['data.total = "10"', at(2)],
      ['data.to.email = bob@example.com', at(4)],
      ['data.to[0].email = bob@example.com', []],
      ['data.to.1.email = bob@example.com', at(4)],
      ['data.big = 9007199254740993', at(5)],
      ['data.big = 9007199254740992', []],
      ['data.email = null', at(6)],
      ['data.ok = true', at(6)],
      ['data.ok = false', []],
      ['data.tags = b', at(6)],
      ['data.slash = a/b', at(7)],
      ['data.quote = say "hi"', at(7)],
      ['data.line = "x\\ny"', at(7)],
      ['data."a.b" = 1', at(7)],
      ['data.email."$ne" = ada@example.com', at(8)],
      ['data.email = .*', []],
      ['data.email = $ne', []],
    ] as const) {
      expect([q, await found(client, q)]).toEqual([q, expected]);
    }
    const { results, scanned } = (await search(client, 'data.big = 9007199254740993')).body.data;
    expect(results).toEqual([
      {
        kind: 'event',
        id: ids[5],
        projectId,
        title: 'order.paid',
        path: `/v1/events/${ids[5]}`,
        matched: 'data',
        createdAt: expect.any(String),
      },
    ]);
    expect(scanned).toMatchObject({ events: texts.length, isComplete: true });
    const { client: other } = await stack.project();
    expect(await found(other, 'data.email = ada@example.com')).toEqual([]);
  });

  it('compares with an id too, and does not look for what has it', async () => {
    const { id, client: own } = await stack.project({ profile: 'custom' });
    const [first] = await insertEvents(id, ['{"a":1}']);
    const [second] = await insertEvents(id, [`{"parent":"${first}"}`]);
    expect(await found(own, `data.parent = ${first}`)).toEqual([second]);
    expectRefusal(
      await search(own, 'data.a = 1', `&cursor=${newId('webhook')}`),
      'validation_failed',
      ['cursor'],
    );
  });

  it('says what is wrong with it', async () => {
    for (const [q, message] of [
      ['data.total > 10', /compares with "=" only/],
      ['data.email =', /no value/],
      ['data.email = "x', /JSON string/],
      ['data.to = {"$ne":1}', /object or a list/],
    ] as const) {
      const refused = await search(client, q);
      expectRefusal(refused, 'validation_failed', ['q']);
      expect(refused.body.error.message).toMatch(message);
    }
  });

  it('is of a range of time, by default seven days, at most 31, and of a type', async () => {
    const { id, client: own } = await stack.project({ profile: 'custom' });
    const ids = await insertEvents(id, Array(12).fill('{"a":1}'), {
      // The seventh is older than seven days by any clock.
      apartMs: DAY_MS + MINUTE_MS,
      types: ['order.paid', 'order.sent'],
    });
    const ago = (days: number) => new Date(Date.now() - (days + 0.5) * DAY_MS).toISOString();
    expect(await found(own, 'data.a = 1')).toEqual(ids.slice(-6).toReversed());
    const whole = `&since=${ago(12)}`;
    expect(await found(own, 'data.a = 1', whole)).toEqual(ids.toReversed());
    expect(await found(own, 'data.a = 1', `${whole}&until=${ago(10)}`)).toEqual(
      ids.slice(0, 2).toReversed(),
    );
    expect(await found(own, 'data.a = 1', `${whole}&type=order.sent`)).toEqual(
      ids.filter((_id, n) => n % 2 === 1).toReversed(),
    );
    const { scanned } = (await search(own, 'data.a = 2', `${whole}&until=${ago(10)}`)).body.data;
    expect(scanned).toMatchObject({ events: 2, isComplete: true });
    for (const range of [`&since=${ago(32)}`, `&since=${ago(1)}&until=${ago(2)}`]) {
      expectRefusal(await search(own, 'data.a = 1', range), 'validation_failed', ['since']);
    }
  });

  it('looks at so many events at a time, says how far it looked, and goes on from there', async () => {
    const { id, client: own } = await stack.project({ profile: 'custom' });
    const COUNT = 45_000;
    const texts = Array.from({ length: COUNT }, (_, n) => `{"n":${n},"odd":${n % 2 === 1}}`);
    const ids = await insertEvents(id, texts, { apartMs: 1000 });
    const steps: { results: string[]; scanned: Record<string, unknown> }[] = [];
    let cursor = '';
    do {
      const { data } = (await search(own, 'data.n = 7', cursor)).body;
      steps.push({ results: idsOf(data.results), scanned: data.scanned });
      expect(data.scanned.isComplete).toBe(data.nextCursor === null);
      cursor = data.nextCursor === null ? '' : `&cursor=${data.nextCursor}`;
    } while (cursor !== '');
    expect(steps.map(({ results }) => results)).toEqual([[], [], [ids[7]]]);
    expect(steps.map(({ scanned }) => scanned.events)).toEqual([20_000, 20_000, 5000]);
    // One after the other, without a gap.
    expect(steps[1]!.scanned.until).toBe(steps[0]!.scanned.since);
    expect(steps[2]!.scanned.until).toBe(steps[1]!.scanned.since);

    // As many results as asked for; the rest with the cursor, each once.
    const seen: string[] = [];
    cursor = '';
    do {
      const { data } = (await search(own, 'data.odd = true', `&limit=90${cursor}`)).body;
      expect(data.results.length).toBeLessThanOrEqual(90);
      seen.push(...idsOf(data.results));
      cursor = seen.length >= 450 ? '' : `&cursor=${data.nextCursor}`;
    } while (cursor !== '');
    const odd = ids.filter((_id, n) => n % 2 === 1).toReversed();
    expect(seen).toEqual(odd.slice(0, seen.length));
  }, 120_000);

  it('looks at so many bytes at a time, and always at one event', async () => {
    const { id, client: own } = await stack.project({ profile: 'custom' });
    const large = 'x'.repeat(255 * 1024);
    // Escapes: each is handed over and parsed, in processes of their own.
    const texts = Array.from({ length: 150 }, (_, n) => `{"n":${n},"x":"\\n${large}"}`);
    const ids = await insertEvents(id, texts);
    const first = (await search(own, 'data.n = 0')).body.data;
    expect(first.results).toEqual([]);
    expect(first.scanned.isComplete).toBe(false);
    expect(first.scanned.bytes).toBeLessThanOrEqual(32 * 1024 * 1024);
    expect(first.scanned.events).toBeGreaterThan(120);
    const second = (await search(own, 'data.n = 0', `&cursor=${first.nextCursor}`)).body.data;
    expect(idsOf(second.results)).toEqual([ids[0]]);
    expect(first.scanned.events + second.scanned.events).toBe(150);
  });

  it('is refused while one of its project is in progress, and the other projects do not wait', async () => {
    const { id, client: own } = await stack.project({ profile: 'custom' });
    const { id: otherId, client: other } = await stack.project({ profile: 'custom' });
    const [event] = await insertEvents(id, ['{"a":1}']);
    const [others] = await insertEvents(otherId, ['{"a":1}']);
    const { events } = stack.store;
    let goOn = (): void => {};
    const gate = new Promise<void>((resolve) => (goOn = resolve));
    let scans = 0;
    const find = events.collection.find.bind(events.collection);
    const spied = jest.spyOn(events, 'collection', 'get').mockReturnValue({
      find: (filter: { projectId: string }, options: object) => {
        const cursor = find(filter as never, options);
        if (filter.projectId !== id) return cursor;
        scans += 1;
        return (async function* () {
          await gate;
          yield* cursor;
        })();
      },
    } as never);
    const first = found(own, 'data.a = 1');
    await eventually('one is at work', () => scans === 1);
    const second = await search(own, 'data.a = 1');
    expectRefusal(second, 'rate_limited');
    expect(second.headers.get('retry-after')).toBe('2');
    expect(await found(other, 'data.a = 1')).toEqual([others]);
    expect(scans).toBe(1);
    goOn();
    expect(await first).toEqual([event]);
    spied.mockRestore();
    expect(await found(own, 'data.a = 1')).toEqual([event]);
  });
});
