import mongoose, { type Connection } from 'mongoose';
import { newId } from '../../src/contracts/ids';
import { TcpProxy } from '../integration/api/tcp-proxy';
import { ApiClient } from '../support/api-client';
import { BareMongod } from '../support/bare-mongod';
import { makeWebhook } from '../support/deliveries';
import { eventually } from '../support/eventually';
import { freePort } from '../support/free-port';
import { RoleProcess } from '../support/processes';
import { Receiver } from '../support/receiver';
import { emailSent } from '../support/samples';
import { ADMIN_KEY, testEnvironment } from '../support/stack';

const PATIENCE_MS = 60_000;
const DAY_MS = 24 * 60 * 60 * 1000;
const event = { type: 'email.sent', data: emailSent };

/** Runs `setup` to its end. @returns its log */
async function setUp(environment: Record<string, string>): Promise<string> {
  const setup = await RoleProcess.run('setup', environment);
  if ((await setup.exited()) !== 0) throw new Error(setup.log());
  return setup.log();
}

describe('before setup has run', () => {
  it('an API refuses work, a worker polls nothing, and both continue automatically once it has', async () => {
    const [port, operations] = [await freePort(), await freePort()];
    const environment = testEnvironment({
      PORT: String(port),
      METRICS_ADDRESS: `127.0.0.1:${operations}`,
    });
    const receiver = await Receiver.start();
    const { METRICS_ADDRESS: _worker, ...ofApi } = environment;
    const api = RoleProcess.start('api', ofApi);
    const worker = RoleProcess.start('worker', environment);
    const admin = new ApiClient(`http://127.0.0.1:${port}`, ADMIN_KEY);
    const ofWorker = async (path: string): Promise<[number, string]> => {
      const response = await fetch(`http://127.0.0.1:${operations}${path}`);
      return [response.status, await response.text()];
    };
    try {
      await Promise.all([api, worker].map((role) => role.logged('MongoDB is not set up')));
      const said = {
        code: 'unavailable',
        message: expect.stringMatching(/MongoDB is not set up; run setup \(node dist/),
      };
      for (const route of ['/readyz', '/v1/projects', '/v1/events/evt_1']) {
        const { status, body } = await admin.get(route);
        expect([route, status, body.error]).toEqual([route, 503, expect.objectContaining(said)]);
      }
      const posts = await Promise.all(
        Array.from({ length: 20 }, () =>
          admin.post('/v1/events', event, { 'idempotency-key': 'order-1' }),
        ),
      );
      expect(new Set(posts.map(({ status }) => status))).toEqual(new Set([503]));
      expect((await admin.get('/healthz')).status).toBe(200);
      expect(await ofWorker('/readyz')).toEqual([503, expect.stringContaining('run setup')]);
      expect((await ofWorker('/healthz'))[0]).toBe(200);
      expect(worker.log()).not.toContain('worker polls');

      await setUp(environment);
      await worker.logged('worker polls');
      await eventually('the API is ready', async () => (await admin.get('/readyz')).status === 200);
      await eventually('the worker is', async () => (await ofWorker('/readyz'))[0] === 200);
      const created = await admin.post('/v1/projects', { name: 'Test' });
      const client = admin.with({ 'x-project-id': created.body.data.id as string });
      await makeWebhook(client, receiver.url);
      const answers = await Promise.all(
        Array.from({ length: 20 }, () =>
          client.post('/v1/events', event, { 'idempotency-key': 'order-1' }),
        ),
      );
      expect(new Set(answers.map(({ body }) => body.data.id)).size).toBe(1);
      await eventually('it is delivered', () => receiver.requests.length === 1, PATIENCE_MS);
      // Each said it once, and that it was over; again only after something else.
      await Promise.all([api, worker].map((role) => role.logged('MongoDB can be used again')));
      for (const role of [api, worker]) {
        expect(role.repeated(/"msg":"[^"]*MongoDB[^"]*/)).toEqual([]);
      }
    } finally {
      await Promise.all([api.end('SIGTERM'), worker.end('SIGTERM'), receiver.close()]);
    }
  });

  it('a worker that waits for it ends when asked to', async () => {
    const worker = RoleProcess.start('worker', testEnvironment());
    await worker.logged('run setup');
    await worker.drains();
  });
});

describe('setup', () => {
  let environment: Record<string, string>;
  let connection: Connection;

  beforeEach(async () => {
    environment = testEnvironment();
    connection = await mongoose.createConnection(environment.MONGODB_URL!).asPromise();
  });
  afterEach(() => connection.close());

  const isStopped = (one: RoleProcess): boolean => one.isStopped();
  const collection = (name: string) => connection.collection<{ _id: string }>(name);
  const indexesOf = async (name: string) =>
    new Map((await collection(name).indexes()).map((index) => [index.name, index]));

  /** What a past without unique indexes may have left. */
  async function leaveDuplicates(): Promise<{ events: string[]; deliveries: string[] }> {
    const now = new Date();
    const expiresAt = new Date(now.getTime() + DAY_MS);
    const projectId = newId('project');
    const events = Array.from({ length: 20 }, () => newId('event'));
    await collection('events').insertMany(
      events.map((_id) => ({
        _id,
        projectId,
        type: 'email.sent',
        createdAt: now,
        acceptedAt: now,
        body: '{}',
        idempotencyKey: 'order-1',
        requestHash: 'hash',
        fannedOutAt: now,
        expiresAt,
      })),
    );
    const deliveries = Array.from({ length: 3 }, () => newId('delivery'));
    await collection('deliveries').insertMany(
      deliveries.map((_id, at) => ({
        _id,
        projectId,
        eventId: events[0],
        webhookId: 'wh_1',
        expiresAt,
        createdAt: now,
        status: at === 1 ? 'succeeded' : 'pending',
      })),
    );
    const reports = ['a', 'b', 'c'].map((_id) => ({ _id, projectId, provider: 'resend' }));
    await collection('inbound').insertMany(
      reports.map((report) => ({ ...report, type: 'opened', providerEventId: 'msg_1', expiresAt })),
    );
    await collection('eventTypes').insertMany(
      ['old', 'new'].map((description, at) => ({
        _id: `type_${description}`,
        projectId,
        type: 'order.paid',
        description,
        updatedAt: new Date(now.getTime() + at),
      })),
    );
    // Stands in the way of the right one.
    await collection('events').createIndex({ projectId: 1, idempotencyKey: 1 });
    return { events, deliveries };
  }

  async function expectSettled(left: { events: string[]; deliveries: string[] }): Promise<void> {
    expect(await collection('events').countDocuments()).toBe(20);
    const keyed = await collection('events').find({ idempotencyKey: 'order-1' }).toArray();
    expect(keyed.map(({ _id }) => _id)).toEqual(left.events.toSorted().slice(0, 1));
    const deliveries = await collection('deliveries').find().toArray();
    expect(deliveries.map(({ _id }) => _id)).toEqual([left.deliveries[1]]);
    expect(await collection('inbound').countDocuments()).toBe(3);
    const reports = await collection('inbound').find({ providerEventId: 'msg_1' }).toArray();
    expect(reports.map(({ _id }) => _id)).toEqual(['a']);
    const types = await collection('eventTypes').find().toArray();
    expect(types.map(({ _id }) => _id)).toEqual(['type_new']);
    for (const [name, index] of [
      ['events', 'projectId_1_idempotencyKey_1'],
      ['deliveries', 'eventId_1_webhookId_1'],
      ['inbound', 'projectId_1_provider_1_providerEventId_1_type_1'],
      ['eventTypes', 'projectId_1_type_1'],
    ] as const) {
      expect((await indexesOf(name)).get(index)).toMatchObject({ unique: true });
    }
  }

  it('settles duplicates and wrong indexes, loses no event, and may be run twice at once and again', async () => {
    const left = await leaveDuplicates();
    const logs = await Promise.all([setUp(environment), setUp(environment)]);
    expect(logs.join('').match(/duplicates resolved/g)).toHaveLength(4);
    expect(logs.join('').match(/index of another kind dropped/g)).toHaveLength(1);
    await expectSettled(left);
    expect(await setUp(environment)).not.toContain('settled');
  });

  it('killed with -9 in its middle, is finished by the next one', async () => {
    const left = await leaveDuplicates();
    for (const point of ['before 4', 'after 4', 'after 6']) {
      const at = `store/indexes ensureIndexes ${point}`;
      const doomed = await RoleProcess.run('setup', environment, undefined, at);
      await doomed.killed();
      // Or else the next one waits for it, a minute long.
      await collection('migrations').deleteOne({ _id: 'lock' });
    }
    await setUp(environment);
    await expectSettled(left);
  });

  it('interrupted in its middle, leaves no lock that the next one would wait for', async () => {
    const point = 'store/indexes ensureIndexes before 4 SIGSTOP';
    const setup = await RoleProcess.runUntil(isStopped, 'setup', environment, point);
    const locks = () => collection('migrations').countDocuments({ _id: 'lock' });
    expect(await locks()).toBe(1);
    const ended = setup.end('SIGTERM');
    setup.signal('SIGCONT');
    expect(await ended).toBe(1);
    expect(setup.log()).toContain('interrupted by SIGTERM; run setup again');
    expect(await locks()).toBe(0);
    await setUp(environment);
  });

  it('says in one line that MongoDB has become unavailable in its middle', async () => {
    const { host, pathname } = new URL(environment.MONGODB_URL!);
    const mongodb = await TcpProxy.start(host);
    const MONGODB_URL = `mongodb://${mongodb.address}${pathname}?directConnection=true`;
    const point = 'store/indexes ensureIndexes before 4 SIGSTOP';
    const behindIt = { ...environment, MONGODB_URL };
    const setup = await RoleProcess.runUntil(isStopped, 'setup', behindIt, point);
    await mongodb.cut();
    setup.signal('SIGCONT');
    expect(await setup.exited()).toBe(1);
    expect(setup.log()).toMatch(/(^|\n)MONGODB_URL: MongoDB fails: .+; run this again .+\n$/);
    expect(setup.log()).not.toMatch(/\n +at /);
  });

  it('is asked for again by an index that is missing, and one of another kind', async () => {
    await setUp(environment);
    const expectAsked = async (what: string): Promise<void> => {
      const worker = RoleProcess.start('worker', environment);
      await worker.logged(`${what} is missing, or not built yet; run setup`);
      await worker.drains();
    };
    await collection('events').dropIndex('projectId_1_idempotencyKey_1');
    await expectAsked("the unique index projectId+idempotencyKey of MongoDB's collection events");
    await setUp(environment);
    await collection('mails').dropIndex('expiresAt_1');
    await collection('mails').createIndex({ expiresAt: 1 });
    await expectAsked("the index expiresAt of MongoDB's collection mails");
    await setUp(environment);
    expect((await indexesOf('mails')).get('expiresAt_1')).toMatchObject({ expireAfterSeconds: 0 });
  });

  it('of a newer version leaves an older process its work, as long as unique indexes are there', async () => {
    await setUp(environment);
    await collection('migrations').insertOne({ _id: '9999-newer', appliedAt: new Date() } as never);
    await collection('mails').dropIndex('expiresAt_1');
    const worker = RoleProcess.start('worker', environment);
    await worker.logged('worker polls');
    await worker.drains();
    const older = await RoleProcess.run('setup', environment);
    expect(await older.exited()).toBe(1);
    expect(older.log()).toContain(
      'a newer version of Posthorn has migrated this database (9999-newer)',
    );
  });

  it('leaves to a person what it can’t decide, and says which documents', async () => {
    await collection('keys').insertMany(['key_1', 'key_2'].map((_id) => ({ _id, hash: 'same' })));
    const setup = await RoleProcess.run('setup', environment);
    expect(await setup.exited()).toBe(1);
    expect(setup.log().trimEnd().split('\n').at(-1)).toBe(
      'MongoDB: 2 documents of the collection keys have the same hash (key_1, key_2); delete all but one of them, and run setup again',
    );
    await collection('keys').deleteOne({ _id: 'key_2' });
    await setUp(environment);
  });
});

describe('an index that MongoDB is still building', () => {
  let mongod: BareMongod;
  beforeAll(async () => {
    mongod = await BareMongod.start('--replSet', 'rs0', '--setParameter', 'enableTestCommands=1');
    await mongod.initiate();
  });
  afterAll(() => mongod.stop());

  it('is waited for by a role and by setup, which says so', async () => {
    const environment = testEnvironment({ MONGODB_URL: mongod.url('?replicaSet=rs0') });
    await setUp(environment);
    const connection = await mongoose.createConnection(environment.MONGODB_URL!).asPromise();
    const keys = connection.collection<{ _id: string; hash: string }>('keys');
    // Without a document, it would be built at once.
    await keys.insertOne({ _id: 'key_1', hash: 'hash' });
    const index = (await keys.indexes()).find(({ name }) => name === 'hash_1')!;
    await keys.dropIndex('hash_1');
    const inTheMiddle = (mode: 'alwaysOn' | 'off') =>
      mongod.admin({ configureFailPoint: 'hangAfterSettingUpIndexBuild', mode });
    const creating = { currentOp: 1, desc: /^conn/, 'command.createIndexes': 'keys' };
    const areCreating = async (count: number): Promise<boolean> => {
      const { inprog } = (await mongod.admin(creating)) as { inprog: object[] };
      return inprog.length === count;
    };
    await inTheMiddle('alwaysOn');
    const built = connection.db!.command({ createIndexes: 'keys', indexes: [index] });
    const worker = RoleProcess.start('worker', environment);
    try {
      await eventually('it is being built', () => areCreating(1));
      await worker.logged("the unique index hash of MongoDB's collection keys is missing, or not");
      let waits = false;
      const untilItWaits = async () => (waits = await areCreating(2));
      const setup = await RoleProcess.runUntil(untilItWaits, 'setup', environment);
      expect([waits, setup.log()]).toEqual([true, expect.any(String)]);
      expect(worker.log()).not.toContain('worker polls');
      await inTheMiddle('off');
      const said =
        /"collection":"keys","documents":1,"indexes":\["hash"\],"msg":"creating indexes"/;
      expect([await setup.exited(), setup.log()]).toEqual([0, expect.stringMatching(said)]);
      await built;
      await worker.logged('worker polls');
      await worker.drains();
    } finally {
      await inTheMiddle('off');
      await Promise.all([worker.end('SIGKILL'), connection.close()]);
    }
  });
});
