import { newId } from '../../../src/contracts/ids';
import { deleteProject } from '../../../src/store/delete-project';
import { deleteCutOff } from '../../support/cut-off';
import { emailSent } from '../../support/samples';
import { makeWebhook } from '../../support/deliveries';
import { useStack } from '../../support/use';
import { expectRefusal, stored } from './refusal';

describe('projects', () => {
  const stack = useStack({}, { worker: false });

  it('is made with the default profile, and reads the same afterwards', async () => {
    const made = await stack.admin.post('/v1/projects', { name: ' Shop ' });
    expect(made.status).toBe(201);
    expect(made.body).toEqual({
      success: true,
      data: {
        id: expect.stringMatching(/^proj_[0-9a-f]{32}$/),
        externalId: null,
        name: 'Shop',
        profile: 'autosend',
        catalog: null,
        plan: null,
        ownerEmail: null,
        dispatch: null,
        policy: {},
        portalOrigins: [],
        createdAt: expect.stringMatching(/^\d{4}-.*Z$/),
        updatedAt: expect.stringMatching(/^\d{4}-.*Z$/),
      },
    });
    const read = await stack.admin.get(`/v1/projects/${made.body.data.id}`);
    expect(read.status).toBe(200);
    expect(read.body.data).toEqual(made.body.data);
  });

  it('are found by a piece of their name, page by page, or by their whole id or externalId', async () => {
    const made = [];
    for (const name of ['Corner shop (1)', 'SHOP 2', 'Bakery']) {
      const { body } = await stack.admin.post('/v1/projects', { name, externalId: `x-${name[0]}` });
      made.push(body.data);
    }
    const found = async (q: string, rest = ''): Promise<string[]> => {
      const { body } = await stack.admin.get(`/v1/projects?q=${encodeURIComponent(q)}${rest}`);
      return body.data.projects.map(({ name }: { name: string }) => name);
    };
    expect(await found('sHoP ')).toEqual(['SHOP 2', 'Corner shop (1)', 'Shop']);
    expect(await found('shop', `&cursor=${made[1].id}`)).toEqual(['Corner shop (1)', 'Shop']);
    expect(await found('(1)')).toEqual(['Corner shop (1)']);
    expect(await found('.*')).toEqual([]);
    expect(await found(made[2].id)).toEqual(['Bakery']);
    expect(await found('x-B')).toEqual(['Bakery']);
    expectRefusal(await stack.admin.get('/v1/projects?q='), 'validation_failed', ['q']);
  });

  it.each([
    ['https://app.example.com/', 'did you mean https://app.example.com?'],
    ['https://app.example.com/embed', 'did you mean'],
    ['https://app.example.com:443', 'did you mean https://app.example.com?'],
    ['https://APP.example.com', 'did you mean https://app.example.com?'],
    ['https://*.example.com', 'exact origin'],
    ['https://a.example;script-src *', 'exact origin'],
    ['https://a.example,b.example', 'exact origin'],
    ['https://a.example https://b.example', 'exact origin'],
    ['https://user:x@a.example', 'did you mean https://a.example?'],
    ['https:', 'exact origin'],
    ["'self'", 'exact origin'],
    ['*', 'exact origin'],
    ['null', 'exact origin'],
    ['data:text/html,x', 'exact origin'],
    ['http://app.example.com', 'must be https'],
    ['http://10.0.0.1', 'must be https'],
    ['http://localhost.example.com', 'must be https'],
    ['http://127.0.0.1.example.com', 'must be https'],
  ])('lets no portal be framed by %j', async (origin, message) => {
    const { id } = await stack.project();
    const answer = await stack.admin.patch(`/v1/projects/${id}`, { portalOrigins: [origin] });
    expectRefusal(answer, 'validation_failed', ['portalOrigins.0']);
    expect(answer.body.error.details[0].message).toContain(message);
    const made = await stack.admin.post('/v1/projects', { name: 'A', portalOrigins: [origin] });
    expectRefusal(made, 'validation_failed', ['portalOrigins.0']);
  });

  it('keeps the origins that may frame its portal, each once', async () => {
    const origins = [
      'https://app.example.com',
      'https://app.example.com:8443',
      'http://localhost:3000',
      'http://shop.localhost',
      'http://127.0.0.1:3000',
      'http://[::1]:3000',
      'https://xn--mller-kva.example',
    ];
    const made = await stack.admin.post('/v1/projects', { name: 'A', portalOrigins: origins });
    expect(made.body.data.portalOrigins).toEqual(origins);
    const path = `/v1/projects/${made.body.data.id}`;
    const twice = { portalOrigins: [origins[0], origins[0]] };
    expect((await stack.admin.patch(path, twice)).body.data.portalOrigins).toEqual([origins[0]]);
    expect((await stack.admin.patch(path, { name: 'B' })).body.data.portalOrigins).toEqual([
      origins[0],
    ]);
    expect((await stack.admin.patch(path, { portalOrigins: [] })).body.data.portalOrigins).toEqual(
      [],
    );
  });

  it('keeps the figures and the owner that it is made with', async () => {
    const body = {
      name: 'Figures',
      profile: 'autosend',
      plan: 'pro',
      ownerEmail: 'owner@example.com',
      policy: { timeoutMs: 5000, retryDelaysMs: [1000, 2000], autoDisableAfter: 7, maxWebhooks: 3 },
    };
    const made = await stack.admin.post('/v1/projects', body);
    expect(made.body.data).toMatchObject(body);
  });

  it('changes by PATCH what is named, and nothing else', async () => {
    const { body } = await stack.admin.post('/v1/projects', { name: 'Before', plan: 'pro' });
    const path = `/v1/projects/${body.data.id}`;
    const changed = await stack.admin.patch(path, {
      name: 'After',
      policy: { autoDisableAfter: null },
    });
    expect(changed.status).toBe(200);
    expect(changed.body.data).toEqual({
      ...body.data,
      name: 'After',
      policy: { autoDisableAfter: null },
      updatedAt: expect.any(String),
    });
    expect((await stack.admin.get(path)).body.data).toEqual(changed.body.data);
  });

  it.each([
    ['EmailSendX', 'emailsendx'],
    [' AUTOSEND ', 'autosend'],
  ])('takes the profile %j as %s', async (profile, name) => {
    const made = await stack.admin.post('/v1/projects', { name: 'A', profile });
    expect([made.status, made.body.data.profile]).toEqual([201, name]);
  });

  describe('a body that is refused, with nothing stored', () => {
    it.each([
      ['without a name', {}, ['name']],
      ['with a blank name', { name: '  ' }, ['name']],
      ['with a name of 201 characters', { name: 'x'.repeat(201) }, ['name']],
      ['with a name that is no text', { name: 7 }, ['name']],
      ['with an unknown profile', { name: 'A', profile: 'sendgrid' }, ['profile']],
      [
        'with a profile that is a member of every object',
        { name: 'A', profile: 'constructor' },
        ['profile'],
      ],
      ['with an unknown field', { name: 'A', color: 'red' }, ['color']],
      ['with several unknown fields', { name: 'A', color: 'red', id: 'proj_1' }, ['color', 'id']],
      ['with an address that is none', { name: 'A', ownerEmail: 'nobody' }, ['ownerEmail']],
      [
        'with an address that mails would not go to',
        { name: 'A', ownerEmail: '"a<b"@example.com' },
        ['ownerEmail'],
      ],
      ['with an unknown figure', { name: 'A', policy: { retries: 3 } }, ['policy.retries']],
      ['with a timeout of no time', { name: 'A', policy: { timeoutMs: 0 } }, ['policy.timeoutMs']],
      [
        'with a delay below a second',
        { name: 'A', policy: { retryDelaysMs: [1000, 999] } },
        ['policy.retryDelaysMs.1'],
      ],
      [
        'with less than no webhooks',
        { name: 'A', policy: { maxWebhooks: -1 } },
        ['policy.maxWebhooks'],
      ],
    ])('%s', async (_title, body, fields) => {
      const before = await stored(stack);
      expectRefusal(await stack.admin.post('/v1/projects', body), 'validation_failed', fields);
      expect(await stored(stack)).toEqual(before);
    });

    it.each([
      ['of a PATCH with another profile', { profile: 'autosend' }, ['profile']],
      ['of a PATCH with an unknown field', { webhookCount: 0 }, ['webhookCount']],
      ['of a PATCH that takes the name away', { name: null }, ['name']],
    ])('%s', async (_title, body, fields) => {
      const made = await stack.admin.post('/v1/projects', { name: 'Kept' });
      const path = `/v1/projects/${made.body.data.id}`;
      expectRefusal(await stack.admin.patch(path, body), 'validation_failed', fields);
      expect((await stack.admin.get(path)).body.data).toEqual(made.body.data);
    });
  });

  describe('an id that does not exist', () => {
    it.each([newId('project'), newId('webhook'), 'proj_1', '%00', '$ne'])('%s', async (id) => {
      const path = `/v1/projects/${id}`;
      expectRefusal(await stack.admin.get(path), 'not_found');
      expectRefusal(await stack.admin.patch(path, { name: 'A' }), 'not_found');
      expectRefusal(await stack.admin.delete(path), 'not_found');
    });
  });

  it('are the admin key’s alone, whether they exist or not', async () => {
    const { id } = await stack.project();
    for (const role of ['owner', 'sender', 'reader']) {
      const client = await stack.client(id, role);
      const before = await stored(stack);
      for (const path of [`/v1/projects/${id}`, `/v1/projects/${newId('project')}`]) {
        expectRefusal(await client.get(path), 'forbidden');
        expectRefusal(await client.patch(path, { name: 'Mine' }), 'forbidden');
        expectRefusal(await client.delete(path), 'forbidden');
      }
      expectRefusal(await client.get('/v1/projects'), 'forbidden');
      expectRefusal(await client.post('/v1/projects', { name: 'Mine' }), 'forbidden');
      expect(await stored(stack)).toEqual(before);
    }
  });

  it('takes all that is its own with it when it is deleted, and nothing else', async () => {
    const { id, client } = await stack.project();
    const other = await stack.project();
    await makeWebhook(client, 'https://example.com/hooks');
    const kept = await makeWebhook(other.client, 'https://example.com/hooks');
    const event = await client.post('/v1/events', { type: 'email.sent', data: emailSent });
    const othersEvent = await other.client.post('/v1/events', {
      type: 'email.sent',
      data: emailSent,
    });

    const deleted = await stack.admin.delete(`/v1/projects/${id}`);
    expect(deleted.status).toBe(200);
    expect(deleted.body.data).toEqual({ id, deleted: true });

    expectRefusal(await stack.admin.get(`/v1/projects/${id}`), 'not_found');
    expectRefusal(await stack.admin.delete(`/v1/projects/${id}`), 'not_found');
    expectRefusal(await client.get('/v1/webhooks'), 'unauthorized');
    expectRefusal(await stack.admin.with({ 'x-project-id': id }).get('/v1/webhooks'), 'not_found');
    const { store } = stack;
    expect(await store.keys.model.countDocuments({ projectId: id })).toBe(0);
    expect(await store.webhooks.model.countDocuments({ projectId: id })).toBe(0);
    expect(await store.events.find(event.body.data.id)).toBeNull();
    expect(await store.projects.listDeleted()).not.toContain(id);

    expect((await other.client.get(`/v1/webhooks/${kept.id}`)).status).toBe(200);
    const others = await store.events.find(othersEvent.body.data.id);
    expect(others!.expiresAt.getTime()).toBeGreaterThan(Date.now());
  });

  it('leaves to reconcile what is not deleted in time', async () => {
    const { id, client } = await stack.project();
    await makeWebhook(client, 'https://example.com/hooks');
    await client.post('/v1/events', { type: 'email.sent', data: emailSent });
    const range = { since: new Date(0).toISOString(), until: new Date().toISOString() };
    expect((await client.post('/v1/replays', range)).status).toBe(202);
    const { store } = stack;
    expect(await deleteProject(store, id, 0)).toBe(true);
    expectRefusal(await client.get('/v1/webhooks'), 'unauthorized');
    expectRefusal(await stack.admin.get(`/v1/projects/${id}`), 'not_found');
    const left = () =>
      Promise.all([
        store.projects.model.countDocuments({ _id: id, emptiedAt: null }),
        store.keys.model.countDocuments({ projectId: id }),
        store.replays.model.countDocuments({ projectId: id }),
        store.webhooks.model.countDocuments({ projectId: id }),
        store.events.model.countDocuments({ projectId: id }),
      ]);
    // Nor, in the transaction that marks it, anything that there may be any number of.
    expect(await left()).toEqual([1, 1, 1, 1, 1]);
    await stack.reconcile();
    expect(await left()).toEqual([0, 0, 0, 0, 0]);
  });

  describe('whose deletion was cut off', () => {
    let id: string;
    let eventId: string;
    beforeEach(async () => {
      const project = await stack.project();
      id = project.id;
      await makeWebhook(project.client, 'https://example.com/hooks');
      const posted = await project.client.post('/v1/events', {
        type: 'email.sent',
        data: emailSent,
      });
      eventId = posted.body.data.id as string;
      await deleteCutOff(stack, id);
      expect(await stack.store.events.find(eventId)).not.toBeNull();

      expectRefusal(await stack.admin.get(`/v1/projects/${id}`), 'not_found');
      expectRefusal(await stack.admin.patch(`/v1/projects/${id}`, { name: 'B' }), 'not_found');
      expectRefusal(await project.client.get('/v1/webhooks'), 'unauthorized');
      const inIt = stack.admin.with({ 'x-project-id': id });
      expectRefusal(await inIt.post('/v1/events', {}), 'not_found');
      const keys = { name: 'A', role: 'owner' };
      expectRefusal(await stack.admin.post(`/v1/projects/${id}/keys`, keys), 'not_found');
      const { body } = await stack.admin.get('/v1/projects?limit=100');
      expect(JSON.stringify(body)).not.toContain(id);
      const found = await stack.admin.get(`/v1/projects?q=${id}`);
      expect(found.body.data.projects).toEqual([]);
    });
    afterEach(async () => {
      const { projects, events } = stack.store;
      expect(await projects.listDeleted()).not.toContain(id);
      expect(await events.find(eventId)).toBeNull();
      expectRefusal(await stack.admin.delete(`/v1/projects/${id}`), 'not_found');
    });

    it('is as if it were gone, and goes when it is asked for again', async () => {
      expect((await stack.admin.delete(`/v1/projects/${id}`)).status).toBe(200);
    });

    it('is as if it were gone, and goes by reconcile', async () => {
      await stack.reconcile();
    });
  });
});
