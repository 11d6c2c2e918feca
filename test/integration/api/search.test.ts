import { newId, type Resource } from '../../../src/contracts/ids';
import { ApiClient } from '../../support/api-client';
import { makeWebhook } from '../../support/deliveries';
import { useStack } from '../../support/use';
import { insertDelivery } from './insert';
import { expectRefusal } from './refusal';
import { found, search } from './searching';
import { idsOf } from './walk';

const stack = useStack({ POSTHORN_RATE_LIMIT_PER_MINUTE: '100000' }, { worker: false });

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
    stack.store.projects.known.forget({});
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
