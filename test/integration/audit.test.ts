import { createApi } from '../../src/api/app';
import { newId } from '../../src/contracts/ids';
import { pino } from 'pino';
import { randomBytes } from 'node:crypto';
import { Cipher } from '../../src/store/cipher';
import type { ApiClient } from '../support/api-client';
import { deliveryWith, makeWebhook, postEvent } from '../support/deliveries';
import { eventually } from '../support/eventually';
import { useReceiver, useStack } from '../support/use';

/** The routers' paths, longest first: Express doesn't reveal them. */
const MOUNTS = [
  '/v1',
  '/api/webhooks',
  '/projects/:projectId/keys',
  '/projects',
  '/webhooks',
  '/:id/secret',
  '/events',
  '/event-types',
  '/replays',
  '/deliveries',
  '/catalogs',
  '/reports',
  '/audit',
  '/manage',
  '/dashboard/session',
  '/sign-in-links',
  '/portal-links',
  '/stream',
  '/search',
];

interface Layer {
  slash: boolean;
  handle: { stack?: Layer[]; auditAction?: string };
  route?: { path: string; stack: (Layer & { method: string })[] };
  match: (path: string) => boolean;
}

/** Every route of the app, with the action that it records. */
function routesOf(stack: Layer[], prefix = ''): { route: string; action: string | undefined }[] {
  return stack.flatMap((layer) => {
    if (layer.route) {
      const { path, stack: handlers } = layer.route;
      const action = handlers.find(({ handle }) => handle.auditAction)?.handle.auditAction;
      const methods = new Set(handlers.map(({ method }) => method.toUpperCase()));
      return [...methods].map((method) => ({
        route: `${method} ${prefix}${path}`.replace(/(?<=.)\/$/, ''),
        action,
      }));
    }
    if (!layer.handle.stack) return [];
    const mount = layer.slash ? '' : MOUNTS.find((path) => layer.match(path));
    if (mount === undefined) throw new Error('a router stands where this test does not know');
    return routesOf(layer.handle.stack, prefix + mount);
  });
}

describe('the audit', () => {
  const stack = useStack();
  const receiver = useReceiver();

  /** Action and target of the project's entries, oldest first. */
  const trail = async (client: ApiClient, query = ''): Promise<[string, string][]> => {
    const { body } = await client.get(`/v1/audit?limit=100${query}`);
    return body.data.entries
      .map(({ action, target }: Record<string, string>) => [action, target])
      .toReversed();
  };

  it('is kept by every route that changes something', () => {
    const { app } = createApi({
      store: stack.store,
      engine: stack.engine,
      cipher: new Cipher(randomBytes(32)),
      tenantCpu: stack.tenantCpu,
      log: pino({ level: 'silent' }),
      readiness: { unready: null },
      config: stack.config,
    });
    const routes = routesOf((app.router as unknown as { stack: Layer[] }).stack);
    const silent = routes
      .filter(({ route, action }) => !route.startsWith('GET ') && action === undefined)
      .map(({ route }) => route);
    // What is posted there is stored itself: events, and providers' reports.
    expect(silent.toSorted()).toEqual([
      'POST /api/webhooks',
      'POST /api/webhooks/:provider',
      'POST /v1/events',
      'POST /v1/events/batch',
    ]);
    expect(routes).toContainEqual({
      route: 'GET /v1/webhooks/:id/secret',
      action: 'webhook.secret_revealed',
    });
    expect(routes).toContainEqual({
      route: 'POST /api/webhooks/manage',
      action: 'webhook.created',
    });
  });

  it('says who did what to what, when, in which request, and which fields were given', async () => {
    const { id, client } = await stack.project();
    const webhook = await makeWebhook(client, receiver.url);
    const { createdAt } = (await client.get(`/v1/webhooks/${webhook.id}`)).body.data;
    const updated = await client.patch(`/v1/webhooks/${webhook.id}`, {
      description: 'A new description',
      headers: { 'X-Tenant': 'acme' },
    });
    const { status, body } = await client.get('/v1/audit?limit=1');
    expect(status).toBe(200);
    const [entry] = body.data.entries;
    const [key] = (await stack.admin.get(`/v1/projects/${id}/keys`)).body.data.keys;
    expect(entry).toEqual({
      id: expect.stringMatching(/^aud_[0-9a-f]{32}$/),
      projectId: id,
      action: 'webhook.updated',
      target: webhook.id,
      key: key.id,
      role: 'owner',
      changedFields: ['description', 'headers'],
      requestId: updated.headers.get('x-request-id'),
      outcome: 'done',
      time: expect.any(String),
    });
    expect(Date.parse(entry.time)).toBeGreaterThanOrEqual(Date.parse(createdAt));
    expect(body.data.nextCursor).toBe(entry.id);
    const next = await client.get(`/v1/audit?limit=1&cursor=${entry.id}`);
    expect(next.body.data.entries[0]).toMatchObject({
      action: 'webhook.created',
      target: webhook.id,
    });
  });

  it('records a webhook’s life', async () => {
    const { client } = await stack.project();
    const { id } = await makeWebhook(client, receiver.url);
    const at = `/v1/webhooks/${id}`;
    await client.post(`${at}/pause`);
    await client.post(`${at}/resume`);
    await client.post(`${at}/test`, { events: ['email.sent'] });
    await client.get(`${at}/secret`);
    await client.post(`${at}/secret/rotate`);
    await client.delete(at);
    expect(await trail(client, `&target=${id}`)).toEqual(
      [
        'webhook.created',
        'webhook.paused',
        'webhook.resumed',
        'webhook.tested',
        'webhook.secret_revealed',
        'webhook.secret_rotated',
        'webhook.deleted',
      ].map((action) => [action, id]),
    );
  });

  it('does not record a request that only asks for the head of an answer', async () => {
    const { client } = await stack.project();
    const { id } = await makeWebhook(client, receiver.url);
    expect((await client.send('HEAD', `/v1/webhooks/${id}/secret`)).status).toBe(200);
    expect(await trail(client, `&target=${id}`)).toEqual([['webhook.created', id]]);
  });

  it('records projects, keys and event types', async () => {
    const { id } = await stack.project({ profile: 'custom' });
    const admin = stack.admin.with({ 'x-project-id': id });
    await admin.patch(`/v1/projects/${id}`, { name: 'Renamed' });
    const { body } = await admin.post(`/v1/projects/${id}/keys`, { name: 'k', role: 'reader' });
    await admin.delete(`/v1/projects/${id}/keys/${body.data.id}`);
    await admin.send('PUT', '/v1/event-types/a.b', { description: 'd', schema: {}, sample: {} });
    await admin.delete('/v1/event-types/a.b');
    const entries = await trail(admin);
    expect(entries).toEqual([
      ['project.created', id],
      ['key.created', expect.stringMatching(/^key_/)],
      ['project.updated', id],
      ['key.created', body.data.id],
      ['key.deleted', body.data.id],
      ['event_type.defined', 'a.b'],
      ['event_type.deleted', 'a.b'],
    ]);
    await stack.admin.delete(`/v1/projects/${id}`);
    // Its own list is gone with it; the admin's over all projects isn't.
    const all = await stack.admin.get(`/v1/audit?target=${id}&action=project.deleted`);
    expect(all.body.data.entries).toMatchObject([{ projectId: id, key: 'admin', role: 'admin' }]);
  });

  it('records replays and what is done to deliveries', async () => {
    const { client } = await stack.project();
    const webhook = await makeWebhook(client, receiver.url);
    const delivered = await postEvent(client);
    await deliveryWith(client, delivered, { status: 'succeeded' });
    await client.post(`/v1/deliveries/${delivered}/replay`);
    await deliveryWith(client, delivered, { status: 'succeeded', replays: 1 });
    const range = { since: '2026-01-01T00:00:00Z', until: new Date().toISOString() };
    await client.post('/v1/replays', { ...range, dryRun: true });
    const replay = await client.post('/v1/replays', range);
    await client.post(`/v1/replays/${replay.body.data.id}/cancel`);
    await client.post(`/v1/webhooks/${webhook.id}/pause`);
    const held = await postEvent(client);
    await deliveryWith(client, held, { status: 'held' });
    await client.post(`/v1/deliveries/${held}/cancel`);
    const entries = (await trail(client)).filter(([action]) => /^(replay|delivery)/.test(action));
    const replays = entries.filter(([action]) => action.startsWith('replay'));
    expect(replays[0]).toEqual(['replay.created', replay.body.data.id]);
    expect(replays.filter(([action]) => action === 'replay.created')).toHaveLength(1);
    expect(entries.filter(([action]) => action.startsWith('delivery'))).toEqual([
      ['delivery.replayed', delivered],
      ['delivery.cancelled', held],
    ]);
  });

  it('records nothing of what was refused', async () => {
    const { id, client } = await stack.project();
    const reader = await stack.client(id, 'reader');
    const before = (await trail(client)).length;
    await client.post('/v1/webhooks', { name: 'No URL' });
    await client.delete(`/v1/webhooks/${newId('webhook')}`);
    await client.post('/v1/webhooks/nonsense/pause');
    await reader.post('/v1/webhooks', { name: 'x', url: receiver.url, events: ['*'] });
    expect(await trail(client)).toHaveLength(before);
    expect(await stack.store.audit.model.countDocuments({ outcome: 'unknown' })).toBe(0);
  });

  it('keeps an entry of a change that was never seen to end', async () => {
    const { id, client } = await stack.project();
    const broken = jest
      .spyOn(stack.store.webhooks, 'setPaused')
      .mockRejectedValueOnce(new Error('the process fell over'));
    const webhook = await makeWebhook(client, receiver.url);
    const paused = await client.post(`/v1/webhooks/${webhook.id}/pause`);
    broken.mockRestore();
    expect(paused.status).toBe(500);
    const { body } = await client.get('/v1/audit?action=webhook.paused');
    expect(body.data.entries).toMatchObject([
      { projectId: id, target: webhook.id, outcome: 'unknown' },
    ]);
  });

  it('says what Posthorn did itself', async () => {
    const { client } = await stack.project();
    receiver.respondWith(({ path }) => (path === '/gone' ? 410 : 200));
    const { id } = await makeWebhook(client, `${receiver.url}/gone`);
    await deliveryWith(client, await postEvent(client), { status: 'failed' });
    const entries = await eventually('the webhook is disabled', async () => {
      const { body } = await client.get('/v1/audit?action=webhook.disabled');
      return body.data.entries.length > 0 && body.data.entries;
    });
    expect(entries).toMatchObject([{ target: id, key: 'posthorn', role: 'posthorn' }]);
  });

  it('is filtered by action, target and time', async () => {
    const { client } = await stack.project();
    const webhooks = [
      await makeWebhook(client, receiver.url),
      await makeWebhook(client, receiver.url),
    ];
    await client.post(`/v1/webhooks/${webhooks[0]!.id}/pause`);
    expect(await trail(client, '&action=webhook.created')).toEqual(
      webhooks.map(({ id }) => ['webhook.created', id]),
    );
    expect(await trail(client, `&target=${webhooks[1]!.id}`)).toHaveLength(1);
    expect(await trail(client, `&until=2026-01-01T00:00:00Z`)).toEqual([]);
    expect((await trail(client, `&since=2026-01-01T00:00:00Z`)).length).toBeGreaterThan(2);
    expect((await client.get('/v1/audit?action=webhook.eaten')).status).toBe(422);
  });

  it('never holds a secret', async () => {
    const { id, client } = await stack.project({ profile: 'platform' });
    const secret = 'a-secret-of-the-callers-own-0123456789';
    const url = receiver.url.replace('http:', 'https:');
    await client.post('/v1/webhooks', { name: 'S', url, events: ['*'], secret });
    const key = 'whsec_' + randomBytes(24).toString('base64');
    await stack.admin.patch(`/v1/projects/${id}`, { providerKeys: { resend: key } });
    const entries = await stack.store.audit.model.find({ projectId: id }).lean();
    expect(entries.map(({ action }) => action)).toEqual(
      expect.arrayContaining(['webhook.created', 'project.updated']),
    );
    expect(JSON.stringify(entries)).not.toContain(secret);
    expect(JSON.stringify(entries)).not.toContain(key);
    expect(entries.find(({ action }) => action === 'project.updated')?.changedFields).toEqual([
      'providerKeys',
    ]);
  });

  it('is one project’s own, not for senders, and expires with the retention', async () => {
    const { id, client } = await stack.project();
    await makeWebhook(client, receiver.url);
    const other = await stack.project();
    expect(await trail(other.client, '&action=webhook.created')).toEqual([]);
    expect((await (await stack.client(id, 'sender')).get('/v1/audit')).status).toBe(403);
    expect((await (await stack.client(id, 'reader')).get('/v1/audit')).status).toBe(200);
    const [entry] = await stack.store.audit.model.find({ projectId: id }).lean();
    const days = (entry!.expiresAt.getTime() - entry!.time.getTime()) / (24 * 3_600_000);
    expect(days).toBe(stack.config.retentionDays);
    const indexes = await stack.store.audit.model.listIndexes();
    expect(indexes).toContainEqual(
      expect.objectContaining({ key: { expiresAt: 1 }, expireAfterSeconds: 0 }),
    );
  });
});
