/**
 * npm run bench:fairness: how long a quiet project's events take while another one behaves badly, on a
 * Posthorn that `npm start` brought up.
 *   npm run bench:fairness -- [--samples 60] [--events 2000] [--hanging 300]
 * Measures from the 202 to the request's arrival: alone, beside a webhook that hangs for its whole
 * timeout on every attempt, and beside a project with thousands of queued events. Prints the figures,
 * and exits 1 when a neighbour costs the quiet project more than one attempt's time.
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    samples: { type: 'string', default: '60' },
    events: { type: 'string', default: '2000' },
    hanging: { type: 'string', default: '300' },
  },
});
const [samples, queued, hanging] = [values.samples, values.events, values.hanging].map(Number);
const dev = JSON.parse(readFileSync(join(process.env.POSTHORN_DATA_DIR ?? '.data', 'dev.json')));
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

async function call(method, path, projectId, body) {
  const response = await fetch(dev.apiUrl + path, {
    method,
    headers: {
      authorization: `Bearer ${dev.adminKey}`,
      ...(projectId && { 'x-project-id': projectId }),
      ...(body && { 'content-type': 'application/json' }),
    },
    body: body && JSON.stringify(body),
  });
  const answer = await response.json();
  if (!answer.success) throw new Error(`${method} ${path}: ${JSON.stringify(answer.error)}`);
  return answer.data;
}

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

async function projectWith(path, policy) {
  const { id } = await call('POST', '/v1/projects', undefined, { name: `fairness ${path}` });
  const webhook = { name: path, url: url + path, events: ['*'], ...(policy && { policy }) };
  await call('POST', '/v1/webhooks', id, webhook);
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

const hangs = await projectWith('/hanging', { retryDelaysMs: Array(20).fill(1000) });
await queue(hangs, hanging);
await until(() => hung > 5);
results.push(['beside a hanging webhook', await measure(quiet, 'hanging')]);
const attempts = hung;
await call('DELETE', `/v1/projects/${hangs}`);
receiver.closeAllConnections();

const busy = await projectWith('/busy');
await queue(busy, queued);
await until(() => taken > 5);
const before = taken;
results.push([`beside ${queued} queued events`, await measure(quiet, 'busy')]);
const left = queued - taken;
const delivered = taken - before;
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
console.log(`hanging webhook: ${attempts} attempts hung meanwhile`);
console.log(`busy project: ${delivered} arrived meanwhile, ${left} were still queued at the end`);
const delayed = results.some(([, sorted]) => {
  return percentile(sorted, 0.99) - percentile(alone, 0.99) > ATTEMPT_MS;
});
process.exit(delayed ? 1 : 0);
