/**
 * npm run bench: many webhooks at once, on a Posthorn started by `npm start`.
 *   npm run bench -- [--projects 2] [--webhooks 100] [--events 5]
 * Every event must arrive exactly once at every webhook, and the delivery log must agree with what the
 * receiver counted. Prints the figures, and exits 1 when they differ.
 */
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';
import { call } from './api.mjs';

const { values } = parseArgs({
  options: {
    projects: { type: 'string', default: '2' },
    webhooks: { type: 'string', default: '100' },
    events: { type: 'string', default: '5' },
  },
});
const [projects, webhooks, events] = [values.projects, values.webhooks, values.events].map(Number);
const expected = projects * webhooks * events;

const received = new Map();
const receiver = createServer((req, res) => {
  const id = req.headers['x-webhook-delivery-id'];
  received.set(id, (received.get(id) ?? 0) + 1);
  req.resume().on('end', () => res.end());
});
await new Promise((resolve) => receiver.listen(0, '127.0.0.1', resolve));
const url = `http://127.0.0.1:${receiver.address().port}`;

const ids = [];
for (let p = 0; p < projects; p += 1) {
  const { id } = await call('POST', '/v1/projects', undefined, { name: `bench ${p}` });
  ids.push(id);
  for (let w = 0; w < webhooks; w += 1) {
    const webhook = { name: `webhook ${w}`, url: `${url}/${p}/${w}`, events: ['*'] };
    await call('POST', '/v1/webhooks', id, webhook);
  }
}

const start = performance.now();
const data = {
  emailId: 'em_bench',
  from: 'shop@example.com',
  to: { email: 'ada@example.org' },
  subject: 'Bench',
  test: false,
};
for (let e = 0; e < events; e += 1) {
  for (const id of ids) await call('POST', '/v1/events', id, { type: 'email.sent', data });
}
const accepted = performance.now();
while (received.size < expected && performance.now() - accepted < expected * 1000) {
  await new Promise((resolve) => setTimeout(resolve, 500));
  process.stdout.write(`\r${received.size} of ${expected} arrived`);
}
const arrived = performance.now();

// What has arrived is logged a moment later; what isn't within a minute counts as a mismatch.
const loggedBy = performance.now() + 60_000;
for (const id of ids) {
  const pending = () => call('GET', '/v1/deliveries?status=pending&limit=1', id);
  while ((await pending()).deliveries.length > 0 && performance.now() < loggedBy) {
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

let logged = 0;
let others = 0;
for (const id of ids) {
  let cursor = null;
  do {
    const more = cursor === null ? '' : `&cursor=${cursor}`;
    const page = await call('GET', `/v1/deliveries?limit=100${more}`, id);
    for (const { id: deliveryId, status } of page.deliveries) {
      if (status === 'succeeded' && received.get(deliveryId) === 1) logged += 1;
      else others += 1;
    }
    cursor = page.nextCursor;
  } while (cursor !== null);
}
for (const id of ids) await call('DELETE', `/v1/projects/${id}`);
receiver.close();
receiver.closeAllConnections();

const requests = [...received.values()].reduce((sum, count) => sum + count, 0);
console.log(`\n
expected deliveries       ${expected}
requests received         ${requests}
distinct deliveries       ${received.size}
logged succeeded, once    ${logged}
logged otherwise          ${others}
accepting                 ${((accepted - start) / 1000).toFixed(1)} s
first post to last arrival ${((arrived - start) / 1000).toFixed(1)} s, ${(expected / ((arrived - start) / 1000)).toFixed(1)} deliveries/s`);
const right = requests === expected && received.size === expected && logged === expected;
process.exit(right && others === 0 ? 0 : 1);
