import { gzipSync } from 'node:zlib';
import { newId } from '../../../src/contracts/ids';
import { ApiClient, type Answer } from '../../support/api-client';
import { makeWebhook } from '../../support/deliveries';
import { emailSent } from '../../support/samples';
import { useStack } from '../../support/use';
import { expectRefusal, stored } from './refusal';

const KIB = 1024;
const event = { type: 'email.sent', data: emailSent };

/** A contact's event whose JSON has exactly that many bytes. */
function eventOf(bytes: number): string {
  const make = (filler: string): string =>
    JSON.stringify({ type: 'contact.created', data: { filler } });
  return make('x'.repeat(bytes - make('').length));
}

const stack = useStack({}, { worker: false });

describe('a request that can’t be read', () => {
  let projectId: string;
  let client: ApiClient;
  beforeAll(async () => {
    ({ id: projectId, client } = await stack.project());
  });

  /** Like ApiClient, for bodies that aren't text. */
  const send = async (
    body: NonNullable<RequestInit['body']>,
    headers: Record<string, string>,
    path = '/v1/events',
  ): Promise<Answer> => {
    const response = await fetch(stack.url + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${client.key}`, ...headers },
      body,
      ...(body instanceof ReadableStream && { duplex: 'half' }),
    });
    return { status: response.status, headers: response.headers, body: await response.json() };
  };
  const json = { 'content-type': 'application/json' };
  const expectNothingStored = async (ask: () => Promise<void>): Promise<void> => {
    const before = await stored(stack);
    await ask();
    expect(await stored(stack)).toEqual(before);
  };

  describe('as JSON is answered 400, and nothing is stored:', () => {
    const MALFORMED = [
      '{',
      '{"type":"email.sent",}',
      "{'type':'email.sent'}",
      '{"type":"email.sent"} trailing',
      'type=email.sent',
      '<event/>',
      '{"type":"email.sent","data":NaN}',
    ];
    it.each(MALFORMED)('%s', (body) =>
      expectNothingStored(async () => {
        expectRefusal(await client.post('/v1/events', body), 'malformed_json');
        expectRefusal(await client.post('/v1/webhooks', body), 'malformed_json');
        const webhook = `/v1/webhooks/${newId('webhook')}`;
        expectRefusal(await client.send('PATCH', webhook, body), 'malformed_json');
        expectRefusal(await stack.admin.post('/v1/projects', body), 'malformed_json');
        const keys = `/v1/projects/${projectId}/keys`;
        expectRefusal(await client.post(keys, body), 'malformed_json');
      }),
    );
  });

  describe('for its kind is answered 415, and nothing is stored:', () => {
    it.each<[title: string, headers: Record<string, string>]>([
      ['a form', { 'content-type': 'application/x-www-form-urlencoded' }],
      ['plain text', { 'content-type': 'text/plain' }],
      ['JSON by another name', { 'content-type': 'text/json' }],
      ['JSON with a suffix', { 'content-type': 'application/cloudevents+json' }],
      ['no type at all', { 'content-type': '' }],
      ['Latin-1', { 'content-type': 'application/json; charset=iso-8859-1' }],
      ['an unknown compression', { ...json, 'content-encoding': 'zstd' }],
    ])('%s', (_title, headers) =>
      expectNothingStored(async () => {
        // A Buffer, for which fetch makes up no type.
        const body = Buffer.from(JSON.stringify(event));
        expectRefusal(await send(body, headers), 'unsupported_media_type');
      }),
    );
  });

  it('takes a body that says UTF-8, and one that is compressed', async () => {
    const body = JSON.stringify(event);
    const utf8 = { 'content-type': 'application/json; charset=utf-8' };
    expect((await send(body, utf8)).status).toBe(202);
    const gzip = { ...json, 'content-encoding': 'gzip' };
    expect((await send(gzipSync(body), gzip)).status).toBe(202);
  });

  describe('for its size is answered 413, and nothing is stored:', () => {
    const large = eventOf(300 * KIB);
    const chunked = (): ReadableStream => new Blob([large]).stream();
    it.each<[title: string, ask: () => Promise<Answer>]>([
      ['300 KiB', () => client.post('/v1/events', large)],
      ['256 KiB and a byte', () => client.post('/v1/events', eventOf(256 * KIB + 1))],
      ['300 KiB of unknown length', () => send(chunked(), json)],
      [
        '300 KiB compressed to a few hundred bytes',
        () => send(gzipSync(large), { ...json, 'content-encoding': 'gzip' }),
      ],
      ['300 KiB that would be a webhook', () => client.post('/v1/webhooks', large)],
      ['300 KiB that are no JSON', () => client.post('/v1/events', 'x'.repeat(300 * KIB))],
    ])('%s', (_title, ask) =>
      expectNothingStored(async () => {
        expectRefusal(await ask(), 'payload_too_large');
      }),
    );
  });

  it('is not an event of 256 KiB, which is accepted and kept whole', async () => {
    const body = eventOf(256 * KIB);
    const posted = await client.post('/v1/events', body);
    expect(posted.status).toBe(202);
    const read = await client.get(`/v1/events/${posted.body.data.id}`);
    expect(read.body.data.data).toEqual(JSON.parse(body).data);
  });

  describe('with fields that are not known is answered 422, which names them:', () => {
    it.each<[method: string, path: string, body: object]>([
      ['POST', '/v1/events', event],
      ['POST', '/v1/webhooks', { name: 'A', url: 'https://example.com/', events: ['*'] }],
      ['PATCH', '/v1/webhooks/:webhook', { name: 'A' }],
      ['POST', '/v1/projects/:project/keys', { name: 'A', role: 'reader' }],
      ['POST', '/v1/projects', { name: 'A' }],
      ['PATCH', '/v1/projects/:project', { name: 'A' }],
    ])('%s %s', async (method, path, body) => {
      const webhook = await makeWebhook(client, 'https://example.com/hooks');
      const there = path.replace(':project', projectId).replace(':webhook', webhook.id);
      const asker = /projects(\/:project)?$/.test(path) ? stack.admin : client;
      await expectNothingStored(async () => {
        const answer = await asker.send(method, there, { ...body, surprise: 1, $where: '1' });
        expectRefusal(answer, 'validation_failed', ['surprise', '$where']);
      });
      expect((await asker.send(method, there, body)).status).toBeLessThan(300);
    });
  });

  it.each([
    ['GET', '/v1'],
    ['GET', '/v2/webhooks'],
    ['GET', '/v1/webhook'],
    ['GET', `/v1/webhooks/${newId('webhook')}/nothing`],
  ])('for its route is answered 404: %s %s', async (method, path) => {
    expectRefusal(await client.send(method, path), 'not_found');
  });

  it.each([
    ['PUT', '/v1/webhooks', 'POST, GET, HEAD'],
    ['DELETE', '/v1/events/', 'POST, GET, HEAD'],
    ['GET', '/v1/events/batch', 'POST'],
    ['OPTIONS', `/v1/webhooks/${newId('webhook')}`, 'GET, PATCH, DELETE, HEAD'],
  ])(
    'for its method is answered 405 with what is allowed: %s %s',
    async (method, path, allowed) => {
      const answer = await client.send(method, path);
      expectRefusal(answer, 'method_not_allowed');
      expect(answer.headers.get('allow')!.split(', ').toSorted()).toEqual(
        allowed.split(', ').toSorted(),
      );
    },
  );

  it('for its route is answered with the whole path, without the query', async () => {
    const { id } = await stack.project({ profile: 'platform' });
    const platform = await stack.client(id, 'owner');
    const answer = await platform.get('/api/webhooks/manage/nothing/here?token=secret');
    expectRefusal(answer, 'not_found');
    expect(answer.body.error.message).toBe('there is no GET /api/webhooks/manage/nothing/here');
  });

  it('for its path is answered 400', async () => {
    expectRefusal(await client.get('/v1/webhooks/%zz'), 'bad_request');
  });
});

describe('answers', () => {
  it('each have a request id of their own, which refusals repeat', async () => {
    const { client } = await stack.project();
    const answers = [
      await client.get('/v1/webhooks'),
      await client.get('/healthz'),
      await client.get('/nowhere'),
      await client.get(`/v1/webhooks/${newId('webhook')}`),
      await client.get('/v1/projects'),
      await client.post('/v1/events', '{'),
      await client.post('/v1/events', {}),
    ];
    const ids = answers.map(({ headers }) => headers.get('x-request-id'));
    expect(new Set(ids).size).toBe(answers.length);
    for (const { body, headers } of answers.filter(({ status }) => status >= 400)) {
      expect(body.error.requestId).toBe(headers.get('x-request-id'));
    }
  });

  it('say as little as they can about the server, and forbid browsers the rest', async () => {
    const { headers } = await stack.admin.get('/v1/projects');
    expect(headers.get('x-powered-by')).toBeNull();
    expect(headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('content-security-policy')).toContain("default-src 'self'");
    // That is for whoever ends TLS.
    expect(headers.get('strict-transport-security')).toBeNull();
  });

  it.each<Record<string, string>>([
    { 'if-none-match': '*' },
    { 'if-modified-since': new Date().toUTCString() },
  ])('are the state of now, whatever a cache asks: %j', async (headers) => {
    for (const path of ['/v1/projects', '/healthz']) {
      const answer = await stack.admin.send('GET', path, undefined, headers);
      expect([answer.status, answer.body.success]).toEqual([200, true]);
      expect(answer.headers.get('cache-control')).toBe('no-store');
    }
  });

  it('of health and readiness need no key', async () => {
    const health = await fetch(`${stack.url}/healthz`);
    expect(health.status).toBe(200);
    expect(await health.json()).toEqual({ success: true, data: { status: 'ok' } });
    const ready = await fetch(`${stack.url}/readyz`);
    expect(ready.status).toBe(200);
    expect(await ready.json()).toEqual({
      success: true,
      data: { status: 'ok', mongodb: 'ok', temporal: 'ok' },
    });
  });
});

describe('the rate limit', () => {
  const PER_MINUTE = 20;
  const limited = useStack(
    { POSTHORN_RATE_LIMIT_PER_MINUTE: String(PER_MINUTE) },
    { worker: false },
  );

  it('answers 429 with Retry-After to the one key that asks too often, and stores nothing', async () => {
    const { id, client } = await limited.project();
    const other = await limited.client(id, 'sender');
    for (let n = 0; n < PER_MINUTE; n += 1) {
      expect((await client.post('/v1/events', event)).status).toBe(202);
    }
    const before = await stored(limited);
    const refused = await client.post('/v1/events', event);
    expectRefusal(refused, 'rate_limited');
    const retryAfter = Number(refused.headers.get('retry-after'));
    expect(retryAfter).toBeGreaterThan(0);
    expect(retryAfter).toBeLessThanOrEqual(60);
    // Reading counts as well, and so does a body that would be refused.
    expectRefusal(await client.get('/v1/webhooks'), 'rate_limited');
    expectRefusal(await client.post('/v1/events', '{'), 'rate_limited');
    expect(await stored(limited)).toEqual(before);

    expect((await other.post('/v1/events', event)).status).toBe(202);
    for (let n = 0; n < 2 * PER_MINUTE; n += 1) {
      expect((await client.get('/healthz')).status).toBe(200);
    }
  });

  it('of a project is twice that of a key, for all its keys together, and not for the admin', async () => {
    const { id, client } = await limited.project();
    const second = await limited.client(id, 'reader');
    const third = await limited.client(id, 'owner');
    const other = await limited.project();
    for (const key of [client, second]) {
      for (let n = 0; n < PER_MINUTE; n += 1) {
        expect((await key.get('/v1/webhooks')).status).toBe(200);
      }
      // What its own limit refuses does not count for the project.
      expectRefusal(await key.get('/v1/webhooks'), 'rate_limited');
    }
    const before = await stored(limited);
    const refused = await third.post('/v1/events', event);
    expectRefusal(refused, 'rate_limited');
    expect(refused.body.error.message).toBe(
      'too many requests with the keys of this project; see Retry-After',
    );
    const retryAfter = Number(refused.headers.get('retry-after'));
    expect(retryAfter).toBeGreaterThan(0);
    expect(retryAfter).toBeLessThanOrEqual(60);
    expect(await stored(limited)).toEqual(before);

    expect((await other.client.post('/v1/events', event)).status).toBe(202);
    const admin = limited.admin.with({ 'x-project-id': id });
    expect((await admin.get('/v1/webhooks')).status).toBe(200);
  });

  it('of a project has another share for the links of its portal, so that customers don’t use up that of its keys', async () => {
    const { client } = await limited.project();
    const links: ApiClient[] = [];
    for (let n = 0; n < 3; n += 1) {
      const made = await client.post('/v1/portal-links', { capabilities: 'read' });
      links.push(new ApiClient(limited.url, made.body.data.token));
    }
    const [first, second, third] = links as [ApiClient, ApiClient, ApiClient];
    for (const link of [first, second]) {
      for (let n = 0; n < PER_MINUTE; n += 1) {
        expect((await link.get('/v1/webhooks')).status).toBe(200);
      }
    }
    expectRefusal(await third.get('/v1/webhooks'), 'rate_limited');
    expect((await client.post('/v1/events', event)).status).toBe(202);
  });
});
