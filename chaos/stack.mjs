import { randomBytes } from 'node:crypto';
import { startGuarded } from '../scripts/embedded/guarded.mjs';
import { startMongod } from '../scripts/embedded/mongod.mjs';
import { startTemporal } from '../scripts/embedded/temporal.mjs';
import { distMain, root } from '../scripts/lib/paths.mjs';
import { freePort } from '../scripts/lib/ports.mjs';
import { mustRun, sleep } from '../scripts/lib/run.mjs';

const restartMs = 1000;
const drainMs = 90_000; // more than a worker's grace

/** One process that is restarted whenever it ends, as a supervisor in production does. */
class Part {
  #start;
  #server;
  #stopping = false;
  #downUntilMs = 0;
  /** When it exited without having been struck. */
  unasked = [];
  /** When it was up again after it had exited, in milliseconds. */
  upAgain = [];

  constructor(name, start) {
    this.name = name;
    this.#start = start;
  }

  get pid() {
    return this.#server.pid;
  }

  async up() {
    this.#stopping = false;
    this.#server = await this.#start();
    void this.#supervise(this.#server);
  }

  /** Sends a signal; after SIGKILL it stays down for `downMs`. */
  strike(signal, downMs = 0) {
    this.#downUntilMs = Date.now() + downMs;
    try {
      process.kill(this.#server.pid, signal);
    } catch (error) {
      if (error.code !== 'ESRCH') throw error; // down already
    }
  }

  async stop() {
    this.#stopping = true;
    await this.#server.stop();
  }

  async #supervise(server) {
    const { signal } = await server.exited;
    if (this.#stopping) return;
    if (signal !== 'SIGKILL') this.unasked.push(new Date());
    await sleep(Math.max(this.#downUntilMs - Date.now(), signal === 'SIGKILL' ? 0 : restartMs));
    while (!this.#stopping) {
      try {
        await this.up();
        this.upAgain.push(Date.now());
        return;
      } catch {
        await sleep(restartMs); // struck while starting
      }
    }
  }
}

/**
 * MongoDB, Temporal, `apis` API processes and `workers` workers, all on `dataDir`.
 * Returns `{parts, apiUrls, adminKey, mongodbUrl, temporalAddress, stop()}`.
 */
export async function startStack({ dataDir, apis, workers }) {
  // Not the usual ports: while a server is down, another Posthorn could take them.
  const first = await startMongod({ dataDir, fixedPorts: { mongo: await freePort() } });
  const mongodbUrl = first.url;
  const mongod = partOf('mongod', first, () => startMongod({ dataDir, fixedPorts: first.ports }));
  const firstTemporal = await startTemporal({
    dataDir,
    headless: true,
    fixedPorts: { api: await freePort() },
  });
  const temporal = partOf('temporal', firstTemporal, () =>
    startTemporal({ dataDir, headless: true, fixedPorts: firstTemporal.ports }),
  );
  await Promise.all([mongod.up(), temporal.up()]);

  const adminKey = `admin_${randomBytes(24).toString('base64url')}`;
  const env = {
    PATH: process.env.PATH,
    POSTHORN_ENV: 'development',
    MONGODB_URL: mongodbUrl,
    TEMPORAL_ADDRESS: firstTemporal.address,
    POSTHORN_ADMIN_KEY: adminKey,
    POSTHORN_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    POSTHORN_RATE_LIMIT_PER_MINUTE: '100000',
    // Of its nine webhooks, so that `auto` uses both ways.
    POSTHORN_AUTO_WORKFLOWS_PER_SECOND: '20',
  };
  await mustRun(process.execPath, [distMain, 'setup'], { cwd: root, env });

  const role = (name, kind, more = {}) =>
    new Part(name, () =>
      startGuarded({
        name,
        command: process.execPath,
        args: [distMain, kind],
        cwd: root,
        env: { ...env, ...more },
        dataDir,
        graceMs: drainMs,
      }),
    );
  const apiUrls = [];
  const parts = [mongod, temporal];
  for (let n = 1; n <= apis; n += 1) {
    const port = await freePort();
    apiUrls.push(`http://127.0.0.1:${port}`);
    parts.push(role(`api-${n}`, 'api', { PORT: String(port) }));
  }
  for (let n = 1; n <= workers; n += 1) parts.push(role(`worker-${n}`, 'worker'));
  await Promise.all(parts.slice(2).map((part) => part.up()));
  return {
    parts,
    apiUrls,
    adminKey,
    mongodbUrl,
    temporalAddress: firstTemporal.address,
    stop: async () => {
      for (const part of parts.toReversed()) await part.stop();
    },
  };
}

/** A part whose first process runs already. */
function partOf(name, first, start) {
  let next = first;
  return new Part(name, async () => {
    const server = next ?? (await start());
    next = undefined;
    return server;
  });
}
