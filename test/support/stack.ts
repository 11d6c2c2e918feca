import { randomBytes } from 'node:crypto';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Express } from 'express';
import { Client, Connection } from '@temporalio/client';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { pino } from 'pino';
import { createApi } from '../../src/api/app';
import { createApiServer, patienceOf } from '../../src/api/http/server';
import { clock } from '../../src/clock';
import { loadConfig, type Config } from '../../src/config/config';
import type { Activities, ReconcileReport } from '../../src/contracts/activities';
import type { HttpSender } from '../../src/delivery/http';
import { Cipher } from '../../src/store/cipher';
import type { Store } from '../../src/store/store';
import { Engine } from '../../src/temporal/engine';
import { setUpTemporal } from '../../src/temporal/setup';
import { createWorker, type WorkerHandle } from '../../src/temporal/worker';
import { TenantCpu } from '../../src/tenant-cpu/tenant-cpu';
import { workerActivities } from '../../src/worker-activities';
import type { KeyRole } from '../../src/store/keys';
import { ApiClient } from './api-client';
import { connectedStore } from './connected-store';
import { DEFAULTS } from './embedded';
import { eventually, PATIENCE_MS } from './eventually';
import { withPatientCouriers } from './patient-couriers';
import { readClock } from './precise-clock';
import { ensureRuntime } from './runtime';
import { CHILD_FILE } from './tenant-cpu';

/** A start that a busy Temporal has not taken by then is none. */
const START_MS = 20_000;

/** Processes' knowledge of the time may differ by less than that. */
const MOST_SKEW_MS = 5000;

/** MongoDB's code for a database that is being dropped. */
const DROP_PENDING = 215;

export const ADMIN_KEY = 'test-admin-key-0123456789abcdef';

/** An address from scripts/test.mjs, which starts the servers. */
export function testServer(name: 'MONGODB_URL' | 'TEMPORAL_ADDRESS'): string {
  const value = process.env[`TEST_${name}`];
  if (!value) throw new Error(`TEST_${name} is not set: run the tests with "npm test"`);
  return value;
}

/** The environment of a process of its own database and namespace, on the test run's servers. */
export function testEnvironment(overrides: Record<string, string> = {}): Record<string, string> {
  const name = `t${randomBytes(6).toString('hex')}`;
  const mongodb = new URL(testServer('MONGODB_URL'));
  mongodb.pathname = `/${name}`;
  return {
    POSTHORN_ENV: 'development',
    MONGODB_URL: mongodb.toString(),
    TEMPORAL_ADDRESS: testServer('TEMPORAL_ADDRESS'),
    TEMPORAL_NAMESPACE: name,
    TEMPORAL_UI_URL: 'http://127.0.0.1:8233',
    POSTHORN_ADMIN_KEY: ADMIN_KEY,
    POSTHORN_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    LOG_LEVEL: 'silent',
    // What has no workflow for a reason of its own says so by its project.
    POSTHORN_DISPATCH: 'workflow',
    ...overrides,
  };
}

/** What `setup` does in MongoDB, for processes that are to find it done. */
export async function setUpMongodb({ MONGODB_URL }: Record<string, string>): Promise<void> {
  const store = await connectedStore(MONGODB_URL!, DEFAULTS);
  await store.setUp(pino({ level: 'silent' }));
  await store.close();
}

/** Tells MongoDB's profiler that a read is not Posthorn's. */
export const OF_TESTS = 'of tests';

/**
 * Waits until the events to be fanned out are in the past, which is all that one pass of reconcile covers: to the
 * process that accepted them it may have been a moment later.
 */
async function untilPast({ events }: Store): Promise<void> {
  await eventually('what was accepted is past', async () => {
    const acceptedAt = { $lt: new Date(Date.now() + MOST_SKEW_MS) };
    const [last] = await events.model
      .find({ fannedOutAt: null, acceptedAt }, { acceptedAt: 1 })
      .comment(OF_TESTS)
      .sort({ acceptedAt: -1 })
      .limit(1)
      .lean();
    return !last || last.acceptedAt < clock.now();
  });
}

interface StackOptions {
  /** False: nothing is delivered. */
  worker?: boolean;
  /** The workflows, where they aren't this version's with patient couriers. */
  bundle?: string;
  /** True: reconcile runs by its schedules. */
  schedules?: boolean;
  /**
   * Whether starts are waited for longer than in production: what was given up would be left to a reconcile that
   * doesn't run.
   */
  isPatient?: boolean;
  /** Where the front end's files are. */
  bundleFolder?: string;
}

/** API and worker in this process, on the real MongoDB and Temporal, in a database and namespace of their own. */
export class Stack {
  private constructor(
    readonly config: Config,
    readonly store: Store,
    readonly engine: Engine,
    readonly app: Express,
    readonly url: string,
    /** Speaks with the admin key. */
    readonly admin: ApiClient,
    /**
     * Makes reconcile do everything once, however recent, unless a grace is given. Its schedules are paused,
     * unless a test asks for them: what it finds is found by this.
     */
    readonly reconcile: (graceMs?: number) => Promise<ReconcileReport>,
    private readonly server: Server,
    private readonly endStreams: () => void,
    private readonly drained: () => Promise<void>,
    private readonly worker: WorkerHandle | undefined,
    private readonly working: Promise<void> | undefined,
    /** As its worker has them. */
    readonly activities: Activities,
    readonly sender: HttpSender,
    readonly tenantCpu: TenantCpu,
  ) {}

  /** @param environment settings besides the test's own */
  static async start(
    environment: Record<string, string> = {},
    {
      worker: withWorker = true,
      bundle,
      schedules = false,
      isPatient = !schedules,
      bundleFolder,
    }: StackOptions = {},
  ): Promise<Stack> {
    const config = loadConfig('all', testEnvironment(environment));
    const log = pino({ level: config.logLevel });
    await setUpTemporal(config, log, { isPaused: !schedules });
    const store = await connectedStore(config.mongodbUrl, config);
    await store.setUp(log);
    await readClock(store);
    const engine = Engine.connect(config, isPatient ? START_MS : undefined);
    const cipher = new Cipher(config.encryptionKey, config.formerEncryptionKeys);
    const tenantCpu = new TenantCpu(config.cpuSecondsPerMinute, CHILD_FILE);
    const { app, endStreams, drained } = createApi({
      store,
      engine,
      cipher,
      tenantCpu,
      log,
      readiness: { unready: null },
      startsWaitMs: isPatient ? PATIENCE_MS : undefined,
      bundleFolder,
      config,
    });
    const server = createApiServer(app, log, patienceOf(config));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const parts = { store, engine, cipher, tenantCpu, log };
    const { activities, sender } = workerActivities(config, parts);
    const workerOf = (workflows: string): Promise<WorkerHandle> => {
      // Not before what may fail: without a worker it would keep jest from ending.
      ensureRuntime();
      return createWorker(config, activities, { bundle: workflows });
    };
    const worker = withWorker
      ? await (bundle ? workerOf(bundle) : withPatientCouriers(workerOf))
      : undefined;
    const admin = new ApiClient(url, ADMIN_KEY);
    const logger = new DefaultLogger('ERROR');
    return new Stack(
      config,
      store,
      engine,
      app,
      url,
      admin,
      async (graceMs = 0) => {
        if (graceMs === 0) {
          // The machine's clock may have been set since.
          await readClock(store);
          await untilPast(store);
        }
        return new MockActivityEnvironment({}, { logger }).run(() =>
          activities.reconcile(undefined, graceMs),
        );
      },
      server,
      endStreams,
      drained,
      worker,
      worker?.run(),
      activities,
      sender,
      tenantCpu,
    );
  }

  /** A new project, and a client with a key of that role. */
  async project(
    body: Record<string, unknown> = {},
    role = 'owner',
  ): Promise<{ id: string; client: ApiClient }> {
    const { data } = await this.admin.typed.createProject({
      body: { name: 'Test', ...body },
    });
    const { id } = data!.data;
    return { id, client: await this.client(id, role) };
  }

  /** A client with a new key of that project. */
  async client(projectId: string, role: string): Promise<ApiClient> {
    const { data } = await this.admin.typed.createKey({
      path: { projectId },
      body: { name: role, role: role as KeyRole },
    });
    return new ApiClient(this.url, data!.data.key);
  }

  /** Asks Temporal itself, in the stack's namespace. */
  async temporal<T>(ask: (client: Client) => Promise<T>): Promise<T> {
    const client = await this.connectTemporal();
    try {
      return await ask(client);
    } finally {
      await client.connection.close();
    }
  }

  /** A client of the stack's namespace, whose connection the caller closes. */
  async connectTemporal(): Promise<Client> {
    const { address, namespace } = this.config.temporal;
    return new Client({ connection: await Connection.connect({ address }), namespace });
  }

  async stop(): Promise<void> {
    this.endStreams();
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
    await this.drained();
    this.worker?.shutdown();
    await this.working;
    await this.sender.close();
    this.tenantCpu.close();
    await this.engine.close();
    await this.store.horizon.close();
    // On the test run's own server, which checks each database for expired documents every second.
    const { host } = new URL(testServer('MONGODB_URL'));
    if (new URL(this.config.mongodbUrl).host === host) {
      // Another stack of the same database may be dropping it at this moment.
      await this.store.events.model.db.dropDatabase().catch((error: { code?: number }) => {
        if (error.code !== DROP_PENDING) throw error;
      });
    }
    await this.store.close();
  }
}
