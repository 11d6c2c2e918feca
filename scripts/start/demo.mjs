import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import { say, step } from '../lib/console.mjs';
import { Refusal } from '../lib/run.mjs';
import { createApi, mustCall } from './api.mjs';

const deliveryTimeoutMs = 60_000;

/**
 * The whole process once, as a customer would see it: a webhook, an event, the signed request at our
 * own receiver, the signature checked. The webhook is deleted when `lifetime` ends, however it does.
 */
export async function runDemo({ apiUrl, projectKey }, lifetime) {
  const call = createApi(apiUrl, projectKey);
  const receiver = await startReceiver();
  lifetime.onStop(receiver.close);
  let webhook;
  await step('Creating a webhook', async () => {
    const { url } = receiver;
    const body = { name: 'Demo receiver', url, events: ['email.delivered'] };
    const creating = mustCall(call, 'POST', '/v1/webhooks', body);
    lifetime.onStop(() => deleteWebhook(call, creating));
    webhook = await creating;
    return `${webhook.id} → ${url}`;
  });
  let event;
  await step('Posting an event', async () => {
    event = await mustCall(call, 'POST', '/v1/events', sampleEvent());
    return `${event.id} (email.delivered)`;
  });
  let request;
  await step('Waiting for the delivery', async () => {
    request = await receiver.received;
    return `${request.method} ${request.path}`;
  });
  show(request);
  await step('Checking the signature', () => checkSignature(request, webhook.secret));
  say('signature verified');
}

/** Also one that was still being created when we were told to stop. */
async function deleteWebhook(call, creating) {
  const webhook = await creating.catch(() => undefined);
  if (!webhook) return;
  await step('Deleting the webhook', async () => {
    await mustCall(call, 'DELETE', `/v1/webhooks/${webhook.id}`);
  });
}

function sampleEvent() {
  return {
    type: 'email.delivered',
    data: {
      emailId: `email_${Date.now()}`,
      from: 'hello@example.com',
      to: { email: 'ada@example.com', name: 'Ada' },
      subject: 'Your first webhook',
      test: false,
    },
  };
}

/** Listens on loopback and answers 200; `received` is the first POST, or a timeout. */
async function startReceiver() {
  let timer;
  let settle;
  const received = new Promise((resolve, reject) => {
    settle = resolve;
    const late = new Refusal(`No delivery arrived within ${deliveryTimeoutMs / 1000} s`);
    timer = setTimeout(() => reject(late), deliveryTimeoutMs);
  });
  received.catch(() => {}); // an earlier step may fail before this is awaited
  const server = createServer((request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      response.end('ok');
      const { method, url: path, headers } = request;
      if (method === 'POST') settle({ method, path, headers, body: Buffer.concat(chunks) });
    });
  });
  await new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${server.address().port}/webhook`,
    received,
    close: () => {
      clearTimeout(timer);
      server.close();
      server.closeAllConnections();
    },
  };
}

function show({ headers, body }) {
  say();
  for (const [name, value] of Object.entries(headers)) say(`    ${name}: ${value}`);
  say();
  for (const line of JSON.stringify(JSON.parse(body), null, 2).split('\n')) say(`    ${line}`);
  say();
}

/** X-Webhook-Signature: lower-case hex HMAC-SHA256 of the raw body, keyed with the secret's bytes. */
async function checkSignature({ headers, body }, secret) {
  const given = Buffer.from(String(headers['x-webhook-signature'] ?? ''));
  const expected = Buffer.from(createHmac('sha256', secret).update(body).digest('hex'));
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    throw new Refusal('X-Webhook-Signature does not match the body and the secret');
  }
}
