/**
 * npm run bench:waiting: deliveries that have to wait, and what it takes to let them go.
 *   npm run bench:waiting -- [--only held,wide] [--modes workflow,express] [--size N]
 * Runs a separate Posthorn with one API and one worker. Each scenario has a size of its own, which `--size` replaces.
 * Exits 1 if a delivery is lost.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startStack } from '../chaos/stack.mjs';
import { stopAllGuarded } from '../scripts/embedded/guarded.mjs';
import { ensureBuilt, ensureDependencies } from '../scripts/lib/build-steps.mjs';
import { fail, step } from '../scripts/lib/console.mjs';
import { createLifetime } from '../scripts/lib/lifetime.mjs';
import { poll, Refusal } from '../scripts/lib/run.mjs';
import { callerOf } from './api.mjs';
import { measureProcesses } from './processes.mjs';
import { SCENARIOS } from './scenarios.mjs';

const text = { type: 'string' };
const { values } = parseArgs({ options: { only: text, modes: text, size: text } });
const lifetime = createLifetime({ interruptedCode: 130 });
try {
  await lifetime.end((await main()) ? 0 : 1);
} catch (error) {
  if (!lifetime.ending) fail(error instanceof Refusal ? error.message : error.stack);
  await lifetime.end(1);
}

async function main() {
  const names = values.only?.split(',') ?? Object.keys(SCENARIOS);
  const unknown = names.find((name) => !SCENARIOS[name]);
  if (unknown) {
    throw new Refusal(
      `--only: ${unknown} is not a scenario; there are ${Object.keys(SCENARIOS).join(', ')}`,
    );
  }
  await ensureDependencies();
  await ensureBuilt();
  const dataDir = mkdtempSync(join(tmpdir(), 'posthorn-waiting-'));
  lifetime.onStop(() => rmSync(dataDir, { recursive: true }));
  lifetime.onStop(stopAllGuarded);
  const stack = await startStack({ dataDir, apis: 1, workers: 1 });
  lifetime.onStop(stack.stop, 'the stack');
  const isReady = () =>
    fetch(`${stack.apiUrls[0]}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    );
  if (!(await poll(isReady, { timeoutMs: 30_000 }))) throw new Error('the API is not ready');
  const tools = await toolsFor(stack);

  const rows = [];
  let isComplete = true;
  for (const name of names) {
    const { modes, size, measure } = SCENARIOS[name];
    for (const mode of values.modes?.split(',') ?? modes) {
      const count = Number(values.size ?? size[mode] ?? size);
      await step(`${name}, ${mode}, ${count}`, async () => {
        const { lost = 0, ...figures } = await measure(tools, mode, count);
        isComplete &&= lost === 0;
        for (const [what, figure] of Object.entries({ ...figures, lost })) {
          rows.push({ scenario: name, mode, size: count, what, figure });
        }
      });
    }
  }
  await tools.costs.close();
  console.table(rows);
  return isComplete;
}

/** What scenarios are made of. */
async function toolsFor(stack) {
  // On a fresh clone its packages are installed only by `main`.
  const { Costs } = await import('./costs.mjs');
  const [apiUrl] = stack.apiUrls;
  const receiver = fork(fileURLToPath(new URL('receiver.mjs', import.meta.url)));
  const [{ port }] = await once(receiver, 'message');
  lifetime.onStop(() => receiver.kill());
  const part = (name) => stack.parts.find((each) => each.name === name);
  return {
    apiUrl,
    receiverUrl: `http://127.0.0.1:${port}`,
    call: callerOf({ apiUrl, adminKey: stack.adminKey }),
    worker: part('worker-1'),
    costs: await Costs.connect({
      mongodbUrl: stack.mongodbUrl,
      temporalAddress: stack.temporalAddress,
      temporalNamespace: 'default',
    }),
    ask: async (message) => {
      receiver.send(message);
      return (await once(receiver, 'message'))[0];
    },
    measureProcesses: () =>
      measureProcesses(
        Object.fromEntries(
          ['api-1', 'worker-1', 'temporal', 'mongod'].map((name) => [name, [part(name).pid]]),
        ),
      ),
  };
}
