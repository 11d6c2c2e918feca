import { newId } from '../../../src/contracts/ids';
import { ApiClient, type Answer } from '../../support/api-client';
import { makeWebhook } from '../../support/deliveries';
import { emailSent } from '../../support/samples';
import { useStack } from '../../support/use';
import { insertDelivery } from './insert';
import { expectRefusal, stored } from './refusal';

const stack = useStack({}, { worker: false });

describe('keys', () => {
  it('shows a key once, when it is made, and stores its hash only', async () => {
    const { id } = await stack.project();
    const path = `/v1/projects/${id}/keys`;
    const made = await stack.admin.post(path, { name: 'CI', role: 'sender' });
    expect(made.status).toBe(201);
    expect(made.body.data).toEqual({
      id: expect.stringMatching(/^key_[0-9a-f]{32}$/),
      projectId: id,
      name: 'CI',
      role: 'sender',
      key: expect.stringMatching(/^phk_[\w-]{43}$/),
      expiresAt: null,
      lastUsedAt: null,
      createdAt: expect.any(String),
    });
    const { key, ...shown } = made.body.data;
    const list = await stack.admin.get(path);
    expect(list.body.data.keys[0]).toEqual(shown);
    expect(JSON.stringify(list.body)).not.toContain(key);
    expect(JSON.stringify(await stack.store.keys.model.find({}).lean())).not.toContain(key);
  });

  it('are managed by the project’s owner too', async () => {
    const { id, client } = await stack.project();
    const path = `/v1/projects/${id}/keys`;
    const made = await client.post(path, { name: 'CI', role: 'reader' });
    expect(made.status).toBe(201);
    expect((await client.get(path)).body.data.keys).toHaveLength(2);
    expect((await client.delete(`${path}/${made.body.data.id}`)).body.data).toEqual({
      id: made.body.data.id,
      deleted: true,
    });
    expect((await client.get(path)).body.data.keys).toHaveLength(1);
  });

  it('answers 401 to a key from the moment it is revoked', async () => {
    const { id, client } = await stack.project();
    const path = `/v1/projects/${id}/keys`;
    const { body } = await client.post(path, { name: 'Leaked', role: 'sender' });
    const leaked = new ApiClient(stack.url, body.data.key);
    const event = { type: 'email.sent', data: emailSent };
    expect((await leaked.post('/v1/events', event)).status).toBe(202);
    await client.delete(`${path}/${body.data.id}`);
    const before = await stored(stack);
    expectRefusal(await leaked.post('/v1/events', event), 'unauthorized');
    expect(await stored(stack)).toEqual(before);
    expectRefusal(await client.delete(`${path}/${body.data.id}`), 'not_found');
  });

  describe('a body that is refused, with nothing stored', () => {
    it.each([
      ['without anything', {}, ['name', 'role']],
      ['with a role that is none', { name: 'A', role: 'admin' }, ['role']],
      ['with an unknown field', { name: 'A', role: 'owner', key: 'mine' }, ['key']],
      ['with a blank name', { name: ' ', role: 'owner' }, ['name']],
    ])('%s', async (_title, body, fields) => {
      const { id, client } = await stack.project();
      const before = await stored(stack);
      const answer = await client.post(`/v1/projects/${id}/keys`, body);
      expectRefusal(answer, 'validation_failed', fields);
      expect(await stored(stack)).toEqual(before);
    });
  });

  it.each(['owner', 'sender', 'reader'])(
    'answers a key with the role %s on another project’s keys as if that project didn’t exist',
    async (role) => {
      const { client } = await stack.project({}, role);
      const other = await stack.project();
      const { body } = await other.client.get(`/v1/projects/${other.id}/keys`);
      const keyId = body.data.keys[0].id as string;
      for (const projectId of [other.id, newId('project'), 'nonsense']) {
        const path = `/v1/projects/${projectId}/keys`;
        expectRefusal(await client.get(path), 'not_found');
        expectRefusal(await client.post(path, { name: 'A', role: 'owner' }), 'not_found');
        expectRefusal(await client.delete(`${path}/${keyId}`), 'not_found');
      }
      expect((await other.client.get('/v1/webhooks')).status).toBe(200);
    },
  );

  it('does not revoke another project’s key by way of the own project', async () => {
    const { id, client } = await stack.project();
    const other = await stack.project();
    const { body } = await other.client.get(`/v1/projects/${other.id}/keys`);
    const path = `/v1/projects/${id}/keys/${body.data.keys[0].id}`;
    expectRefusal(await client.delete(path), 'not_found');
    expectRefusal(await stack.admin.delete(path), 'not_found');
    expect((await other.client.get('/v1/webhooks')).status).toBe(200);
  });

  it('answers the admin 404 for keys of a project that does not exist', async () => {
    const path = `/v1/projects/${newId('project')}/keys`;
    const before = await stored(stack);
    expectRefusal(await stack.admin.get(path), 'not_found');
    expectRefusal(await stack.admin.post(path, { name: 'A', role: 'owner' }), 'not_found');
    expectRefusal(await stack.admin.delete(`${path}/${newId('key')}`), 'not_found');
    expect(await stored(stack)).toEqual(before);
  });
});

describe('the caller', () => {
  it.each([
    ['no key', undefined],
    ['an empty key', 'Bearer '],
    ['an unknown key', `Bearer phk_${'x'.repeat(43)}`],
    ['another scheme', 'Basic dXNlcjpwYXNz'],
    ['a key without its scheme', 'test-admin-key-0123456789abcdef'],
    ['the admin key and more', 'Bearer test-admin-key-0123456789abcdef0'],
    ['two keys', 'Bearer a b'],
  ])('is answered 401 with %s', async (_title, authorization) => {
    const response = await fetch(`${stack.url}/v1/webhooks`, {
      headers: { ...(authorization !== undefined && { authorization }) },
    });
    const answer: Answer = {
      status: response.status,
      headers: response.headers,
      body: await response.json(),
    };
    expectRefusal(answer, 'unauthorized');
    expect(answer.headers.get('www-authenticate')).toBe('Bearer');
  });

  it('may name its project, and no other, whether that exists or not', async () => {
    const { id, client } = await stack.project();
    const other = await stack.project();
    expect((await client.with({ 'x-project-id': id }).get('/v1/webhooks')).status).toBe(200);
    const before = await stored(stack);
    for (const projectId of [other.id, newId('project'), 'nonsense']) {
      const mismatched = client.with({ 'x-project-id': projectId });
      expectRefusal(await mismatched.get('/v1/webhooks'), 'forbidden');
      const event = { type: 'email.sent', data: emailSent };
      expectRefusal(await mismatched.post('/v1/events', event), 'forbidden');
    }
    expect(await stored(stack)).toEqual(before);
  });

  it('needs x-project-id with the admin key, and then has all rights there', async () => {
    const { id, client } = await stack.project();
    const event = { type: 'email.sent', data: emailSent };
    expectRefusal(await stack.admin.get('/v1/webhooks'), 'validation_failed', ['x-project-id']);
    expectRefusal(await stack.admin.post('/v1/events', event), 'validation_failed', [
      'x-project-id',
    ]);
    const admin = stack.admin.with({ 'x-project-id': id });
    const webhook = await makeWebhook(admin, 'https://example.com/hooks');
    expect((await client.get(`/v1/webhooks/${webhook.id}`)).body.data.projectId).toBe(id);
    expect((await admin.get(`/v1/webhooks/${webhook.id}/secret`)).body.data).toEqual({
      secret: webhook.secret,
    });
    expect((await admin.post('/v1/events', event)).status).toBe(202);
    for (const unknown of [newId('project'), 'nonsense']) {
      const lost = stack.admin.with({ 'x-project-id': unknown });
      expectRefusal(await lost.get('/v1/webhooks'), 'not_found');
    }
  });

  /** Each role's answer; the rest of a row is made with a webhook, an event and a failed delivery there. */
  const RIGHTS: [
    what: string,
    call: (
      client: ApiClient,
      ids: Record<'webhook' | 'event' | 'delivery', string>,
    ) => Promise<Answer>,
    answers: Record<'owner' | 'sender' | 'reader', number>,
  ][] = [
    [
      'post an event',
      (c) => c.post('/v1/events', { type: 'email.sent', data: emailSent }),
      { owner: 202, sender: 202, reader: 403 },
    ],
    ['list events', (c) => c.get('/v1/events'), { owner: 200, sender: 403, reader: 200 }],
    [
      'read an event',
      (c, { event }) => c.get(`/v1/events/${event}`),
      { owner: 200, sender: 403, reader: 200 },
    ],
    [
      'list event types',
      (c) => c.get('/v1/webhooks/events/available'),
      { owner: 200, sender: 403, reader: 200 },
    ],
    [
      'read the defaults of webhooks',
      (c) => c.get('/v1/webhooks/defaults'),
      { owner: 200, sender: 403, reader: 200 },
    ],
    ['list webhooks', (c) => c.get('/v1/webhooks'), { owner: 200, sender: 403, reader: 200 }],
    [
      'read a webhook',
      (c, { webhook }) => c.get(`/v1/webhooks/${webhook}`),
      { owner: 200, sender: 403, reader: 200 },
    ],
    [
      'read a secret',
      (c, { webhook }) => c.get(`/v1/webhooks/${webhook}/secret`),
      { owner: 200, sender: 403, reader: 403 },
    ],
    [
      'make a webhook',
      (c) => c.post('/v1/webhooks', { name: 'A', url: 'https://example.com/', events: ['*'] }),
      { owner: 201, sender: 403, reader: 403 },
    ],
    [
      'change a webhook',
      (c, { webhook }) => c.patch(`/v1/webhooks/${webhook}`, { name: 'B' }),
      { owner: 200, sender: 403, reader: 403 },
    ],
    ['list deliveries', (c) => c.get('/v1/deliveries'), { owner: 200, sender: 403, reader: 200 }],
    [
      'read a delivery',
      (c, { delivery }) => c.get(`/v1/deliveries/${delivery}`),
      { owner: 200, sender: 403, reader: 200 },
    ],
    [
      'replay a delivery',
      (c, { delivery }) => c.post(`/v1/deliveries/${delivery}/replay`),
      { owner: 202, sender: 403, reader: 403 },
    ],
    [
      'delete a webhook',
      (c, { webhook }) => c.delete(`/v1/webhooks/${webhook}`),
      { owner: 200, sender: 403, reader: 403 },
    ],
  ];

  it.each(RIGHTS)(
    'may %s, or is answered 403 and changes nothing, by role',
    async (_what, call, answers) => {
      const { id, client: owner } = await stack.project();
      const webhook = (await makeWebhook(owner, 'https://example.com/hooks')).id;
      const posted = await owner.post('/v1/events', { type: 'email.sent', data: emailSent });
      const event = posted.body.data.id as string;
      const delivery = await insertDelivery(stack, {
        projectId: id,
        webhookId: webhook,
        eventId: event,
        status: 'failed',
      });
      const ids = { webhook, event, delivery };
      for (const role of ['sender', 'reader'] as const) {
        const before = await stored(stack);
        const client = await stack.client(id, role);
        const answer = await call(client, ids);
        if (answers[role] === 403) {
          expectRefusal(answer, 'forbidden');
          expect(await stored(stack)).toEqual({ ...before, keys: before.keys! + 1 });
        } else {
          expect(answer.status).toBe(answers[role]);
        }
      }
      expect((await call(owner, ids)).status).toBe(answers.owner);
    },
  );

  it.each(['sender', 'reader'])('may not manage keys as a %s', async (role) => {
    const { id, client } = await stack.project({}, role);
    const path = `/v1/projects/${id}/keys`;
    const before = await stored(stack);
    expectRefusal(await client.get(path), 'forbidden');
    expectRefusal(await client.post(path, { name: 'A', role: 'owner' }), 'forbidden');
    expectRefusal(await client.delete(`${path}/${newId('key')}`), 'forbidden');
    expect(await stored(stack)).toEqual(before);
  });
});
