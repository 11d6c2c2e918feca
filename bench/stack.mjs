import { fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode } from '@temporalio/worker';
import { startGuarded } from '../scripts/embedded/guarded.mjs';
import { startEmbedded } from '../scripts/embedded/index.mjs';
import { distMain, root } from '../scripts/lib/paths.mjs';
import { accepts, freePort } from '../scripts/lib/ports.mjs';
import { poll } from '../scripts/lib/run.mjs';
import { appEnvironment, runSetup, startApp } from '../scripts/start/app.mjs';
import { loadSecrets } from '../scripts/start/secrets.mjs';
import { bareBundle } from './bare/names.mjs';

const file = (name) => fileURLToPath(new URL(name, import.meta.url));

/**
 * MongoDB and Temporal as `npm start` starts them, a Posthorn API with `workers` workers, the same of the bare
 * engine, the raw sender, and the receiver. `pids` has those of the processes that each contender uses.
 */
export async function startStack({ dataDir, workers, lifetime }) {
  const servers = await startEmbedded({
    dataDir,
    throwaway: true,
    headless: true,
    onServerLost: () => lifetime.end(1),
  });
  lifetime.onStop(servers.stop);
  const secrets = loadSecrets(dataDir);
  const urlOf = (port) => `http://127.0.0.1:${port}`;
  const [port, barePort] = [await freePort(), await freePort()];
  const env = {
    ...appEnvironment({ servers, secrets }),
    POSTHORN_RATE_LIMIT_PER_MINUTE: '1000000000',
  };
  const start = async (name, args, more = {}) => {
    const command = process.execPath;
    const own = { ...env, ...more };
    const server = await startGuarded({ name, command, args, cwd: root, env: own, dataDir });
    lifetime.onStop(server.stop);
    return server.pid;
  };
  const startWorkers = (name, args) =>
    Promise.all(Array.from({ length: workers }, (_, n) => start(`${name}-${n + 1}`, args)));

  await runSetup({ dataDir, env });
  const api = await startApp({ dataDir, env, port, role: 'api' });
  lifetime.onStop(api.stop);
  const posthornWorkers = await startWorkers('worker', [distMain, 'worker']);

  const { code } = await bundleWorkflowCode({
    workflowsPath: file('./bare/workflows.mjs'),
    failureConverterPath: createRequire(distMain)('./temporal/worker.js').FAILURE_CONVERTER,
  });
  writeFileSync(bareBundle(dataDir), code);
  const bareWorkers = await startWorkers('bare-worker', [file('./bare/worker.mjs'), dataDir]);
  const bareApi = await start('bare-api', [file('./bare/api.mjs')], { PORT: String(barePort) });
  if (!(await poll(() => accepts(barePort), { timeoutMs: 30_000 }))) {
    throw new Error('the bare API does not listen');
  }

  const raw = fork(file('./raw.mjs'));
  await once(raw, 'message');
  const receiver = fork(file('./receiver.mjs'));
  const [{ port: receiverPort }] = await once(receiver, 'message');
  const present = (pid) => (pid === undefined ? [] : [pid]);
  const mongod = present(servers.pids.mongod);
  const temporal = present(servers.pids.temporal);
  return {
    apiUrl: api.url,
    bareUrl: urlOf(barePort),
    receiverUrl: urlOf(receiverPort),
    adminKey: secrets.adminKey,
    servers,
    raw,
    receiver,
    pids: {
      posthorn: { api: [api.pid], worker: posthornWorkers, temporal, mongod },
      bare: { api: [bareApi], worker: bareWorkers, temporal },
      raw: { worker: [raw.pid] },
    },
  };
}
