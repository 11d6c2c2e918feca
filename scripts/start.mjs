/** npm start: Posthorn for development, with everything it needs. `npm start -- --help` tells more. */
import { join } from 'node:path';
import { stopAllGuarded } from './embedded/guarded.mjs';
import { startEmbedded, watch } from './embedded/index.mjs';
import { ensureBuilt, ensureDependencies } from './lib/build-steps.mjs';
import { fail, say, seconds, step } from './lib/console.mjs';
import { readJson, writeJson } from './lib/json-file.mjs';
import { createLifetime } from './lib/lifetime.mjs';
import { freePort } from './lib/ports.mjs';
import { Refusal } from './lib/run.mjs';
import { createApi, mustCall } from './start/api.mjs';
import { appEnvironment, refuseWrongSettings, runSetup, startApp } from './start/app.mjs';
import { takeDataDirectory } from './start/data-directory.mjs';
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
    await runDemo(dev, lifetime);
    await lifetime.end(0);
  }
  const { url } = await mustCall(createApi(dev.apiUrl, dev.adminKey), 'POST', '/v1/sign-in-links');
  show(dev, url);
} catch (error) {
  // During shutdown everything that still waits for a server fails; that needs no report.
  if (!lifetime.ending) fail(error instanceof Refusal ? error.message : error.stack);
  await lifetime.end(1);
}

/** Everything that can be wrong is checked first: a refusal comes before anything is started. */
async function start() {
  const { dataDir, lock } = await takeDataDirectory();
  lifetime.onStop(lock.release);
  const port = await askedPort();
  const secrets = loadSecrets(dataDir);

  await ensureDependencies();
  await ensureBuilt();
  refuseWrongSettings({ secrets });

  lifetime.onStop(stopAllGuarded, 'Posthorn and its servers');
  const onServerLost = () => lifetime.end(1);
  const servers = await startEmbedded({ dataDir, onServerLost });
  const env = appEnvironment({ servers, secrets });
  await step('Setting up', () => runSetup({ dataDir, env }));
  const apiUrl = await step('Starting Posthorn', async () => {
    const app = await startApp({ dataDir, env, port });
    void watch('Posthorn', app, onServerLost);
    lock.update({ apiUrl: app.url });
    return app.url;
  });
  return writeDev({ dataDir, apiUrl, servers, secrets });
}

/** One that was set explicitly is not silently replaced by another; undefined: none was. */
async function askedPort() {
  const { PORT } = process.env;
  if (!PORT || /^0+$/.test(PORT)) return undefined;
  if (!/^\d+$/.test(PORT) || Number(PORT) > 65_535) {
    throw new Refusal(
      'PORT: must be a whole number from 1 to 65535; leave it unset to use any free port.',
    );
  }
  const port = await freePort(Number(PORT));
  if (port === Number(PORT)) return port;
  throw new Refusal(
    `PORT: port ${PORT} of 127.0.0.1 is in use, or not permitted for this user; stop the process that uses it, or leave PORT unset to use any free port.`,
  );
}

async function writeDev({ dataDir, apiUrl, servers, secrets }) {
  const path = join(dataDir, 'dev.json');
  const { adminKey } = secrets;
  const project = await ensureFirstProject({ apiUrl, adminKey, known: readJson(path) });
  const dev = {
    apiUrl,
    dashboardUrl: `${(process.env.POSTHORN_PUBLIC_URL || apiUrl).replace(/\/$/, '')}/dashboard/`,
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

function show(dev, signInUrl) {
  say(`
  Posthorn is up after ${seconds(startedMs)}.

    Dashboard    ${signInUrl}
                 (signs you in once, within 15 minutes; later use a key)
    API          ${dev.apiUrl}   (docs at /docs)
    Temporal UI  ${dev.temporalUiUrl ?? '(the one of your TEMPORAL_ADDRESS)'}
    Admin key    ${dev.adminKey}
    Project      ${dev.projectId}
    Project key  ${dev.projectKey}

    All of this is in ${join(dev.dataDir, 'dev.json')}; logs in ${join(dev.dataDir, 'logs')}.
    Ctrl-C stops everything; the data stays.
`);
}
