import type { ApiClient } from '../support/api-client';
import { DISPATCHES } from '../../src/contracts/delivery';
import { deliveryWith, makeWebhook, postEvent } from '../support/deliveries';
import { useReceiver, useStack } from '../support/use';
import { insertDelivery } from './api/insert';

const KEPT_BODY_BYTES = 16 * 1024;

describe('a receiver’s answer', () => {
  const stack = useStack();
  const receiver = useReceiver();
  let client: ApiClient;
  beforeAll(async () => {
    ({ client } = await stack.project());
    await makeWebhook(client, receiver.url);
  });

  /** Delivers to a receiver that answers these bytes; the attempt as it is shown. */
  async function attemptOn(head: string, body: Buffer | string = '') {
    const length = `Content-Length: ${Buffer.byteLength(body)}\r\n`;
    const bytes = Buffer.concat([
      Buffer.from(`HTTP/1.1 200 OK\r\n${length}${head}\r\n`, 'latin1'),
      Buffer.from(body),
    ]);
    receiver.respondWith({ kind: 'raw', bytes });
    const id = await postEvent(client);
    const delivery = await deliveryWith(client, id, { status: 'succeeded' });
    return delivery.attempts[0] as {
      responseHeaders: Record<string, string>;
      responseBody: string;
      responseBodyCut?: true;
    };
  }

  it('is kept whatever its headers are called, and changes no prototype', async () => {
    const names = [
      '__proto__',
      'constructor',
      'toString',
      '$where',
      'a.b',
      '$set.x',
      'hasOwnProperty',
    ];
    const { responseHeaders } = await attemptOn(names.map((name) => `${name}: x\r\n`).join(''));
    const shown = Object.keys(responseHeaders);
    for (const name of names) expect(shown).toContain(name.toLowerCase());
    expect(({} as Record<string, unknown>).x).toBeUndefined();
    expect(Object.prototype.toString.call({})).toBe('[object Object]');
  });

  it('is kept in bounds, of headers as of its body', async () => {
    const many = Array.from({ length: 500 }, (_, n) => `X-${n}: ${'y'.repeat(100)}\r\n`).join('');
    const { responseHeaders } = await attemptOn(many);
    expect(Object.keys(responseHeaders)).toHaveLength(64);
    const large = await attemptOn(`X-Large: ${'z'.repeat(30_000)}\r\n`, 'b'.repeat(200_000));
    expect(large.responseHeaders['x-large']).toBe(`${'z'.repeat(1024)}…`);
    expect(large.responseBody).toBe('b'.repeat(KEPT_BODY_BYTES));
    expect(large.responseBodyCut).toBe(true);
    const whole = await attemptOn(`X-Large: ${'z'.repeat(1024)}\r\n`, 'b'.repeat(KEPT_BODY_BYTES));
    expect(whole.responseHeaders['x-large']).toBe('z'.repeat(1024));
    expect(whole.responseBody).toBe('b'.repeat(KEPT_BODY_BYTES));
    expect(whole).not.toHaveProperty('responseBodyCut');
  });

  it('may be no text at all', async () => {
    const bytes = Buffer.from([0, 0xff, 0xfe, 0xc3, 0x28, 0xed, 0xa0, 0x80, 0, 0x41]);
    const { responseHeaders, responseBody } = await attemptOn('X-Latin: \xe9\xff\r\n', bytes);
    expect(responseHeaders['x-latin']).toBe('éÿ');
    expect(responseBody).toBe(`[binary, 10 bytes, in base64: ${bytes.toString('base64')}]`);
  });

  it('is shown as JSON that no browser takes for anything else', async () => {
    const html = '<script>alert(1)</script>';
    const { responseBody } = await attemptOn('Content-Type: text/html\r\n', html);
    expect(responseBody).toBe(html);
    const { body } = await client.get('/v1/deliveries?limit=1');
    const shown = await client.get(`/v1/deliveries/${body.data.deliveries[0].id}`);
    expect(shown.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(shown.headers.get('x-content-type-options')).toBe('nosniff');
    expect(shown.headers.get('content-security-policy')).toContain("default-src 'self'");
  });
});

/** Keys that mean something to BSON, MongoDB, mongoose or JavaScript. */
const NAMES = [
  '_bsontype',
  '$ref',
  '$id',
  '$db',
  '$where',
  '$set.x',
  'a.b',
  '__proto__',
  'constructor',
  'isMongooseBuffer',
  'isMongooseArray',
  '$__',
  'toObject',
  'toBSON',
  'toJSON',
  'valueOf',
  'then',
  'length',
  'date',
];

describe.each(DISPATCHES)('a header’s name is no more than a name in %s', (dispatch) => {
  const stack = useStack();
  const receiver = useReceiver();

  it('in an answer', async () => {
    const { client } = await stack.project({ dispatch });
    const { id: webhookId } = await makeWebhook(client, receiver.url);
    const head = NAMES.map((name) => `${name}: a.b\r\n`).join('');
    const bytes = `HTTP/1.1 200 OK\r\nContent-Length: 2\r\n${head}\r\nok`;
    receiver.respondWith({ kind: 'raw', bytes });
    const delivery = await deliveryWith(client, await postEvent(client), { status: 'succeeded' });
    const names = NAMES.map((name) => [name.toLowerCase(), 'a.b']);
    expect(Object.entries(delivery.attempts[0].responseHeaders)).toEqual([
      ['content-length', '2'],
      ...names,
    ]);
    expect((await client.get(`/v1/webhooks/${webhookId}`)).body.data.failureCount).toBe(0);
  });

  it('in a webhook', async () => {
    const { client } = await stack.project({ dispatch });
    // zod leaves this one out.
    const names = NAMES.filter((name) => name !== '__proto__');
    const headers = Object.fromEntries(names.map((name) => [name, 'a.b']));
    const webhook = await makeWebhook(client, receiver.url, { headers });
    receiver.respondWith(200);
    const delivery = await deliveryWith(client, await postEvent(client), { status: 'succeeded' });
    expect(delivery.attempts).toHaveLength(1);
    expect(delivery.attempts[0].requestHeaders).toMatchObject(headers);
    const shown = (await client.get(`/v1/webhooks/${webhook.id}`)).body.data.headers;
    expect(shown).toEqual(headers);
  });
});

describe('headers that earlier versions have stored', () => {
  const stack = useStack();

  it('are shown by their names', async () => {
    const { id: projectId, client } = await stack.project();
    const requestHeaders = { Accept: '*/*', 'Content-Type': 'application/json' };
    const responseHeaders = { $ref: 'b', $id: '1', date: 'today', 'retry-after': '1' };
    const made = { number: 1, runId: 'run', startedAt: new Date(), durationMs: 1 };
    const attempt = { ...made, outcome: 'succeeded' as const, requestHeaders, responseHeaders };
    const id = await insertDelivery(stack, { projectId, attempts: [attempt] });
    const shown = (await client.get(`/v1/deliveries/${id}`)).body.data.attempts[0];
    expect(shown).toMatchObject({ requestHeaders, responseHeaders });
  });
});
