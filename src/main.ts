import { createServer, type Server } from 'node:http';
import { createActivities } from '../activities';
import { createApp } from './api/app';
import { createApiServer } from './api/server';
import { ConfigError, loadConfig, ROLES, type Config, type Role } from './config/config';
import { HttpSender } from './delivery/http';
import { AddressGuard } from './delivery/address-guard';
import { createLogger } from './log';
import { Mailer } from './mail/mailer';
import { metricsListener } from './metrics';
import { Cipher } from './store/cipher';
import { rotateKey } from './store/key-rotation';
import { Store } from './store/store';
import { Engine } from './temporal/client';
import { installRuntime } from './temporal/runtime';
import { setUpTemporal } from './temporal/setup';
import { runWorker } from './temporal/worker';
import { VERSION } from './version';
import type { Logger } from 'pino';

/** One thing that runs until it is told to stop. */
interface Service {
  /** Rejects when it can't go on. */
  done: Promise<void>;
  /** Lets what is under way finish. */
  stop: () => Promise<void>;
}

const usage = `Usage: node dist/src/main.js ${ROLES.join(' | ')}`;

async function main(): Promise<void> {
  const role = process.argv[2] as Role;
  if (!ROLES.includes(role) || process.argv.length > 3) throw new ConfigError([usage]);
  const config = loadConfig(role);
  const log = createLogger(config.logLevel, role);
  const store = Store.open(config.mongodbUrl);
  if (role === 'setup') {
    await setUpTemporal(config, log);
    await store.migrate();
    await store.ensureIndexes();
    await store.close();
    return;
  }

  const cipher = new Cipher(config.encryptionKey, config.formerEncryptionKeys);
  if (role === 'rotate-key') {
    await rotateKey(store, cipher, log);
    await store.close();
    return;
  }

  const engine = Engine.connect(config);
  const services: Service[] = [];
  if (role !== 'worker') services.push(await startApi(config, log, store, engine, cipher));
  if (role !== 'api') services.push(await startWorker(config, log, store, engine, cipher));
  if (config.metricsAddress !== undefined) services.push(await startMetrics(config.metricsAddress));

  // The API first: what it accepts while draining, the worker may still deliver.
  const stop = async (): Promise<void> => {
    for (const service of services) await service.stop();
    await engine.close();
    await store.close();
  };
  const stopped = new Promise<void>((resolve, reject) => {
    const onSignal = (signal: string): void => {
      log.info({ signal }, 'draining');
      stop().then(resolve, reject);
    };
    process.once('SIGTERM', onSignal);
    process.once('SIGINT', onSignal);
  });
  await Promise.race([stopped, ...services.map(({ done }) => done)]);
  await stopped;
  log.info('stopped');
}

async function startApi(
  config: Config,
  log: Logger,
  store: Store,
  engine: Engine,
  cipher: Cipher,
): Promise<Service> {
  const server = createApiServer(createApp({ store, engine, cipher, log, config }));
  const service = await listen(server, config);
  log.info({ host: config.host, port: config.port }, 'API listens');
  return service;
}

async function startMetrics(address: string): Promise<Service> {
  const { hostname, port } = new URL(`http://${address}`);
  const host = hostname.replace(/^\[|\]$/g, '');
  return listen(createServer(metricsListener), { host, port: Number(port || 80) });
}

async function listen(
  server: Server,
  { host, port }: { host: string; port: number },
): Promise<Service> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  return {
    done: new Promise((_resolve, reject) => server.once('error', reject)),
    stop: () =>
      new Promise((resolve, reject) => {
        server.close((error) => {
          if (error) reject(error);
          else resolve();
        });
        server.closeIdleConnections();
      }),
  };
}

async function startWorker(
  config: Config,
  log: Logger,
  store: Store,
  engine: Engine,
  cipher: Cipher,
): Promise<Service> {
  installRuntime(log, config.temporalMetricsAddress);
  const guard = new AddressGuard({
    allowLoopback: config.development,
    allowedCidrs: config.allowedCidrs,
  });
  const sender = new HttpSender({
    guard,
    proxy: config.egressProxy,
    maxConnectionsPerOrigin: config.maxAttempts,
  });
  const activities = createActivities({
    store,
    cipher,
    sender,
    starter: engine,
    mailer: config.mail ? new Mailer(config.mail.smtpUrl, config.mail.from) : null,
    log,
    maxAttempts: config.maxAttempts,
    maxAttemptsPerWebhook: config.maxAttemptsPerWebhook,
    retentionDays: config.retentionDays,
    version: VERSION,
  });
  if (!config.mail)
    log.info('SMTP_URL is not set: owners are not told of failing webhooks by mail');
  const stopped = new AbortController();
  const done = working(runWorker(config, log, activities, stopped.signal), sender);
  return {
    done,
    stop: async () => {
      stopped.abort();
      await done;
    },
  };
}

async function working(running: Promise<void>, sender: HttpSender): Promise<void> {
  try {
    await running;
  } finally {
    await sender.close();
  }
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    // The logger may not exist yet, and a wrong setting is told to a person.
    const text = error instanceof ConfigError ? error.message : (error as Error).stack;
    process.stderr.write(`${text}\n`);
    process.exit(1);
  },
);
