import { newId } from '../../../src/contracts/ids';
import { PORTAL_RIGHTS } from '../../../src/api/http/portal-rights';
import { Browser } from '../../support/browser';
import { makeWebhook } from '../../support/deliveries';
import { documentedRoutes } from '../../support/documented-routes';
import { portalLink } from '../../support/portal-link';
import { emailSent } from '../../support/samples';
import { useStack } from '../../support/use';
import { insertDelivery } from './insert';
import { expectRefusal } from './refusal';

const stack = useStack({ POSTHORN_RATE_LIMIT_PER_MINUTE: '100000' }, { worker: false });
const hook = { name: 'A', url: 'https://example.com/', events: ['*'] };

/** Everything of all projects, but for when keys were used. */
async function everything(): Promise<string> {
  const { store } = stack;
  const found = await Promise.all(
    [
      store.projects.model.find().lean(),
      store.keys.model.find({}, { lastUsedAt: 0 }).lean(),
      store.webhooks.model.find().lean(),
      store.events.model.find().lean(),
      store.deliveries.model.find().lean(),
      store.replays.model.find().lean(),
      store.eventTypes.model.find().lean(),
      store.catalogTypes.model.find().lean(),
      store.audit.model.find().lean(),
    ].map((query) => query as Promise<unknown>),
  );
  return JSON.stringify(found);
}

/** A project with one of each, and their ids by the room of a path. */
async function populated() {
  const { id, client } = await stack.project();
  const webhooks = (await makeWebhook(client, 'https://example.com/')).id;
  const posted = await client.post('/v1/events', { type: 'email.sent', data: emailSent });
  const events = posted.body.data.id as string;
  const fields = { projectId: id, webhookId: webhooks, eventId: events };
  const deliveries = await insertDelivery(stack, { ...fields, status: 'failed' });
  const range = { since: '2026-01-01T00:00:00Z', until: new Date().toISOString() };
  // A link moves only what a link has started.
  const customer = (await portalLink(client, 'manage')).client;
  const replays = (await customer.post('/v1/replays', range)).body.data.id as string;
  const keys = (await client.get(`/v1/projects/${id}/keys`)).body.data.keys;
  const ids: Record<string, string> = { projects: id, webhooks, events, deliveries, replays };
  const withIds = (path: string): string =>
    path
      .replace('{projectId}', id)
      .replace('{keyId}', keys[0].id as string)
      .replace('{id}', ids[path.split('/')[2]!] ?? newId('report'))
      .replace('{name}', 'acme')
      .replace('{type}', 'order.paid');
  return { id, client, withIds };
}

describe('a portal link', () => {
  const routes = documentedRoutes().filter(({ path }) => path.startsWith('/v1/'));
  const named = routes.map((route) => {
    const name = `${route.method} ${route.path.replaceAll(/\{(\w+)\}/g, ':$1')}`;
    return [name, route] as const;
  });

  it('has a decision for every documented route', () => {
    expect(Object.keys(PORTAL_RIGHTS).toSorted()).toEqual(named.map(([name]) => name).toSorted());
  });

  /** For what changes nothing. */
  let unchanged: ReturnType<typeof populated> | undefined;

  it.each(named)('may do what its capabilities say, and no more: %s', async (name, route) => {
    const needed = PORTAL_RIGHTS[name]!;
    const { client, withIds } = await (needed === 'manage'
      ? populated()
      : (unchanged ??= populated()));
    const { policy: _policy, externalId: _external, ...body } = route.body ?? {};
    for (const capabilities of ['read', 'manage']) {
      const portal = await portalLink(client, capabilities);
      const before = await everything();
      const given = route.body && body;
      if (route.path === '/v1/stream') {
        // Never answered to the end.
        const { status, body: stream } = await fetch(stack.url + route.path, {
          headers: { authorization: `Bearer ${portal.token}` },
        });
        expect(status).toBe(200);
        await stream!.cancel();
        continue;
      }
      const answer = await portal.client.send(route.method, withIds(route.path), given);
      const isAllowed = needed === 'read' || needed === capabilities;
      if (isAllowed) {
        expect([name, capabilities, answer.body?.error]).not.toEqual([
          name,
          capabilities,
          expect.objectContaining({ code: expect.stringMatching(/forbidden|unauthorized/) }),
        ]);
        expect(answer.status).toBeLessThan(500);
      } else {
        expectRefusal(answer, 'forbidden');
        expect(await everything()).toBe(before);
      }
      if (route.method === 'GET') {
        const head = await fetch(stack.url + withIds(route.path), {
          method: 'HEAD',
          headers: { authorization: `Bearer ${portal.token}` },
        });
        expect([name, head.status]).toEqual([name, answer.status]);
      }
    }
  });

  it('is made by the admin and owners, and says what it is', async () => {
    const { id, client } = await stack.project({ externalId: 'portal-of-acme' });
    const made = await client.post('/v1/portal-links', { capabilities: 'read', expiresIn: 60 });
    expect(made.body.data).toEqual({
      id: expect.stringMatching(/^plk_[0-9a-f]{32}$/),
      url: `${stack.url}/portal/${id}/#token=${made.body.data.token}`,
      token: expect.stringMatching(/^php_[\w-]+\.[\w-]{43}$/),
      projectId: id,
      capabilities: 'read',
      expiresAt: expect.any(String),
    });
    const lifeMs = Date.parse(made.body.data.expiresAt as string) - Date.now();
    expect(Math.abs(lifeMs - 60_000)).toBeLessThan(30_000);
    const admin = stack.admin.with({ 'x-project-id': 'ext:portal-of-acme' });
    const { client: portal } = await portalLink(admin, 'manage');
    const byExternalId = portal.with({ 'x-project-id': 'ext:portal-of-acme' });
    expect((await byExternalId.get('/v1/webhooks')).status).toBe(200);
    const browser = new Browser(stack.url);
    await browser.signIn({ key: client.key });
    const bySession = await browser.send('POST', '/v1/portal-links', { capabilities: 'read' });
    expect(bySession.status).toBe(201);
    expectRefusal(
      await stack.admin.post('/v1/portal-links', { capabilities: 'read' }),
      'validation_failed',
      ['x-project-id'],
    );
    for (const role of ['reader', 'sender']) {
      const other = await stack.client(id, role);
      expectRefusal(await other.post('/v1/portal-links', { capabilities: 'read' }), 'forbidden');
      expectRefusal(await other.delete('/v1/portal-links'), 'forbidden');
    }
  });

  it.each([
    [{}, 'capabilities'],
    [{ capabilities: 'write' }, 'capabilities'],
    [{ capabilities: ['read'] }, 'capabilities'],
    [{ capabilities: 'read', expiresIn: 59 }, 'expiresIn'],
    [{ capabilities: 'read', expiresIn: 86_401 }, 'expiresIn'],
    [{ capabilities: 'read', expiresIn: 60.5 }, 'expiresIn'],
    [{ capabilities: 'read', expiresIn: '1h' }, 'expiresIn'],
    [{ capabilities: 'read', projectId: 'x' }, 'projectId'],
  ])('is not made of %j', async (body, field) => {
    const { client } = await stack.project();
    expectRefusal(await client.post('/v1/portal-links', body), 'validation_failed', [field]);
  });

  it('manages webhooks as its project’s customer, and is in the audit as itself', async () => {
    const { client } = await stack.project({ profile: 'custom' });
    const portal = await portalLink(client, 'manage');
    const made = await portal.client.post('/v1/webhooks', hook);
    expect(made.status).toBe(201);
    const path = `/v1/webhooks/${made.body.data.id}`;
    expect((await portal.client.patch(path, { name: 'B', isActive: false })).status).toBe(200);
    expect((await portal.client.get(`${path}/secret`)).body.data.secret).toBe(
      made.body.data.secret,
    );
    const { entries } = (await client.get('/v1/audit')).body.data;
    expect(entries.slice(0, 4)).toMatchObject([
      { action: 'webhook.secret_revealed', key: portal.id, role: 'portal:manage' },
      { action: 'webhook.updated', key: portal.id, role: 'portal:manage' },
      { action: 'webhook.created', key: portal.id, role: 'portal:manage', outcome: 'done' },
      { action: 'portal_link.created', target: portal.id, role: 'owner' },
    ]);
  });

  it('sends samples as tests, and no data of its own', async () => {
    const { client } = await stack.project();
    const { id } = await makeWebhook(client, 'https://example.com/');
    const portal = (await portalLink(client, 'manage')).client;
    const test = `/v1/webhooks/${id}/test`;
    expectRefusal(await portal.post(test, { data: { 'email.sent': emailSent } }), 'forbidden', [
      'data',
    ]);
    expect((await portal.post(test, { events: ['email.sent'] })).status).toBe(202);
  });

  it('does not set what the platform decides of a webhook', async () => {
    const { client } = await stack.project();
    const { id } = await makeWebhook(client, 'https://example.com/', { externalId: 'theirs' });
    const portal = (await portalLink(client, 'manage')).client;
    for (const fields of [{ policy: { timeoutMs: 1000 } }, { externalId: 'mine' }]) {
      const names = Object.keys(fields);
      expectRefusal(await portal.patch(`/v1/webhooks/${id}`, fields), 'forbidden', names);
      expectRefusal(await portal.post('/v1/webhooks', { ...hook, ...fields }), 'forbidden', names);
    }
    expect((await client.get(`/v1/webhooks/${id}`)).body.data).toMatchObject({
      policy: {},
      externalId: 'theirs',
    });
  });

  it('with read shows no secrets, no credentials and no operator’s tools', async () => {
    const { id, client } = await stack.project();
    const headers = { Authorization: 'Bearer receivers-own', 'X-Tenant': 'acme' };
    const { id: webhookId } = await makeWebhook(client, 'https://example.com/', { headers });
    const fields = { projectId: id, webhookId, eventId: newId('event') };
    const delivery = await insertDelivery(stack, { ...fields, status: 'failed' });
    const reading = (await portalLink(client, 'read')).client;
    expect(JSON.stringify(await reading.get('/v1/webhooks'))).not.toContain('receivers-own');
    const managing = (await portalLink(client, 'manage')).client;
    expect(JSON.stringify(await managing.get('/v1/webhooks'))).toContain('receivers-own');
    for (const [of, webUrl] of [
      [client, expect.stringContaining('http')],
      [managing, null],
    ] as const) {
      const { data } = (await of.get(`/v1/deliveries/${delivery}`)).body;
      expect(data.workflow.webUrl).toEqual(webUrl);
    }
  });
});
