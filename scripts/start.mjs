/** npm start: Posthorn for development, with everything it needs. `npm start -- --help` tells more. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { stopAllGuarded } from './embedded/guarded.mjs';
import { startEmbedded, watch } from './embedded/index.mjs';
import { ensureBuilt, ensureDependencies } from './lib/build-steps.mjs';
import { fail, say, seconds, step } from './lib/console.mjs';
import { readJson, writeJson } from './lib/json-file.mjs';
import { createLifetime } from './lib/lifetime.mjs';
import { takeLock } from './lib/lock.mjs';
import { dataDirectory } from './lib/paths.mjs';
import { canListen, freePort } from './lib/ports.mjs';
import { Refusal } from './lib/run.mjs';
import { appEnvironment, runSetup, startApp } from './start/app.mjs';
import { runDemo } from './start/demo.mjs';
import { ensureFirstProject } from './start/first-project.mjs';
import { help, parseOptions } from './start/options.mjs';
import { loadSecrets } from './start/secrets.mjs';

const startedMs = Date.now();
const lifetime = createLifetime({ interruptedCode: 0 });
try {
  const options = parseOptions(process.argv.slice(2));
  if (options.help) {
    say(help);
    process.exit(0);
  }
  const dev = await start();
  if (options.demo) {
    await runDemo(dev);
    await lifetime.end(0);
  }
  show(dev);
} catch (error) {
  // While ending, everything that still waits for a server fails; that is not news.
  if (!lifetime.ending) fail(error instanceof Refusal ? error.message : error.stack);
  await lifetime.end(1);
}

async function start() {
  const asked = askedPort();
  const dataDir = dataDirectory();
  mkdirSync(dataDir, { recursive: true });
  const lock = await takeLock(join(dataDir, 'lock.json'));
  if (!lock.acquired) {
    const { apiUrl, pid } = lock.holder ?? {};
    const where = apiUrl ? `at ${apiUrl}` : 'and is still starting';
    throw new Refusal(`Posthorn runs already on ${dataDir}: ${where} (process ${pid}).`);
  }
  lifetime.onStop(lock.release);
  lifetime.onStop(stopAllGuarded);

  await ensureDependencies();
  await ensureBuilt();

  const onServerLost = () => lifetime.end(1);
  const servers = await startEmbedded({ dataDir, onServerLost });
  lifetime.onStop(servers.stop, 'the servers');
  const port = await choosePort(asked);
  const apiUrl = `http://127.0.0.1:${port}`;
  lock.update({ apiUrl });

  const secrets = loadSecrets(dataDir);
  const env = appEnvironment({ port, servers, secrets });
  await step('Setting up', () => runSetup({ dataDir, env }));
  await step('Starting Posthorn', async () => {
    const app = await startApp({ dataDir, env, apiUrl });
    void watch('Posthorn', app, onServerLost);
    lifetime.onStop(app.stop, 'Posthorn');
    return apiUrl;
  });
  return writeDev({ dataDir, apiUrl, servers, secrets });
}

function askedPort() {
  const { PORT } = process.env;
  if (PORT && (!/^\d+$/.test(PORT) || Number(PORT) > 65_535)) {
    throw new Refusal(`PORT=${PORT} is not a port.`);
  }
  return PORT ? Number(PORT) : undefined;
}

/** A port that was asked for by name is not silently exchanged for another. */
async function choosePort(asked) {
  if (asked && !(await canListen(asked))) {
    throw new Refusal(`Port ${asked} (PORT) is in use. Leave PORT unset to take any free one.`);
  }
  return freePort(asked ?? 8080);
}

async function writeDev({ dataDir, apiUrl, servers, secrets }) {
  const path = join(dataDir, 'dev.json');
  const { adminKey } = secrets;
  const project = await ensureFirstProject({ apiUrl, adminKey, known: readJson(path) });
  const dev = {
    apiUrl,
    dashboardUrl: `${apiUrl}/dashboard/`,
    temporalUiUrl: servers.temporalUiUrl ?? null,
    temporalAddress: servers.temporalAddress,
    temporalNamespace: servers.temporalNamespace,
    temporalCli: servers.temporalCli,
    adminKey,
    ...project,
  };
  writeJson(path, dev);
  return { ...dev, dataDir };
}

function show(dev) {
  say(`
  Posthorn is up after ${seconds(startedMs)}.

    API          ${dev.apiUrl}   (docs at /docs)
    Temporal UI  ${dev.temporalUiUrl ?? '(the one of your TEMPORAL_ADDRESS)'}
    Admin key    ${dev.adminKey}
    Project      ${dev.projectId}
    Project key  ${dev.projectKey}

    All of this is in ${join(dev.dataDir, 'dev.json')}; logs in ${join(dev.dataDir, 'logs')}.
    Ctrl-C stops everything; the data stays.
`);
}
