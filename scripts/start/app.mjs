import { createRequire } from 'node:module';
import { distMain, root } from '../lib/paths.mjs';
import { poll, Refusal } from '../lib/run.mjs';
import { startGuarded } from '../embedded/guarded.mjs';
import { howItEnded, logOf, startServer } from '../embedded/start-server.mjs';
import { ifKeyIsWrong } from './secrets.mjs';

const usualPort = 8080;
const readyTimeoutMs = 60_000;
const drainMs = 25_000; // the app drains within 20 s

/** Settings of a Temporal of the user's own. */
const ofOwnTemporal = ['TEMPORAL_TLS', 'TEMPORAL_API_KEY', 'TEMPORAL_UI_URL'];

/**
 * The environment of a development start, but for the port that the API gets. The user's other settings are
 * passed on, but those of their own Temporal only together with its address.
 */
export function appEnvironment({ servers, secrets }) {
  const inherited = Object.entries(process.env).filter(
    ([name]) => process.env.TEMPORAL_ADDRESS || !ofOwnTemporal.includes(name),
  );
  const { no_grpc_proxy, no_proxy } = process.env;
  return {
    ...Object.fromEntries(inherited),
    // Temporal's client would ask the proxy of the environment for servers of this machine too.
    no_grpc_proxy: [no_grpc_proxy || no_proxy, '127.0.0.1'].filter(Boolean).join(','),
    POSTHORN_ENV: 'development',
    HOST: '127.0.0.1',
    PORT: String(usualPort),
    // Nothing is in front of it, and it is given less time to stop.
    API_SHUTDOWN_DELAY_SECONDS: '0',
    MONGODB_URL: servers.mongodbUrl,
    TEMPORAL_ADDRESS: servers.temporalAddress,
    TEMPORAL_NAMESPACE: servers.temporalNamespace,
    ...(servers.temporalUiUrl && { TEMPORAL_UI_URL: servers.temporalUiUrl }),
    POSTHORN_ADMIN_KEY: secrets.adminKey,
    POSTHORN_ENCRYPTION_KEY: secrets.encryptionKey,
  };
}

/** The user's settings are passed on: a wrong one is reported before a server is started. */
export function refuseWrongSettings({ secrets }) {
  const { MONGODB_URL, TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE } = process.env;
  const servers = {
    mongodbUrl: MONGODB_URL || 'mongodb://127.0.0.1/posthorn',
    temporalAddress: TEMPORAL_ADDRESS || '127.0.0.1:7233',
    temporalNamespace: TEMPORAL_NAMESPACE || 'default',
  };
  const { ConfigError, loadConfig } = createRequire(distMain)('./config/config.js');
  try {
    loadConfig('all', appEnvironment({ servers, secrets }));
  } catch (error) {
    throw error instanceof ConfigError ? new Refusal(error.message) : error;
  }
}

/** Indexes, search attributes, schedules: runs to completion. */
export async function runSetup({ dataDir, env }) {
  const setup = await startGuarded({ ...processOf('setup', dataDir), env });
  const end = await setup.exited;
  if (end.code !== 0 && !end.expected) {
    throw new Refusal(lastWords(setup) ?? `Setup failed (${howItEnded(end)}). ${logOf(setup)}`);
  }
}

/**
 * The API, and in the role `all` a worker with it, on that port, or without one on 8080 or any free one.
 * Resolves with the guarded process and its `url` when it is ready.
 */
export async function startApp({ dataDir, env, port, role = 'all' }) {
  const { args, ...rest } = processOf(role, dataDir);
  const app = await startServer({
    ...rest,
    title: 'Posthorn',
    preferred: { api: usualPort },
    fixed: port && { api: port },
    argsFor: () => args,
    envFor: ({ api }) => ({ ...env, PORT: String(api) }),
    ready: ({ api }, alive) => ready({ url: urlOf(api), dataDir, alive }),
    lastWords,
  });
  return { ...app, url: urlOf(app.ports.api) };
}

function urlOf(port) {
  return `http://127.0.0.1:${port}`;
}

async function ready({ url, dataDir, alive }) {
  let said = 'it does not answer';
  const isReady = await poll(
    async () => {
      if (!alive()) return true;
      try {
        const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(5000) });
        if (response.status === 200) return true;
        said = (await response.json()).error.message;
      } catch {
        return false;
      }
      const wrongKey = ifKeyIsWrong(said, dataDir);
      if (wrongKey) throw new Refusal(wrongKey);
      return false;
    },
    { timeoutMs: readyTimeoutMs, everyMs: 150 },
  );
  if (!isReady) throw new Error(`not ready after ${readyTimeoutMs / 1000} s: ${said}`);
}

/** What a role prints for people when it gives up: the line after its JSON log. */
function lastWords(role) {
  const line = role.tail(1);
  return /^(MongoDB|[A-Z_]+): /.test(line) ? line : undefined;
}

function processOf(role, dataDir) {
  return {
    name: role === 'all' ? 'posthorn' : `posthorn-${role}`,
    command: process.execPath,
    args: [distMain, role],
    cwd: root,
    dataDir,
    graceMs: drainMs,
  };
}
