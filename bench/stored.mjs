/**
 * npm run bench:stored: how long lists, searches and statistics take with many deliveries in MongoDB: lists with
 * their index, statistics counted anew and from the counts that housekeeping keeps (docs/adr/0036).
 *   npm run bench:stored -- [--deliveries 1000000] [--busy 40000] [--webhooks 10] [--mongodb-url URL]
 * The deliveries lie in the last 30 days, those of `--busy` in the last hour; they are stored in bulk, in a database
 * of their own, which is dropped afterwards. Without a URL it starts a MongoDB.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { stopAllGuarded } from '../scripts/embedded/guarded.mjs';
import { startEmbedded } from '../scripts/embedded/index.mjs';
import { ensureBuilt, ensureDependencies } from '../scripts/lib/build-steps.mjs';
import { fail } from '../scripts/lib/console.mjs';
import { createLifetime } from '../scripts/lib/lifetime.mjs';
import { distMain } from '../scripts/lib/paths.mjs';
import { Refusal } from '../scripts/lib/run.mjs';

await ensureDependencies();
await ensureBuilt();
// On a fresh clone these are there only now.
const { pino } = await import('pino');
const { countStored, storeMany } = await import('./many-deliveries.mjs');
const built = createRequire(distMain);
const { Store } = built('./store/store');
const { deliveryStats } = built('./store/delivery-stats');
const { findAny } = built('./store/find-any');

const { values } = parseArgs({
  options: {
    deliveries: { type: 'string', default: '1000000' },
    busy: { type: 'string', default: '40000' },
    webhooks: { type: 'string', default: '10' },
    'mongodb-url': { type: 'string' },
  },
});
const total = Number(values.deliveries);
const busy = Number(values.busy);
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const SPAN_MS = 30 * DAY_MS;
const ROUNDS = 5;

const lifetime = createLifetime({ interruptedCode: 130 });
let servers;
let store;
try {
  const url = await startMongodb();
  store = Store.open(url);
  const measured = measure();
  lifetime.onStop(async () => {
    // What is still stored after its end would create the database again.
    await store.close();
    await measured.catch(() => {});
    const last = Store.open(url);
    await last.deliveries.model.db.dropDatabase();
    await last.close();
  });
  await measured;
  await lifetime.end(0);
} catch (error) {
  if (!lifetime.ending) fail(error instanceof Refusal ? error.message : error.stack);
  await lifetime.end(1);
}

/** @returns the URL of a database of its own */
async function startMongodb() {
  const dataDir = mkdtempSync(join(tmpdir(), 'posthorn-stored-'));
  lifetime.onStop(() => rmSync(dataDir, { recursive: true }));
  lifetime.onStop(stopAllGuarded);
  servers = values['mongodb-url']
    ? { mongodbUrl: values['mongodb-url'] }
    : await startEmbedded({ dataDir, throwaway: true, headless: true });
  const database = `stored${randomBytes(4).toString('hex')}`;
  // Not by `URL`, which knows one host only.
  return servers.mongodbUrl.replace(/^(\w[\w+]*:\/\/[^/?]+)(\/[^?]*)?/, `$1/${database}`);
}

async function measure() {
  await store.setUp(pino({ level: 'silent' }));
  const began = performance.now();
  const { projectId, webhookIds, now } = await storeMany(store, {
    total,
    busy,
    webhooks: Number(values.webhooks),
  });
  console.log(`${total} deliveries stored in ${seconds(performance.now() - began)}`);

  await measureLists(projectId, webhookIds[0]);

  const query = { projectId, until: new Date(now) };
  const last = (ms) => ({ ...query, since: new Date(now - ms) });
  const asked = [
    ['30 days', last(SPAN_MS)],
    ['30 days by the day', last(SPAN_MS), 'day'],
    ['30 days of one webhook', { ...last(SPAN_MS), webhookId: webhookIds[0] }],
    ['30 days of one webhook by the day', { ...last(SPAN_MS), webhookId: webhookIds[0] }, 'day'],
    ['24 hours', last(DAY_MS)],
    ['the last hour', last(HOUR_MS)],
    ['the last hour by the minute', last(HOUR_MS), 'minute'],
  ];
  const before = await timesOf(asked, 1);

  const [countedFrom, cpuFrom] = [performance.now(), cpuMs()];
  const hours = await countStored(store, projectId);
  const countedMs = performance.now() - countedFrom;
  const each = ((cpuMs() - cpuFrom) * 1000) / total;
  console.log(`${hours} hours counted in ${seconds(countedMs)}: ${each.toFixed(1)} µs a delivery`);

  const after = await timesOf(asked, ROUNDS);
  const plans = [];
  for (const [, ...how] of asked) plans.push(await planOf(() => deliveryStats(store, ...how)));
  console.table(
    asked.map(([name], at) => ({
      asked: name,
      deliveries: after[at].found,
      'counted anew, ms': Math.round(before[at].ms),
      'from counts, ms': Math.round(after[at].ms),
      agree: JSON.stringify(before[at].figures) === JSON.stringify(after[at].figures),
      ...plans[at],
    })),
  );
}

/** What the dashboard's list of deliveries asks, its first page and the next one, and a search by id. */
async function measureLists(projectId, webhookId) {
  const failures = (statusCodes, errorCodes = []) => ({
    lastAttempt: { statusCodes, errorCodes },
  });
  const filters = {
    'all, newest first': {},
    'all, oldest first': { ascendingTo: new Date() },
    'of one webhook': { webhookId },
    failed: { statuses: ['failed'] },
    'failed, skipped or cancelled': { statuses: ['failed', 'skipped', 'cancelled'] },
    'failed or skipped, of one webhook': { statuses: ['failed', 'skipped'], webhookId },
    'of one type': { eventType: 'email.delivered' },
    'of a type that none has': { eventType: 'email.bounced' },
    'status code 503': failures([[503, 503]]),
    'status code 503, failed, of one type': {
      ...failures([[503, 503]]),
      statuses: ['failed'],
      eventType: 'email.delivered',
    },
    'status codes 5xx, of one webhook': { ...failures([[500, 599]]), webhookId },
    'error code timeout, which none has': failures([], ['timeout']),
  };
  const rows = [];
  for (const [name, { ascendingTo, ...filter }] of Object.entries(filters)) {
    const list = (cursor) =>
      store.deliveries.list(projectId, filter, {
        limit: 25,
        ...(ascendingTo && { ascendingTo }),
        ...(cursor && { cursor }),
      });
    const { items, nextCursor } = await list();
    rows.push({
      asked: name,
      found: items.length,
      'first page, ms': await medianMs(() => list()),
      'next page, ms': nextCursor === null ? null : await medianMs(() => list(nextCursor)),
      ...(await planOf(() => list())),
    });
  }
  const [{ _id }] = (await store.deliveries.list(projectId, {}, { limit: 1 })).items;
  const search = () => findAny(store, 'deliveries', _id, projectId);
  rows.push({
    asked: 'search by id',
    found: 1,
    'first page, ms': await medianMs(search),
    'next page, ms': null,
    ...(await planOf(search)),
  });
  console.table(rows);
}

async function medianMs(ask) {
  const took = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const at = performance.now();
    await ask();
    took.push(performance.now() - at);
  }
  return Number(took.toSorted((a, b) => a - b)[Math.floor(ROUNDS / 2)].toFixed(1));
}

/** How MongoDB read each collection, by its profiler, and how much of it. */
async function planOf(ask) {
  const { db } = store.deliveries.model.db;
  await db.command({ profile: 2, slowms: 0 });
  await ask();
  await db.command({ profile: 0 });
  const profiled = await db
    .collection('system.profile')
    .find({ planSummary: { $exists: true }, ns: { $not: /\.system\./ } })
    .toArray();
  await db.collection('system.profile').drop();
  const sum = (field) => profiled.reduce((all, each) => all + (each[field] ?? 0), 0);
  return {
    examined: Math.max(sum('keysExamined'), sum('docsExamined')),
    index: [
      ...new Set(
        profiled.flatMap(({ ns, planSummary }) =>
          (planSummary.match(/\{[^}]*\}/g) ?? [planSummary]).map(
            (index) => `${ns.slice(ns.indexOf('.') + 1)} ${index}`,
          ),
        ),
      ),
    ].join(', '),
  };
}

/** The median of each. */
async function timesOf(asked, rounds) {
  const times = [];
  for (const [, query, unit] of asked) {
    const took = [];
    let result;
    for (let round = 0; round < rounds; round += 1) {
      const at = performance.now();
      result = await deliveryStats(store, query, unit);
      took.push(performance.now() - at);
    }
    const { countedAt: _, ...figures } = result;
    const ms = took.toSorted((a, b) => a - b)[Math.floor(rounds / 2)];
    times.push({ ms, figures, found: result.deliveries.total });
  }
  return times;
}

/** Of this process, and of MongoDB, if it was started here and this is Linux. */
function cpuMs() {
  const { user, system } = process.cpuUsage();
  const own = (user + system) / 1000;
  if (!servers.pids) return own;
  const stat = readFileSync(`/proc/${servers.pids.mongod}/stat`, 'utf8');
  const [utime, stime] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13);
  return own + (Number(utime) + Number(stime)) * 10;
}

function seconds(ms) {
  return `${(ms / 1000).toFixed(1)} s`;
}
