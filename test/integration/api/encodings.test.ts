import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { newId } from '../../../src/contracts/ids';
import { read, type ApiClient } from '../../support/api-client';
import { documentedRoutes, type DocumentedRoute } from '../../support/documented-routes';
import { useStack } from '../../support/use';
import { stored } from './refusal';

const stack = useStack({ POSTHORN_RATE_LIMIT_PER_MINUTE: '100000' }, { worker: false });
let projectId: string;
/** Of a project that has all routes, and of one that defines its types. */
let client: ApiClient;
let definer: ApiClient;
beforeAll(async () => {
  ({ id: projectId, client } = await stack.project({ profile: 'platform' }));
  ({ client: definer } = await stack.project({ profile: 'custom' }));
  const any = { description: 'Anything', schema: { type: 'object' }, sample: {} };
  await definer.send('PUT', '/v1/event-types/any.thing', any);
});

interface Refusal {
  status: number;
  code?: string;
  fields?: string[];
  message?: string;
}

async function send(
  { key, url }: ApiClient,
  method: string,
  path: string,
  body?: Buffer | string,
  headers: Record<string, string> = {},
): Promise<Refusal> {
  const answer = await fetch(url + path, {
    method,
    headers: {
      authorization: `Bearer ${key}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body }),
  });
  const { error } = (await answer.json()) as {
    error?: { code: string; message: string; details?: { field: string }[] };
  };
  return {
    status: answer.status,
    code: error?.code,
    message: error?.message,
    fields: error?.details?.map(({ field }) => field),
  };
}

const routes = documentedRoutes();
const withBody = routes.filter(({ body }) => body !== undefined);
const named = (of: DocumentedRoute[]): [string, DocumentedRoute][] =>
  of.map((route) => [`${route.method} ${route.path}`, route]);
const pathOf = ({ path }: DocumentedRoute): string =>
  path
    .replace(/^(\/v1\/projects\/)\{\w+\}/, `$1${projectId}`)
    .replace('{provider}', 'sendgrid')
    .replace('{type}', 'any.thing')
    .replace(/\{\w+\}/, newId('webhook'));
const askerFor = ({ path }: DocumentedRoute): ApiClient => {
  if (path.startsWith('/v1/projects') || path.startsWith('/v1/catalogs')) return stack.admin;
  return path.includes('event-types') ? definer : client;
};

const expectNothingStored = async (ask: () => Promise<void>): Promise<void> => {
  const before = await stored(stack);
  await ask();
  expect(await stored(stack)).toEqual(before);
};

describe('a body', () => {
  const WRONG_BYTES = [
    ['Latin-1', Buffer.from('{"x":"\xe9"}', 'latin1')],
    ['a cut character', Buffer.from([...Buffer.from('{"x":"'), 0xe2, 0x82, ...Buffer.from('"}')])],
    ['an overlong one', Buffer.from([...Buffer.from('{"x":"'), 0xc0, 0xaf, ...Buffer.from('"}')])],
    ['a lone surrogate', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])],
    ['UTF-16', Buffer.from('\ufeff{}', 'utf16le')],
  ] as const;
  it.each(named(withBody))('in another encoding than UTF-8 is refused: %s', (_title, route) =>
    expectNothingStored(async () => {
      for (const [title, bytes] of WRONG_BYTES) {
        const answer = await send(askerFor(route), route.method, pathOf(route), bytes);
        expect([title, answer]).toMatchObject([title, { status: 400, code: 'malformed_json' }]);
      }
    }),
  );

  it.each(named(withBody))('that names another encoding is refused: %s', (_title, route) =>
    expectNothingStored(async () => {
      for (const charset of ['iso-8859-1', 'utf-16', 'us-ascii', '"latin1"', 'utf-8; charset=x']) {
        const headers = { 'content-type': `application/json; charset=${charset}` };
        const answer = await send(askerFor(route), route.method, pathOf(route), '{}', headers);
        expect([charset, answer]).toMatchObject([charset, { status: 415 }]);
      }
    }),
  );

  it('may name UTF-8 in each way that clients do, and begin with a byte order mark', async () => {
    const body = '{"type":"any.thing","data":{"x":"é世😀"}}';
    for (const charset of ['utf-8', 'UTF-8', 'utf8', 'UTF8', '"utf-8"', '"UTF8"']) {
      const headers = { 'content-type': `application/json ;Charset=${charset}` };
      const { status } = await send(definer, 'POST', '/v1/events', `\ufeff${body}`, headers);
      expect([charset, status]).toEqual([charset, 202]);
    }
  });

  it('may be compressed, and is refused if that can’t be read', async () => {
    const body = Buffer.from('{"type":"any.thing","data":{"x":"é"}}');
    const post = (bytes: Buffer, encoding: string): Promise<Refusal> =>
      send(definer, 'POST', '/v1/events', bytes, { 'content-encoding': encoding });
    expect(await post(gzipSync(body), 'gzip')).toMatchObject({ status: 202 });
    expect(await post(deflateSync(body), 'deflate')).toMatchObject({ status: 202 });
    expect(await post(gzipSync(body), 'GZip')).toMatchObject({ status: 202 });
    expect(await post(body, 'identity')).toMatchObject({ status: 202 });
    expect(await post(body, 'gzip')).toMatchObject({ status: 400 });
    const latin1 = gzipSync(Buffer.from('{"x":"\xe9"}', 'latin1'));
    expect(await post(latin1, 'gzip')).toMatchObject({ status: 400, code: 'malformed_json' });
  });
});

describe('a body whose decoder would take much memory for a few bytes', () => {
  const bytes = brotliCompressSync('{}');
  const signIn = { method: 'POST', path: '/dashboard/session', query: [], body: {}, fields: [] };
  const message = 'the Content-Encoding must be gzip, deflate or none';
  it.each(named([...withBody, signIn]))('is refused, undecoded: %s', async (_title, route) => {
    for (const coding of ['br', 'BR', 'zstd', 'compress', 'gzip, br']) {
      const headers = { 'content-encoding': coding };
      const answer = await send(askerFor(route), route.method, pathOf(route), bytes, headers);
      expect([coding, answer]).toMatchObject([coding, { status: 415, message }]);
    }
  });

  it('is refused, though it is empty', async () => {
    const headers = { 'content-encoding': 'compress' };
    const answer = await send(definer, 'POST', '/v1/events', Buffer.alloc(0), headers);
    expect(answer).toMatchObject({ status: 415, message });
  });
});

describe('what is not text', () => {
  /** A provider's reports are not the caller's own, and are accepted anyway. */
  const own = named(withBody.filter(({ path }) => !path.includes('{provider}')));

  it.each(own)('is refused in any field, and named: %s', (_title, route) =>
    expectNothingStored(async () => {
      for (const field of route.fields) {
        for (const [text, at] of [
          [String.raw`"x\ud800"`, field],
          [String.raw`["😀","\udE00\ud83d"]`, `${field}.1`],
          [String.raw`{"a":{"\uDFFF":1}}`, `${field}.a.\\uDFFF`],
          ['{"a":1,"b":2,"a":3}', `${field}.a`],
          ['{"__proto__":{}}', `${field}.__proto__`],
          ['[1,1e400]', `${field}.1`],
          ['-1e-400', field],
        ] as const) {
          const body = `{"${field}":${text}}`;
          const answer = await send(askerFor(route), route.method, pathOf(route), body);
          const expected = { status: 422, fields: [at.replace('\\\\', '\\')] };
          expect([body, answer]).toMatchObject([body, expected]);
        }
      }
      const twice = await send(askerFor(route), route.method, pathOf(route), '{"a":1,"a":1}');
      expect(twice).toMatchObject({ status: 422, fields: ['a'] });
    }),
  );

  it('is replaced in a provider’s report, which is taken once', async () => {
    const report = String.raw`[{"event":"open","sg_event_id":"x\ud800","sg_message_id":"m\udfff","email":"a@example.com","note":"a","note":"\\ud800 \ud83d\ude00"}]`;
    const path = '/api/webhooks/sendgrid';
    for (let n = 0; n < 2; n += 1) {
      expect(await send(client, 'POST', path, report)).toMatchObject({ status: 200 });
    }
    const events = await stack.store.events.model.find({ projectId }).lean();
    expect(events.map(({ body }) => JSON.parse(body!).data.email_id)).toEqual(['m\ufffd']);
  });
});

describe('an address', () => {
  const WRONG = ['%E9', '%C3', '%ED%A0%80', '%FF', '%', '%zz', 'caf%E9'];

  it.each(named(routes.filter(({ path }) => path.includes('{'))))(
    'whose path is not UTF-8 is refused: %s',
    async (_title, route) => {
      for (const wrong of WRONG) {
        const path = route.path.replace(/\{\w+\}/g, wrong);
        const body = route.body === undefined ? undefined : '{}';
        const answer = await send(askerFor(route), route.method, path, body);
        expect([wrong, answer]).toMatchObject([wrong, { status: 400, code: 'bad_request' }]);
      }
    },
  );

  it.each(named(routes.filter(({ query }) => query.length > 0)))(
    'whose query is not UTF-8 is refused: %s',
    async (_title, route) => {
      for (const wrong of WRONG) {
        const path = `${pathOf(route)}?${route.query[0]}=${wrong}`;
        const body = route.body === undefined ? undefined : '{}';
        const answer = await send(askerFor(route), route.method, path, body);
        expect([wrong, answer]).toMatchObject([wrong, { status: 400, code: 'bad_request' }]);
      }
    },
  );

  it.each(['/', '/healthz', '/readyz', '/metrics', '/openapi.json', '/docs'])(
    'that is not UTF-8 is refused without a key, as documented: %s',
    async (path) => {
      const { status, body } = await read('GET', await fetch(`${stack.url}${path}?x=%E9`));
      expect([status, body.error.code]).toEqual([400, 'bad_request']);
    },
  );

  it('may have any text that is', async () => {
    for (const text of ['caf%C3%A9', '%F0%9F%98%80', '%00', '100%25', 'a+b']) {
      const { status } = await send(definer, 'GET', `/v1/events?type=${text}`);
      expect([text, status]).toEqual([text, 200]);
    }
  });
});

describe('names that JavaScript knows', () => {
  const NAMES = [
    'toString',
    'valueOf',
    'constructor',
    'hasOwnProperty',
    'isPrototypeOf',
    'toJSON',
    'then',
    'length',
    'prototype',
    'nodeType',
    '$ref',
    '$id',
    '__defineGetter__',
  ];
  /** Each name with values of each kind, as a value to be equal to. */
  const VALUES = NAMES.flatMap((name) =>
    [1, '', null, {}, [1]].map((value) => ({ [name]: value })),
  );
  const define = (schema: object): Promise<{ status: number }> =>
    definer.send('PUT', '/v1/event-types/odd.names', { description: 'x', schema, sample: {} });
  const post = (x: unknown): Promise<Refusal> =>
    send(definer, 'POST', '/v1/events', JSON.stringify({ type: 'odd.names', data: { x } }));

  it.each([
    ['enum', { enum: [{ a: 1 }, ...VALUES.slice(1)] }],
    ['const', { const: { toString: null } }],
    ['uniqueItems', { items: { uniqueItems: true } }],
  ])('are data to the keyword %s, equal to themselves alone', async (_keyword, x) => {
    expect((await define({ properties: { x } })).status).toBeLessThan(300);
    for (const value of VALUES) {
      const { status } = await post('items' in x ? [[value, { a: 1 }, {}]] : value);
      const isEqual =
        'items' in x ||
        ('enum' in x ? x.enum : [x.const]).some(
          (one) => JSON.stringify(one) === JSON.stringify(value),
        );
      expect([value, status]).toEqual([value, isEqual ? 202 : 422]);
      if ('items' in x) {
        expect((await post([[value, { a: 1 }, value]])).fields).toEqual(['data.x.0']);
      }
    }
  });

  it('are fields to the keywords that list them', async () => {
    for (const name of NAMES) {
      const closed = { properties: { [name]: { type: 'integer' } }, additionalProperties: false };
      for (const x of [
        { ...closed, required: [name] },
        {
          allOf: [{ properties: { [name]: { type: 'integer' } } }],
          unevaluatedProperties: false,
          required: [name],
        },
        {
          anyOf: [{ properties: { b: {} } }, { ...closed, required: [name] }],
          unevaluatedProperties: false,
          required: [name],
        },
      ]) {
        const defined = await define({ properties: { x } });
        expect([name, x, defined.status]).toEqual([name, x, expect.any(Number)]);
        expect(defined.status).toBeLessThan(300);
        expect([name, (await post({ [name]: 1 })).status]).toEqual([name, 202]);
        expect([name, (await post({})).status]).toEqual([name, 422]);
        expect([name, (await post({ [name]: '1' })).status]).toEqual([name, 422]);
      }
      await define({
        properties: {
          x: {
            anyOf: [{ properties: { a: {} } }, { properties: { b: { type: 'string' } } }],
            unevaluatedProperties: false,
          },
        },
      });
      expect([name, (await post({ a: 1 })).status]).toEqual([name, 202]);
      expect([name, (await post({ [name]: 1 })).fields]).toEqual([name, [`data.x.${name}`]]);
    }
  });

  it('cost one event of a batch no more than a name would', async () => {
    await define({ properties: { x: { enum: [{ a: 1 }] } } });
    const events = [{ a: 1 }, { toString: 1 }, { a: 1 }].map((x) => ({
      type: 'odd.names',
      data: { x },
    }));
    const answer = await send(definer, 'POST', '/v1/events/batch', JSON.stringify({ events }));
    expect(answer).toMatchObject({ status: 422, fields: ['events.1.data.x'] });
  });

  it('are data to a schema’s own schema', async () => {
    const odd = [{ toString: 1 }, { toString: 1 }];
    for (const schema of [{ required: odd }, { type: odd }, { enum: odd }, { const: odd[0] }]) {
      expect([200, 201, 422]).toContain((await define(schema)).status);
    }
  });

  it('are fields of every profile’s events', async () => {
    for (const [profile, type] of [
      ['autosend', 'contact.created'],
      ['emailsendx', 'contact.created'],
    ] as const) {
      const { client: sender } = await stack.project({ profile });
      for (const value of VALUES) {
        const own = {
          contactId: 'c',
          contactEmail: 'a@example.com',
          createdAt: '2026-01-01T00:00:00Z',
        };
        const data = profile === 'autosend' ? value : { ...own, metadata: value };
        const { status } = await send(sender, 'POST', '/v1/events', JSON.stringify({ type, data }));
        expect([value, status]).toEqual([value, 202]);
      }
    }
  });
});

test('two bodies that are equal as doubles are different bodies for an Idempotency-Key', async () => {
  const post = (n: string): Promise<Refusal> =>
    send(definer, 'POST', '/v1/events', `{"type":"any.thing","data":{"n":${n}}}`, {
      'idempotency-key': 'large',
    });
  expect(await post('9007199254740993')).toMatchObject({ status: 202 });
  expect(await post(' 9007199254740993')).toMatchObject({ status: 202 });
  expect(await post('9007199254740992')).toMatchObject({ status: 409 });
});
