import { KEY_ROLES } from '../../../src/store/keys';
import { useStack } from '../../support/use';
import { expectRefusal, stored } from './refusal';

const url = 'https://example.com/hooks';
const webhookOf = (externalId?: unknown) => ({ name: 'Orders', url, events: ['*'], externalId });

const stack = useStack({ POSTHORN_RATE_LIMIT_PER_MINUTE: '100000' }, { worker: false });
let count = 0;
/** One that nothing has yet, with characters that mean something in a URL. */
const fresh = (): string => `cust/${(count += 1)}?a=%2F&b#c:@"{}`;
const newProject = (externalId: unknown, query = '') =>
  stack.admin.post(`/v1/projects${query}`, { name: 'Acme', profile: 'custom', externalId });

describe('?get_if_exists=true', () => {
  const GET = '?get_if_exists=true';

  it('makes a project, and answers it unchanged from then on', async () => {
    const externalId = fresh();
    const made = await newProject(externalId, GET);
    expect(made.status).toBe(201);
    const again = await stack.admin.post(`/v1/projects${GET}`, { name: 'Other', externalId });
    expect(again.status).toBe(200);
    expect(again.body.data).toEqual(made.body.data);
    expectRefusal(await newProject(externalId, '?get_if_exists=false'), 'external_id_taken', [
      'externalId',
    ]);
    const { entries } = (await stack.admin.get(`/v1/audit?target=${made.body.data.id}`)).body.data;
    expect(entries).toHaveLength(1);
  });

  it('makes a webhook, and answers it without its secret from then on, whatever the limit', async () => {
    const externalId = fresh();
    const { client } = await stack.project({ policy: { maxWebhooks: 1 } });
    const made = await client.post(`/v1/webhooks${GET}`, webhookOf(externalId));
    expect(made.status).toBe(201);
    const again = await client.post(`/v1/webhooks${GET}`, webhookOf(externalId));
    expect(again.status).toBe(200);
    const { secret: _secret, ...shown } = made.body.data;
    expect(again.body.data).toEqual(shown);
    const full = await client.post(`/v1/webhooks${GET}`, webhookOf(fresh()));
    expectRefusal(full, 'webhook_limit_reached');
  });

  it.each([undefined, null])('needs an external id, not %s', async (externalId) => {
    const { client } = await stack.project();
    const refused = [
      await newProject(externalId, GET),
      await client.post(`/v1/webhooks${GET}`, webhookOf(externalId)),
    ];
    for (const answer of refused) expectRefusal(answer, 'validation_failed', ['externalId']);
  });

  it.each([
    ['?get_if_exists=yes', 'get_if_exists'],
    ['?get_if_exist=true', 'get_if_exist'],
  ])('%s is refused', async (query, field) => {
    const { client } = await stack.project();
    expectRefusal(await newProject(fresh(), query), 'validation_failed', [field]);
    const answer = await client.post(`/v1/webhooks${query}`, webhookOf(fresh()));
    expectRefusal(answer, 'validation_failed', [field]);
  });

  it('creates one of 20 concurrent ones, and returns the key once', async () => {
    const externalId = fresh();
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => newProject(externalId, `${GET}&key=owner`)),
    );
    expect(answers.map(({ status }) => status).toSorted((a, b) => b - a)).toEqual([
      201,
      ...Array.from({ length: 19 }, () => 200),
    ]);
    const [id, ...others] = new Set(answers.map(({ body }) => body.data.id as string));
    expect(others).toEqual([]);
    expect(answers.filter(({ body }) => body.data.key !== undefined)).toHaveLength(1);
    expect(await stack.store.keys.model.countDocuments({ projectId: id })).toBe(1);

    const client = await stack.client(id!, 'owner');
    const hooks = await Promise.all(
      Array.from({ length: 20 }, () => client.post(`/v1/webhooks${GET}`, webhookOf(externalId))),
    );
    expect(hooks.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(hooks.filter(({ status }) => status === 200)).toHaveLength(19);
    expect((await client.get('/v1/webhooks')).body.data.webhooks).toHaveLength(1);
    expect((await stack.store.projects.get(id!))!.webhookCount).toBe(1);
  });

  it('without it one of 20 concurrent ones is created, and 19 are told which one has it', async () => {
    const externalId = fresh();
    const answers = await Promise.all(Array.from({ length: 20 }, () => newProject(externalId)));
    const [made, ...others] = answers.filter(({ status }) => status === 201);
    expect(others).toEqual([]);
    for (const answer of answers.filter((it) => it !== made)) {
      expectRefusal(answer, 'external_id_taken', ['externalId']);
      expect(answer.body.error.message).toContain(made!.body.data.id);
    }
  });
});

describe('?key', () => {
  it.each(KEY_ROLES)('=%s makes the project’s first key with it', async (role) => {
    const made = await newProject(fresh(), `?key=${role}`);
    expect(made.status).toBe(201);
    const { id, key, keyId } = made.body.data as { id: string; key: string; keyId: string };
    const inProject = await stack.admin.get(`/v1/projects/${id}/keys`);
    expect(inProject.body.data.keys).toEqual([
      expect.objectContaining({ id: keyId, projectId: id, role, expiresAt: null }),
    ]);
    const answer = await fetch(`${stack.url}/v1/webhooks`, {
      headers: { authorization: `Bearer ${key}` },
    });
    expect(answer.status).toBe(role === 'sender' ? 403 : 200);
    expect((await stack.admin.get(`/v1/projects/${id}`)).body.data).not.toHaveProperty('key');

    const { entries } = (await stack.admin.with({ 'x-project-id': id }).get('/v1/audit')).body.data;
    const actions = entries.map(({ action, target, outcome }: Record<string, string>) => [
      action,
      target,
      outcome,
    ]);
    expect(actions).toHaveLength(2);
    expect(actions).toEqual(
      expect.arrayContaining([
        ['project.created', id, 'done'],
        ['key.created', keyId, 'done'],
      ]),
    );
    expect(JSON.stringify(entries)).not.toContain(key);
  });

  it('makes none for a project that is there already', async () => {
    const externalId = fresh();
    const made = await newProject(externalId, '?key=owner');
    const again = await newProject(externalId, '?key=owner&get_if_exists=true');
    expect(again.status).toBe(200);
    expect(again.body.data).not.toHaveProperty('key');
    expectRefusal(await newProject(externalId, '?key=owner'), 'external_id_taken', ['externalId']);
    const { id } = made.body.data;
    expect(await stack.store.keys.model.countDocuments({ projectId: id })).toBe(1);
  });

  it.each(['?key=admin', '?key=', '?key=owner&key=reader', '?keys=owner'])(
    '%s makes nothing',
    async (query) => {
      const before = await stored(stack);
      const field = query.startsWith('?keys') ? 'keys' : 'key';
      expectRefusal(await newProject(fresh(), query), 'validation_failed', [field]);
      expect(await stored(stack)).toEqual(before);
    },
  );

  it('makes no project without its key', async () => {
    const before = await stored(stack);
    const spy = jest.spyOn(stack.store.keys, 'create').mockRejectedValueOnce(new Error('died'));
    expect((await newProject(fresh(), '?key=owner')).status).toBe(500);
    spy.mockRestore();
    expect(await stored(stack)).toEqual(before);
  });
});
