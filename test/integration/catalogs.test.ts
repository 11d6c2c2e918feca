import { Ajv2020 } from 'ajv/dist/2020';
import { newId } from '../../src/contracts/ids';
import type { Answer, ApiClient } from '../support/api-client';
import { togetherPut } from '../support/event-types';
import { eventually } from '../support/eventually';
import { useReceiver, useStack } from '../support/use';
import { expectRefusal } from './api/refusal';

/** Each with a schema that asks for the named field. */
const definition = (field: string, description = `Has ${field}.`) => ({
  description,
  schema: { type: 'object', properties: { [field]: { type: 'string' } }, required: [field] },
  sample: { [field]: 'x' },
});

const stack = useStack({ POSTHORN_RATE_LIMIT_PER_MINUTE: '100000' });
const receiver = useReceiver();
let count = 0;
const freshName = (): string => `shop-${(count += 1)}`;

const put = (catalog: string, type: string, body: unknown = definition('id')): Promise<Answer> =>
  stack.admin.send('PUT', `/v1/catalogs/${catalog}/event-types/${type}`, body);
const projectOf = (catalog: string) => stack.project({ profile: 'custom', catalog });
const available = async (client: ApiClient): Promise<string[]> =>
  (await client.get('/v1/webhooks/events/available')).body.data.events;
const post = (client: ApiClient, type: string, data: unknown): Promise<Answer> =>
  client.post('/v1/events', { type, data });

/** All pages of a list. */
async function listAll(
  client: ApiClient,
  path: string,
  plural: string,
): Promise<Record<string, unknown>[]> {
  const items: Record<string, unknown>[] = [];
  let cursor: string | null = null;
  do {
    const { body }: Answer = await client.get(
      `${path}?limit=2${cursor === null ? '' : `&cursor=${cursor}`}`,
    );
    items.push(...body.data[plural]);
    cursor = body.data.nextCursor;
  } while (cursor !== null);
  return items;
}

describe('a catalogue', () => {
  it('is created by its first type, and its types are read, listed, redefined and deleted', async () => {
    const name = freshName();
    const path = `/v1/catalogs/${name}/event-types`;
    expectRefusal(await stack.admin.get(path), 'not_found');
    for (const type of ['order.placed', 'order.paid', 'order.sent']) {
      const made = await put(name, type);
      expect(made.status).toBe(201);
      expect(made.body.data).toEqual({ type, ...definition('id') });
    }
    const again = await put(name, 'order.placed', definition('orderId'));
    expect(again.status).toBe(200);
    const one = await stack.admin.get(`${path}/order.placed`);
    expect(one.body.data).toEqual({ type: 'order.placed', ...definition('orderId') });
    expect((await listAll(stack.admin, path, 'eventTypes')).map(({ type }) => type)).toEqual([
      'order.sent',
      'order.paid',
      'order.placed',
    ]);
    expect(await listAll(stack.admin, '/v1/catalogs', 'catalogs')).toContainEqual({
      name,
      eventTypes: 3,
    });

    const deleted = await stack.admin.delete(`${path}/order.paid`);
    expect(deleted.body.data).toEqual({ type: 'order.paid', deleted: true });
    expectRefusal(await stack.admin.delete(`${path}/order.paid`), 'not_found');
    expectRefusal(await stack.admin.get(`${path}/order.paid`), 'not_found');
  });

  it('is listed in the order of names, each once', async () => {
    for (let n = 0; n < 3; n += 1) await put(freshName(), 'order.paid');
    const names = (await listAll(stack.admin, '/v1/catalogs', 'catalogs')).map(({ name }) =>
      String(name),
    );
    expect(names).toEqual([...new Set(names)].toSorted());
  });

  it.each([
    ['a name with upper case', 'Acme', 'order.paid', definition('id'), ['name']],
    ['a name with a slash', 'a%2Fb', 'order.paid', definition('id'), ['name']],
    ['a name of 65 characters', 'a'.repeat(65), 'order.paid', definition('id'), ['name']],
    ['a type of one word', 'acme', 'paid', definition('id'), ['type']],
    ['a type of Posthorn’s own', 'acme', 'webhook.disabled', definition('id'), ['type']],
    [
      'no description',
      'acme',
      'order.paid',
      { ...definition('id'), description: '' },
      ['description'],
    ],
    [
      'a sample that breaks the schema',
      'acme',
      'order.paid',
      { ...definition('id'), sample: {} },
      ['sample.id'],
    ],
    [
      'an unknown keyword',
      'acme',
      'order.paid',
      { ...definition('id'), schema: { tipe: 'object' } },
      ['schema.tipe'],
    ],
    ['an unknown field', 'acme', 'order.paid', { ...definition('id'), color: 'red' }, ['color']],
  ])('takes no type with %s', async (_title, catalog, type, body, fields) => {
    expectRefusal(await put(catalog, type, body), 'validation_failed', fields);
    expectRefusal(await stack.admin.get(`/v1/catalogs/${catalog}/event-types`), 'not_found');
  });

  it('is the admin’s alone', async () => {
    const name = freshName();
    await put(name, 'order.paid');
    const { id } = await projectOf(name);
    for (const role of ['owner', 'sender', 'reader']) {
      const client = await stack.client(id, role);
      const path = `/v1/catalogs/${name}/event-types`;
      expectRefusal(await client.get('/v1/catalogs'), 'forbidden');
      expectRefusal(await client.get(path), 'forbidden');
      expectRefusal(await client.get(`${path}/order.paid`), 'forbidden');
      expectRefusal(await client.send('PUT', `${path}/order.paid`, definition('x')), 'forbidden');
      expectRefusal(await client.delete(`${path}/order.paid`), 'forbidden');
    }
  });

  it('has 500 types at most', async () => {
    const name = freshName();
    const now = new Date();
    await stack.store.catalogTypes.model.insertMany(
      Array.from({ length: 495 }, (_, n) => ({
        _id: newId('eventType'),
        catalog: name,
        type: `order.n${n}`,
        description: 'One of many.',
        schema: '{}',
        sample: '{}',
        createdAt: now,
        updatedAt: now,
      })),
    );
    togetherPut(stack.store.catalogTypes, 10);
    const last = await Promise.all(Array.from({ length: 10 }, (_, n) => put(name, `order.m${n}`)));
    expect(last.filter(({ status }) => status === 201)).toHaveLength(5);
    expectRefusal(await put(name, 'order.paid'), 'validation_failed', ['type']);
    expect((await put(name, 'order.n1')).status).toBe(200);
  });

  it('is audited, as no project’s, whichever project the request names', async () => {
    const name = freshName();
    const { id, client } = await stack.project();
    const inProject = stack.admin.with({ 'x-project-id': id });
    const path = `/v1/catalogs/${name}/event-types/order.paid`;
    await inProject.send('PUT', path, definition('id'));
    await inProject.delete(path);
    const { entries } = (await stack.admin.get(`/v1/audit?target=${name}%2Forder.paid`)).body.data;
    expect(entries).toMatchObject([
      { action: 'catalog_type.deleted', projectId: null, key: 'admin', outcome: 'done' },
      {
        action: 'catalog_type.defined',
        projectId: null,
        target: `${name}/order.paid`,
        changedFields: ['description', 'schema', 'sample'],
      },
    ]);
    expect(JSON.stringify((await client.get('/v1/audit')).body)).not.toContain(name);
  });
});

describe('a project', () => {
  it('names its catalogue when it is made, and another one or none later', async () => {
    const [first, second] = [freshName(), freshName()];
    await put(first, 'order.paid');
    await put(second, 'invoice.sent');
    const { id, client } = await projectOf(first);
    const path = `/v1/projects/${id}`;
    expect((await stack.admin.get(path)).body.data).toMatchObject({ catalog: first });
    expect(await available(client)).toEqual(['order.paid']);
    await stack.admin.patch(path, { catalog: second });
    expect(await available(client)).toEqual(['invoice.sent']);
    expect((await stack.admin.patch(path, { catalog: null })).body.data.catalog).toBeNull();
    expect(await available(client)).toEqual([]);
  });

  it('can not name one that does not exist, or if its profile has its own types', async () => {
    const name = freshName();
    await put(name, 'order.paid');
    const custom = await stack.project({ profile: 'custom' });
    const autosend = await stack.project();
    for (const answer of [
      await stack.admin.post('/v1/projects', { name: 'A', profile: 'custom', catalog: 'nowhere' }),
      await stack.admin.post('/v1/projects', { name: 'A', profile: 'custom', catalog: 'No Name' }),
      await stack.admin.post('/v1/projects', { name: 'A', profile: 'autosend', catalog: name }),
      await stack.admin.patch(`/v1/projects/${custom.id}`, { catalog: 'nowhere' }),
      await stack.admin.patch(`/v1/projects/${autosend.id}`, { catalog: name }),
    ]) {
      expectRefusal(answer, 'validation_failed', ['catalog']);
    }
    expect((await stack.admin.patch(`/v1/projects/${autosend.id}`, { catalog: null })).status).toBe(
      200,
    );
  });

  it('has the catalogue’s types and its own, newest first, in every list and page', async () => {
    const name = freshName();
    await put(name, 'order.placed');
    await put(name, 'order.paid');
    const { client } = await projectOf(name);
    const own = (type: string) => client.send('PUT', `/v1/event-types/${type}`, definition('own'));
    await own('parcel.sent');
    await own('parcel.lost');
    await put(name, 'order.returned');
    const types = ['order.returned', 'parcel.lost', 'parcel.sent', 'order.paid', 'order.placed'];
    expect(await available(client)).toEqual(types);
    const listed = await listAll(client, '/v1/event-types', 'eventTypes');
    expect(listed.map(({ type }) => type)).toEqual(types);
    const other = await projectOf(name);
    expect(await available(other.client)).toEqual(['order.returned', 'order.paid', 'order.placed']);
  });

  it('has its own in place of the catalogue’s by the same name, until it deletes it', async () => {
    const name = freshName();
    await put(name, 'order.paid', definition('shared'));
    await put(name, 'order.sent', definition('shared'));
    const { client } = await projectOf(name);
    const other = await projectOf(name);
    const path = '/v1/event-types/order.paid';
    expectRefusal(await client.delete(path), 'forbidden');
    expectRefusal(await client.delete('/v1/event-types/order.lost'), 'not_found');

    expect((await client.send('PUT', path, definition('own'))).status).toBe(201);
    const listed = await listAll(client, '/v1/event-types', 'eventTypes');
    expect(listed.map(({ type, description, source }) => [type, description, source])).toEqual([
      ['order.paid', 'Has own.', 'project'],
      ['order.sent', 'Has shared.', 'catalog'],
    ]);
    expect(await available(client)).toEqual(['order.paid', 'order.sent']);
    expect((await post(client, 'order.paid', { own: 'a' })).status).toBe(202);
    expect((await post(client, 'order.paid', { shared: 'a' })).status).toBe(422);
    expect((await post(other.client, 'order.paid', { shared: 'a' })).status).toBe(202);

    // Its own keeps its place, also where the catalogue's comes after it.
    for (const type of ['order.lost', 'order.new']) {
      await client.send('PUT', `/v1/event-types/${type}`, definition('own'));
    }
    await put(name, 'order.lost', definition('shared'));
    const types = ['order.new', 'order.lost', 'order.paid', 'order.sent'];
    expect(await available(client)).toEqual(types);
    const all = await listAll(client, '/v1/event-types', 'eventTypes');
    expect(all.map(({ type }) => type)).toEqual(types);
    await client.delete('/v1/event-types/order.new');
    await client.delete('/v1/event-types/order.lost');
    await stack.admin.delete(`/v1/catalogs/${name}/event-types/order.lost`);

    expect((await client.delete(path)).status).toBe(200);
    expect(await available(client)).toEqual(['order.sent', 'order.paid']);
    expect((await post(client, 'order.paid', { shared: 'a' })).status).toBe(202);
  });

  it('delivers events of the catalogue’s types, checked by them, singly, in batches and as samples', async () => {
    const name = freshName();
    await put(name, 'order.paid');
    const { client } = await projectOf(name);
    const url = `${receiver.url}/${name}`;
    const webhook = (
      await client.post('/v1/webhooks', { name: 'Orders', url, events: ['order.paid'] })
    ).body.data;
    const unknown = await client.patch(`/v1/webhooks/${webhook.id}`, { events: ['order.lost'] });
    expectRefusal(unknown, 'validation_failed', ['events.0']);

    expect((await post(client, 'order.paid', { id: 'a' })).status).toBe(202);
    const events = [{ type: 'order.paid', data: { id: 'b' } }];
    expect((await client.post('/v1/events/batch', { events })).status).toBe(202);
    expect((await client.post(`/v1/webhooks/${webhook.id}/test`, {})).status).toBe(202);
    const refused = await post(client, 'order.paid', {});
    expectRefusal(refused, 'validation_failed', ['data.id']);
    const bodies = await eventually('all three arrive', () => {
      const got = receiver.requests.filter((request) => request.path === `/${name}`);
      return got.length === 3 && got.map(({ rawBody }) => rawBody.toString());
    });
    for (const id of ['a', 'b', 'x']) {
      expect(bodies.join()).toContain(`"data":{"id":"${id}"}`);
    }
  });

  it('goes by a change of its catalogue from the next event on', async () => {
    const name = freshName();
    await put(name, 'order.paid', definition('before'));
    const { client } = await projectOf(name);
    expect((await post(client, 'order.paid', { before: 'a' })).status).toBe(202);
    await put(name, 'order.paid', definition('after'));
    expectRefusal(await post(client, 'order.paid', { before: 'a' }), 'validation_failed', [
      'data.after',
    ]);
    await stack.admin.delete(`/v1/catalogs/${name}/event-types/order.paid`);
    expectRefusal(await post(client, 'order.paid', { after: 'a' }), 'validation_failed', ['type']);
    await put(name, 'order.paid', definition('again'));
    expect((await post(client, 'order.paid', { again: 'a' })).status).toBe(202);
  });

  it('shares the compiled schemas with all projects of its catalogue', async () => {
    const name = freshName();
    await put(name, 'order.paid', definition(`id_${name.replace('-', '_')}`));
    const projects = [await projectOf(name), await projectOf(name), await projectOf(name)];
    const compile = jest.spyOn(Ajv2020.prototype, 'compile');
    for (const { client } of projects) {
      expect((await post(client, 'order.paid', {})).status).toBe(422);
    }
    expect(compile).not.toHaveBeenCalled();
    compile.mockRestore();
  });

  it('is still found by create-or-get when its catalogue has lost all its types', async () => {
    const name = freshName();
    await put(name, 'order.paid');
    const body = { name: 'A', profile: 'custom', catalog: name, externalId: name };
    const made = await stack.admin.post('/v1/projects?get_if_exists=true', body);
    await stack.admin.delete(`/v1/catalogs/${name}/event-types/order.paid`);
    const again = await stack.admin.post('/v1/projects?get_if_exists=true', body);
    expect(again.status).toBe(200);
    expect(again.body.data).toEqual(made.body.data);
  });

  it('can be repeated in a change of its project when it has lost all its types', async () => {
    const name = freshName();
    await put(name, 'order.paid');
    const { id } = await projectOf(name);
    await stack.admin.delete(`/v1/catalogs/${name}/event-types/order.paid`);
    const changed = await stack.admin.patch(`/v1/projects/${id}`, { name: 'B', catalog: name });
    expect(changed).toMatchObject({ status: 200, body: { data: { name: 'B', catalog: name } } });
  });
});
