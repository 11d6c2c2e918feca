/**
 * npm run bench: what Posthorn does in a second, how long an event takes, and what it costs, beside a raw POST
 * with its HMAC and the bare engine. `npm run bench -- --help` tells more.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { arch, availableParallelism, loadavg, platform, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { stopAllGuarded } from '../scripts/embedded/guarded.mjs';
import { ensureBuilt, ensureDependencies } from '../scripts/lib/build-steps.mjs';
import { fail, say, step } from '../scripts/lib/console.mjs';
import { writeJson } from '../scripts/lib/json-file.mjs';
import { createLifetime } from '../scripts/lib/lifetime.mjs';
import { Refusal } from '../scripts/lib/run.mjs';
import { contendersOf } from './contenders.mjs';
import { loadsOf } from './loads.mjs';
import { measure, mediansOf } from './measure.mjs';
import { tableOf } from './table.mjs';

const help = `
  npm run bench -- [options]

    --only LOADS             such as 2000x1,20x20 (events × webhooks, as fast as they are accepted) or 100/s
    --modes MODES            of raw, bare, workflow, auto, express; default: those that the load is meant for
    --backlog N              measures N events × 1 webhook; with --only, also
    --rounds N               the medians of N rounds, in each of which all take turns (1)
    --clients N              posts at a time (32)
    --seconds N              how long the paced loads last (10)
    --workers N              worker processes (1)
    --stored N               so many deliveries are in MongoDB before
    --json FILE              writes all figures there, round by round
    --mongodb-url URL, --temporal-address HOST:PORT
                             measure with these servers instead of own ones; their CPU is then unknown. The
                             Temporal namespace (TEMPORAL_NAMESPACE) must not be another Posthorn's

  It starts everything in a new data folder, and removes that afterwards. Exits 1 if a delivery was lost, or is
  not in the log as succeeded.
`;

const lifetime = createLifetime({ interruptedCode: 130 });
try {
  const options = parseOptions();
  if (options.help) {
    say(help);
    process.exit(0);
  }
  await lifetime.end((await main(options)) ? 0 : 1);
} catch (error) {
  if (!lifetime.ending) fail(error instanceof Refusal ? error.message : error.stack);
  await lifetime.end(1);
}

function parseOptions() {
  const text = { type: 'string' };
  const { values } = parseArgs({
    options: {
      help: { type: 'boolean', default: false },
      only: text,
      modes: text,
      backlog: text,
      rounds: { ...text, default: '1' },
      clients: { ...text, default: '32' },
      seconds: { ...text, default: '10' },
      workers: { ...text, default: '1' },
      stored: text,
      json: text,
      'mongodb-url': text,
      'temporal-address': text,
    },
  });
  const whole = (name) => {
    const value = values[name];
    if (value === undefined || /^[1-9]\d*$/.test(value)) return value && Number(value);
    throw new Refusal(`--${name}: must be a whole number from 1`);
  };
  return {
    ...values,
    ...Object.fromEntries(
      ['backlog', 'rounds', 'clients', 'seconds', 'workers', 'stored'].map((name) => [
        name,
        whole(name),
      ]),
    ),
    only: values.only?.split(','),
    modes: values.modes?.split(','),
  };
}

async function main(options) {
  const { rounds, clients, workers } = options;
  const loads = loadsOf(options);
  if (options['mongodb-url']) process.env.MONGODB_URL = options['mongodb-url'];
  if (options['temporal-address']) process.env.TEMPORAL_ADDRESS = options['temporal-address'];
  await ensureDependencies();
  await ensureBuilt();
  // On a fresh clone their packages are installed only now.
  const { Costs } = await import('./costs.mjs');
  const { startStack } = await import('./stack.mjs');
  const dataDir = mkdtempSync(join(tmpdir(), 'posthorn-bench-'));
  lifetime.onStop(() => rmSync(dataDir, { recursive: true }));
  lifetime.onStop(stopAllGuarded);
  const stack = await startStack({ dataDir, workers, lifetime });
  const costs = await Costs.connect(stack.servers);
  const contenders = contendersOf(stack, clients);
  if (options.stored) {
    // It needs the build.
    const { storeAndCount } = await import('./many-deliveries.mjs');
    const { mongodbUrl } = stack.servers;
    await step(`storing ${options.stored}`, () => storeAndCount(mongodbUrl, options.stored));
  }
  let runs = 0;
  const measureOne = async (mode, load) => {
    const label = `${load.name} ${mode}`;
    const contender = contenders[mode];
    runs += 1;
    let figures;
    await step(label, async () => {
      const onProgress = progressOf(label);
      const run = `r${runs}`;
      figures = await measure({ stack, costs, contender, load, clients, run, onProgress });
      return briefly(figures);
    });
    return figures;
  };

  // The first run of each is slower than all later ones.
  for (const mode of new Set(loads.flatMap(({ modes }) => modes))) {
    await measureOne(mode, { name: 'warm-up', events: 30, webhooks: 1 });
  }
  const all = [];
  for (let round = 1; round <= rounds; round += 1) {
    if (rounds > 1) say(`  Round ${round} of ${rounds}`);
    for (const load of loads) {
      for (const mode of load.modes) {
        all.push({ load: load.name, mode, round, figures: await measureOne(mode, load) });
      }
    }
  }
  await costs.close();

  const results = loads.flatMap(({ name, modes }) =>
    modes.map((mode) => {
      const own = all.filter((each) => each.load === name && each.mode === mode);
      return { load: name, mode, figures: mediansOf(own.map(({ figures }) => figures)) };
    }),
  );
  say(`\n${tableOf(results)}\n`);
  if (options.json) {
    const machine = {
      cores: availableParallelism(),
      platform: `${platform()} ${arch()}`,
      node: process.version,
      loadAverage: loadavg(),
    };
    // It is made for sharing, and a URL may hold a password.
    const { 'mongodb-url': _url, 'temporal-address': _address, ...asked } = options;
    writeJson(options.json, { at: new Date(), machine, options: asked, results, rounds: all });
  }
  return all.every(({ figures: { lost, notLogged = 0 } }) => lost === 0 && notLogged === 0);
}

/** On a terminal it redraws itself; elsewhere it is a line from time to time. */
function progressOf(label) {
  const { isTTY } = process.stdout;
  let saidAtMs = Date.now();
  return (received, expected) => {
    if (isTTY) process.stdout.write(`\r\x1b[2K    ${label}: ${received} of ${expected}\r`);
    else if (Date.now() - saidAtMs > 10_000) {
      saidAtMs = Date.now();
      say(`    ${label}: ${received} of ${expected}`);
    }
  };
}

function briefly({ deliveriesPerSecond, cpuMs }) {
  const cpu = cpuMs === undefined ? '' : `, ${cpuMs.toFixed(2)} ms of CPU each`;
  return `${deliveriesPerSecond.toFixed(1)} deliveries a second${cpu}`;
}
