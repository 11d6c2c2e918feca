import { createRequire } from 'node:module';
import { distMain, root } from '../lib/paths.mjs';
import { poll, Refusal } from '../lib/run.mjs';
import { startGuarded } from '../embedded/guarded.mjs';
import { howItEnded, logOf } from '../embedded/start-server.mjs';

const readyTimeoutMs = 60_000;
const drainMs = 25_000; // the app drains within 20 s

/**
 * The environment of a development start. The user's other settings are passed on, but those for
 * their own Temporal (TLS, a cloud key) only together with its address.
 */
export function appEnvironment({ port, servers, secrets }) {
  const inherited = Object.entries(process.env).filter(
    ([name]) => process.env.TEMPORAL_ADDRESS || !name.startsWith('TEMPORAL_'),
  );
  return {
    ...Object.fromEntries(inherited),
    POSTHORN_ENV: 'development',
    HOST: '127.0.0.1',
    PORT: String(port),
    MONGODB_URL: servers.mongodbUrl,
    TEMPORAL_ADDRESS: servers.temporalAddress,
    TEMPORAL_NAMESPACE: servers.temporalNamespace,
    ...(servers.temporalUiUrl && { TEMPORAL_UI_URL: servers.temporalUiUrl }),
    POSTHORN_ADMIN_KEY: secrets.adminKey,
    POSTHORN_ENCRYPTION_KEY: secrets.encryptionKey,
  };
}

/** The user's settings are passed on: a wrong one is reported before a server is started. */
export function refuseWrongSettings({ port, secrets }) {
  const { MONGODB_URL, TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE } = process.env;
  const servers = {
    mongodbUrl: MONGODB_URL || 'mongodb://127.0.0.1/posthorn',
    temporalAddress: TEMPORAL_ADDRESS || '127.0.0.1:7233',
    temporalNamespace: TEMPORAL_NAMESPACE || 'default',
  };
  const { ConfigError, loadConfig } = createRequire(distMain)('./config/config.js');
  try {
    loadConfig('all', appEnvironment({ port, servers, secrets }));
  } catch (error) {
    throw error instanceof ConfigError ? new Refusal(error.message) : error;
  }
}

/** Indexes, search attributes, schedules: runs to completion. */
export async function runSetup({ dataDir, env }) {
  const setup = await startRole('setup', { dataDir, env });
  const end = await setup.exited;
  if (end.code !== 0 && !end.expected) {
    throw new Refusal(lastWords(setup) ?? `Setup failed (${howItEnded(end)}). ${logOf(setup)}`);
  }
}

/** The API, and in the role `all` a worker with it; resolves when it answers /readyz with 200. */
export async function startApp({ dataDir, env, apiUrl, role = 'all' }) {
  const app = await startRole(role, { dataDir, env });
  let ended;
  void app.exited.then((end) => (ended = end));
  let last = 'no answer yet';
  const ready = await poll(
    async () => {
      if (ended) return true;
      try {
        const response = await fetch(`${apiUrl}/readyz`, { signal: AbortSignal.timeout(5000) });
        last = `it answered ${response.status} ${await response.text()}`;
        return response.status === 200;
      } catch {
        return false;
      }
    },
    { timeoutMs: readyTimeoutMs, everyMs: 150 },
  );
  if (ended) {
    throw new Refusal(
      lastWords(app) ?? `Posthorn ended at once (${howItEnded(ended)}). ${logOf(app)}`,
    );
  }
  if (!ready) {
    throw new Refusal(`Not ready after ${readyTimeoutMs / 1000} s: ${last}. ${logOf(app)}`);
  }
  return app;
}

/** What a role prints for people when it gives up: the line after its JSON log. */
function lastWords(role) {
  const line = role.tail(1);
  return /^(MongoDB|[A-Z_]+): /.test(line) ? line : undefined;
}

function startRole(role, { dataDir, env }) {
  return startGuarded({
    name: role === 'all' ? 'posthorn' : `posthorn-${role}`,
    command: process.execPath,
    args: [distMain, role],
    cwd: root,
    env,
    dataDir,
    graceMs: drainMs,
  });
}
