import mongoose, { type Connection } from 'mongoose';
import { pino } from 'pino';
import { migrate, MIGRATIONS, type Migration } from '../../src/store/migrations';
import type { DeliveryRecord } from '../../src/store/delivery-record';
import { BareMongod } from '../support/bare-mongod';
import { connectedStore } from '../support/connected-store';
import { DEFAULTS, freshMongodbUrl } from '../support/embedded';
import { eventually } from '../support/eventually';

describe('migrations', () => {
  let connection: Connection;
  let log: string[];
  let url: string;

  beforeEach(async () => {
    url = freshMongodbUrl();
    connection = await mongoose.createConnection(url).asPromise();
    log = [];
  });
  afterEach(async () => {
    await connection.dropDatabase();
    await connection.close();
  });

  const noting = (id: string, up: () => Promise<void> = async () => {}): Migration => ({
    id,
    up: async () => {
      log.push(id);
      await up();
    },
  });

  it('are applied in their order, each once, and later ones when they come', async () => {
    await migrate(connection, [noting('0001-a'), noting('0002-b')]);
    await migrate(connection, [noting('0001-a'), noting('0002-b'), noting('0003-c')]);
    expect(log).toEqual(['0001-a', '0002-b', '0003-c']);
  });

  it('are applied once by many processes at the same time', async () => {
    const tables = Array.from({ length: 5 }, () => [noting('0001-a'), noting('0002-b')]);
    await Promise.all(tables.map((all) => migrate(connection, all, { lockMs: 6000 })));
    expect(log).toEqual(['0001-a', '0002-b']);
  });

  it('stop at one that fails, and continue with it the next time', async () => {
    let fails = true;
    const all = [
      noting('0001-a'),
      noting('0002-b', async () => {
        if (fails) throw new Error('disk full');
      }),
      noting('0003-c'),
    ];
    await expect(migrate(connection, all)).rejects.toThrow('disk full');
    fails = false;
    await migrate(connection, all);
    expect(log).toEqual(['0001-a', '0002-b', '0002-b', '0003-c']);
  });

  it('wait for a process that is at it, and say so, and not for one that died at it', async () => {
    const locks = connection.collection<{ _id: string; owner: string; until: Date }>('migrations');
    const until = new Date(Date.now() + 1500);
    await locks.insertOne({ _id: 'lock', owner: 'somebody', until });
    const said: string[] = [];
    const told = pino({}, { write: (line) => said.push(line) });
    const done = migrate(connection, [noting('0001-a')], { lockMs: 3000, log: told });
    await eventually('it is applied', () => log.length === 1);
    expect(Date.now()).toBeGreaterThanOrEqual(until.getTime());
    await done;
    expect(said.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual([
      'waiting for another setup, which is running or was killed',
      'migrating MongoDB',
    ]);
    expect(await locks.countDocuments({ _id: 'lock' })).toBe(0);
  });

  it('leave no lock behind that is being renewed as they end', async () => {
    const parameters = ['--replSet', 'rs0', '--setParameter', 'enableTestCommands=1'];
    const mongod = await BareMongod.start(...parameters);
    await mongod.initiate();
    const slow = await mongoose
      .createConnection(mongod.url('?replicaSet=rs0'), { monitorCommands: true })
      .asPromise();
    /** Those of the lock that are under way. */
    const updates = new Set<number>();
    let tellRenewal = (): void => {};
    const client = slow.getClient();
    client.on('commandStarted', ({ commandName, command, requestId }) => {
      if (commandName !== 'update' || command.updates[0].q._id !== 'lock') return;
      updates.add(requestId);
      tellRenewal();
    });
    client.on('commandSucceeded', ({ requestId }) => updates.delete(requestId));
    const lasting = noting('0001-a', async () => {
      const data = { failCommands: ['update'], blockConnection: true, blockTimeMS: 2000 };
      await mongod.admin({ configureFailPoint: 'failCommand', mode: { times: 1 }, data });
      await new Promise<void>((resolve) => (tellRenewal = resolve));
    });
    try {
      await migrate(slow, [lasting], { lockMs: 300 });
      await eventually('none is under way', () => updates.size === 0);
      expect(await slow.collection('migrations').countDocuments({ owner: { $exists: true } })).toBe(
        0,
      );
    } finally {
      await slow.close();
      await mongod.stop();
    }
  });

  it('may be applied by another process while one is suspended at it', async () => {
    const records = connection.collection<{ _id: string; appliedAt: Date }>('migrations');
    const appliedAt = new Date(Date.now() - 1000);
    const suspended = noting('0001-a', async () => {
      await records.insertOne({ _id: '0001-a', appliedAt });
    });
    await migrate(connection, [suspended, noting('0002-b')]);
    expect(log).toEqual(['0001-a', '0002-b']);
    expect(await records.findOne({ _id: '0001-a' })).toEqual({ _id: '0001-a', appliedAt });
  });

  it('do not wait for one that a wrong clock has locked for longer than any may', async () => {
    const locks = connection.collection<{ _id: string; owner: string; until: Date }>('migrations');
    const until = new Date(Date.now() + 60 * 60 * 1000);
    await locks.insertOne({ _id: 'lock', owner: 'somebody', until });
    await migrate(connection, [noting('0001-a')]);
    expect(log).toEqual(['0001-a']);
  });

  it('refuse a database that a newer version has migrated', async () => {
    await migrate(connection, [noting('0001-a'), noting('0002-b')]);
    await expect(migrate(connection, [noting('0001-a')])).rejects.toThrow('0002-b');
  });

  it('of this version recreate the indexes whose options have changed', async () => {
    const ttl = { expireAfterSeconds: 0 };
    await connection.collection('events').createIndex({ expiresAt: 1 }, ttl);
    await connection.collection('deliveries').createIndex({ expiresAt: 1 }, ttl);
    await connection.collection('deliveries').createIndex({ status: 1, expiresAt: 1 });
    const store = await connectedStore(url, DEFAULTS);
    await store.setUp(pino({ level: 'silent' }));
    await store.close();
    const indexes = async (of: string) =>
      new Map((await connection.collection(of).indexes()).map((index) => [index.name, index]));
    const [events, deliveries] = [await indexes('events'), await indexes('deliveries')];
    expect(events.get('expiresAt_1')).not.toHaveProperty('expireAfterSeconds');
    expect(deliveries.get('expiresAt_1')).toMatchObject({
      expireAfterSeconds: 0,
      partialFilterExpression: { status: { $in: ['succeeded', 'failed', 'skipped', 'cancelled'] } },
    });
    expect(deliveries.has('status_1_expiresAt_1')).toBe(false);
  });

  it('of this version drop all indexes that earlier ones had, and this one does not', async () => {
    const collections = ['deliveries', 'events', 'mails', 'replays', 'statsHours', 'webhooks'];
    const former: [collection: string, keys: Record<string, 1 | -1>, partial?: object][] = [
      ['deliveries', { projectId: 1, followUp: 1 }, { followUp: true }],
      ['deliveries', { followUp: 1, projectId: 1 }, { followUp: true }],
      ['deliveries', { nextAttemptAt: 1 }, { status: 'pending' }],
      ['deliveries', { webhookId: 1, eventId: 1 }, { status: 'held' }],
      ['deliveries', { queuedIn: 1, webhookId: 1, eventId: 1 }, { queuedIn: { $type: 'string' } }],
      ['deliveries', { projectId: 1, eventType: 1, _id: -1 }],
      ['events', { acceptedAt: 1 }, { fannedOutAt: null }],
      ['mails', { nextTryAt: 1 }, { sentAt: null }],
      ['mails', { projectId: 1 }],
      ['replays', { status: 1, updatedAt: 1 }],
      ['statsHours', { countedAt: 1 }],
      ['webhooks', { projectId: 1, events: 1 }],
    ];
    for (const [collection, keys, partialFilterExpression] of former) {
      const options = partialFilterExpression ? { partialFilterExpression } : {};
      await connection.collection(collection).createIndex(keys, options);
    }
    const indexes = async (of: Connection): Promise<string[][]> => {
      const all = await Promise.all(collections.map((name) => of.collection(name).indexes()));
      return all.map((ones) => ones.map(({ name }) => String(name)).toSorted());
    };
    const setUp = async (at: string): Promise<void> => {
      const store = await connectedStore(at, DEFAULTS);
      await store.setUp(pino({ level: 'silent' }));
      await store.close();
    };
    const newUrl = freshMongodbUrl();
    await Promise.all([setUp(url), setUp(newUrl)]);
    const fresh = await mongoose.createConnection(newUrl).asPromise();
    expect(await indexes(connection)).toEqual(await indexes(fresh));
    await fresh.dropDatabase();
    await fresh.close();
  });

  it('of this version make what failed before it findable by how', async () => {
    const deliveries = connection.collection<{ _id: string }>('deliveries');
    const failed = { number: 1, outcome: 'failed' };
    const attempts: Record<string, object[]> = {
      status: [failed, { ...failed, statusCode: 503 }],
      error: [
        { ...failed, statusCode: 500 },
        { ...failed, errorCode: 'timeout' },
      ],
      succeeded: [
        { ...failed, statusCode: 500 },
        { outcome: 'succeeded', statusCode: 200 },
      ],
      none: [],
    };
    await deliveries.insertMany(
      Object.entries(attempts).map(([_id, made]) => ({ _id, attempts: made })),
    );
    await migrate(connection);
    const stored = await deliveries.find().toArray();
    expect(stored.map(({ _id, ...rest }) => [_id, (rest as DeliveryRecord).failedWith])).toEqual([
      ['status', [503, '5xx']],
      ['error', ['timeout']],
      ['succeeded', undefined],
      ['none', undefined],
    ]);
  });

  it('of this version go through any number of deliveries, which are read once for all indexes', async () => {
    const deliveries = connection.collection<{ _id: string }>('deliveries');
    const many = Array.from({ length: 40_001 }, (_, n) => ({
      _id: String(n).padStart(5, '0'),
      projectId: 'proj_a',
      eventId: String(n),
      attempts: n % 20_000 === 0 ? [{ outcome: 'failed', statusCode: 500 }] : [],
    }));
    await deliveries.insertMany(many);
    const db = connection.db!;
    await db.command({
      profile: 1,
      slowms: 1000,
      filter: { 'command.createIndexes': 'deliveries' },
    });
    const store = await connectedStore(url, DEFAULTS);
    await store.setUp(pino({ level: 'silent' }));
    await store.close();
    expect(await deliveries.distinct('_id', { failedWith: '5xx' })).toEqual([
      '00000',
      '20000',
      '40000',
    ]);
    expect(await db.collection('system.profile').countDocuments()).toBe(1);
  });

  it('of this version are followed, once, by a repair of what workers of the version before have written', async () => {
    const store = await connectedStore(url, DEFAULTS);
    await store.setUp(pino({ level: 'silent' }));
    const { upgradeRepair, deliveries } = store;
    const records = connection.collection<{ _id: string }>('migrations');
    const _id = '0003-how-last-attempts-failed';
    const failed = { number: 1, outcome: 'failed', statusCode: 503 };
    const succeeded = { number: 2, outcome: 'succeeded', statusCode: 200 };
    const stored: Record<string, Partial<DeliveryRecord>> = {
      missing: { status: 'failed', attempts: [failed] as never },
      other: { status: 'pending', attempts: [failed] as never, failedWith: ['timeout'] },
      stale: {
        status: 'succeeded',
        attempts: [failed, succeeded] as never,
        failedWith: [503, '5xx'],
      },
      right: { status: 'cancelled', attempts: [failed] as never, failedWith: [503, '5xx'] },
      none: { status: 'held', attempts: [] },
    };
    await deliveries.model.collection.insertMany(
      Object.entries(stored).map(([id, fields]) => ({
        ...fields,
        _id: id,
        eventId: id,
        projectId: 'p',
      })) as never[],
    );
    expect(await upgradeRepair.repairSome()).toBe(false);
    expect(await deliveries.model.countDocuments({ failedWith: '5xx' })).toBe(2);
    await records.updateOne({ _id }, { $set: { appliedAt: new Date(Date.now() - 3_700_000) } });
    while (await upgradeRepair.repairSome());
    const found = await deliveries.model.find().lean<DeliveryRecord[]>();
    expect(Object.fromEntries(found.map((each) => [each._id, each.failedWith]))).toEqual({
      missing: [503, '5xx'],
      other: [503, '5xx'],
      right: [503, '5xx'],
    });
    expect(await records.findOne({ _id })).toHaveProperty('repeatedAt');
    await store.close();
  });

  it('of this version drop once more what workers of the version before have counted meanwhile', async () => {
    const store = await connectedStore(url, DEFAULTS);
    await store.setUp(pino({ level: 'silent' }));
    const former = ['countedHours', 'deliveryCounts'];
    for (const name of former) await connection.collection(name).insertOne({ count: 1 });
    const left = async (): Promise<string[]> =>
      (await connection.db!.listCollections().toArray())
        .map(({ name }) => name)
        .filter((name) => former.includes(name))
        .toSorted();
    expect(await store.upgradeRepair.repairSome()).toBe(false);
    expect(await left()).toEqual(former);
    await connection
      .collection<{ _id: string }>('migrations')
      .updateMany({}, { $set: { appliedAt: new Date(Date.now() - 3_700_000) } });
    while (await store.upgradeRepair.repairSome());
    expect(await left()).toEqual([]);
    await store.close();
  });

  it('of this version find nothing to do in an empty database', async () => {
    await migrate(connection);
    await migrate(connection);
  });

  it('of this version are in the order of their ids', () => {
    const ids = MIGRATIONS.map(({ id }) => id);
    expect(ids).toEqual([...new Set(ids)].toSorted());
    for (const id of ids) expect(id).toMatch(/^\d{4}-[a-z0-9-]+$/);
  });
});
