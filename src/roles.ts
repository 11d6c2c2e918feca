import type { RequestListener, Server } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Api } from './api/app';
import { createApiServer, patienceOf, stopper, type StopWithin } from './api/http/server';
import { ConfigError, loadConfig, ROLES, type Role } from './config/config';
import { createLogger } from './log';
import { LogOutput } from './log-output';
import { operationsListener, workersReadyz } from './operations';
import { causeOf, whyNotListening } from './reachability';
import { Readiness } from './readiness';
import { StartError } from './start-error';
import { Cipher } from './store/cipher';
import { isStoreUnavailable, isTooSlow } from './store/errors';
import { whyForbidden } from './store/fitness';
import { Store } from './store/store';
import { Engine } from './temporal/engine';
import { TenantCpu } from './tenant-cpu/tenant-cpu';
import type { Parts, Service } from './worker-role';

/** An answer may wait for MongoDB, or for the ping of a new webhook. */
const API_STOPS_WITHIN: StopWithin = { requestMs: 2000, answerMs: 10_000 };
const OPERATIONS_STOP_WITHIN: StopWithin = { requestMs: 0, answerMs: 1000 };
/** Milliseconds for disconnecting from MongoDB and Temporal, which may no longer respond. */
const CLOSE_MS = 2000;

const usage = `Usage: node dist/src/main.js ${ROLES.join(' | ')}`;

async function main(): Promise<void> {
  const role = process.argv[2] as Role;
  if (!ROLES.includes(role) || process.argv.length > 3) throw new ConfigError([usage]);
  const config = loadConfig(role);
  const log = createLogger(config.logLevel, role);
  const store = Store.open(config.mongodbUrl, config);
  if (role === 'setup') {
    const { setUpTemporal } = await import('./temporal/setup.js');
    await refuseUnfit(store);
    const interrupted = interruption();
    await store.setUp(log, interrupted).catch(tellUnavailable);
    await Promise.race([setUpTemporal(config, log), interrupted]);
    await store.close();
    return;
  }

  const cipher = new Cipher(config.encryptionKey, config.formerEncryptionKeys);
  if (role === 'rotate-key') {
    const { rotateKey } = await import('./store/key-rotation.js');
    await refuseUnfit(store);
    await rotateKey(store, cipher, log).catch(tellUnavailable);
    await store.close();
    return;
  }

  const engine = Engine.connect(config);
  const readiness = new Readiness(config, log, store, engine, cipher);
  const tenantCpu = new TenantCpu(config.cpuSecondsPerMinute);
  // What only one role needs, it alone loads: that is a third of its start. Before anything listens, since
  // no signal is heard until all is started.
  const api = role === 'worker' ? undefined : await import('./api/app.js');
  const workers = role === 'api' ? undefined : await import('./worker-role.js');
  const parts: Parts = { config, log, store, engine, cipher, readiness, tenantCpu };
  const stopping = new AbortController();
  const services: Service[] = [];
  // Servers come first, so that a port in use is reported before anything waits for MongoDB or Temporal.
  const served = api?.createApi({ ...parts, stopping: stopping.signal });
  if (served) services.push(await startApi(served, parts, stopping.signal));
  const worker = workers?.startWorker(parts);
  if (worker) services.push(worker);
  let operations: Service | undefined;
  if (config.metricsAddress !== undefined) {
    const whyIdle = async (): Promise<string | null> =>
      stopping.signal.aborted ? 'draining' : ((await readiness.ask()) ?? worker?.whyIdle() ?? null);
    const readyz = served?.app ?? workersReadyz(whyIdle);
    operations = await startOperations(config.metricsAddress, log, readyz, stopping.signal);
  }
  const stop = async (): Promise<void> => {
    stopping.abort();
    // Proxies go on sending requests until they have noticed it, by `/readyz` or from Kubernetes.
    if (served) await sleep(config.shutdownDelaySeconds * 1000);
    readiness.stop();
    // At the same time: what an API accepts while both drain is delivered by other workers, or after the
    // restart.
    await Promise.all(services.map((service) => service.stop()));
    // Last, for what it answers while the others drain.
    await operations?.stop();
    tenantCpu.close();
    // What fails here has no consequence.
    await Promise.race([Promise.allSettled([engine.close(), store.close()]), sleep(CLOSE_MS)]);
  };
  const stopped = new Promise<void>((resolve, reject) => {
    const onSignal = (signal: string): void => {
      log.info({ signal }, 'draining');
      stop().then(resolve, reject);
    };
    process.once('SIGTERM', onSignal);
    process.once('SIGINT', onSignal);
  });
  await Promise.race([readiness.start(), stopped]);
  if (role !== 'worker') log.info({ host: config.host, port: config.port }, 'API listens');
  const running = operations ? [...services, operations] : services;
  await Promise.race([stopped, ...running.map(({ done }) => done)]);
  await stopped;
  log.info('stopped');
}

/** Rejects at a signal. */
function interruption(): Promise<never> {
  const interrupted = new Promise<never>((_resolve, reject) => {
    const onSignal = (signal: string): void =>
      reject(new StartError(`interrupted by ${signal}; run setup again`));
    process.once('SIGTERM', onSignal);
    process.once('SIGINT', onSignal);
  });
  interrupted.catch(() => {}); // it may come when nothing waits for it
  return interrupted;
}

async function refuseUnfit(store: Store): Promise<void> {
  const unfit = await store.whyUnfit();
  if (unfit !== null) throw new StartError(unfit);
}

/** What began while MongoDB could be used, and failed when it no longer could. */
function tellUnavailable(error: unknown): never {
  if (!isStoreUnavailable(error) && !isTooSlow(error)) throw error;
  throw new StartError(
    whyForbidden(error) ??
      `MONGODB_URL: MongoDB fails: ${causeOf(error)}; run this again once it can be used`,
  );
}

async function startApi(
  { app, endStreams, drained }: Api,
  { config, log }: Parts,
  stopping: AbortSignal,
): Promise<Service> {
  const server = createApiServer(app, log, patienceOf(config));
  const settings = { host: 'HOST', port: 'PORT' };
  const { done, stop } = await listen(server, config, settings, API_STOPS_WITHIN, stopping);
  return {
    done,
    stop: () => {
      endStreams();
      return stop().then(drained);
    },
  };
}

async function startOperations(
  address: string,
  log: Logger,
  readyz: RequestListener,
  stopping: AbortSignal,
): Promise<Service> {
  const { hostname, port } = new URL(`http://${address}`);
  const host = hostname.replace(/^\[|\]$/g, '');
  const setting = 'METRICS_ADDRESS';
  const server = createApiServer(operationsListener(readyz), log);
  const at = { host, port: Number(port || 80) };
  const settings = { host: setting, port: setting };
  return listen(server, at, settings, OPERATIONS_STOP_WITHIN, stopping);
}

/** @param settings to name in the error if it can't listen */
async function listen(
  server: Server,
  { host, port }: { host: string; port: number },
  settings: { host: string; port: string },
  within: StopWithin,
  stopping: AbortSignal,
): Promise<Service> {
  const stop = stopper(server, stopping);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(whyNotListening(error, { host, port }, settings)));
    server.listen(port, host, resolve);
  });
  return {
    done: new Promise((_resolve, reject) => server.once('error', reject)),
    stop: () => stop(within),
  };
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    // The logger may not exist yet, and problems outside Posthorn are for a person to read.
    const text = error instanceof StartError ? error.message : (error as Error).stack;
    const output = new LogOutput(process.stderr.fd);
    output.write(`${text}\n`);
    output.flush();
    process.exit(1);
  },
);
