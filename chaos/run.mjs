/**
 * npm run chaos: proves that nothing is lost. A complete Posthorn in its own data folder is struck with kill
 * -9 and SIGSTOP while events come in; once nothing is in progress, everything is counted.
 *   npm run chaos -- [--minutes 2] [--seed 1] [--rate 1] [--dispatch workflow] [--keep]
 * One project for each mode of dispatch, unless one is given, shares the rate. Couriers are struck with the
 * workers that they run in, and terminated as other workflows are.
 * The seed determines the strikes. Exits 1 on any loss; the data folder is kept then, and with --keep.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { stopAllGuarded } from '../scripts/embedded/guarded.mjs';
import { ensureBuilt, ensureDependencies } from '../scripts/lib/build-steps.mjs';
import { fail, note, say, step } from '../scripts/lib/console.mjs';
import { createLifetime } from '../scripts/lib/lifetime.mjs';
import { Refusal, sleep } from '../scripts/lib/run.mjs';
import { createCaller } from './client.mjs';
import { startLoad, startSteering } from './load.mjs';
import { createRandom } from './random.mjs';
import { Receiver, kinds } from './receivers.mjs';
import { report } from './report.mjs';
import { makeSchedule } from './schedule.mjs';
import { startStack } from './stack.mjs';
import { judge } from './verdicts.mjs';

const policy = { timeoutMs: 2000, retryDelaysMs: [1000, 1000, 2000, 3000, 5000] };
const quietTimeoutMs = 8 * 60_000;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '2' },
    seed: { type: 'string', default: '1' },
    rate: { type: 'string', default: '1' },
    dispatch: { type: 'string' },
    keep: { type: 'boolean', default: false },
  },
});
const durationMs = Number(values.minutes) * 60_000;
const lifetime = createLifetime({ interruptedCode: 130 });
try {
  if (!(durationMs > 0) || !(Number(values.rate) > 0))
    throw new Refusal('--minutes and --rate are numbers above 0');
  await lifetime.end((await chaos()) ? 0 : 1);
} catch (error) {
  if (!lifetime.ending) fail(error instanceof Refusal ? error.message : error.stack);
  await lifetime.end(1);
}

async function chaos() {
  await ensureDependencies();
  await ensureBuilt();
  // On a fresh clone its packages are installed only now.
  const { openEvidence } = await import('./evidence.mjs');
  const dataDir = mkdtempSync(join(tmpdir(), 'posthorn-chaos-'));
  let isClean = false;
  lifetime.onStop(() => {
    if (isClean && !values.keep) rmSync(dataDir, { recursive: true });
    else note(`Data and logs are kept in ${dataDir}`);
  });
  lifetime.onStop(stopAllGuarded);
  const stack = await startStack({ dataDir, apis: 2, workers: 2 });
  lifetime.onStop(stack.stop, 'the stack');
  const evidence = await openEvidence(stack);

  // A separate generator, so that the order of answers doesn't affect the strikes.
  const seed = Number(values.seed);
  const random = createRandom(seed + 1);
  const modes = values.dispatch ? [values.dispatch] : ['workflow', 'auto', 'express'];
  const projects = [];
  for (const dispatch of modes) projects.push(await prepare(stack, dispatch, random));
  const receivers = projects.flatMap((project) => project.receivers);
  const schedule = makeSchedule({
    random: createRandom(seed),
    parts: stack.parts.map(({ name }) => name),
    durationMs,
  });
  const loads = projects.map((project) =>
    startLoad({
      ...project,
      random,
      ratePerSecond: Number(values.rate) / modes.length,
      durationMs,
    }),
  );
  const steerings = projects.map((project) => startSteering({ ...project, random }));
  const absences = projects.map(({ receiverOf }) => comeAndGo(receiverOf('dead for a while')));
  const incidents = await strike({ schedule, parts: stack.parts, evidence, random });
  await step('Last events', async () => {
    await Promise.all([...loads.map(({ done }) => done), ...absences]);
    await Promise.all(steerings.map((steering) => steering.stop()));
  });

  const quietStart = Date.now();
  let lastSaid = 0;
  const left = await evidence.untilQuiet({
    timeoutMs: quietTimeoutMs,
    onLook: (counts) => {
      if (Date.now() - lastSaid < 10_000) return;
      lastSaid = Date.now();
      say(`  · in progress: ${JSON.stringify(counts)}`);
    },
  });
  const quietSeconds = Math.round((Date.now() - quietStart) / 1000);
  await Promise.all(steerings.map((steering) => steering.learnLastSecret()));
  const { receipts, again, verdicts } = judge({
    accepted: merged(loads.map(({ accepted }) => accepted)),
    keys: merged(loads.map(({ keys }) => keys)),
    incidents: untilUp(incidents, stack.parts),
    receivers,
    events: await evidence.events(),
    deliveries: await evidence.deliveries(),
    webhooks: await evidence.webhooks(),
    workflows: await evidence.workflows(),
  });
  report({ loads, steerings, receipts, again, incidents, verdicts, left, quietSeconds, stack });
  isClean = verdicts.every(({ problems }) => problems.length === 0);
  await evidence.close();
  return isClean;
}

/** A kill lasts until the part is up again: that takes a busy machine longer than it was to be down. */
function untilUp(incidents, parts) {
  return incidents.map((incident) => {
    const killed = incident.strike === 'kill' ? incident.parts : [];
    const ups = parts
      .filter(({ name }) => killed.includes(name))
      .flatMap(({ upAgain }) => upAgain.find((at) => at > incident.from) ?? []);
    return { ...incident, to: Math.max(incident.to, ...ups) };
  });
}

function merged(maps) {
  return new Map(maps.flatMap((map) => [...map]));
}

/**
 * A project of that mode, with a receiver and a webhook for each kind.
 * Returns `{projectId, caller, receivers, samples, receiverOf(kind)}`.
 */
async function prepare({ apiUrls, adminKey }, dispatch, random) {
  const admin = createCaller({ apiUrls, key: adminKey, random });
  const { data: project } = await admin.must('POST', '/v1/projects', {
    name: `chaos ${dispatch}`,
    policy,
    dispatch,
  });
  const { data: key } = await admin.must('POST', `/v1/projects/${project.id}/keys`, {
    name: 'chaos',
    role: 'owner',
  });
  const caller = createCaller({ apiUrls, key: key.key, random });
  const receivers = [];
  for (const kind of kinds) {
    const receiver = new Receiver(kind, { projectId: project.id, dispatch, random });
    await receiver.listen();
    const { data } = await caller.must('POST', '/v1/webhooks', {
      name: kind.name,
      url: receiver.url,
      events: kind.types,
      ...(kind.policy && { policy: kind.policy }),
    });
    receiver.webhookId = data.id;
    receiver.secrets.push(data.secret);
    receivers.push(receiver);
  }
  const wanted = new Set(['email.sent', ...kinds.flatMap(({ types }) => types)]);
  const { data } = await caller.must('GET', '/v1/event-types');
  const samples = new Map(
    data.eventTypes
      .filter(({ type }) => wanted.has(type))
      .map(({ type, sample }) => [type, sample]),
  );
  const receiverOf = (name) => receivers.find(({ kind }) => kind.name === name);
  return { projectId: project.id, caller, receivers, samples, receiverOf };
}

async function comeAndGo(receiver) {
  await sleep(durationMs / 3);
  receiver.close();
  await sleep(durationMs / 3);
  await receiver.listen();
}

/** Carries out the schedule. Returns what was struck: `{strike, parts, from, to}` in milliseconds. */
async function strike({ schedule, parts, evidence, random }) {
  const signal = (targets, name, downMs) => targets.forEach((part) => part.strike(name, downMs));
  const strikes = {
    kill: (targets, downMs) => signal(targets, 'SIGKILL', downMs),
    pause: async (targets, downMs) => {
      signal(targets, 'SIGSTOP');
      await sleep(downMs);
      signal(targets, 'SIGCONT');
    },
    'step-down': () => evidence.stepDown(),
    terminate: () => evidence.terminateOne(random),
  };
  const start = Date.now();
  const struck = [];
  for (const { atMs, strike: kind, parts: names, downMs } of schedule) {
    await sleep(Math.max(0, start + atMs - Date.now()));
    const from = Date.now();
    const target =
      names.length > 0 ? ` ${names.join(' and ')}, ${(downMs / 1000).toFixed(1)} s` : '';
    say(`  ${String(Math.round((from - start) / 1000)).padStart(4)} s  ${kind}${target}`);
    try {
      await strikes[kind](
        parts.filter(({ name }) => names.includes(name)),
        downMs,
      );
    } catch (error) {
      note(`not struck, because it is down already: ${error.message}`);
    }
    struck.push({ strike: kind, parts: names, from, to: from + downMs });
  }
  await sleep(Math.max(0, start + durationMs - Date.now()));
  return struck;
}
