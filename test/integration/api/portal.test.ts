import { newId } from '../../../src/contracts/ids';
import { PORTAL_RIGHTS } from '../../../src/api/http/portal-rights';
import { PortalTokens } from '../../../src/api/http/portal-tokens';
import { queueReplays } from '../../../src/store/replay-selection';
import { ApiClient, type Answer } from '../../support/api-client';
import { Browser } from '../../support/browser';
import { makeWebhook } from '../../support/deliveries';
import { documentedRoutes } from '../../support/documented-routes';
import { eventually } from '../../support/eventually';
import { emailSent } from '../../support/samples';
import { ADMIN_KEY } from '../../support/stack';
import { useStack } from '../../support/use';
import { insertDelivery } from './insert';
import { expectRefusal } from './refusal';

const stack = useStack({ POSTHORN_RATE_LIMIT_PER_MINUTE: '100000' }, { worker: false });
const hook = { name: 'A', url: 'https://example.com/', events: ['*'] };

/** Makes a link, and a client that uses it. */
async function link(client: ApiClient, capabilities: string, expiresIn?: number) {
  const made = await client.post('/v1/portal-links', { capabilities, expiresIn });
  expect(made.status).toBe(201);
  return { ...made.body.data, client: new ApiClient(stack.url, made.body.data.token) } as {
    id: string;
    url: string;
    token: string;
    expiresAt: string;
    client: ApiClient;
  };
}

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
  const customer = (await link(client, 'manage')).client;
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
      const portal = await link(client, capabilities);
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
    const { client: portal } = await link(admin, 'manage');
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
    const portal = await link(client, 'manage');
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
    const portal = (await link(client, 'manage')).client;
    const test = `/v1/webhooks/${id}/test`;
    expectRefusal(await portal.post(test, { data: { 'email.sent': emailSent } }), 'forbidden', [
      'data',
    ]);
    expect((await portal.post(test, { events: ['email.sent'] })).status).toBe(202);
  });

  it('does not set what the platform decides of a webhook', async () => {
    const { client } = await stack.project();
    const { id } = await makeWebhook(client, 'https://example.com/', { externalId: 'theirs' });
    const portal = (await link(client, 'manage')).client;
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
    const reading = (await link(client, 'read')).client;
    expect(JSON.stringify(await reading.get('/v1/webhooks'))).not.toContain('receivers-own');
    const managing = (await link(client, 'manage')).client;
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

describe('what the platform has decided', () => {
  async function withWebhook() {
    const { id, client } = await stack.project();
    const { id: webhookId } = await makeWebhook(client, 'https://example.com/');
    const fields = { projectId: id, webhookId, eventId: newId('event') };
    const deliveryId = await insertDelivery(stack, { ...fields, status: 'skipped' });
    const { client: portal } = await link(client, 'manage');
    const enable = (of: ApiClient, isActive = true): Promise<Answer> =>
      of.patch(`/v1/webhooks/${webhookId}`, { isActive });
    return { id, client, portal, webhookId, deliveryId, enable };
  }
  const range = { since: '2026-01-01T00:00:00Z', until: '2099-01-01T00:00:00Z' };

  it('stays disabled: a link neither enables it nor sends to it, whatever else it may', async () => {
    const { client, portal, webhookId, deliveryId, enable } = await withWebhook();
    const path = `/v1/webhooks/${webhookId}`;
    await enable(client, false);
    // As a customer who wants to be the one who disabled it.
    const changed = await portal.patch(path, { isActive: false, name: 'B' });
    expect(changed.body.data).toMatchObject({ name: 'B', disabledBy: 'platform' });
    for (const answer of [
      await enable(portal),
      await portal.post(`${path}/test`),
      await portal.post(`/v1/deliveries/${deliveryId}/replay`),
      await portal.post('/v1/replays', { ...range, webhookId }),
    ]) {
      expectRefusal(answer, 'forbidden');
      expect(answer.body.error.message).toContain('the platform has disabled this webhook');
    }
    const all = await portal.post('/v1/replays', range);
    const replay = (await stack.store.replays.find(all.body.data.id as string))!;
    await queueReplays(stack.store, replay, [(await stack.store.deliveries.find(deliveryId))!]);
    expect(await stack.store.replays.find(replay._id)).toMatchObject({ replayed: 0, failed: 1 });
    expect((await client.get(`/v1/deliveries/${deliveryId}`)).body.data.status).toBe('skipped');
    expect((await client.post(`${path}/test`)).status).toBe(202);
    expect((await enable(client)).status).toBe(200);
    expect((await portal.post(`${path}/test`)).status).toBe(202);
    await enable(client, false);
    expect((await portal.delete(path)).status).toBe(200);
  });

  it('is not what a customer or Posthorn has disabled, until the platform does too', async () => {
    const { client, portal, webhookId, enable } = await withWebhook();
    const { model } = stack.store.webhooks;
    const disabled = { isActive: false, disabledBy: null };
    for (const disabledReason of ['gone', 'consecutive_failures']) {
      await model.updateOne({ _id: webhookId }, { $set: { ...disabled, disabledReason } });
      expect((await enable(portal)).body.data).toMatchObject({ isActive: true });
    }
    expect((await enable(portal, false)).body.data.disabledBy).toBe('customer');
    expect((await enable(portal)).body.data.disabledBy).toBe(null);
    await enable(portal, false);
    await enable(client, false);
    expectRefusal(await enable(portal), 'forbidden');
    await enable(client);
    const gone = { ...disabled, disabledReason: 'gone' };
    await model.updateOne({ _id: webhookId }, { $set: gone });
    expect((await enable(client, false)).body.data).toMatchObject({
      disabledReason: 'gone',
      disabledBy: 'platform',
    });
    expectRefusal(await enable(portal), 'forbidden');
    // Disabled by a version that didn't note by whom.
    await model.updateOne({ _id: webhookId }, { $set: { disabledReason: 'manual' } });
    await model.updateOne({ _id: webhookId }, { $unset: { disabledBy: '' } });
    expectRefusal(await enable(portal), 'forbidden');
  });

  it('stays paused', async () => {
    const { client, portal, webhookId } = await withWebhook();
    const path = `/v1/webhooks/${webhookId}`;
    const pausedBy = async (): Promise<string> => (await client.get(path)).body.data.pausedBy;
    await portal.post(`${path}/pause`);
    expect(await pausedBy()).toBe('customer');
    expect((await portal.post(`${path}/resume`)).status).toBe(200);
    await portal.post(`${path}/pause`);
    await client.post(`${path}/pause`);
    expect((await portal.post(`${path}/pause`)).status).toBe(200);
    const refused = await portal.post(`${path}/resume`);
    expectRefusal(refused, 'forbidden');
    expect(refused.body.error.message).toContain('the platform has paused this webhook');
    expect(await pausedBy()).toBe('platform');
    await client.post(`${path}/resume`);
    expect((await portal.post(`${path}/resume`)).body.data.isPaused).toBe(false);
    expectRefusal(await portal.post(`/v1/webhooks/${newId('webhook')}/resume`), 'not_found');
  });

  it('is replayed: a link moves only bulk replays of links, and none that the platform has paused', async () => {
    const { client, portal } = await withWebhook();
    const begin = async (of: ApiClient): Promise<string> =>
      `/v1/replays/${(await of.post('/v1/replays', range)).body.data.id}`;
    const platforms = await begin(client);
    for (const move of ['pause', 'resume', 'cancel']) {
      expectRefusal(await portal.post(`${platforms}/${move}`), 'forbidden');
    }
    const own = await begin(portal);
    for (const move of ['pause', 'pause', 'resume', 'resume', 'pause']) {
      expect((await portal.post(`${own}/${move}`)).status).toBe(202);
    }
    await client.post(`${own}/pause`);
    expectRefusal(await portal.post(`${own}/resume`), 'forbidden');
    expect((await client.get(own)).body.data).toMatchObject({
      status: 'paused',
      startedBy: 'customer',
      pausedBy: 'platform',
    });
    for (let n = 0; n < 2; n += 1) {
      expect((await portal.post(`${own}/cancel`)).body.data.status).toBe('cancelled');
    }
    expectRefusal(await portal.post(`${own}/resume`), 'replay_ended');
  });
});

describe('a token that is refused', () => {
  const isRefused = async (token: string, path = '/v1/webhooks'): Promise<Answer> =>
    new ApiClient(stack.url, token).get(path);

  it('has expired', async () => {
    const { id, client } = await stack.project();
    const key = (await client.get(`/v1/projects/${id}/keys`)).body.data.keys[0].id as string;
    const tokens = new PortalTokens(stack.store, {} as never, ADMIN_KEY);
    const content = { id: newId('portalLink'), projectId: id, capabilities: 'read' } as const;
    const sign = (expiresAt: number, keyId = key): string =>
      tokens.sign({ ...content, keyId, revocations: 0, expiresAt });
    expect((await isRefused(sign(Date.now() + 60_000))).status).toBe(200);
    const answer = await isRefused(sign(Date.now() - 1000));
    expectRefusal(answer, 'unauthorized');
    expect(answer.body.error.message).toContain('expired');
    // Made with a key that never was.
    expectRefusal(await isRefused(sign(Date.now() + 60_000, newId('key'))), 'unauthorized');
  });

  it('was changed, cut, or signed by someone else', async () => {
    const { id, client } = await stack.project();
    const other = await stack.project();
    const { token } = await link(client, 'read');
    const [, body, signature] = /^php_([\w-]+)\.([\w-]+)$/.exec(token)!;
    const content = JSON.parse(Buffer.from(body!, 'base64url').toString()) as object;
    const changed = (fields: object): string =>
      `php_${Buffer.from(JSON.stringify({ ...content, ...fields })).toString('base64url')}.${signature}`;
    const foreign = new PortalTokens(stack.store, {} as never, 'another-admin-key-0123456789');
    for (const forged of [
      changed({ capabilities: 'manage' }),
      changed({ projectId: other.id }),
      changed({ expiresAt: 4e12 }),
      changed({ keyId: 'admin' }),
      `php_${body}.`,
      `php_${body}`,
      `php_${body}.${signature!.slice(1)}`,
      `php_${body}.${signature}A`,
      `php_.${signature}`,
      foreign.sign({
        id: newId('portalLink'),
        projectId: id,
        capabilities: 'read',
        keyId: 'admin',
        revocations: 0,
        expiresAt: 4e12,
      }),
    ]) {
      expectRefusal(await isRefused(forged), 'unauthorized');
    }
  });

  it('is of another project', async () => {
    const own = await stack.project();
    const other = await stack.project();
    const { id: webhook } = await makeWebhook(other.client, 'https://example.com/');
    const { client } = await link(own.client, 'manage');
    for (const projectId of [other.id, newId('project'), 'nonsense']) {
      const answer = await client.with({ 'x-project-id': projectId }).get('/v1/webhooks');
      expectRefusal(answer, 'forbidden');
    }
    expectRefusal(await client.get(`/v1/webhooks/${webhook}`), 'not_found');
    expectRefusal(await client.delete(`/v1/webhooks/${webhook}`), 'not_found');
    expect((await client.get('/v1/deliveries')).body.data.deliveries).toEqual([]);
  });

  it('was revoked, while later ones work', async () => {
    const { client } = await stack.project();
    const earlier = await Promise.all([link(client, 'read'), link(client, 'manage', 86_400)]);
    expect((await client.delete('/v1/portal-links')).body.data.revoked).toBe(true);
    for (const { token } of earlier) expectRefusal(await isRefused(token), 'unauthorized');
    expect((await isRefused((await link(client, 'read')).token)).status).toBe(200);
    const { entries } = (await client.get('/v1/audit?action=portal_links.revoked')).body.data;
    expect(entries).toHaveLength(1);
  });

  it('was made with a key that is revoked, or no longer an owner’s; or its project is deleted', async () => {
    const { id, client } = await stack.project();
    const maker = async (): Promise<{ keyId: string; token: string }> => {
      const made = await client.post(`/v1/projects/${id}/keys`, { name: 'Maker', role: 'owner' });
      const { token } = await link(new ApiClient(stack.url, made.body.data.key), 'manage');
      expect((await isRefused(token)).status).toBe(200);
      return { keyId: made.body.data.id as string, token };
    };
    const revoked = await maker();
    await client.delete(`/v1/projects/${id}/keys/${revoked.keyId}`);
    expectRefusal(await isRefused(revoked.token), 'unauthorized');
    const demoted = await maker();
    await stack.store.keys.model.updateOne({ _id: demoted.keyId }, { $set: { role: 'reader' } });
    await eventually('it is refused', async () => (await isRefused(demoted.token)).status === 401);
    const { token } = await link(client, 'read');
    await stack.admin.delete(`/v1/projects/${id}`);
    expectRefusal(await isRefused(token), 'unauthorized');
  });

  it('is used where only keys are accepted', async () => {
    const { client } = await stack.project({ profile: 'platform' });
    const { token } = await link(client, 'manage');
    expectRefusal(await isRefused(token, '/api/webhooks/manage'), 'unauthorized');
    expectRefusal(await isRefused('', `/api/webhooks/manage?token=${token}`), 'unauthorized');
    expectRefusal(await isRefused(token, '/metrics'), 'unauthorized');
    expectRefusal(await new Browser(stack.url).signIn({ key: token }), 'unauthorized');
  });
});
