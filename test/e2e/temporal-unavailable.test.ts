import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { pino } from 'pino';
import { loadConfig } from '../../src/config/config';
import { setUpTemporal } from '../../src/temporal/setup';
import { TcpProxy } from '../integration/api/tcp-proxy';
import { makeWebhook } from '../support/deliveries';
import { devServer, startPatiently } from '../support/embedded';
import { eventually } from '../support/eventually';
import { useServers } from '../support/foreign-server';
import { freePort } from '../support/free-port';
import { RoleProcess } from '../support/processes';
import { Receiver } from '../support/receiver';
import { REFUSED_FOR_GOOD, refusingTemporal } from '../support/refusing-temporal';
import { emailSent } from '../support/samples';
import { ApiClient } from '../support/api-client';
import { ADMIN_KEY, setUpMongodb, testEnvironment, testServer } from '../support/stack';
import { TestAuthority } from '../support/tls-certificates';
import { tlsFront } from '../support/tls-front';

/**
 * For a whole recovery: of the connections, of all that polls, which may count as failing for a minute and a half, and
 * of what has been waiting meanwhile.
 */
const PATIENCE_MS = 240_000;
jest.setTimeout(600_000);

/** Posts an event; a refusal is shown with its reason. */
async function expectAccepted(client: ApiClient): Promise<void> {
  const { status, body } = await client.post('/v1/events', { type: 'email.sent', data: emailSent });
  expect([status, body.error]).toEqual([202, undefined]);
}

/** A busy machine may lose an attempt, which is made again. */
const deliveredTo = ({ requests }: Receiver): number =>
  new Set(requests.map(({ headers }) => headers['x-webhook-delivery-id'])).size;

describe('a process of the role all that starts while Temporal is unavailable', () => {
  it('accepts events, also once it finds that setup has not run there, and delivers them once it has', async () => {
    const temporal = await TcpProxy.start(testServer('TEMPORAL_ADDRESS'));
    await temporal.cut();
    const port = await freePort();
    const environment = testEnvironment({ PORT: String(port), TEMPORAL_ADDRESS: temporal.address });
    await setUpMongodb(environment);
    const receiver = await Receiver.start();
    const all = RoleProcess.start('all', environment);
    try {
      await all.logged(
        `Temporal can't be reached at ${temporal.address}: nothing is listening there (ECONNREFUSED)`,
      );
      const admin = new ApiClient(`http://127.0.0.1:${port}`, ADMIN_KEY);
      const project = await eventually('a project is made', async () => {
        const { status, body } = await admin.post('/v1/projects', { name: 'Test' });
        return status === 201 && (body.data.id as string);
      });
      const client = admin.with({ 'x-project-id': project });
      await makeWebhook(client, receiver.url);
      await expectAccepted(client);

      await temporal.restore();
      await all.logged(`Temporal's namespace ${environment.TEMPORAL_NAMESPACE} is missing`);
      await expectAccepted(client);
      await eventually('it says so', async () => {
        const { body } = await admin.get('/readyz');
        return body.data?.temporal === 'incomplete';
      });

      await setUpTemporal(loadConfig('all', environment), pino({ level: 'silent' }));
      await eventually('both are delivered', () => deliveredTo(receiver) === 2, PATIENCE_MS);
      await all.drains();
    } finally {
      await all.end('SIGKILL');
      await Promise.all([temporal.stop(), receiver.close()]);
    }
  });
});

describe('an API that has found that setup has not run in Temporal', () => {
  it('goes on refusing events while Temporal is unavailable', async () => {
    const temporal = await TcpProxy.start(testServer('TEMPORAL_ADDRESS'));
    const port = await freePort();
    const environment = testEnvironment({ PORT: String(port), TEMPORAL_ADDRESS: temporal.address });
    await setUpMongodb(environment);
    const api = RoleProcess.start('api', environment);
    const client = new ApiClient(`http://127.0.0.1:${port}`, ADMIN_KEY);
    const said = `Temporal's namespace ${environment.TEMPORAL_NAMESPACE} is missing`;
    try {
      await api.logged(said);
      // Its first look at MongoDB may have failed, of which it says more.
      await eventually('it refuses with that', async () => {
        return (await client.get('/v1/projects')).body.error?.message.includes(said);
      });
      await temporal.cut();
      await api.logged("Temporal can't be reached at");
      const { status, body } = await client.post('/v1/projects', { name: 'Test' });
      expect([status, body.error?.message]).toEqual([503, expect.stringContaining(said)]);
    } finally {
      await api.end('SIGKILL');
      await temporal.stop();
    }
  });
});

describe('a process of the role all whose databases become unavailable while it runs', () => {
  it('says so in one line for each, with the cause in what it refuses, and when that is over', async () => {
    const environment = testEnvironment();
    await setUpMongodb(environment);
    await setUpTemporal(loadConfig('all', environment), pino({ level: 'silent' }));
    const { host, pathname } = new URL(environment.MONGODB_URL!);
    const [mongodb, temporal] = await Promise.all([
      TcpProxy.start(host),
      TcpProxy.start(environment.TEMPORAL_ADDRESS!),
    ]);
    const port = await freePort();
    const all = RoleProcess.start('all', {
      ...environment,
      PORT: String(port),
      MONGODB_URL: `mongodb://${mongodb.address}${pathname}?directConnection=true`,
      TEMPORAL_ADDRESS: temporal.address,
    });
    const admin = new ApiClient(`http://127.0.0.1:${port}`, ADMIN_KEY);
    // A machine that stands still says more of it, with another cause.
    const [noTemporal, noMongodb] = [
      `Temporal can't be reached at ${temporal.address}: nothing is listening there`,
      `MongoDB can't be reached at ${mongodb.address}: nothing is listening there`,
    ] as const;
    try {
      await all.logged('worker polls');
      await temporal.cut();
      await all.logged(noTemporal);
      await temporal.restore();
      await all.logged('Temporal can be used again');
      await mongodb.cut();
      await all.logged(noMongodb);
      await eventually('it says why', async () => {
        expect((await admin.get('/v1/projects')).status).toBe(503);
        return all.log().includes('"reason":"MongoDB: nothing is listening there (ECONNREFUSED)"');
      });
      await mongodb.restore();
      await all.logged('MongoDB can be used again');
      expect(all.repeated(/(?:Temporal|MongoDB) can't be reached at[^"]*/)).toEqual([]);
      expect(all.log()).not.toMatch(/gRPC call|failed with status code/);
      await all.drains();
    } finally {
      await all.end('SIGKILL');
      await Promise.all([mongodb.stop(), temporal.stop()]);
    }
  });
});

describe('a process of the role all of which Temporal refuses', () => {
  const addressOf = useServers();

  it.concurrent.each(['PollActivityTaskQueue', 'PollWorkflowTaskQueue'])(
    '%s says so, accepts events meanwhile, and delivers them once it no longer does',
    async (method) => {
      const refused = { ...REFUSED_FOR_GOOD, method };
      const front = refusingTemporal(testServer('TEMPORAL_ADDRESS'), refused);
      const port = await freePort();
      const environment = testEnvironment({
        PORT: String(port),
        TEMPORAL_ADDRESS: await addressOf(front),
      });
      await setUpMongodb(environment);
      await setUpTemporal(loadConfig('all', environment), pino({ level: 'silent' }));
      const receiver = await Receiver.start();
      const all = RoleProcess.start('all', environment);
      try {
        await all.logged(new RegExp(`polls of Temporal .* failed: .*${REFUSED_FOR_GOOD.message}`));
        const admin = new ApiClient(`http://127.0.0.1:${port}`, ADMIN_KEY);
        const { body } = await admin.post('/v1/projects', { name: 'Test' });
        const client = admin.with({ 'x-project-id': body.data.id as string });
        await makeWebhook(client, receiver.url);
        await expectAccepted(client);

        refused.method = 'none';
        await eventually('it is delivered', () => deliveredTo(receiver) === 1, PATIENCE_MS);
        await all.drains();
      } finally {
        await all.end('SIGKILL');
        await receiver.close();
      }
    },
  );
});

describe('an API and a worker whose Temporal loses its data while they run', () => {
  it('ask for setup, accept events meanwhile, and deliver them once it has run', async () => {
    const [port, apiPort] = [await freePort(), await freePort()];
    const [ofApi, ofWorker] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`];
    const startTemporal = () =>
      startPatiently(() =>
        TestWorkflowEnvironment.createLocal({ server: { executable: devServer(), port } }),
      );
    let temporal = await startTemporal();
    const environment = testEnvironment({
      TEMPORAL_ADDRESS: temporal.address,
      PORT: String(apiPort),
    });
    const namespace = environment.TEMPORAL_NAMESPACE!;
    await setUpMongodb(environment);
    const setUp = () => setUpTemporal(loadConfig('all', environment), pino({ level: 'silent' }));
    await setUp();
    const receiver = await Receiver.start();
    const api = RoleProcess.start('api', { ...environment, METRICS_ADDRESS: ofApi });
    const worker = RoleProcess.start('worker', { ...environment, METRICS_ADDRESS: ofWorker });
    const both = (text: string) => Promise.all([api, worker].map((role) => role.logged(text)));
    const admin = new ApiClient(`http://127.0.0.1:${apiPort}`, ADMIN_KEY);
    const operations = new ApiClient(`http://${ofApi}`, ADMIN_KEY);
    const say = (temporalState: string, workersStatus: number) =>
      eventually(
        `they say ${temporalState} and ${workersStatus}`,
        async () => {
          // An API says the same where metrics are.
          for (const asked of [admin, operations]) {
            const { status, body } = await asked.get('/readyz');
            if (status !== 200 || body.data.temporal !== temporalState) return false;
          }
          return (await fetch(`http://${ofWorker}/readyz`)).status === workersStatus;
        },
        PATIENCE_MS,
      );
    try {
      await Promise.all([api.logged('API listens'), worker.logged('worker polls')]);
      await say('ok', 200);
      const created = await admin.post('/v1/projects', { name: 'Test' });
      const client = admin.with({ 'x-project-id': created.body.data.id as string });
      await makeWebhook(client, receiver.url);

      await temporal.teardown();
      temporal = await startTemporal();
      await both(`Temporal's namespace ${namespace} is missing (TEMPORAL_NAMESPACE); run setup`);
      // As one who makes namespaces by other means does.
      await temporal.connection.workflowService.registerNamespace({
        namespace,
        workflowExecutionRetentionPeriod: { seconds: 24 * 60 * 60 } as never,
      });
      await both(
        `the search attribute PosthornProjectId of Temporal's namespace ${namespace} is missing`,
      );
      await expectAccepted(client);
      await say('incomplete', 503);

      await setUp();
      await say('ok', 200);
      await both('Temporal can be used again');
      await eventually('it is delivered', () => deliveredTo(receiver) === 1, PATIENCE_MS);
      expect([await api.end('SIGTERM'), await worker.end('SIGTERM')]).toEqual([0, 0]);
    } finally {
      await Promise.all([api.end('SIGKILL'), worker.end('SIGKILL')]);
      await Promise.all([temporal.teardown(), receiver.close()]);
    }
  });
});

describe('a worker whose own connection to Temporal fails, though that of its process does not', () => {
  const addressOf = useServers();
  let folder: string;
  beforeAll(() => void (folder = mkdtempSync(path.join(tmpdir(), 'posthorn-authorities-'))));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('says why in its log and at readyz, and polls once the cause is gone', async () => {
    const environment = testEnvironment();
    await setUpMongodb(environment);
    await setUpTemporal(loadConfig('all', environment), pino({ level: 'silent' }));
    const [authority, another] = [new TestAuthority(), new TestAuthority()];
    const [ofNode, ofCore] = ['node.pem', 'core.pem'].map((name) => path.join(folder, name));
    writeFileSync(ofNode!, authority.ca);
    writeFileSync(ofCore!, another.ca);
    const front = tlsFront(environment.TEMPORAL_ADDRESS!, authority.serverCertificate());
    const temporal = await addressOf(front);
    const operations = `127.0.0.1:${await freePort()}`;
    const worker = RoleProcess.start('worker', {
      ...environment,
      TEMPORAL_ADDRESS: temporal,
      TEMPORAL_TLS: 'true',
      METRICS_ADDRESS: operations,
      NODE_EXTRA_CA_CERTS: ofNode!,
      SSL_CERT_FILE: ofCore!,
    });
    const readyz = async (): Promise<[number, string]> => {
      const response = await fetch(`http://${operations}/readyz`);
      return [response.status, await response.text()];
    };
    try {
      const why = `TEMPORAL_ADDRESS: the worker can't connect to Temporal at ${temporal}: `;
      await worker.logged(why);
      await eventually('readyz says so', async () => {
        const [status, reason] = await readyz();
        return status === 503 && reason.startsWith(why);
      });
      renameSync(ofNode!, ofCore!);
      await worker.logged('worker polls');
      expect(worker.log()).toContain('the worker has connected to Temporal');
      await eventually('it is ready', async () => (await readyz())[0] === 200);
      expect(worker.log().split('UnknownIssuer')).toHaveLength(2);
      expect(worker.log()).toMatch(/UnknownIssuer.*SSL_CERT_FILE/);
      await worker.drains();
    } finally {
      await worker.end('SIGKILL');
    }
  });
});
