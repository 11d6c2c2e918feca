/**
 * npm run bench:outage: how long it takes to deliver everything that was accepted while Temporal was
 * unavailable.
 *   npm run bench:outage -- [--events 1000]
 * Runs a separate Posthorn: Temporal is killed with -9, the events are posted, Temporal is restarted. Exits 1
 * if one is not delivered.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createCaller } from '../chaos/client.mjs';
import { createRandom } from '../chaos/random.mjs';
import { startStack } from '../chaos/stack.mjs';
import { stopAllGuarded } from '../scripts/embedded/guarded.mjs';
import { ensureBuilt, ensureDependencies } from '../scripts/lib/build-steps.mjs';
import { fail, say } from '../scripts/lib/console.mjs';
import { createLifetime } from '../scripts/lib/lifetime.mjs';
import { poll } from '../scripts/lib/run.mjs';

const batch = 100;
const outageMs = 20_000;
const patienceMs = 10 * 60_000;

const { values } = parseArgs({ options: { events: { type: 'string', default: '1000' } } });
const wanted = Number(values.events);
const lifetime = createLifetime({ interruptedCode: 130 });
try {
  await lifetime.end((await measure()) ? 0 : 1);
} catch (error) {
  if (!lifetime.ending) fail(error.stack);
  await lifetime.end(1);
}

async function measure() {
  await ensureDependencies();
  await ensureBuilt();
  const dataDir = mkdtempSync(join(tmpdir(), 'posthorn-outage-'));
  lifetime.onStop(() => rmSync(dataDir, { recursive: true }));
  lifetime.onStop(stopAllGuarded);
  const { apiUrls, adminKey, parts, stop } = await startStack({ dataDir, apis: 1, workers: 1 });
  lifetime.onStop(stop, 'the stack');

  const received = new Set();
  const receiver = createServer((req, res) => {
    received.add(req.headers['x-webhook-delivery-id']);
    req.resume().on('end', () => res.end());
  });
  await new Promise((resolve) => receiver.listen(0, '127.0.0.1', resolve));

  const random = createRandom(1);
  const admin = createCaller({ apiUrls, key: adminKey, random });
  const { data: project } = await admin.must('POST', '/v1/projects', { name: 'outage' });
  const role = { name: 'outage', role: 'owner' };
  const { data: key } = await admin.must('POST', `/v1/projects/${project.id}/keys`, role);
  const owner = createCaller({ apiUrls, key: key.key, random });
  const url = `http://127.0.0.1:${receiver.address().port}`;
  await owner.must('POST', '/v1/webhooks', { name: 'outage', url, events: ['*'] });
  const { data } = await owner.must('GET', '/v1/event-types');
  const { type, sample } = data.eventTypes[0];

  const killed = Date.now();
  parts.find(({ name }) => name === 'temporal').strike('SIGKILL', outageMs);
  for (let left = wanted; left > 0; left -= batch) {
    const events = Array.from({ length: Math.min(batch, left) }, () => ({ type, data: sample }));
    await owner.must('POST', '/v1/events/batch', { events });
  }
  const accepted = Date.now();
  if (accepted - killed > outageMs) throw new Error('accepting took longer than the outage');
  say(
    `  ${wanted} events accepted in ${seconds(accepted - killed)} while Temporal was unavailable`,
  );

  await poll(() => Date.now() > killed + outageMs, { timeoutMs: outageMs, everyMs: 50 });
  const back = Date.now();
  let first;
  const all = await poll(
    () => {
      if (received.size > 0) first ??= Date.now();
      return received.size >= wanted;
    },
    { timeoutMs: patienceMs, everyMs: 100 },
  );
  const end = Date.now();
  say(`  ${received.size} of ${wanted} delivered`);
  if (first !== undefined) say(`  first one ${seconds(first - back)} after Temporal was restarted`);
  if (all) {
    say(
      `  all ${seconds(end - back)} after it, ${(wanted / ((end - back) / 1000)).toFixed(1)} a second`,
    );
  }
  receiver.close();
  receiver.closeAllConnections();
  return all;
}

function seconds(ms) {
  return `${(ms / 1000).toFixed(1)} s`;
}
