import { createHmac } from 'node:crypto';
import { VERSION } from '../../src/version';
import { deliveryWith, makeWebhook, postEvent } from '../support/deliveries';
import { useReceiver, useStack } from '../support/use';
import { expectRefusal } from './api/refusal';

const url = 'https://example.com/hooks';

const stack = useStack();
const receiver = useReceiver();

describe('a webhook’s own headers', () => {
  const credentials = {
    Authorization: 'Bearer receivers-token',
    Cookie: 'session=receivers-cookie',
    'X-Api-Key': 'receivers-key',
    'Webhook-Token': 'receivers-other-token',
    'X-Webhook-Secret': 'receivers-secret',
    'X-Session': 'receivers-session',
    'X-Jwt': 'receivers-jwt',
    'X-Bearer': 'receivers-bearer',
    'X-Pwd': 'receivers-pwd',
    'X-Passphrase': 'receivers-phrase',
    'X-Csrf': 'receivers-csrf',
    'X-Hub-Signature': 'receivers-signature',
  };
  const plain = {
    'X-Tenant': 'acme',
    'x-lower-case': 'Kept As "It" Is; q=0.5, */*',
    'X-Tab': 'a\tb',
    'X_Underscore.and~more': '~',
    Accept: 'application/json',
    'Content-Language': 'en',
    'X-Webhook-Source': 'acme',
    'X-Long': 'x'.repeat(4096),
  };

  it('go out as they were given; the log shows them without credentials', async () => {
    const { client } = await stack.project();
    const headers = { ...plain, ...credentials };
    const webhook = await makeWebhook(client, receiver.url, { headers });
    const id = await postEvent(client);
    const delivery = await deliveryWith(client, id, { status: 'succeeded' });

    const request = receiver.requests.at(-1)!;
    for (const [name, value] of Object.entries(headers)) {
      expect([name, request.headers[name.toLowerCase()]]).toEqual([name, value]);
    }
    expect(request.headers).toMatchObject({
      'content-type': 'application/json',
      'user-agent': `Posthorn/${VERSION}`,
      'x-webhook-signature': createHmac('sha256', webhook.secret)
        .update(request.rawBody)
        .digest('hex'),
    });

    const logged = delivery.attempts[0].requestHeaders;
    expect(logged).toMatchObject(plain);
    for (const name of Object.keys(credentials)) {
      expect([name, logged[name]]).toEqual([name, '[redacted]']);
    }
    expect(logged['X-Webhook-Signature']).toBe(request.headers['x-webhook-signature']);
    expect(JSON.stringify(delivery)).not.toMatch(/receivers-/);
  });

  it('are shown to keys that could set them; to readers without credentials', async () => {
    const { id, client } = await stack.project();
    const headers = { 'X-Tenant': 'acme', ...credentials };
    const webhook = await makeWebhook(client, url, { headers });
    const path = `/v1/webhooks/${webhook.id}`;
    expect((await client.get(path)).body.data.headers).toEqual(headers);
    const reader = await stack.client(id, 'reader');
    const shown = [
      (await reader.get(path)).body.data,
      (await reader.get('/v1/webhooks')).body.data.webhooks[0],
    ];
    for (const { headers: readable } of shown) {
      expect(Object.keys(readable)).toEqual(Object.keys(headers));
      expect(readable['X-Tenant']).toBe('acme');
      expect(JSON.stringify(readable)).not.toMatch(/receivers-/);
    }
  });

  it('are changed as a whole, from the next attempt on', async () => {
    const { client } = await stack.project();
    const webhook = await makeWebhook(client, receiver.url, {
      headers: { 'X-A': '1', 'X-B': '2' },
    });
    const patched = await client.patch(`/v1/webhooks/${webhook.id}`, { headers: { 'X-A': '3' } });
    expect(patched.body.data.headers).toEqual({ 'X-A': '3' });
    await deliveryWith(client, await postEvent(client), { status: 'succeeded' });
    const { headers } = receiver.requests.at(-1)!;
    expect([headers['x-a'], headers['x-b']]).toEqual(['3', undefined]);
  });

  it('are told which names are Posthorn’s', async () => {
    const { client } = await stack.project();
    const headers = { 'Webhook-Id': 'x', 'X Space': 'x' };
    const posted = await client.post('/v1/webhooks', { name: 'H', url, events: ['*'], headers });
    expect(posted.body.error.details).toEqual([
      {
        field: 'headers.Webhook-Id',
        message: 'is a header that only Posthorn or HTTP itself sets',
      },
      { field: 'headers.X Space', message: 'is not a header name' },
    ]);
  });

  it('can be none that Posthorn sends, by whatever scheme, but Accept', async () => {
    const { client } = await stack.project();
    const signing = ['hex', 'standard', 'standard-ed25519'];
    const webhook = await makeWebhook(client, receiver.url, { signing });
    const path = `/v1/webhooks/${webhook.id}`;
    expect((await client.post(`${path}/secret/rotate`)).status).toBe(200);
    const tested = await client.post(`${path}/test`, { events: ['email.sent'] });
    await deliveryWith(client, tested.body.data.deliveries[0].id, { status: 'succeeded' });
    const sent = Object.keys(receiver.requests.at(-1)!.headers);
    expect(sent).toEqual(
      expect.arrayContaining(['x-webhook-signature-previous', 'x-webhook-test', 'webhook-id']),
    );
    const refused = sent.filter((name) => name !== 'accept');
    const headers = Object.fromEntries(sent.map((name) => [name, 'x']));
    const posted = await client.post('/v1/webhooks', { name: 'H', url, events: ['*'], headers });
    expectRefusal(
      posted,
      'validation_failed',
      refused.map((name) => `headers.${name}`),
    );
  });

  it.each([
    // Ours.
    'X-Webhook-Signature',
    'X-WEBHOOK-TEST',
    'User-Agent',
    'Accept-Encoding',
    // The body's.
    'Content-Type',
    'content-length',
    'Content-Encoding',
    // The connection's.
    'Host',
    'connection',
    'Keep-Alive',
    'Proxy-Authorization',
    'TE',
    'Trailer',
    'Transfer-Encoding',
    'Upgrade',
    'Expect',
    // No names.
    '',
    'X Space',
    'X-Colon:',
    'X-Line\r\nX-Other',
    'X-Ümlaut',
    'x'.repeat(101),
  ])('can not be called %j', async (name) => {
    const { client } = await stack.project();
    const headers = { 'X-Good': 'x', [name]: 'x' };
    const posted = await client.post('/v1/webhooks', { name: 'H', url, events: ['*'], headers });
    // A name is reported by its first hundred characters.
    expectRefusal(posted, 'validation_failed', [`headers.${name.slice(0, 100)}`]);
  });

  it.each([
    ['a line break', 'a\r\nX-Other: b'],
    ['a carriage return', 'a\rb'],
    ['a line feed at the end', 'a\n'],
    ['a null byte', 'a\0b'],
    ['other letters than ASCII’s', 'é'],
    ['a space around', ' a'],
    ['nothing', ''],
    ['4097 characters', 'x'.repeat(4097)],
    ['a number', 1],
    ['a list', ['a']],
  ])('can not have %s as a value', async (_title, value) => {
    const { client } = await stack.project();
    const headers = { 'X-Good': 'x', 'X-Bad': value };
    const posted = await client.post('/v1/webhooks', { name: 'H', url, events: ['*'], headers });
    expectRefusal(posted, 'validation_failed', ['headers.X-Bad']);
  });

  it('can have up to 8192 characters in names and values together', async () => {
    const { client } = await stack.project();
    const headers = { 'X-First': 'x'.repeat(4096), 'X-Second': 'x'.repeat(4081) };
    await makeWebhook(client, receiver.url, { headers });
    await deliveryWith(client, await postEvent(client), { status: 'succeeded' });
    const request = receiver.requests.at(-1)!;
    expect(request.headers['x-second']).toBe(headers['X-Second']);
    const longer = { ...headers, 'X-Second': `${headers['X-Second']}x` };
    const posted = await client.post('/v1/webhooks', {
      name: 'H',
      url,
      events: ['*'],
      headers: longer,
    });
    expectRefusal(posted, 'validation_failed', ['headers']);
  });

  it('can not be given twice in other spellings', async () => {
    const { client } = await stack.project();
    const headers = { 'X-Tenant': 'a', 'x-tenant': 'b' };
    const posted = await client.post('/v1/webhooks', { name: 'H', url, events: ['*'], headers });
    expectRefusal(posted, 'validation_failed', ['headers.x-tenant']);
  });
});
