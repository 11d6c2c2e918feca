import { Ajv2020 } from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import type { ApiClient } from '../support/api-client';
import { eventually } from '../support/eventually';
import { useReceiver, useStack } from '../support/use';

const orderCreated = {
  description: 'An order was placed.',
  schema: {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    properties: {
      orderId: { type: 'string', pattern: '^ord_[0-9]+$' },
      user: {
        type: 'object',
        properties: { email: { type: 'string', format: 'email' } },
        required: ['email'],
      },
      total: { type: 'number', minimum: 0 },
    },
    required: ['orderId', 'user'],
    additionalProperties: false,
  },
  sample: { orderId: 'ord_1', user: { email: 'ada@example.org' }, total: 12.5 },
};

describe('event types', () => {
  const stack = useStack();
  const receiver = useReceiver();

  const customProject = async (): Promise<ApiClient> =>
    (await stack.project({ profile: 'custom' })).client;
  const define = (client: ApiClient, type: string, body: unknown = orderCreated) =>
    client.send('PUT', `/v1/event-types/${type}`, body);

  describe('of a profile', () => {
    it.each(['autosend', 'platform', 'emailsendx', 'ahasend'])(
      'of %s are listed in its order, each with a schema that its sample passes',
      async (profile) => {
        const { client } = await stack.project({ profile });
        const list = await client.get('/v1/event-types?limit=100');
        expect(list.status).toBe(200);
        const { eventTypes, nextCursor } = list.body.data;
        expect(nextCursor).toBeNull();
        const available = await client.get('/v1/webhooks/events/available');
        expect(eventTypes.map(({ type }: { type: string }) => type)).toEqual(
          available.body.data.events,
        );
        const ajv = addFormats(new Ajv2020());
        for (const { description, schema, sample } of eventTypes) {
          expect(description).toMatch(/\w+/);
          expect(schema.$schema).toBe('https://json-schema.org/draft/2020-12/schema');
          const validate = ajv.compile(schema);
          expect({ ok: validate(sample), errors: validate.errors }).toMatchObject({ ok: true });
        }
      },
    );

    it('are paged', async () => {
      const { client } = await stack.project();
      const types: string[] = [];
      let cursor: string | null = '';
      do {
        const query: string = cursor === '' ? '' : `&cursor=${cursor}`;
        const { body } = await client.get(`/v1/event-types?limit=5${query}`);
        types.push(...body.data.eventTypes.map(({ type }: { type: string }) => type));
        cursor = body.data.nextCursor;
      } while (cursor !== null);
      const available = await client.get('/v1/webhooks/events/available');
      expect(types).toEqual(available.body.data.events);
      expect(await client.get('/v1/event-types?cursor=email.nothing')).toMatchObject({
        status: 422,
        body: { error: { details: [{ field: 'cursor' }] } },
      });
    });

    it('can not be changed', async () => {
      const { client } = await stack.project();
      expect(await define(client, 'order.created')).toMatchObject({
        status: 403,
        body: { error: { code: 'forbidden', message: expect.stringContaining('autosend') } },
      });
      expect((await client.delete('/v1/event-types/email.sent')).status).toBe(403);
    });
  });

  describe('of a project', () => {
    it('are defined, redefined, listed newest first and deleted', async () => {
      const client = await customProject();
      const made = await define(client, 'order.created');
      expect(made.status).toBe(201);
      expect(made.body.data).toEqual({ type: 'order.created', ...orderCreated });
      for (const type of ['order.paid', 'order.shipped']) await define(client, type);

      const again = await define(client, 'order.created', {
        ...orderCreated,
        description: 'Somebody bought something.',
      });
      expect(again.status).toBe(200);

      const first = await client.get('/v1/event-types?limit=2');
      const second = await client.get(
        `/v1/event-types?limit=2&cursor=${first.body.data.nextCursor}`,
      );
      expect(
        [...first.body.data.eventTypes, ...second.body.data.eventTypes].map(
          ({ type, description }) => [type, description],
        ),
      ).toEqual([
        ['order.shipped', orderCreated.description],
        ['order.paid', orderCreated.description],
        ['order.created', 'Somebody bought something.'],
      ]);
      expect(second.body.data.nextCursor).toBeNull();
      const available = await client.get('/v1/webhooks/events/available');
      expect(available.body.data.events).toEqual(['order.shipped', 'order.paid', 'order.created']);

      expect((await client.delete('/v1/event-types/order.paid')).body.data).toEqual({
        type: 'order.paid',
        deleted: true,
      });
      expect((await client.delete('/v1/event-types/order.paid')).status).toBe(404);
      const posted = await client.post('/v1/events', { type: 'order.paid', data: {} });
      expect(posted.status).toBe(422);
    });

    it('defined by many requests at once are there once', async () => {
      const client = await customProject();
      const all = await Promise.all(Array.from({ length: 10 }, () => define(client, 'a.b')));
      expect(all.map(({ status }) => status).toSorted((a, b) => b - a)).toEqual([
        201,
        ...Array.from({ length: 9 }, () => 200),
      ]);
    });

    it('belong to one project, and only an owner may define them', async () => {
      const { id, client } = await stack.project({ profile: 'custom' });
      await define(client, 'order.created');
      const other = await customProject();
      expect((await other.get('/v1/event-types')).body.data.eventTypes).toEqual([]);
      expect((await other.delete('/v1/event-types/order.created')).status).toBe(404);
      for (const role of ['sender', 'reader']) {
        expect((await define(await stack.client(id, role), 'order.paid')).status).toBe(403);
      }
    });

    it('are deleted with their project', async () => {
      const { id, client } = await stack.project({ profile: 'custom' });
      await define(client, 'order.created');
      await stack.admin.delete(`/v1/projects/${id}`);
      expect(await stack.store.eventTypes.listNames(id)).toEqual([]);
    });

    it('check the data of events, and name each field that is wrong', async () => {
      const client = await customProject();
      await define(client, 'order.created');
      const good = await client.post('/v1/events', {
        type: 'order.created',
        data: orderCreated.sample,
      });
      expect(good.status).toBe(202);
      const bad = await client.post('/v1/events', {
        type: 'order.created',
        data: { orderId: 'x', user: { email: 'nobody' }, total: -1, colour: 'red' },
      });
      expect(bad.status).toBe(422);
      const fields = ({ body }: typeof bad) =>
        body.error.details.map(({ field }: { field: string }) => field).toSorted();
      expect(fields(bad)).toEqual(['data.colour', 'data.orderId', 'data.total', 'data.user.email']);
      const batch = await client.post('/v1/events/batch', {
        events: [
          { type: 'order.created', data: orderCreated.sample },
          { type: 'order.created', data: { orderId: 'ord_2', user: {} } },
          { type: 'order.lost', data: {} },
        ],
      });
      expect(batch.status).toBe(422);
      expect(fields(batch)).toEqual(['events.1.data.user.email', 'events.2.type']);
    });

    it('check by the newest schema', async () => {
      const client = await customProject();
      const event = { type: 'order.created', data: { orderId: 'ord_1' } };
      await define(client, 'order.created');
      expect((await client.post('/v1/events', event)).status).toBe(422);
      await define(client, 'order.created', {
        ...orderCreated,
        schema: { ...orderCreated.schema, required: ['orderId'] },
      });
      expect((await client.post('/v1/events', event)).status).toBe(202);
    });

    it('are subscribed to, delivered and tested', async () => {
      const client = await customProject();
      await define(client, 'order.created');
      await define(client, 'invoice.paid');
      const settings = { name: 'Orders', url: `${receiver.url}/own` };
      const unknown = await client.post('/v1/webhooks', { ...settings, events: ['order.gone'] });
      expect(unknown).toMatchObject({
        status: 422,
        body: { error: { details: [{ field: 'events.0' }] } },
      });
      const webhook = await client.post('/v1/webhooks', { ...settings, events: ['order.*'] });
      expect(webhook.status).toBe(201);
      await client.post('/v1/events', { type: 'order.created', data: orderCreated.sample });
      const tests = await client.post(`/v1/webhooks/${webhook.body.data.id}/test`);
      expect(tests.body.data.deliveries.map((d: { eventType: string }) => d.eventType)).toEqual([
        'order.created',
      ]);
      const mine = () => receiver.requests.filter(({ path }) => path === '/own');
      await eventually('both arrive', () => mine().length === 2);
      for (const { rawBody } of mine()) {
        expect(JSON.parse(rawBody.toString())).toMatchObject({
          type: 'order.created',
          data: orderCreated.sample,
        });
      }
    });
  });

  describe('are refused', () => {
    const refusals: [string, string, unknown, string][] = [
      ['without a dot in the name', 'order', orderCreated, 'type'],
      ['with capitals in the name', 'Order.Created', orderCreated, 'type'],
      ['with a long name', `a.${'b'.repeat(100)}`, orderCreated, 'type'],
      ['as an operational type', 'webhook.disabled', orderCreated, 'type'],
      ['in a reserved family', 'delivery.delayed', orderCreated, 'type'],
      ['with an unknown field', 'a.b', { ...orderCreated, extra: 1 }, 'extra'],
      ['without a sample', 'a.b', { ...orderCreated, sample: undefined }, 'sample'],
      [
        'with a sample that breaks the schema',
        'a.b',
        { ...orderCreated, sample: { orderId: 'ord_1', user: {} } },
        'sample.user.email',
      ],
    ];
    const schemas: [string, unknown, string][] = [
      ['with a schema that is none', { type: 'strin' }, 'schema.type'],
      ['with a misspelt keyword', { type: 'object', requierd: ['a'] }, 'schema.requierd'],
      [
        'with a reference to elsewhere',
        { properties: { a: { $ref: 'https://example.com/schema' } } },
        'schema.properties.a.$ref',
      ],
      ['with a reference to nowhere', { $ref: '#/$defs/none' }, 'schema.$ref'],
      ['with a reference to itself', { $ref: '#' }, 'sample'],
      ['with an id', { $id: 'https://example.com/a' }, 'schema.$id'],
      [
        'of another dialect',
        { $schema: 'http://json-schema.org/draft-07/schema#' },
        'schema.$schema',
      ],
      ['that is asynchronous', { $async: true, type: 'object' }, 'schema.$async'],
      ['with a dialect that is no text', { $schema: null, type: 'object' }, 'schema.$schema'],
      [
        'with a pattern that is none',
        { properties: { a: { pattern: '(' } } },
        'schema.properties.a.pattern',
      ],
      [
        'with a pattern that could backtrack',
        { properties: { a: { type: 'string', pattern: '(?=a)b' } } },
        'schema.properties.a.pattern',
      ],
      [
        'that is too deep',
        Array.from({ length: 20 }).reduce<object>((inner) => ({ properties: { a: inner } }), {}),
        'schema',
      ],
      ['that is too large', { description: 'x'.repeat(40_000) }, 'schema'],
    ];

    it.each([
      ...refusals,
      ...schemas.map(([title, schema, field]): (typeof refusals)[0] => [
        title,
        'a.b',
        { ...orderCreated, schema },
        field,
      ]),
    ])('%s', async (_title, type, body, field) => {
      const refused = await define(await customProject(), type, body);
      expect(refused.status).toBe(422);
      expect(refused.body.error.details).toContainEqual(expect.objectContaining({ field }));
    });

    it('beyond 200 of a project', async () => {
      const client = await customProject();
      const body = { description: 'd', schema: {}, sample: {} };
      for (let from = 0; from < 200; from += 20) {
        await Promise.all(
          Array.from({ length: 20 }, (_, i) => define(client, `a.t${from + i}`, body)),
        );
      }
      expect((await define(client, 'a.more', body)).status).toBe(422);
      expect((await define(client, 'a.t0', body)).status).toBe(200);
    });
  });

  it('whose schema multiplies the work are aborted, and the API continues', async () => {
    // What is cut off uses up the time that its project has: each has one of its own.
    let client = await customProject();
    const twice = (target: string) => ({ allOf: [{ $ref: target }, { $ref: target }] });
    const levels = Object.fromEntries(
      Array.from({ length: 40 }, (_, i) => [`l${i}`, twice(`#/$defs/l${i + 1}`)]),
    );
    const refused = await define(client, 'a.bomb', {
      description: 'Doubles at each level.',
      schema: { $ref: '#/$defs/l0', $defs: { ...levels, l40: { type: 'object' } } },
      sample: {},
    });
    expect(refused).toMatchObject({
      status: 422,
      body: { error: { details: [{ field: 'sample' }] } },
    });

    // Harmless for its sample, endless for other data.
    client = await customProject();
    const made = await define(client, 'a.loop', {
      description: 'Loops.',
      schema: {
        properties: { a: { $ref: '#/$defs/loop' } },
        $defs: { loop: { allOf: [{ $ref: '#/$defs/loop' }] } },
      },
      sample: {},
    });
    expect(made.status).toBe(201);
    const looped = await client.post('/v1/events', { type: 'a.loop', data: { a: 1 } });
    expect(looped).toMatchObject({
      status: 422,
      body: { error: { details: [{ field: 'data' }] } },
    });
    expect((await client.post('/v1/events', { type: 'a.loop', data: {} })).status).toBe(202);

    // Slow for some data: a batch of it is given up long before its last event.
    client = await customProject();
    const doubling = (target: string) => ({ anyOf: [{ $ref: target }, { $ref: target }] });
    const slow = Object.fromEntries(
      Array.from({ length: 40 }, (_, i) => [`l${i}`, doubling(`#/$defs/l${i + 1}`)]),
    );
    const slowType = await define(client, 'a.slow', {
      description: 'Doubles at each level below a.',
      schema: {
        properties: { a: { $ref: '#/$defs/l0' } },
        $defs: { ...slow, l40: { type: 'string' } },
      },
      sample: {},
    });
    expect(slowType.status).toBe(201);
    const batch = await client.post('/v1/events/batch', {
      events: Array.from({ length: 500 }, () => ({ type: 'a.slow', data: { a: 1 } })),
    });
    expect(batch).toMatchObject({
      status: 422,
      body: { error: { details: [{ field: 'events' }] } },
    });
  });
});
