import type { ApiClient } from '../support/api-client';
import { define, orderCreated, togetherPut } from '../support/event-types';
import { useStack } from '../support/use';

describe('event types', () => {
  const stack = useStack();

  const customProject = async (): Promise<ApiClient> =>
    (await stack.project({ profile: 'custom' })).client;

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

    it('beyond 200 of a project, also of those that are defined at once', async () => {
      const client = await customProject();
      const body = { description: 'd', schema: {}, sample: {} };
      const defineSome = async (from: number): Promise<number[]> => {
        const types = Array.from({ length: 20 }, (_, i) => `a.t${from + i}`);
        const answers = await Promise.all(types.map((type) => define(client, type, body)));
        return answers.map(({ status }) => status);
      };
      for (let from = 0; from < 180; from += 20) await defineSome(from);
      for (let n = 0; n < 10; n += 1) await define(client, `a.s${n}`, body);
      togetherPut(stack.store.eventTypes, 20);
      const last = await defineSome(180);
      expect(last.filter((status) => status === 201)).toHaveLength(10);
      expect(last.filter((status) => status === 422)).toHaveLength(10);
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
