/** The scenarios of `npm run bench:waiting`: `(tools, mode, size)` → its figures, with what was `lost`. */
import { sleep } from '../scripts/lib/run.mjs';
import { nowMs } from './clock.mjs';
import { acceptAll, delayFigures } from './measure.mjs';
import { createPoster, each } from './post.mjs';
import { eventOf } from './sample.mjs';

const BATCH = 100;
const CLIENTS = 8;
/** Without a further receipt for that long, what is missing counts as lost. */
const PATIENCE_MS = 120_000;
const LOOK_EVERY_MS = 100;
/** How long the cost of a queue is measured. */
const QUEUED_FOR_MS = 60_000;
const PACED_PER_SECOND = 100;

export const SCENARIOS = {
  /** Deliveries held for a paused webhook are let go by its resume, then all are replayed in bulk. */
  held: { modes: ['workflow', 'express'], size: 2000, measure: held },
  /** One event for many webhooks. */
  wide: {
    modes: ['workflow', 'express'],
    size: { workflow: 1000, express: 10_000 },
    measure: wide,
  },
  /** Accepted while the worker was down. */
  backlog: {
    modes: ['workflow', 'express'],
    size: { workflow: 1000, express: 100_000 },
    measure: backlog,
  },
  /** Queued behind a webhook's rate limit of one a second: what waiting costs. */
  queued: { modes: ['workflow', 'express'], size: 100_000, measure: queued },
  /** A webhook that refuses every event, beside a healthy one that gets them too. */
  dead: { modes: ['express'], size: 50_000, measure: dead },
};

async function held(tools, mode, size) {
  const { call } = tools;
  const { id, webhooks } = await projectWith(tools, mode, [tools.receiverUrl]);
  const [webhook] = webhooks;
  await call('POST', `/v1/webhooks/${webhook.id}/pause`, id);
  const run = await begin(tools);
  const since = new Date();
  await postAll(tools, id, run, size);
  await until(async () => (await countOf(tools, id, { status: 'held' })) === size);

  let startMs = nowMs();
  await call('POST', `/v1/webhooks/${webhook.id}/resume`, id);
  const letGo = await receipts(tools, size);
  const figures = {
    'let go, s': secondsBetween(startMs, letGo.lastAtMs),
    'places too late at most': furthestBehind(letGo.all),
  };
  await until(async () => (await countOf(tools, id, { status: 'succeeded' })) === size);

  await tools.ask({ begin: run });
  startMs = nowMs();
  await call('POST', '/v1/replays', id, { since, until: new Date(), statuses: ['succeeded'] });
  const replayed = await receipts(tools, size);
  return {
    ...figures,
    'replayed in bulk, s': secondsBetween(startMs, replayed.lastAtMs),
    lost: letGo.missing + replayed.missing,
  };
}

async function wide(tools, mode, size) {
  const urls = Array.from({ length: size }, (_, n) => `${tools.receiverUrl}/${n}`);
  const { id } = await projectWith(tools, mode, urls);
  const run = await begin(tools);
  const end = tools.measureProcesses();
  const startMs = nowMs();
  await tools.call('POST', '/v1/events', id, eventOf(run, 0));
  const { all, lastAtMs, missing } = await receipts(tools, size);
  const recorded = size - missing;
  await until(async () => (await countOf(tools, id, { status: 'succeeded' })) >= recorded);
  return {
    'first receipt, s': secondsBetween(startMs, all[0]?.[1]),
    'last receipt, s': secondsBetween(startMs, lastAtMs),
    'all recorded, s': secondsBetween(startMs, nowMs()),
    ...cpuEach(end(), size),
    lost: missing,
  };
}

async function backlog(tools, mode, size) {
  const { id } = await projectWith(tools, mode, [tools.receiverUrl]);
  const run = await begin(tools);
  await tools.worker.stop();
  const acceptMs = nowMs();
  await postAll(tools, id, run, size);
  const acceptedMs = nowMs();
  await tools.worker.up();
  const startMs = nowMs();
  const { all, lastAtMs, missing } = await receipts(tools, size);
  return {
    'accepted a second': Math.round(size / secondsBetween(acceptMs, acceptedMs)),
    'first receipt after the start, s': secondsBetween(startMs, all[0]?.[1]),
    'last receipt after the start, s': secondsBetween(startMs, lastAtMs),
    lost: missing,
  };
}

async function queued(tools, mode, size) {
  const policy = { ratePerSecond: 1 };
  // A workflow for each event would take hours: a courier plans them all.
  const { id, webhooks } = await projectWith(tools, 'express', [tools.receiverUrl], { policy });
  const webhook = `/v1/webhooks/${webhooks[0].id}`;
  await tools.call('POST', `${webhook}/pause`, id);
  const run = await begin(tools);
  await postAll(tools, id, run, size);
  await until(async () => (await countOf(tools, id, { status: 'held' })) === size);
  if (mode === 'workflow') await tools.costs.giveToWorkflows(id);
  await tools.call('POST', `${webhook}/resume`, id);
  await receipts(tools, 1);
  const since = new Date();
  const commandsBefore = Object.fromEntries((await tools.costs.mongoCommands()) ?? []);
  const before = await tools.ask('count');
  const end = tools.measureProcesses();
  await sleep(QUEUED_FOR_MS);
  const used = end();
  const after = await tools.ask('count');
  const commands = sum(
    ((await tools.costs.mongoCommands()) ?? []).map(
      ([name, total]) => total - (commandsBefore[name] ?? 0),
    ),
  );
  const histories = await tools.costs.histories(['deliverWebhook', 'courier'], since);
  const seconds = QUEUED_FOR_MS / 1000;
  await tools.call('DELETE', `/v1/projects/${id}`);
  return {
    'received a second': round((after.received - before.received) / seconds),
    'workflow runs a second': round(histories.workflows / seconds),
    'MongoDB commands a second': round(commands / seconds),
    ...Object.fromEntries(
      Object.entries(used).map(([name, { cpuMs }]) => [
        `${name}, % of a core`,
        round(cpuMs / seconds / 10),
      ]),
    ),
  };
}

async function dead(tools, mode, size) {
  const alone = await projectWith(tools, mode, [tools.receiverUrl]);
  const run = await begin(tools);
  const before = await paced(tools, alone.key, run, PACED_PER_SECOND * 20);

  // Nothing listens on port 9, which is reserved for "discard".
  const both = await projectWith(tools, mode, [tools.receiverUrl, 'http://127.0.0.1:9/']);
  const next = await begin(tools);
  const since = new Date();
  const end = tools.measureProcesses();
  const beside = await paced(tools, both.key, next, size);
  const used = end();
  const workflows = await tools.costs.histories(
    ['fanOutEvent', 'deliverWebhook', 'courier'],
    since,
  );
  return {
    'alone, p50 ms': before.p50,
    'alone, p99 ms': before.p99,
    'beside the dead one, p50 ms': beside.p50,
    'beside the dead one, p99 ms': beside.p99,
    'pending of the dead one': await countOf(tools, both.id, { status: 'pending' }),
    'workflows started since': workflows.workflows,
    'worker, peak MB': Math.round(used['worker-1'].peakMb),
    lost: before.lost + beside.lost,
  };
}

/** A project with a webhook for each URL. */
async function projectWith({ call }, mode, urls, more = {}) {
  const { id, key } = await call('POST', '/v1/projects?key=owner', undefined, {
    name: `waiting ${mode}`,
    dispatch: mode,
    policy: { maxWebhooks: Math.max(100, urls.length) },
  });
  const webhooks = [];
  await each(urls.length, CLIENTS, async (n) => {
    webhooks[n] = await call('POST', '/v1/webhooks', id, {
      name: `webhook ${n}`,
      url: urls[n],
      events: ['*'],
      ...more,
    });
  });
  return { id, key, webhooks };
}

let runs = 0;

async function begin({ ask }) {
  runs += 1;
  const run = `w${runs}`;
  await ask({ begin: run });
  return run;
}

async function postAll({ call }, id, run, size) {
  for (let from = 0; from < size; from += BATCH) {
    const count = Math.min(BATCH, size - from);
    const events = Array.from({ length: count }, (_, n) => eventOf(run, from + n));
    await call('POST', '/v1/events/batch', id, { events });
  }
}

/** Posts at an even pace; the delays from the answer to the receipt. */
async function paced(tools, key, run, events) {
  const post = createPoster(CLIENTS);
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${key}` };
  const accept = (of, n) =>
    post(`${tools.apiUrl}/v1/events`, headers, JSON.stringify(eventOf(of, n)));
  const posts = await acceptAll(accept, { load: { events, perSecond: PACED_PER_SECOND }, run });
  const { all, missing } = await receipts(tools, events);
  const { receiptP50Ms, receiptP99Ms } = delayFigures(posts, all);
  return { p50: round(receiptP50Ms), p99: round(receiptP99Ms), lost: missing };
}

/** Waits for so many receipts, or until none comes any more. */
async function receipts({ ask }, expected) {
  let count = await ask('count');
  for (let quietSinceMs = nowMs(); count.received < expected;) {
    await sleep(LOOK_EVERY_MS);
    const now = await ask('count');
    if (now.received > count.received) quietSinceMs = nowMs();
    count = now;
    if (nowMs() - quietSinceMs > PATIENCE_MS) break;
  }
  return {
    all: await ask('receipts'),
    lastAtMs: count.lastAtMs,
    missing: expected - count.received,
  };
}

async function until(isSo) {
  while (!(await isSo())) await sleep(LOOK_EVERY_MS);
}

const countOf = ({ costs }, projectId, filter) => costs.count(projectId, filter);

/** By how many places a receipt came after its event's in the order of events. */
function furthestBehind(all) {
  const places = all.map(([n], at) => at - n);
  return places.reduce((most, behind) => Math.max(most, behind), 0);
}

const cpuEach = (used, size) => ({
  'CPU each, ms': round(sum(Object.values(used).map(({ cpuMs }) => cpuMs)) / size),
  ...Object.fromEntries(
    Object.entries(used).map(([name, { cpuMs }]) => [`… of ${name}`, round(cpuMs / size)]),
  ),
});
const sum = (values) => values.reduce((total, value) => total + value, 0);
const round = (value) => Math.round(value * 100) / 100;
const secondsBetween = (fromMs, toMs) => round((toMs - fromMs) / 1000);
