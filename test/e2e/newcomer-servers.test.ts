import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import { createServer } from 'node:net';
import path from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { temporal } from '@temporalio/proto';
import { pino } from 'pino';
import { loadConfig } from '../../src/config/config';
import { EXAMPLE } from '../../src/api/schemas/fields';
import type { SigningScheme } from '../../src/contracts/delivery';
import { newId } from '../../src/contracts/ids';
import { RECONCILE_SCHEDULES } from '../../src/contracts/temporal';
import { Cipher } from '../../src/store/cipher';
import { setUpTemporal } from '../../src/temporal/setup';
import { BareMongod } from '../support/bare-mongod';
import { connectedStore } from '../support/connected-store';
import { DEFAULTS } from '../support/embedded';
import { eventually } from '../support/eventually';
import { useServers } from '../support/foreign-server';
import { freePort } from '../support/free-port';
import { olderMongodb } from '../support/older-mongodb';
import { setUpMongodb, testEnvironment } from '../support/stack';
import { PATIENCE_MS, startupMessages, type Situation } from '../support/startup-messages';

const { newFolder, tells, alsoTells, expectAllTold } = startupMessages(
  'MongoDB, Temporal and setup',
);
/** Of MongoDB 5.0. */
const WIRE_VERSION_5 = 13;
const DAY_SECONDS = 24 * 60 * 60;
const KEYWORD = temporal.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD;
/** What a role of one's own may allow. */
const WITHOUT_INDEXES =
  'find insert update remove changeStream listCollections createCollection dropCollection listIndexes dropIndex';
const addressOf = useServers();
const MONGODB = '127.0.0.1:27017';
const TEMPORAL = '127.0.0.1:7233';

describe('MongoDB', () => {
  const withUrl = (mongod: BareMongod, options = '', login = ''): Situation => ({
    environment: { MONGODB_URL: mongod.url(options, login) },
    shown: { [mongod.host]: MONGODB },
  });

  describe('is not there', () => {
    const nobody =
      (hosts: string, login = '') =>
      (): Situation => ({
        environment: { MONGODB_URL: `mongodb://${login}${hosts}/posthorn?replicaSet=rs0` },
        shown: { '127.0.0.1:1:': `${MONGODB}:` },
      });
    for (const command of ['api', 'setup', 'rotate-key']) {
      alsoTells('MongoDB does not run', command, nobody('127.0.0.1:1', 'posthorn:password@'));
    }
    alsoTells('MongoDB’s name is wrong', 'api', nobody('mongodb.invalid:27017'));
    alsoTells('MongoDB’s name is wrong, by SRV', 'api', () => ({
      environment: { MONGODB_URL: 'mongodb+srv://mongodb.invalid/posthorn' },
    }));
  });

  for (const command of ['api', 'setup']) {
    alsoTells('MongoDB is too old', command, async () => {
      const { host } = new URL(testEnvironment().MONGODB_URL!);
      const address = await addressOf(olderMongodb(host, WIRE_VERSION_5));
      const MONGODB_URL = `mongodb://${address}/posthorn?directConnection=true`;
      return { environment: { MONGODB_URL }, shown: { [address]: MONGODB } };
    });
  }

  describe('is a standalone server', () => {
    let mongod: BareMongod;
    beforeAll(async () => void (mongod = await BareMongod.start()), PATIENCE_MS);
    afterAll(() => mongod.stop());
    for (const command of ['api', 'worker', 'setup']) {
      alsoTells('MongoDB is standalone', command, () => withUrl(mongod));
    }
    alsoTells('MongoDB is standalone, the URL names a replica set', 'api', () =>
      withUrl(mongod, '?replicaSet=rs0'),
    );
    alsoTells('MongoDB is standalone', 'npm start', () => {
      const { environment, shown } = withUrl(mongod);
      const { TEMPORAL_ADDRESS } = testEnvironment();
      const folder = newFolder();
      const own = { TEMPORAL_ADDRESS: TEMPORAL_ADDRESS!, POSTHORN_DATA_DIR: folder, PORT: '0' };
      return { environment: { ...environment, ...own }, shown };
    });
  });

  describe('is a replica set', () => {
    let mongod: BareMongod;
    let arbiter: BareMongod;
    let away: string;
    beforeAll(async () => {
      mongod = await BareMongod.start('--replSet', 'rs0');
      away = `127.0.0.1:${await freePort()}`;
    }, PATIENCE_MS);
    afterAll(() => mongod.stop());
    const isPrimary = async () => (await mongod.admin({ hello: 1 })).isWritablePrimary as boolean;

    tells('The replica set is not initiated', 'api', () => withUrl(mongod, '?replicaSet=rs0'));
    tells('The replica set has another name', 'api', async () => {
      await mongod.initiate();
      return withUrl(mongod, '?replicaSet=shop');
    });
    tells('MongoDB doesn’t use TLS', 'api', () => withUrl(mongod, '?tls=true'));
    tells('No majority confirms a write', 'setup', async () => {
      arbiter = await BareMongod.start('--replSet', 'rs0');
      await mongod.admin({ setDefaultRWConcern: 1, defaultWriteConcern: { w: 1 } });
      const { config } = (await mongod.admin({ replSetGetConfig: 1 })) as {
        config: { version: number; members: object[] };
      };
      const members = [
        ...config.members,
        { _id: 1, host: arbiter.host, arbiterOnly: true },
        { _id: 2, host: away, priority: 0 },
      ];
      const wanted = { ...config, version: config.version + 1, members };
      await mongod.admin({ replSetReconfig: wanted, force: true });
      await eventually('it is primary', isPrimary, PATIENCE_MS);
      return withUrl(mongod, '?replicaSet=rs0');
    });
    tells('No primary is left', 'api', async () => {
      await arbiter.stop();
      await eventually('it is no primary', async () => !(await isPrimary()), PATIENCE_MS);
      const { environment, shown } = withUrl(mongod, '?replicaSet=rs0');
      const others = { [arbiter.host]: '127.0.0.1:27018', [away]: '127.0.0.1:27018' };
      return { environment: environment!, shown: { ...shown, ...others } };
    });
  });

  describe('has users', () => {
    let mongod: BareMongod;
    let folder: string;
    beforeAll(async () => {
      folder = newFolder();
      const keyFile = path.join(folder, 'key');
      writeFileSync(keyFile, randomBytes(60).toString('base64'), { mode: 0o600 });
      mongod = await BareMongod.start('--replSet', 'rs0', '--auth', '--keyFile', keyFile);
      await mongod.initiate();
      await mongod.admin({ createUser: 'root', pwd: 'root', roles: ['root'] });
      const roles = [{ role: 'read', db: 'posthorn' }];
      await mongod.admin({ createUser: 'reader', pwd: 'reader', roles }, 'root:root@');
      const privileges = [
        { resource: { db: 'posthorn', collection: '' }, actions: WITHOUT_INDEXES.split(' ') },
      ];
      await mongod.admin({ createRole: 'writer', privileges, roles: [] }, 'root:root@');
      await mongod.admin({ createUser: 'writer', pwd: 'writer', roles: ['writer'] }, 'root:root@');
    }, PATIENCE_MS);
    afterAll(() => mongod.stop());
    const options = '?replicaSet=rs0&authSource=admin';
    alsoTells('The password is wrong', 'api', () => withUrl(mongod, options, 'reader:wrong@'));
    alsoTells('The user may only read', 'api', () => withUrl(mongod, options, 'reader:reader@'));
    alsoTells('The user may only read', 'setup', () => withUrl(mongod, options, 'reader:reader@'));
    alsoTells('The user isn’t allowed to create indexes', 'setup', () =>
      withUrl(mongod, options, 'writer:writer@'),
    );
    alsoTells('The URL names no user', 'api', () => withUrl(mongod, '?replicaSet=rs0'));
  });
});

describe('setup', () => {
  for (const command of ['api', 'worker', 'all']) {
    alsoTells('setup has not run', command, () => {
      const { MONGODB_URL } = testEnvironment();
      const name = new URL(MONGODB_URL!).pathname.slice(1);
      return { environment: { MONGODB_URL: MONGODB_URL! }, shown: { [name]: 'posthorn' } };
    });
  }
});

describe('the encryption key', () => {
  /** A database with a webhook. */
  async function encrypted(): Promise<{ MONGODB_URL: string; webhookId: string }> {
    const MONGODB_URL = testEnvironment().MONGODB_URL!;
    await setUpMongodb({ MONGODB_URL });
    const store = await connectedStore(MONGODB_URL, DEFAULTS);
    const _id = newId('webhook');
    const secrets = [new Cipher(randomBytes(32)).seal('secret', _id)];
    const signing: SigningScheme[] = ['hex'];
    const rest = { name: 'Orders', url: 'https://example.com/', events: ['*'] };
    await store.webhooks.model.create({
      _id,
      projectId: newId('project'),
      signing,
      secrets,
      ...rest,
    });
    await store.close();
    return { MONGODB_URL, webhookId: _id };
  }

  for (const command of ['api', 'worker']) {
    alsoTells('The encryption key is a different one', command, async () => {
      const { MONGODB_URL, webhookId } = await encrypted();
      return { environment: { MONGODB_URL }, shown: { [webhookId]: EXAMPLE.webhookId } };
    });
  }
  alsoTells('The encryption key is a different one', 'npm start', async () => {
    const { MONGODB_URL, webhookId } = await encrypted();
    const folder = newFolder();
    const shown = { [webhookId]: EXAMPLE.webhookId, [folder]: '/srv/posthorn' };
    const own = { MONGODB_URL, POSTHORN_DATA_DIR: folder, PORT: '0' };
    return { environment: { ...testEnvironment(), ...own }, shown };
  });
});

describe('Temporal', () => {
  /** With all that `setup` does in MongoDB. */
  async function prepared(settings_: Record<string, string> = {}): Promise<Situation> {
    const environment = testEnvironment(settings_);
    await setUpMongodb(environment);
    const { LOG_LEVEL: _silent, TEMPORAL_ADDRESS: address, ...rest } = environment;
    const shown = { [`${address!}:`]: `${TEMPORAL}:`, [`${address!} `]: `${TEMPORAL} ` };
    if (address!.includes('invalid'))
      return { environment: { ...rest, TEMPORAL_ADDRESS: address! } };
    return { environment: { ...rest, TEMPORAL_ADDRESS: address! }, shown };
  }
  /** Of a server that is not Temporal. */
  let otherAddress: string;
  let connection: Connection;
  beforeAll(async () => {
    otherAddress = await addressOf(createHttpServer((_req, res) => res.end('not Temporal')));
    connection = await Connection.connect({ address: testEnvironment().TEMPORAL_ADDRESS! });
  });
  afterAll(() => connection.close());

  /** Makes the namespace, without anything of Posthorn's in it. */
  async function bareNamespace({ environment }: Situation): Promise<string> {
    const namespace = environment!.TEMPORAL_NAMESPACE!;
    await connection.workflowService.registerNamespace({
      namespace,
      workflowExecutionRetentionPeriod: { seconds: DAY_SECONDS } as never,
    });
    const isKnown = () =>
      connection.operatorService.listSearchAttributes({ namespace }).then(
        () => true,
        () => false,
      );
    await eventually('the namespace is known', isKnown, PATIENCE_MS);
    return namespace;
  }

  for (const command of ['api', 'worker', 'setup']) {
    alsoTells('Temporal does not run', command, () =>
      prepared({ TEMPORAL_ADDRESS: '127.0.0.1:1' }),
    );
  }
  alsoTells('Temporal’s name is wrong', 'worker', () =>
    prepared({ TEMPORAL_ADDRESS: 'temporal.invalid:7233' }),
  );
  alsoTells('Temporal doesn’t use TLS', 'worker', () => prepared({ TEMPORAL_TLS: 'true' }));
  alsoTells('It is not a Temporal server', 'worker', () =>
    prepared({ TEMPORAL_ADDRESS: otherAddress }),
  );
  alsoTells('It never answers', 'worker', async () =>
    prepared({ TEMPORAL_ADDRESS: await addressOf(createServer()) }),
  );
  // It greets, as one does whose database is slow, and answers no call.
  alsoTells('Temporal is slow', 'worker', async () =>
    prepared({ TEMPORAL_ADDRESS: await addressOf(createHttp2Server()) }),
  );
  alsoTells('The namespace is missing', 'api', () => prepared());
  alsoTells('The namespace is not Posthorn’s', 'worker', async () => {
    const situation = await prepared();
    await bareNamespace(situation);
    return situation;
  });
  alsoTells('The namespace has no room for search attributes', 'setup', async () => {
    const situation = await prepared();
    const namespace = await bareNamespace(situation);
    // Of ten that SQL databases have room for.
    const others = Array.from({ length: 6 }, (_, at) => [`Other${at}`, KEYWORD] as const);
    const searchAttributes = Object.fromEntries(others);
    await connection.operatorService.addSearchAttributes({ namespace, searchAttributes });
    return situation;
  });
  alsoTells('A schedule of reconcile is missing', 'api', async () => {
    const situation = await prepared();
    const config = loadConfig('all', situation.environment);
    await setUpTemporal(config, pino({ level: 'silent' }));
    const client = new Client({ connection, namespace: config.temporal.namespace });
    await client.schedule.getHandle(RECONCILE_SCHEDULES.housekeeping).delete();
    return situation;
  });
});

it('docs/proof/startup-messages.md lists these, and nothing else', expectAllTold);
