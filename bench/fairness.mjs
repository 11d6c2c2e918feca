/**
 * npm run bench:fairness: how long a quiet project's events take while another one behaves badly, on a
 * Posthorn that `npm start` brought up.
 *   npm run bench:fairness -- [--samples 60] [--events 2000] [--hanging 300] [--webhooks 12] [--replays 120]
 * Measures from the 202 to the request's arrival: alone, beside one webhook that hangs for its whole
 * timeout on every attempt, beside a project of twelve such webhooks, beside one with thousands of queued
 * events, and beside one with more bulk replays at once than a worker has places. Prints the figures, and
 * exits 1 when a neighbour costs the quiet project more than one attempt's time.
 */
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';
import { call } from './api.mjs';

const { values } = parseArgs({
  options: {
    samples: { type: 'string', default: '60' },
    events: { type: 'string', default: '2000' },
    hanging: { type: 'string', default: '300' },
    webhooks: { type: 'string', default: '12' },
    replays: { type: 'string', default: '120' },
  },
});
const samples = Number(values.samples);
const queued = Number(values.events);
const hanging = Number(values.hanging);
const hangingWebhooks = Number(values.webhooks);
const replays = Number(values.replays);
const BETWEEN_SAMPLES_MS = 1000;
const BATCH = 500;
/** The profile's timeout. */
const ATTEMPT_MS = 10_000;

/** Of the quiet project: emailId → when it arrived. */
const arrived = new Map();
let taken = 0;
let hung = 0;
const receiver = createServer((req, res) => {
  const chunks = [];
  req.on('data', (chunk) => chunks.push(chunk));
  req.on('end', () => {
    if (req.url === '/hanging') {
      hung += 1;
      return;
    }
    if (req.url === '/busy') taken += 1;
    else arrived.set(JSON.parse(Buffer.concat(chunks)).data.emailId, performance.now());
    res.end();
  });
});
await new Promise((resolve) => receiver.listen(0, '127.0.0.1', resolve));
const url = `http://127.0.0.1:${receiver.address().port}`;

async function until(condition) {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 50));
}

const event = (emailId) => ({
  type: 'email.sent',
  data: {
    emailId,
    from: 'shop@example.com',
    to: { email: 'ada@example.org' },
    subject: 'Bench',
    test: false,
  },
});

async function projectWith(path, { webhooks = 1, policy } = {}) {
  const { id } = await call('POST', '/v1/projects', undefined, { name: `fairness ${path}` });
  const webhook = { name: path, url: url + path, events: ['*'], ...(policy && { policy }) };
  for (let n = 0; n < webhooks; n += 1) await call('POST', '/v1/webhooks', id, webhook);
  return id;
}

/** Posts so many events to a project, in batches. */
async function queue(projectId, count) {
  for (let left = count; left > 0; left -= BATCH) {
    const events = Array.from({ length: Math.min(left, BATCH) }, (_, n) => event(`em_${n}`));
    await call('POST', '/v1/events/batch', projectId, { events });
  }
}

/** Milliseconds from each of the quiet project's 202s to its arrival, ascending. */
async function measure(quiet, phase) {
  const accepted = new Map();
  for (let n = 0; n < samples; n += 1) {
    const id = `${phase}_${n}`;
    const next = performance.now() + BETWEEN_SAMPLES_MS;
    await call('POST', '/v1/events', quiet, event(id));
    accepted.set(id, performance.now());
    process.stdout.write(`\r${phase}: ${n + 1} of ${samples} `);
    await until(() => performance.now() >= next);
  }
  await until(() => [...accepted.keys()].every((id) => arrived.has(id)));
  process.stdout.write('\n');
  return [...accepted].map(([id, at]) => arrived.get(id) - at).toSorted((a, b) => a - b);
}

const percentile = (sorted, p) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))];

const quiet = await projectWith('/quiet');
await call('POST', '/v1/events', quiet, event('warm-up'));
await until(() => arrived.has('warm-up'));
const results = [['alone', await measure(quiet, 'alone')]];

/** Beside a project whose webhooks all hang, with so many deliveries altogether. */
async function measureHanging(name, webhooks) {
  const policy = { retryDelaysMs: Array(20).fill(1000) };
  const project = await projectWith('/hanging', { webhooks, policy });
  hung = 0;
  await queue(project, Math.ceil(hanging / webhooks));
  await until(() => hung > 5);
  results.push([name, await measure(quiet, name)]);
  console.log(`${hung} attempts hung meanwhile`);
  await call('DELETE', `/v1/projects/${project}`);
  receiver.closeAllConnections();
}

await measureHanging('beside a hanging webhook', 1);
await measureHanging(`beside ${hangingWebhooks} hanging webhooks of one project`, hangingWebhooks);

const busy = await projectWith('/busy');
await queue(busy, queued);
await until(() => taken > 5);
const before = taken;
results.push([`beside ${queued} queued events`, await measure(quiet, 'busy')]);
console.log(`${taken - before} arrived meanwhile, ${queued - taken} were still queued at the end`);

await until(() => taken >= queued);
const day = 24 * 60 * 60 * 1000;
// As slow as they may be: each has a batch under way all the time, and the replays themselves are few.
const replay = {
  statuses: ['succeeded'],
  since: new Date(Date.now() - day),
  until: new Date(Date.now() + day),
  ratePerSecond: 0.1,
};
for (let n = 0; n < replays; n += 1) await call('POST', '/v1/replays', busy, replay);
results.push([`beside ${replays} bulk replays`, await measure(quiet, 'replays')]);
for (const id of [busy, quiet]) await call('DELETE', `/v1/projects/${id}`);
receiver.close();
receiver.closeAllConnections();

const [, alone] = results[0];
const rows = results.map(([name, sorted]) => {
  const [p50, p99] = [percentile(sorted, 0.5), percentile(sorted, 0.99)];
  return {
    'quiet project': name,
    'p50 ms': Math.round(p50),
    'p99 ms': Math.round(p99),
    'p50 ratio': Number((p50 / percentile(alone, 0.5)).toFixed(1)),
    'p99 ratio': Number((p99 / percentile(alone, 0.99)).toFixed(1)),
  };
});
console.table(rows);
const delayed = results.some(([, sorted]) => {
  return percentile(sorted, 0.99) - percentile(alone, 0.99) > ATTEMPT_MS;
});
process.exit(delayed ? 1 : 0);
