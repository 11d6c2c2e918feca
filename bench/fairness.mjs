/**
 * npm run bench:fairness: how long a quiet project's events take while another project behaves badly, on a
 * Posthorn started by `npm start`.
 *   npm run bench:fairness -- [--samples 30] [--dispatch workflow] [--only filters,queued]
 * Measures from the 202 to the request's arrival, alone and beside each neighbour of NEIGHBOURS, and alone
 * again at the end. Prints each figure as it is known and all at the end, and exits 1 when a neighbour costs the
 * quiet project more than one attempt's time. Start Posthorn with POSTHORN_RATE_LIMIT_PER_MINUTE=1000000: adding
 * 10,000 webhooks takes more requests than a key has by default.
 */
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { fail } from '../scripts/lib/console.mjs';
import { readJson } from '../scripts/lib/json-file.mjs';
import { dataDirectory } from '../scripts/lib/paths.mjs';
import { callerOf } from './api.mjs';

const { values } = parseArgs({
  options: {
    samples: { type: 'string', default: '30' },
    dispatch: { type: 'string', default: 'workflow' },
    only: { type: 'string' },
  },
});
const dev = readJson(join(dataDirectory(), 'dev.json'));
const isRunning =
  dev !== undefined &&
  (await fetch(`${dev.apiUrl}/healthz`).then(
    ({ ok }) => ok,
    () => false,
  ));
if (!isRunning) {
  fail('It needs a Posthorn of this checkout: POSTHORN_RATE_LIMIT_PER_MINUTE=1000000 npm start');
  process.exit(1);
}
const call = callerOf(dev);
const samples = Number(values.samples);
const BETWEEN_SAMPLES_MS = 1000;
/** A sample comes so much later, by chance: at a fixed pace all would meet the courier's polls in the same phase. */
const JITTER_MS = 100;
/** The profile's timeout. */
const ATTEMPT_MS = 10_000;
const DAY_MS = 24 * 60 * 60 * 1000;
const MIB = 1024 * 1024;

/** The quiet project's arrival times, by emailId. */
const arrived = new Map();
/** Requests by path. */
const requests = new Map();
const receiver = createServer((req, res) => {
  const chunks = [];
  req.on('data', (chunk) => chunks.push(chunk));
  req.on('end', () => {
    requests.set(req.url, (requests.get(req.url) ?? 0) + 1);
    if (req.url === '/hanging') return;
    if (req.url === '/quiet') {
      arrived.set(JSON.parse(Buffer.concat(chunks)).data.emailId, performance.now());
    }
    res.end();
  });
});
await new Promise((resolve) => receiver.listen(0, '127.0.0.1', resolve));
const url = `http://127.0.0.1:${receiver.address().port}`;

const range = (count) => Array.from({ length: count }, (_, n) => n);
const received = (path) => requests.get(path) ?? 0;
async function until(condition) {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 50));
}
/** Concurrency. */
async function each(items, atOnce, work) {
  const left = [...items];
  const lane = async () => {
    while (left.length > 0) await work(left.shift());
  };
  await Promise.all(range(atOnce).map(lane));
}

const event = (emailId, more) => ({
  type: 'email.sent',
  data: {
    emailId,
    from: 'shop@example.com',
    to: { email: 'ada@example.org' },
    subject: 'Bench',
    test: false,
    ...more,
  },
});

const project = (name, rest) =>
  call('POST', '/v1/projects', undefined, { name, dispatch: values.dispatch, ...rest });
const addWebhook = (projectId, path, rest) =>
  call('POST', '/v1/webhooks', projectId, { name: path, url: url + path, events: ['*'], ...rest });

/** Posts a number of events to a project, in batches. */
async function post(projectId, count, more) {
  for (let left = count; left > 0; left -= 500) {
    const events = range(Math.min(left, 500)).map((n) => event(`em_${n}`, more));
    await call('POST', '/v1/events/batch', projectId, { events });
  }
}

/** The neighbour's requests may be refused; only the quiet project is measured. */
const asked = async (key, path, body) => {
  const response = await fetch(dev.apiUrl + path, {
    method: body ? 'POST' : 'GET',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body,
  }).catch(() => null);
  await response?.arrayBuffer().catch(() => null);
};
const keyOf = async (projectId) => {
  const body = { name: 'bench', role: 'owner' };
  return (await call('POST', `/v1/projects/${projectId}/keys`, undefined, body)).key;
};
/** Repeats it until `stop`. */
function keepDoing(work) {
  const over = new AbortController();
  const done = (async () => {
    while (!over.signal.aborted) await work(over.signal);
  })();
  return async () => {
    over.abort();
    await done;
  };
}

async function hangingWebhooks(id, webhooks) {
  const policy = { retryDelaysMs: Array(20).fill(1000) };
  for (const _ of range(webhooks)) await addWebhook(id, '/hanging', { policy });
  const before = received('/hanging');
  await post(id, Math.ceil(300 / webhooks));
  await until(() => received('/hanging') > before + 5);
}

/** Each definition refers to the next one twice. */
const doubling = (levels, how, last) =>
  Object.fromEntries(
    range(levels + 1).map((n) => {
      const next = { $ref: `#/$defs/l${n + 1}` };
      return [`l${n}`, n === levels ? last : { [how]: [next, next] }];
    }),
  );
const schemaOf = (levels, how, title) => ({
  title,
  properties: { a: { $ref: '#/$defs/l0' } },
  $defs: doubling(levels, how, { type: 'string' }),
});
const define = (key, type, schema) =>
  fetch(`${dev.apiUrl}/v1/event-types/${type}`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ description: 'Bench.', schema, sample: {} }),
  });

/** Each starts with an empty project, and returns how to stop what it started, if anything. */
const NEIGHBOURS = {
  'hanging: one webhook that never answers': (id) => hangingWebhooks(id, 1),
  'hanging: 12 webhooks that never answer': (id) => hangingWebhooks(id, 12),
  'queued: 2,000 events at once': async (id) => {
    await addWebhook(id, '/busy');
    await post(id, 2000);
  },
  'limited: 2,000 events behind a limit of one a second': async (id) => {
    await addWebhook(id, '/limited', { policy: { ratePerSecond: 1 } });
    await post(id, 2000);
  },
  'replays: 120 bulk replays': async (id) => {
    await addWebhook(id, '/replayed');
    const before = received('/replayed');
    await post(id, 200);
    await until(() => received('/replayed') >= before + 200);
    const now = Date.now();
    const [since, to] = [new Date(now - DAY_MS), new Date(now + DAY_MS)];
    // As slow as allowed: each is always in progress, with few requests.
    const replay = { statuses: ['succeeded'], since, until: to, ratePerSecond: 0.1 };
    for (const _ of range(120)) await call('POST', '/v1/replays', id, replay);
  },
  'filters: 100 costly filters and 300 events': async (id) => {
    const filter = { 'data.subject': { $regex: 'a[ab]{900}[yz]' } };
    await each(range(100), 4, () => addWebhook(id, '/filtered', { filter }));
    const subject = range(4000)
      .map((n) => (((n * n * 31) % 7) % 2 ? 'a' : 'b'))
      .join('');
    await post(id, 300, { subject });
  },
  'schemas: batches against a schema that never ends': async (id) => {
    const key = await keyOf(id);
    await define(key, 'order.paid', schemaOf(60, 'anyOf', 'endless'));
    const events = range(10).map(() => ({ type: 'order.paid', data: { a: 1 } }));
    const body = JSON.stringify({ events });
    return keepDoing(() => Promise.all(range(10).map(() => asked(key, '/v1/events/batch', body))));
  },
  'definitions: schemas with half a million errors': async (id) => {
    const key = await keyOf(id);
    let n = 0;
    return keepDoing(async () => {
      n += 1;
      await (await define(key, `order.n${n}`, schemaOf(19, 'allOf', `${n}`))).arrayBuffer();
    });
  },
  'bodies: batches of 4.96 MiB that are refused': async (id) => {
    const key = await keyOf(id);
    const body = `{"events":[{"type":"email.sent","data":{"x":[${'0,'.repeat(2.47 * MIB)}0]}}]}`;
    return keepDoing(() => Promise.all(range(7).map(() => asked(key, '/v1/events/batch', body))));
  },
  'readers: 250 sockets that ask for long lists and never read': async (id) => {
    for (const n of range(40)) {
      await call('POST', '/v1/events', id, event(`em_${n}`, { subject: 'x'.repeat(200_000) }));
    }
    const key = await keyOf(id);
    const { hostname, port } = new URL(dev.apiUrl);
    const sockets = range(250).map(() => {
      const socket = connect(Number(port), hostname);
      socket.on('error', () => {});
      const path = '/v1/events?limit=100&include=data';
      const lines = [`GET ${path} HTTP/1.1`, `host: ${hostname}`, `authorization: Bearer ${key}`];
      socket.write(`${lines.join('\r\n')}\r\n\r\n`);
      socket.pause();
      return socket;
    });
    return async () => sockets.forEach((socket) => socket.destroy());
  },
  'webhooks: 10,000 of which one subscribes': async (id) => {
    await addWebhook(id, '/subscribed');
    const quietly = { events: ['email.opened'] };
    await each(range(9999), 16, () => addWebhook(id, '/others', quietly));
    return keepDoing(() => call('POST', '/v1/events', id, event('em_many')));
  },
};

/** Milliseconds from each of the quiet project's 202s to its arrival, ascending. */
async function measure(quiet, phase) {
  const accepted = new Map();
  for (const n of range(samples)) {
    const id = `${results.length} ${n}`;
    const next = performance.now() + BETWEEN_SAMPLES_MS + Math.random() * JITTER_MS;
    await call('POST', '/v1/events', quiet, event(id));
    accepted.set(id, performance.now());
    process.stdout.write(`\r${phase}: ${n + 1} of ${samples} `);
    await until(() => performance.now() >= next);
  }
  await until(() => [...accepted.keys()].every((id) => arrived.has(id)));
  process.stdout.write('\n');
  return [...accepted].map(([id, at]) => arrived.get(id) - at).toSorted((a, b) => a - b);
}

/** Waits until what is left of a neighbour no longer has an effect. */
async function settle(quiet, usualMs) {
  for (let n = 0, fast = 0; fast < 3; n += 1) {
    const id = `settling ${performance.now()}`;
    await call('POST', '/v1/events', quiet, event(id));
    const at = performance.now();
    await until(() => arrived.has(id));
    fast = arrived.get(id) - at < 1.5 * usualMs || n > 60 ? fast + 1 : 0;
  }
}

const { id: quiet } = await project('quiet');
await addWebhook(quiet, '/quiet');
await call('POST', '/v1/events', quiet, event('warm-up'));
await until(() => arrived.has('warm-up'));
const percentile = (sorted, p) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))];
const results = [];
const figuresOf = ([name, sorted]) => {
  const [, alone] = results[0];
  const ratio = (p) => Number((percentile(sorted, p) / percentile(alone, p)).toFixed(1));
  return {
    'quiet project beside': name,
    'p50 ms': Math.round(percentile(sorted, 0.5)),
    'max ms': Math.round(percentile(sorted, 1)),
    'p50 ratio': ratio(0.5),
    'max ratio': ratio(1),
  };
};
async function record(name, phase) {
  const result = [name, await measure(quiet, phase)];
  results.push(result);
  console.log(Object.values(figuresOf(result)).join(', '));
}

await record('alone', 'alone');
for (const [name, begin] of Object.entries(NEIGHBOURS)) {
  const [short] = name.split(':');
  if (values.only && !values.only.split(',').includes(short)) continue;
  process.stdout.write(`${short}: beginning`);
  const { id } = await project(`neighbour ${short}`, {
    profile: ['schemas', 'definitions'].includes(short) ? 'custom' : 'autosend',
    policy: { maxWebhooks: 10_000 },
  });
  const end = await begin(id);
  await record(name, short);
  await end?.();
  await call('DELETE', `/v1/projects/${id}`);
  receiver.closeAllConnections();
  const [, alone] = results[0];
  await settle(quiet, alone.at(-1));
}
await record('alone again', 'alone again');
await call('DELETE', `/v1/projects/${quiet}`);
receiver.close();
receiver.closeAllConnections();

console.table(results.map(figuresOf));
const [, alone] = results[0];
const isDelayed = results.some(
  ([, sorted]) => percentile(sorted, 1) - percentile(alone, 1) > ATTEMPT_MS,
);
process.exit(isDelayed ? 1 : 0);
