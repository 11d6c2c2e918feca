/** Deliveries that have ended, stored in bulk. */
import { createRequire } from 'node:module';
import { v7 as uuidv7 } from 'uuid';
import { distMain } from '../scripts/lib/paths.mjs';

const built = createRequire(distMain);
const { countHour } = built('./store/count-hours');
const { findHours } = built('./store/find-hours');
const { Store } = built('./store/store');

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const SPAN_MS = 30 * DAY_MS;
const BATCH = 2000;

/** Stores that many deliveries, and counts them. */
export async function storeAndCount(mongodbUrl, total) {
  const store = Store.open(mongodbUrl);
  const { projectId } = await storeMany(store, { total, busy: 0, webhooks: 10 });
  await countStored(store, projectId);
  // MongoDB writes them to its files later on otherwise, which costs as much as some deliveries.
  await store.deliveries.model.db.db.admin().command({ fsync: 1 });
  await store.close();
}

/**
 * Stores deliveries of the last 30 days in a project of their own, the last `busy` of them in the last hour.
 * @returns `{projectId, webhookIds, now}`
 */
export async function storeMany(store, { total, busy, webhooks }) {
  const { _id: projectId } = await store.projects.create({
    name: 'Stored',
    profile: 'autosend',
    plan: null,
    ownerEmail: null,
    dispatch: null,
    policy: {},
  });
  const now = Date.now();
  const webhookIds = Array.from({ length: webhooks }, () => idAt('wh', now));
  const since = now - SPAN_MS;
  const hourAgo = now - HOUR_MS;
  const spread = total - busy;
  let documents = [];
  const insert = () => store.deliveries.model.collection.insertMany(documents, { ordered: false });
  for (let n = 0; n < total; n += 1) {
    const at =
      n < spread
        ? since + (n * (hourAgo - since)) / spread
        : hourAgo + ((n - spread) * HOUR_MS) / busy;
    documents.push(delivery(projectId, webhookIds[n % webhooks], at, n));
    if (documents.length < BATCH && n < total - 1) continue;
    await insert();
    documents = [];
  }
  return { projectId, webhookIds, now };
}

/** Counts them, as housekeeping does: it then has nothing to do for them. */
export async function countStored(store, projectId) {
  while (await findHours(store, projectId));
  const hours = await store.countedHours.model.find({ projectId }).lean();
  for (const hour of hours) await countHour(store, hour);
  return hours.length;
}

/** As a courier stores it: one in 50 has failed once, and one in 500 has failed for good. */
function delivery(projectId, webhookId, at, n) {
  const isFailed = n % 500 === 0;
  const attempt = (number, outcome, statusCode) => ({
    number,
    runId: '0192f5a7-c1d0-7b3e-9a4c-5d6e7f801234',
    startedAt: new Date(at),
    durationMs: 20 + ((n * 7919) % 300),
    outcome,
    statusCode,
    requestHeaders: {
      'Content-Type': 'application/json',
      'User-Agent': 'Posthorn/0.1.0',
      'X-Webhook-Signature': 'f'.repeat(64),
      'X-Webhook-Event': 'email.delivered',
      'X-Webhook-Timestamp': String(Math.floor(at)),
    },
    responseHeaders: { date: 'Thu, 26 Nov 2026 23:00:00 GMT', connection: 'keep-alive' },
    responseBody: 'ok',
  });
  const attempts = [
    ...(isFailed || n % 50 === 0 ? [attempt(1, 'failed', 503)] : []),
    ...(isFailed ? [] : [attempt(2, 'succeeded', 200)]),
  ];
  return {
    _id: idAt('dlv', at),
    eventId: idAt('evt', at),
    webhookId,
    projectId,
    eventType: 'email.delivered',
    status: isFailed ? 'failed' : 'succeeded',
    attempts,
    attemptCount: attempts.length,
    roundStart: 0,
    nextAttemptAt: null,
    deferredFor: null,
    replays: 0,
    runId: null,
    runRequested: false,
    isExpress: true,
    createdAt: new Date(Math.floor(at)),
    completedAt: new Date(at + 500),
    ...(isFailed && { failedWith: [503, '5xx'] }),
    expiresAt: new Date(at + SPAN_MS + DAY_MS),
  };
}

function idAt(prefix, msecs) {
  return `${prefix}_${uuidv7({ msecs: Math.floor(msecs) }).replaceAll('-', '')}`;
}
