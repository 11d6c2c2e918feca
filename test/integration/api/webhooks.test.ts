import { newId } from '../../../src/contracts/ids';
import type { WebhookRecord } from '../../../src/store/webhook-record';
import { makeWebhook } from '../../support/deliveries';
import { useStack } from '../../support/use';
import { insertDelivery } from './insert';
import { expectRefusal, stored } from './refusal';

const url = 'https://example.com/hooks';
const minimal = { name: 'Orders', url, events: ['email.sent'] };

describe('webhooks', () => {
  const stack = useStack({}, { worker: false });

  it('is made active and healthy, with the profile’s signing', async () => {
    const { id, client } = await stack.project();
    const made = await client.post('/v1/webhooks', minimal);
    expect(made.status).toBe(201);
    const { secret, ...webhook } = made.body.data;
    expect(secret).toMatch(/^[0-9a-f]{64}$/);
    expect(webhook).toEqual({
      id: expect.stringMatching(/^wh_[0-9a-f]{32}$/),
      projectId: id,
      externalId: null,
      ...minimal,
      description: null,
      isActive: true,
      isPaused: false,
      disabledReason: null,
      disabledBy: null,
      pausedBy: null,
      failureCount: 0,
      lastSuccessAt: null,
      lastFailedAt: null,
      lastStatus: null,
      health: { state: 'healthy' },
      signing: ['hex'],
      policy: {},
      headers: {},
      filter: null,
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
    });
    expect((await client.get(`/v1/webhooks/${webhook.id}`)).body.data).toEqual(webhook);
    expect((await client.get('/v1/webhooks')).body.data).toEqual({
      webhooks: [webhook],
      nextCursor: null,
    });
  });

  it('keeps all that it is made with', async () => {
    const { client } = await stack.project();
    const body = {
      ...minimal,
      description: 'Mirrors orders',
      events: ['*', 'email.*', 'contact.created'],
      headers: { 'X-Tenant': 'acme', Authorization: 'Bearer receiver' },
      signing: ['hex', 'standard'],
      policy: { timeoutMs: 3000, retryDelaysMs: [1000], autoDisableAfter: 5 },
    };
    const made = await client.post('/v1/webhooks', body);
    expect(made.status).toBe(201);
    expect(made.body.data).toMatchObject(body);
    expect((await client.get(`/v1/webhooks/${made.body.data.id}`)).body.data).toMatchObject(body);
  });

  it('subscribes once to a type that is named twice', async () => {
    const { client } = await stack.project();
    const events = ['email.sent', '*', 'email.sent'];
    const made = await client.post('/v1/webhooks', { ...minimal, events });
    expect(made.body.data.events).toEqual(['email.sent', '*']);
  });

  it('is signed once by a scheme that is named twice', async () => {
    const { client } = await stack.project();
    const signing = ['standard', 'hex', 'standard'];
    const made = await client.post('/v1/webhooks', { ...minimal, signing });
    expect(made.body.data.signing).toEqual(['standard', 'hex']);
  });

  const many = (count: number, entry: (n: number) => [string, string]): object =>
    Object.fromEntries(Array.from({ length: count }, (_, n) => entry(n)));
  const REFUSED: [title: string, changes: Record<string, unknown>, fields: string[]][] = [
    ['no events', { events: [] }, ['events']],
    ['events that are no list', { events: 'email.sent' }, ['events']],
    ['an unknown event type', { events: ['email.sent', 'email.exploded'] }, ['events.1']],
    ['an unknown family', { events: ['order.*'] }, ['events.0']],
    ['half a family', { events: ['email'] }, ['events.0']],
    ['a blank name', { name: ' ' }, ['name']],
    ['a name of 201 characters', { name: 'x'.repeat(201) }, ['name']],
    ['a description of 1001 characters', { description: 'x'.repeat(1001) }, ['description']],
    ['an unknown field', { colour: 'red' }, ['colour']],
    [
      'state that is not the caller’s',
      { failureCount: 0, isPaused: true },
      ['failureCount', 'isPaused'],
    ],
    ['a secret, which this profile makes itself', { secret: 'x'.repeat(64) }, ['secret']],
    [
      'a header that Posthorn sets',
      { headers: { 'X-Webhook-Signature': 'x' } },
      ['headers.X-Webhook-Signature'],
    ],
    [
      'a header of the body',
      { headers: { 'content-type': 'text/plain' } },
      ['headers.content-type'],
    ],
    ['a header of the connection', { headers: { Host: 'example.org' } }, ['headers.Host']],
    ['a header name that is none', { headers: { 'X Tenant': 'x' } }, ['headers.X Tenant']],
    ['a header value with a line break', { headers: { 'X-A': 'x\r\nX-B: y' } }, ['headers.X-A']],
    ['21 headers', { headers: many(21, (n) => [`X-${n}`, 'x']) }, ['headers']],
    ['no signing scheme', { signing: [] }, ['signing']],
    ['an unknown signing scheme', { signing: ['md5'] }, ['signing.0']],
    ['more schemes than there are', { signing: Array(12_000).fill('hex') }, ['signing']],
    ['an unknown figure', { policy: { maxWebhooks: 3 } }, ['policy.maxWebhooks']],
    ['a timeout over a minute', { policy: { timeoutMs: 60_001 } }, ['policy.timeoutMs']],
    ['a delay over a day', { policy: { retryDelaysMs: [86_400_001] } }, ['policy.retryDelaysMs.0']],
  ];

  describe('are refused by POST, with nothing stored, for', () => {
    it.each([
      ...REFUSED,
      [
        'no body',
        { name: undefined, url: undefined, events: undefined },
        ['name', 'events', 'url'],
      ],
      ['being made inactive', { isActive: false }, ['isActive']],
    ] as typeof REFUSED)('%s', async (_title, changes, fields) => {
      const { client } = await stack.project();
      const before = await stored(stack);
      const answer = await client.post('/v1/webhooks', { ...minimal, ...changes });
      expectRefusal(answer, 'validation_failed', fields);
      expect(await stored(stack)).toEqual(before);
    });
  });

  describe('are left as they are by a PATCH with', () => {
    it.each([
      ...REFUSED,
      ['an isActive that is no boolean', { isActive: 'yes' }, ['isActive']],
      ['a good field beside a bad one', { name: 'New', nope: 1 }, ['nope']],
    ] as typeof REFUSED)('%s', async (_title, changes, fields) => {
      const { client } = await stack.project();
      const made = await makeWebhook(client, url);
      const before = await client.get(`/v1/webhooks/${made.id}`);
      const answer = await client.patch(`/v1/webhooks/${made.id}`, changes);
      expectRefusal(answer, 'validation_failed', fields);
      expect((await client.get(`/v1/webhooks/${made.id}`)).body).toEqual(before.body);
    });

    it.each([
      ['another url', { url: 'https://example.org/' }],
      ['the same url', { url }],
      ['a url beside other changes', { url: 'https://example.org/', name: 'New' }],
      ['no url where there was one', { url: null }],
    ])('%s: url_immutable', async (_title, changes) => {
      const { client } = await stack.project();
      const made = await makeWebhook(client, url);
      const before = await client.get(`/v1/webhooks/${made.id}`);
      const answer = await client.patch(`/v1/webhooks/${made.id}`, changes);
      expectRefusal(answer, 'url_immutable', ['url']);
      expect((await client.get(`/v1/webhooks/${made.id}`)).body).toEqual(before.body);
    });
  });

  it('changes by PATCH what is named, and nothing else', async () => {
    const { client } = await stack.project();
    const { secret: _secret, ...before } = (await client.post('/v1/webhooks', minimal)).body.data;
    const path = `/v1/webhooks/${before.id}`;
    const changes = {
      name: 'Renamed',
      description: 'Why',
      events: ['contact.*'],
      headers: { 'X-Tenant': 'acme' },
      signing: ['standard'],
      policy: { timeoutMs: 2000 },
    };
    const changed = await client.patch(path, changes);
    expect(changed.status).toBe(200);
    expect(changed.body.data).toEqual({ ...before, ...changes, updatedAt: expect.any(String) });
    expect(Date.parse(changed.body.data.updatedAt)).toBeGreaterThanOrEqual(
      Date.parse(before.updatedAt),
    );
    expect((await client.get(path)).body.data).toEqual(changed.body.data);
    expect((await client.patch(path, { description: null })).body.data.description).toBeNull();
  });

  describe('are switched', () => {
    const unhealthy: Partial<WebhookRecord> = {
      isActive: false,
      disabledReason: 'consecutive_failures',
      failureCount: 100,
      lastFailedAt: new Date('2026-01-02T03:04:05Z'),
      lastStatus: 500,
    };

    it('off by hand, which says so and keeps the health', async () => {
      const { client } = await stack.project();
      const { id } = await makeWebhook(client, url);
      await stack.store.webhooks.model.updateOne({ _id: id }, { $set: { failureCount: 3 } });
      const off = await client.patch(`/v1/webhooks/${id}`, { isActive: false });
      expect(off.body.data).toMatchObject({
        isActive: false,
        disabledReason: 'manual',
        failureCount: 3,
      });
    });

    it('on again, with a clean count and no reason, and their history kept', async () => {
      const { client } = await stack.project();
      const { id } = await makeWebhook(client, url);
      await stack.store.webhooks.model.updateOne({ _id: id }, { $set: unhealthy });
      const on = await client.patch(`/v1/webhooks/${id}`, { isActive: true });
      expect(on.body.data).toMatchObject({
        isActive: true,
        disabledReason: null,
        failureCount: 0,
        lastFailedAt: '2026-01-02T03:04:05.000Z',
        lastStatus: 500,
      });
      // The answer to enabling tells besides what was skipped meanwhile.
      const { skipped, ...webhook } = on.body.data;
      expect(skipped).toEqual({ count: 0, replay: null });
      expect((await client.get(`/v1/webhooks/${id}`)).body.data).toEqual(webhook);
    });

    it('neither on nor off by other changes', async () => {
      const { client } = await stack.project();
      const { id } = await makeWebhook(client, url);
      await stack.store.webhooks.model.updateOne({ _id: id }, { $set: unhealthy });
      const renamed = await client.patch(`/v1/webhooks/${id}`, { name: 'Renamed' });
      expect(renamed.body.data).toMatchObject({
        name: 'Renamed',
        isActive: false,
        disabledReason: 'consecutive_failures',
        failureCount: 100,
      });
    });
  });

  it('does not exist after its deletion, but its deliveries can still be read', async () => {
    const { id: projectId, client } = await stack.project();
    const { id } = await makeWebhook(client, url);
    const delivery = await insertDelivery(stack, { projectId, webhookId: id });
    const deleted = await client.delete(`/v1/webhooks/${id}`);
    expect(deleted.status).toBe(200);
    expect(deleted.body.data).toEqual({ id, deleted: true });
    expectRefusal(await client.get(`/v1/webhooks/${id}`), 'not_found');
    expectRefusal(await client.patch(`/v1/webhooks/${id}`, { name: 'A' }), 'not_found');
    expectRefusal(await client.delete(`/v1/webhooks/${id}`), 'not_found');
    expect((await client.get('/v1/webhooks')).body.data.webhooks).toEqual([]);
    expect((await client.get(`/v1/deliveries/${delivery}`)).body.data.webhookId).toBe(id);
  });

  describe('answer 404 and stay as they are, by', () => {
    it('another project’s id, an id that does not exist, and one that can’t', async () => {
      const { client } = await stack.project();
      const other = await stack.project();
      const theirs = await makeWebhook(other.client, url);
      const before = await other.client.get(`/v1/webhooks/${theirs.id}`);
      for (const id of [theirs.id, newId('webhook'), newId('project'), 'wh_1', '%24ne']) {
        const path = `/v1/webhooks/${id}`;
        expectRefusal(await client.get(path), 'not_found');
        expectRefusal(await client.get(`${path}/secret`), 'not_found');
        expectRefusal(await client.patch(path, { name: 'Mine' }), 'not_found');
        expectRefusal(await client.delete(path), 'not_found');
      }
      expect((await other.client.get(`/v1/webhooks/${theirs.id}`)).body).toEqual(before.body);
    });

    it('with the same answer, whether another project has the id or none', async () => {
      const { client } = await stack.project();
      const other = await stack.project();
      const theirs = await makeWebhook(other.client, url);
      const [existing, missing] = await Promise.all(
        [theirs.id, newId('webhook')].map((id) => client.get(`/v1/webhooks/${id}`)),
      );
      const { requestId: _a, ...toldOfExisting } = existing!.body.error;
      const { requestId: _b, ...toldOfMissing } = missing!.body.error;
      expect(toldOfExisting).toEqual(toldOfMissing);
    });
  });

  it('tells what applies to a webhook that says nothing of it: its project’s policy, else the profile’s', async () => {
    const { id, client } = await stack.project({ policy: { timeoutMs: 20_000, ratePerSecond: 5 } });
    const defaults = {
      signing: ['hex'],
      policy: {
        timeoutMs: 20_000,
        retryDelaysMs: [60_000, 300_000, 900_000],
        autoDisableAfter: null,
        ratePerSecond: 5,
        backlogOrder: 'oldest_first',
      },
      acceptsSecret: false,
      pingType: null,
    };
    expect((await client.get('/v1/webhooks/defaults')).body.data).toEqual(defaults);
    await stack.admin.patch(`/v1/projects/${id}`, { policy: { retryDelaysMs: [5000] } });
    const changed = await stack.client(id, 'reader');
    expect((await changed.get('/v1/webhooks/defaults')).body.data.policy).toEqual({
      ...defaults.policy,
      timeoutMs: 10_000,
      retryDelaysMs: [5000],
      ratePerSecond: null,
    });
    const platform = await stack.project({ profile: 'platform' });
    const { body } = await platform.client.get('/v1/webhooks/defaults');
    expect(body.data.acceptsSecret).toBe(true);
    const pinging = await stack.project({ profile: 'emailsendx' });
    const { data } = (await pinging.client.get('/v1/webhooks/defaults')).body;
    expect(data.pingType).toBe('ping');
  });

  it('lists the event types that may be subscribed to, in the profile’s order', async () => {
    const { client } = await stack.project();
    const available = await client.get('/v1/webhooks/events/available');
    expect(available.body).toEqual({
      success: true,
      data: {
        events: [
          'email.sent',
          'email.delivered',
          'email.deferred',
          'email.opened',
          'email.clicked',
          'email.bounced',
          'email.spam_reported',
          'email.unsubscribed',
          'email.group_unsubscribed',
          'email.group_resubscribed',
          'contact.created',
          'contact.updated',
          'contact.deleted',
        ],
      },
    });
  });
});
