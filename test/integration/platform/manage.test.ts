import type { ApiClient } from '../../support/api-client';
import { portalLink } from '../../support/portal-link';
import { useStack } from '../../support/use';
import { expectRefusal } from '../api/refusal';

const url = 'https://hooks.example.com/platform?source=mail';

const stack = useStack({}, { worker: false });
let client: ApiClient;
let projectId: string;

beforeEach(async () => {
  ({ client, id: projectId } = await stack.project({ profile: 'platform' }));
});

it("makes a webhook and answers it in the platform's form, with the secret that we made", async () => {
  const made = await client.post('/api/webhooks/manage', { url, events: 'open,click' });
  expect(made.status).toBe(201);
  expect(made.body).toEqual({
    id: expect.stringMatching(/^wh_[0-9a-f]{32}$/),
    url,
    events: 'open,click',
    active: true,
    created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    secret: expect.stringMatching(/^[0-9a-f]{64}$/),
  });
  const { secret, ...webhook } = made.body;
  expect((await client.get('/api/webhooks/manage')).body).toEqual({ webhooks: [webhook] });

  const same = await client.get(`/v1/webhooks/${webhook.id}`);
  expect(same.body.data).toMatchObject({
    name: 'hooks.example.com',
    url,
    events: ['email.open', 'email.click'],
    signing: ['hex'],
    isActive: true,
  });
  const kept = await client.get(`/v1/webhooks/${webhook.id}/secret`);
  expect(kept.body.data.secret).toBe(secret);
});

it('signs with the secret that the caller brings, and does not repeat it', async () => {
  const secret = 'the-customers-own-secret';
  const made = await client.post('/api/webhooks/manage', { url, events: 'bounce', secret });
  expect(made.status).toBe(201);
  expect(made.body).not.toHaveProperty('secret');
  const kept = await client.get(`/v1/webhooks/${made.body.id}/secret`);
  expect(kept.body.data.secret).toBe(secret);
});

it.each([
  ['unsubscribe, open ,open', 'open,unsubscribe'],
  ['open,click,bounce,unsubscribe', 'open,click,bounce,unsubscribe'],
  ['email.open,email.click', 'open,click'],
  [' Email.Unsubscribe , open,OPEN, email.open', 'open,unsubscribe'],
])('takes the events %j and shows them as %j', async (events, shown) => {
  const made = await client.post('/api/webhooks/manage', { url, events });
  expect([made.status, made.body.events]).toEqual([201, shown]);
});

it('shows webhooks made by /v1/webhooks too: each short name that they get', async () => {
  for (const events of [['*'], ['email.*'], ['email.click']]) {
    await client.post('/v1/webhooks', { name: 'Test', url, events });
  }
  const { body } = await client.get('/api/webhooks/manage');
  expect(body.webhooks.map((webhook: { events: string }) => webhook.events)).toEqual([
    'click',
    'open,click,bounce,unsubscribe',
    'open,click,bounce,unsubscribe',
  ]);
});

it('shows a disabled webhook as not active', async () => {
  const { body } = await client.post('/api/webhooks/manage', { url, events: 'open' });
  await client.patch(`/v1/webhooks/${body.id}`, { isActive: false });
  expect((await client.get('/api/webhooks/manage')).body.webhooks[0].active).toBe(false);
});

it('lists all webhooks of the project and of no other, without pages', async () => {
  const events = 'open';
  for (let n = 0; n < 30; n += 1) await client.post('/api/webhooks/manage', { url, events });
  const other = await stack.project({ profile: 'platform' });
  await other.client.post('/api/webhooks/manage', { url, events });
  expect((await client.get('/api/webhooks/manage?limit=5')).body.webhooks).toHaveLength(30);
});

it.each([
  [{}, ['url', 'events']],
  [{ url, events: ['open'] }, ['events']],
  [{ url, events: '' }, ['events']],
  [{ url, events: 'open,' }, ['events']],
  [{ url, events: 'email.opened' }, ['events']],
  [{ url, events: 'email.*' }, ['events']],
  [{ url, events: 'open,constructor' }, ['events']],
  [{ url: 'http://hooks.example.com/', events: 'open' }, ['url']],
  [{ url: 'https://10.0.0.1/', events: 'open' }, ['url']],
  [{ url: 'nonsense', events: 'open' }, ['url']],
  [{ url, events: 'open', secret: 'short' }, ['secret']],
  [{ url, events: 'open', secret: 7 }, ['secret']],
  [{ url, events: 'open', name: 'Mine' }, ['name']],
])('refuses %j in the form of our errors, naming %j', async (body, fields) => {
  expectRefusal(await client.post('/api/webhooks/manage', body), 'validation_failed', fields);
  expect((await client.get('/api/webhooks/manage')).body).toEqual({ webhooks: [] });
});

describe('a webhook that is there', () => {
  const secret = 'the-customers-own-secret';
  let path: string;
  let made: { id: string; url: string };
  beforeEach(async () => {
    ({ body: made } = await client.post('/api/webhooks/manage', { url, events: 'open', secret }));
    path = `/api/webhooks/manage/${made.id}`;
  });

  it('is read by its id', async () => {
    expect(await client.get(path)).toMatchObject({ status: 200, body: made });
  });

  it.each([
    ['PUT', { url, events: 'email.click, bounce' }, { events: 'click,bounce' }],
    ['PUT', { url, events: 'click', secret, active: false }, { events: 'click', active: false }],
    ['PUT', { events: 'open, unsubscribe' }, { events: 'open,unsubscribe' }],
    ['PATCH', { events: 'email.click,unsubscribe' }, { events: 'click,unsubscribe' }],
    ['PATCH', { active: false }, { active: false }],
    ['PATCH', { url, secret }, {}],
    ['PATCH', { url: 'HTTPS://Hooks.Example.com:443/platform?source=mail' }, {}],
    ['PATCH', {}, {}],
  ])('is changed by %s %j', async (method, body, changed) => {
    const answer = await client.send(method, path, body);
    expect([answer.status, answer.body]).toEqual([200, { ...made, ...changed }]);
    expect((await client.get(path)).body).toEqual(answer.body);
    const kept = await client.get(`/v1/webhooks/${made.id}/secret`);
    expect(kept.body.data.secret).toBe(secret);
    const { entries } = (await client.get(`/v1/audit?target=${made.id}`)).body.data;
    expect(entries.map(({ action }: { action: string }) => action)).toContain('webhook.updated');
  });

  it.each([
    [['*', 'webhook.disabled', 'delivery.failed'], {}, null],
    [['email.*'], { events: ' unsubscribe,BOUNCE,email.click,open' }, null],
    [['webhook.disabled'], {}, null],
    [['email.open', 'webhook.disabled'], { events: 'click' }, ['email.click', 'webhook.disabled']],
    [['*', 'delivery.failed'], { events: 'open' }, ['email.open', 'delivery.failed']],
    [['webhook.disabled'], { events: 'open' }, ['email.open', 'webhook.disabled']],
  ])(
    'subscribed to %j keeps what the form does not show when %j replaces it',
    async (events, changed, expected) => {
      await client.patch(`/v1/webhooks/${made.id}`, { events });
      const { url: same, events: shown, active } = (await client.get(path)).body;
      const body = { url: same, events: shown, active, ...changed };
      for (const method of ['PUT', 'PATCH']) {
        expect((await client.send(method, path, body)).status).toBe(200);
        const { data } = (await client.get(`/v1/webhooks/${made.id}`)).body;
        expect(data.events).toEqual(expected ?? events);
      }
    },
  );

  it.each(['PUT', 'PATCH'])('takes back by %s what GET answers', async (method) => {
    const shown = (await client.get(path)).body;
    const answer = await client.send(method, path, shown);
    expect([answer.status, answer.body]).toEqual([200, shown]);
  });

  it.each(['PUT', 'PATCH'])(
    'that its customer has disabled stays the customer’s when what GET answers is sent by %s',
    async (method) => {
      const { client: portal } = await portalLink(client, 'manage');
      const webhook = `/v1/webhooks/${made.id}`;
      await portal.patch(webhook, { isActive: false });
      const shown = (await client.get(path)).body;
      expect((await client.send(method, path, shown)).body).toMatchObject({ active: false });
      const enabled = await portal.patch(webhook, { isActive: true });
      expect(enabled).toMatchObject({ status: 200, body: { data: { isActive: true } } });
    },
  );

  it('must be subscribed to something', async () => {
    const refused = await client.send('PUT', path, { events: '' });
    expectRefusal(refused, 'validation_failed', ['events']);
  });

  it('that was disabled is enabled by active, and its failures are forgotten', async () => {
    const disabled = { isActive: false, disabledReason: 'gone', failureCount: 7 };
    await stack.store.webhooks.model.updateOne({ _id: made.id }, { $set: disabled });
    expect((await client.send('PATCH', path, { active: true })).body.active).toBe(true);
    const { data } = (await client.get(`/v1/webhooks/${made.id}`)).body;
    expect(data).toMatchObject({ isActive: true, disabledReason: null, failureCount: 0 });
  });

  it.each([
    ['PUT', '/api/webhooks/manage', ['url', 'events', 'active']],
    ['PATCH', '/api/webhooks/manage', ['active']],
    ['PATCH', '/v1/webhooks', ['isActive']],
  ])(
    'keeps its failures when %s %s/:id repeats that it is active',
    async (method, at, repeated) => {
      const failing = { failureCount: 7, warnings: [50] };
      const { model } = stack.store.webhooks;
      await model.updateOne({ _id: made.id }, { $set: failing });
      const { body } = await client.get(`${at}/${made.id}`);
      const shown = body.data ?? body;
      const same = Object.fromEntries(repeated.map((field) => [field, shown[field]]));
      expect((await client.send(method, `${at}/${made.id}`, same)).status).toBe(200);
      expect(await model.findById(made.id).lean()).toMatchObject({ isActive: true, ...failing });
    },
  );

  it.each([
    ['PUT', { url }, 'validation_failed', ['events']],
    ['PUT', { url: 'https://other.example/', events: 'open' }, 'url_immutable', ['url']],
    ['PATCH', { url: 'https://other.example/' }, 'url_immutable', ['url']],
    ['PATCH', { events: 'open,opened' }, 'validation_failed', ['events']],
    ['PATCH', { secret: 'another-secret-of-theirs' }, 'validation_failed', ['secret']],
    ['PATCH', { active: 'no' }, 'validation_failed', ['active']],
    ['PATCH', { name: 'Mine' }, 'validation_failed', ['name']],
    ['PATCH', { id: 'wh_1', created_at: '2026' }, 'validation_failed', ['id', 'created_at']],
    ['PUT', { events: 'open', id: 'wh_1' }, 'validation_failed', ['id']],
  ])('refuses %s %j, and stays as it is', async (method, body, code, fields) => {
    const refused = await client.send(method, path, body);
    expectRefusal(refused, code as 'url_immutable' | 'validation_failed', fields);
    expect((await client.get(path)).body).toEqual(made);
  });

  it('is deleted', async () => {
    const refused = await client.send('DELETE', path, { force: true });
    expectRefusal(refused, 'validation_failed', ['force']);
    const answer = await client.delete(path);
    expect([answer.status, answer.body]).toEqual([200, { id: made.id, deleted: true }]);
    expectRefusal(await client.get(path), 'not_found');
    expectRefusal(await client.delete(path), 'not_found');
    expectRefusal(await client.send('PUT', path, { url, events: 'open' }), 'not_found');
    expect((await client.get('/api/webhooks/manage')).body).toEqual({ webhooks: [] });
  });

  it('is read by readers, changed by owners, and of its own project', async () => {
    const [reader, sender] = [
      await stack.client(projectId, 'reader'),
      await stack.client(projectId, 'sender'),
    ];
    expect((await reader.get(path)).status).toBe(200);
    expectRefusal(await sender.get(path), 'forbidden');
    for (const other of [reader, sender]) {
      expectRefusal(await other.send('PUT', path, { url, events: 'open' }), 'forbidden');
      expectRefusal(await other.send('PATCH', path, { events: 'open' }), 'forbidden');
      expectRefusal(await other.delete(path), 'forbidden');
    }
    const stranger = await stack.project({ profile: 'platform' });
    expectRefusal(await stranger.client.get(path), 'not_found');
    expectRefusal(await stranger.client.patch(path, { events: 'open' }), 'not_found');
    expectRefusal(await stranger.client.delete(path), 'not_found');
  });
});

it('holds to the limit of webhooks', async () => {
  await stack.admin.patch(`/v1/projects/${projectId}`, { policy: { maxWebhooks: 1 } });
  await client.post('/api/webhooks/manage', { url, events: 'open' });
  const second = await client.post('/api/webhooks/manage', { url, events: 'open' });
  expectRefusal(second, 'webhook_limit_reached');
});

it('lets readers look and only owners change', async () => {
  const reader = await stack.client(projectId, 'reader');
  const sender = await stack.client(projectId, 'sender');
  expect((await reader.get('/api/webhooks/manage')).status).toBe(200);
  const body = { url, events: 'open' };
  expectRefusal(await reader.post('/api/webhooks/manage', body), 'forbidden');
  expectRefusal(await sender.post('/api/webhooks/manage', body), 'forbidden');
  expectRefusal(await sender.get('/api/webhooks/manage'), 'forbidden');
});

it('takes the admin key with x-project-id, and not without', async () => {
  const admin = stack.admin.with({ 'x-project-id': projectId });
  const made = await admin.post('/api/webhooks/manage', { url, events: 'open' });
  expect(made.status).toBe(201);
  const refused = await stack.admin.get('/api/webhooks/manage');
  expectRefusal(refused, 'validation_failed', ['x-project-id']);
});

it.each(['autosend', 'emailsendx', 'ahasend', 'custom'])(
  'is not there for projects of profile %s',
  async (profile) => {
    const other = await stack.project({ profile });
    for (const path of ['/manage', '', '/resend', '/sendgrid', '/mailgun']) {
      expectRefusal(await other.client.post(`/api/webhooks${path}`, {}), 'not_found');
    }
    expectRefusal(await other.client.get('/api/webhooks/manage'), 'not_found');
  },
);
