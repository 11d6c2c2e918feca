import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import { autosend } from '../../src/profiles/autosend';
import type { ApiClient } from '../support/api-client';
import { deliveryWith, makeWebhook, postEvent } from '../support/deliveries';
import { eventually } from '../support/eventually';
import { freePort } from '../support/free-port';
import { findPython } from '../support/python';
import { emailSent } from '../support/samples';
import { useStack } from '../support/use';
import { Customer, type Verdict } from './customers/customer';
import { GUIDE_LANGUAGES, GuideReceiver } from './customers/guide';

const root = path.resolve(__dirname, '../..');
/** One short retry, so that a delivery ends soon. */
const policy = { retryDelaysMs: [1000] };

const sha256 = (bytes: string): string => createHash('sha256').update(bytes).digest('hex');

describe.each([
  { language: 'Node', interpreter: process.execPath, file: 'receiver.mjs' },
  { language: 'Python', interpreter: findPython(), file: 'receiver.py' },
])('a customer who verifies deliveries in $language', ({ interpreter, file }) => {
  const stack = useStack();
  let client: ApiClient;
  let customer: Customer;

  beforeEach(async () => {
    ({ client } = await stack.project({ policy }));
    customer = await Customer.start(interpreter, file);
  });
  afterEach(async () => {
    await customer.stop();
  });

  /** As soon as there are that many: they come later than their answers. */
  const verdictsOn = (id: string, count: number): Promise<Verdict[]> =>
    eventually(`${count} verdicts have come`, () => {
      const verdicts = customer.verdictsOn(id);
      return verdicts.length >= count && verdicts;
    });

  it('accepts every event type, each once, byte for byte', async () => {
    const { secret } = await makeWebhook(client, customer.url);
    customer.deploySecret(secret);
    const expected: Record<string, string> = {};
    for (const { type, sample } of autosend.events) {
      const { status, body } = await client.post('/v1/events', { type, data: sample });
      expect(status).toBe(202);
      const { createdAt } = body.data as { createdAt: string };
      expected[type] = sha256(JSON.stringify({ type, createdAt, data: sample }));
    }
    expect(Object.keys(expected)).toHaveLength(13);

    await eventually('all deliveries have succeeded', async () => {
      const { body } = await client.get('/v1/deliveries?status=succeeded');
      return body.data.deliveries.length === 13;
    });
    await eventually('their verdicts have come', () => customer.verdicts.length >= 13);
    expect(customer.verdicts.map(({ status }) => status)).toEqual(Array(13).fill(200));
    expect(
      Object.fromEntries(customer.verdicts.map(({ event, bodySha256 }) => [event, bodySha256])),
    ).toEqual(expected);
  });

  it('accepts a retry, which is the same delivery with the same bytes', async () => {
    // Not due before the secret is there, however busy the machine is.
    const late = { policy: { retryDelaysMs: [3_600_000] } };
    const { secret } = await makeWebhook(client, customer.url, late);
    const id = await postEvent(client);
    await verdictsOn(id, 1);
    await eventually('it backs off', async () => (await stack.engine.findRun(id)) === 'waiting');
    customer.deploySecret(secret);
    expect((await client.post(`/v1/deliveries/${id}/retry`)).status).toBe(202);

    await deliveryWith(client, id, { status: 'succeeded', attemptCount: 2 });
    const [first, second, ...more] = await verdictsOn(id, 2);
    expect([first?.status, second?.status, more]).toEqual([500, 200, []]);
    expect(second?.bodySha256).toBe(first?.bodySha256);
  });

  it('accepts a replay, which is the same delivery with the same bytes', async () => {
    const { secret } = await makeWebhook(client, customer.url);
    customer.deploySecret(secret);
    const id = await postEvent(client);
    await deliveryWith(client, id, { status: 'succeeded' });

    expect((await client.post(`/v1/deliveries/${id}/replay`)).status).toBe(202);
    await deliveryWith(client, id, { status: 'succeeded', replays: 1 });
    const [first, second, ...more] = await verdictsOn(id, 2);
    expect([first?.status, second?.status, more]).toEqual([200, 200, []]);
    expect(second?.bodySha256).toBe(first?.bodySha256);
  });

  it("refuses what is signed with another webhook's secret, until it has the right one", async () => {
    const other = await makeWebhook(client, `${customer.url}/other`, { events: ['email.opened'] });
    const { secret } = await makeWebhook(client, customer.url);
    customer.deploySecret(other.secret);
    const id = await postEvent(client);
    const delivery = await deliveryWith(client, id, { status: 'failed' });
    expect(delivery.attempts).toMatchObject([{ statusCode: 401 }, { statusCode: 401 }]);

    customer.deploySecret(secret);
    await client.post(`/v1/deliveries/${id}/replay`);
    await deliveryWith(client, id, { status: 'succeeded' });
    expect((await verdictsOn(id, 3)).map(({ status }) => status)).toEqual([401, 401, 200]);
  });

  it('refuses altered bytes, an altered signature and none', async () => {
    const { secret } = await makeWebhook(client, customer.url);
    customer.deploySecret(secret);
    const id = await postEvent(client);
    const { attempts, eventId } = await deliveryWith(client, id, { status: 'succeeded' });
    const headers = attempts[0].requestHeaders as Record<string, string>;
    const event = (await client.get(`/v1/events/${eventId}`)).body.data;
    const body = JSON.stringify({
      type: event.type,
      createdAt: event.createdAt,
      data: event.data,
    });
    const send = async (bytes: string, changes: Record<string, string> = {}): Promise<number> =>
      (
        await fetch(customer.url, {
          method: 'POST',
          headers: { ...headers, ...changes },
          body: bytes,
        })
      ).status;

    expect(await send(body)).toBe(200);
    expect(await send(body.replace('Your order', 'Your Order'))).toBe(401);
    expect(await send(`${body} `)).toBe(401);
    expect(await send(body, { 'X-Webhook-Signature': 'f'.repeat(64) })).toBe(401);
    expect(await send(body, { 'X-Webhook-Signature': '' })).toBe(401);
    const { 'X-Webhook-Signature': _left, ...unsigned } = headers;
    const response = await fetch(customer.url, { method: 'POST', headers: unsigned, body });
    expect(response.status).toBe(401);
  });
});

describe.each(GUIDE_LANGUAGES)(
  'the receiver that the guide to verifying shows for %s',
  (language) => {
    const stack = useStack();
    let port: number;
    let receiver: GuideReceiver | undefined;

    beforeEach(async () => {
      port = await freePort();
    });
    afterEach(async () => {
      await receiver?.stop();
      receiver = undefined;
    });

    it('accepts the largest event', async () => {
      const { client } = await stack.project({ policy });
      const { secret } = await makeWebhook(client, `http://127.0.0.1:${port}/webhooks`);
      receiver = await GuideReceiver.start(language, port, secret);
      const eventOf = (subject: string): string =>
        JSON.stringify({ type: 'email.sent', data: { ...emailSent, subject } });
      const subject = 'x'.repeat(256 * 1024 - Buffer.byteLength(eventOf('')));
      expect((await client.post('/v1/events', eventOf(subject))).status).toBe(202);
      const ended = await eventually('its delivery has ended', async () => {
        const [delivery] = (await client.get('/v1/deliveries')).body.data.deliveries;
        return delivery !== undefined && delivery.status !== 'pending' && delivery;
      });
      expect(ended).toMatchObject({ status: 'succeeded' });
    });

    it.each([
      ['has neither body nor length', '', ''],
      ['has an empty body', 'Content-Type: application/json\r\nContent-Length: 0\r\n', ''],
      ['is of another type', 'Content-Type: text/plain\r\nContent-Length: 2\r\n', '{}'],
    ])('answers 401 to what %s', async (_what, headers, body) => {
      receiver = await GuideReceiver.start(language, port, 'a secret');
      const socket = connect(port, '127.0.0.1');
      const head = 'POST /webhooks HTTP/1.1\r\nHost: customer.example\r\nConnection: close\r\n';
      socket.write(`${head}${headers}\r\n${body}`);
      expect(await textOf(socket)).toMatch(/^HTTP\/1\.[01] 401 /);
    });
  },
);

it('the guide to verifying shows the code that is tested here', () => {
  const text = readFileSync(path.join(root, 'docs/guide-verify.md'), 'utf8');
  const functions = [
    ['receiver.mjs', /^function isSigned.*?^\}$/ms],
    ['receiver.py', /^def is_signed.*?\)$(?=\n\n)/ms],
  ] as const;
  for (const [file, pattern] of functions) {
    const code = readFileSync(path.join(__dirname, 'customers', file), 'utf8');
    const [shown] = pattern.exec(code) ?? [];
    expect(shown).toContain('sha256');
    expect(text).toContain(shown);
  }
});
