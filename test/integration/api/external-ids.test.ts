import { deleteCutOff } from '../../support/cut-off';
import type { ApiClient } from '../../support/api-client';
import { makeWebhook } from '../../support/deliveries';
import { emailSent } from '../../support/samples';
import { useStack } from '../../support/use';
import { insertDelivery } from './insert';
import { expectRefusal, stored } from './refusal';

const url = 'https://example.com/hooks';
const webhookOf = (externalId?: unknown) => ({ name: 'Orders', url, events: ['*'], externalId });

const stack = useStack({ POSTHORN_RATE_LIMIT_PER_MINUTE: '100000' }, { worker: false });
let count = 0;
/** One that nothing has yet, with characters that mean something in a URL. */
const fresh = (): string => `cust/${(count += 1)}?a=%2F&b#c:@"{}`;
const ext = (externalId: string): string => `ext:${externalId}`;
const inPath = (externalId: string): string => encodeURIComponent(ext(externalId));

const newProject = (externalId: unknown, query = '') =>
  stack.admin.post(`/v1/projects${query}`, { name: 'Acme', profile: 'custom', externalId });

describe('an external id', () => {
  it.each([
    ['empty', ''],
    ['of 129 characters', 'x'.repeat(129)],
    ['with a space', 'a b'],
    ['with a control character', 'a\u0000'],
    ['with a letter that a header can not carry', 'ä'],
    ['with a lone surrogate', 'a\ud800'],
    ['that begins as a reference to one', 'ext:a'],
    ['that is no text', 42],
  ])('%s is refused', async (_title, externalId) => {
    const { id, client } = await stack.project();
    const webhook = await makeWebhook(client, url);
    const before = await stored(stack);
    for (const answer of [
      await newProject(externalId),
      await stack.admin.patch(`/v1/projects/${id}`, { externalId }),
      await client.post('/v1/webhooks', webhookOf(externalId)),
      await client.patch(`/v1/webhooks/${webhook.id}`, { externalId }),
    ]) {
      expectRefusal(answer, 'validation_failed', ['externalId']);
    }
    expect(await stored(stack)).toEqual(before);
  });

  it.each(['a', '~'.repeat(128), 'null', 'undefined', '..', 'auth0|5f7c', '$ne', 'Ext:a'])(
    '%s is taken, and case matters',
    async (externalId) => {
      const made = await newProject(externalId);
      expect(made.body.data).toMatchObject({ externalId });
      const path = `/v1/projects/${inPath(externalId)}`;
      expect((await stack.admin.get(path)).body.data).toEqual(made.body.data);
      const other = externalId.toUpperCase();
      if (other !== externalId) {
        expectRefusal(await stack.admin.get(`/v1/projects/${inPath(other)}`), 'not_found');
      }
      const inProject = stack.admin.with({ 'x-project-id': ext(externalId) });
      expect((await inProject.get('/v1/webhooks')).status).toBe(200);
    },
  );

  it('is null for what has none, and names none of it', async () => {
    const { id, client } = await stack.project();
    const webhook = await makeWebhook(client, url);
    expect((await stack.admin.get(`/v1/projects/${id}`)).body.data.externalId).toBeNull();
    expect((await client.get(`/v1/webhooks/${webhook.id}`)).body.data.externalId).toBeNull();
    // As earlier versions have stored it.
    await stack.store.projects.model.updateOne({ _id: id }, { $unset: { externalId: 1 } });
    stack.store.projects.known.forget({});
    for (const word of ['ext:null', 'ext:undefined', 'ext:']) {
      expectRefusal(await client.get(`/v1/webhooks/${word}`), 'not_found');
      expectRefusal(await client.with({ 'x-project-id': word }).get('/v1/webhooks'), 'forbidden');
    }
  });
});

describe('a project’s', () => {
  it('is accepted wherever the project’s id is', async () => {
    const externalId = fresh();
    const { body } = await newProject(externalId);
    const { id } = body.data as { id: string };
    const path = `/v1/projects/${inPath(externalId)}`;
    expect((await stack.admin.get(path)).body.data).toEqual(body.data);
    expect((await stack.admin.patch(path, { name: 'Beta' })).body.data).toMatchObject({ id });

    const key = await stack.admin.post(`${path}/keys`, { name: 'A', role: 'owner' });
    expect(key.body.data).toMatchObject({ projectId: id });
    const owner = await stack.client(id, 'owner');
    const keys = await owner.get(`${path}/keys`);
    expect(keys.body.data.keys).toHaveLength(2);
    const named = `${path}/keys/${key.body.data.id}`;
    expect((await owner.delete(named)).status).toBe(200);

    for (const client of [stack.admin, owner]) {
      const inProject = client.with({ 'x-project-id': ext(externalId) });
      expect((await inProject.get('/v1/webhooks')).status).toBe(200);
    }
    const entries = await stack.admin.get(`/v1/audit?target=${inPath(externalId)}`);
    expect(entries.body.data.entries.map(({ action }: { action: string }) => action)).toEqual([
      'project.updated',
      'project.created',
    ]);
    expect((await stack.admin.delete(path)).body.data).toEqual({ id, deleted: true });
    expectRefusal(await stack.admin.get(path), 'not_found');
  });

  it('is accepted in the platform’s routes', async () => {
    const externalId = fresh();
    await stack.project({ profile: 'platform', externalId });
    const inProject = stack.admin.with({ 'x-project-id': ext(externalId) });
    expect((await inProject.get('/api/webhooks/manage')).body).toEqual({ webhooks: [] });
  });

  it('of another project is like an unknown one', async () => {
    const externalId = fresh();
    await newProject(externalId);
    const { client } = await stack.project();
    for (const other of [externalId, fresh()]) {
      const named = { 'x-project-id': ext(other) };
      expectRefusal(await client.with(named).get('/v1/webhooks'), 'forbidden');
      expectRefusal(await client.get(`/v1/projects/${inPath(other)}/keys`), 'not_found');
      expectRefusal(await client.get(`/v1/audit?target=${inPath(other)}`), 'not_found');
    }
    const nobody = fresh();
    expectRefusal(await stack.admin.get(`/v1/projects/${inPath(nobody)}/keys`), 'not_found');
    const named = { 'x-project-id': ext(nobody) };
    expectRefusal(await stack.admin.with(named).get('/v1/webhooks'), 'not_found');
  });

  it('is set, moved and removed by PATCH, and only one project has it', async () => {
    const externalId = fresh();
    const first = (await newProject(externalId)).body.data.id as string;
    const second = (await newProject(undefined)).body.data.id as string;
    for (const answer of [
      await newProject(externalId),
      await stack.admin.patch(`/v1/projects/${second}`, { externalId }),
    ]) {
      expectRefusal(answer, 'external_id_taken', ['externalId']);
      expect(answer.body.error.message).toContain(first);
    }
    const same = await stack.admin.patch(`/v1/projects/${first}`, { externalId, name: 'Same' });
    expect(same.body.data).toMatchObject({ externalId, name: 'Same' });
    const cleared = await stack.admin.patch(`/v1/projects/${first}`, { externalId: null });
    expect(cleared.body.data.externalId).toBeNull();
    const moved = await stack.admin.patch(`/v1/projects/${second}`, { externalId });
    expect(moved.body.data).toMatchObject({ id: second, externalId });
  });

  it('names the one that has it at once, though another process has moved it', async () => {
    const externalId = fresh();
    const { id: first } = await stack.project({ externalId });
    const { id: second } = await stack.project();
    const named = stack.admin.with({ 'x-project-id': ext(externalId) });
    const event = { type: 'email.sent', data: emailSent };
    expect((await named.post('/v1/events', event)).status).toBe(202);
    const { model } = stack.store.projects;
    await model.updateOne({ _id: first }, { externalId: null });
    await model.updateOne({ _id: second }, { externalId });
    expect((await named.post('/v1/events', event)).status).toBe(202);
    expect(await stack.store.events.model.countDocuments({ projectId: second })).toBe(1);
  });

  it('is free again once its project is deleted, also while that is not finished', async () => {
    const externalId = fresh();
    const { body } = await newProject(externalId);
    await deleteCutOff(stack, inPath(externalId));
    const path = `/v1/projects/${inPath(externalId)}`;
    expectRefusal(await stack.admin.get(path), 'not_found');
    const again = await newProject(externalId);
    expect(again.status).toBe(201);
    expect(again.body.data.id).not.toBe(body.data.id);
    await stack.reconcile();
    expect((await stack.admin.get(path)).body.data.id).toBe(again.body.data.id);
  });
});

describe('a webhook’s', () => {
  let client: ApiClient;
  let projectId: string;
  beforeAll(async () => {
    ({ id: projectId, client } = await stack.project());
  });

  it('is accepted wherever the webhook’s id is', async () => {
    const externalId = fresh();
    const made = await client.post('/v1/webhooks', webhookOf(externalId));
    const { id, secret } = made.body.data as { id: string; secret: string };
    const path = `/v1/webhooks/${inPath(externalId)}`;
    expect((await client.get(path)).body.data).toMatchObject({ id, externalId });
    const description = 'Impatient';
    expect((await client.patch(path, { description })).body.data).toMatchObject({ description });
    expect((await client.post(`${path}/pause`)).body.data).toMatchObject({ id, isPaused: true });
    expect((await client.post(`${path}/resume`)).body.data).toMatchObject({ id, isPaused: false });
    expect((await client.get(`${path}/secret`)).body.data).toEqual({ secret });
    expect((await client.post(`${path}/secret/rotate`, {})).status).toBe(200);
    expect((await client.get(`${path}/stats`)).status).toBe(200);
    expect((await client.post(`${path}/test`, { events: ['email.sent'] })).status).toBe(202);

    const delivery = await insertDelivery(stack, { projectId, webhookId: id, status: 'failed' });
    const failed = `/v1/deliveries?status=failed&webhookId=${inPath(externalId)}`;
    const { deliveries } = (await client.get(failed)).body.data;
    expect(deliveries.map((found: { id: string }) => found.id)).toEqual([delivery]);

    const range = { since: '2020-01-01T00:00:00Z', until: '2099-01-01T00:00:00Z' };
    const replays = { ...range, webhookId: ext(externalId) };
    const dry = await client.post('/v1/replays', { ...replays, dryRun: true });
    expect(dry.body.data).toEqual({ matched: 1, byWebhook: { [id]: 1 } });
    expect((await client.post('/v1/replays', replays)).body.data).toMatchObject({ webhookId: id });

    const { entries } = (await client.get(`/v1/audit?target=${inPath(externalId)}`)).body.data;
    expect(entries.map(({ action }: { action: string }) => action)).toContain('webhook.paused');
    expect(entries.every(({ target }: { target: string }) => target === id)).toBe(true);
    expect((await client.delete(path)).body.data).toEqual({ id, deleted: true });
  });

  it('that is unknown is not found, and neither is that of another project', async () => {
    const externalId = fresh();
    const other = await stack.project();
    await other.client.post('/v1/webhooks', webhookOf(externalId));
    const path = `/v1/webhooks/${inPath(externalId)}`;
    const range = { since: '2020-01-01T00:00:00Z', until: '2099-01-01T00:00:00Z' };
    for (const answer of [
      await client.get(path),
      await client.patch(path, { name: 'Mine' }),
      await client.delete(path),
      await client.get(`${path}/secret`),
      await client.get(`${path}/stats`),
      await client.post(`${path}/pause`),
      await client.post(`${path}/test`, {}),
      await client.get(`/v1/deliveries?webhookId=${inPath(externalId)}`),
      await client.post('/v1/replays', { ...range, webhookId: ext(externalId) }),
    ]) {
      expectRefusal(answer, 'not_found');
    }
  });

  it('reveals nothing about its existence to a key without access', async () => {
    const externalId = fresh();
    await client.post('/v1/webhooks', webhookOf(externalId));
    const sender = await stack.client(projectId, 'sender');
    for (const name of [externalId, fresh()]) {
      expectRefusal(await sender.get(`/v1/webhooks/${inPath(name)}`), 'forbidden');
    }
    expectRefusal(
      await stack.admin.get(`/v1/webhooks/${inPath(externalId)}`),
      'validation_failed',
      ['x-project-id'],
    );
  });

  it('is set and removed by PATCH, and unique in its project', async () => {
    const externalId = fresh();
    const first = (await client.post('/v1/webhooks', webhookOf(externalId))).body.data.id;
    const second = (await client.post('/v1/webhooks', webhookOf())).body.data.id;
    for (const answer of [
      await client.post('/v1/webhooks', webhookOf(externalId)),
      await client.patch(`/v1/webhooks/${second}`, { externalId }),
    ]) {
      expectRefusal(answer, 'external_id_taken', ['externalId']);
      expect(answer.body.error.message).toContain(first);
    }
    await client.patch(`/v1/webhooks/${first}`, { externalId: null });
    const moved = await client.patch(`/v1/webhooks/${second}`, { externalId });
    expect(moved.body.data).toMatchObject({ id: second, externalId });
    const other = await stack.project();
    expect((await other.client.post('/v1/webhooks', webhookOf(externalId))).status).toBe(201);
  });
});
