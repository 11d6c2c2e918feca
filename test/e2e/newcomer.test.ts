import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { pino } from 'pino';
import { loadConfig } from '../../src/config/config';
import { RECONCILE_SCHEDULES } from '../../src/contracts/temporal';
import type { settings } from '../../src/config/settings';
import { setUpTemporal } from '../../src/temporal/setup';
import { BareMongod } from '../support/bare-mongod';
import { eventually } from '../support/eventually';
import { firstComplaint, type Complaint } from '../support/first-complaint';
import { freePort } from '../support/free-port';
import { setUpMongodb, testEnvironment } from '../support/stack';

const root = path.resolve(__dirname, '../..');
const MAIN = path.join(root, 'dist/src/main.js');
/** As package.json has it. */
const START = ['--require', './scripts/lib/node-version.cjs', path.join(root, 'scripts/start.mjs')];
const folders: string[] = [];
const newFolder = (): string => {
  const folder = mkdtempSync(path.join(tmpdir(), 'posthorn-newcomer-'));
  folders.push(folder);
  return folder;
};
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

const DAY_SECONDS = 24 * 60 * 60;
const PATIENCE_MS = 120_000;
/** What is also said of a Temporal that is so busy that it doesn't answer within two seconds. */
const SILENT_TEMPORAL = 'does not answer in time';

/** The rows of docs/proof/startup-messages.md whose second cell is a command, by what is wrong. */
const documented = new Map(
  [
    ...readFileSync(path.join(root, 'docs/proof/startup-messages.md'), 'utf8').matchAll(
      /^\| (.+?) +\| `(.+?)` +\| `(.+)` +\| (waits|ends) +\|$/gm,
    ),
  ].map(([, wrong, command, text, outcome]) => [`${wrong}, ${command}`, { text, outcome }]),
);
const told = new Set<string>();

interface Situation {
  environment?: Record<string, string>;
  /** The document's placeholders for what differs in each run. */
  shown?: Record<string, string>;
  node?: string;
}

/** Has a command print what it prints, and holds it against the document. */
async function expectTold(
  wrong: string,
  command: string,
  { environment = {}, shown = {}, node }: Situation,
): Promise<void> {
  const args = command === 'npm start' ? START : [MAIN, command];
  const own = testEnvironment({ LOG_LEVEL: 'info', PORT: String(await freePort()) });
  const given = command === 'npm start' ? environment : { ...own, ...environment };
  const name = `${wrong}, ${command}`;
  const expected = documented.get(name);
  const passing = expected?.text?.includes(SILENT_TEMPORAL) ? undefined : SILENT_TEMPORAL;
  const { text, outcome } = await firstComplaint(args, given, node, passing);
  const general = Object.entries({
    ...shown,
    ...(given.TEMPORAL_NAMESPACE !== undefined && { [given.TEMPORAL_NAMESPACE]: 'posthorn' }),
  }).reduce((so, [actual, general_]) => so.replaceAll(actual, general_), text);
  told.add(name);
  expect({ name, text: general, outcome }).toEqual({ name, ...expected });
}

type Tells = (
  wrong: string,
  command: string,
  prepare: () => Promise<Situation> | Situation,
) => void;
/** In this order: a situation may depend on the one before, or be set up by `beforeEach`. */
const tells: Tells = (wrong, command, prepare) =>
  it(`${wrong}, ${command}`, async () => expectTold(wrong, command, await prepare()), PATIENCE_MS);
/** Beside the others of its group: most of it is the start of a process, and waiting for its complaint. */
const alsoTells: Tells = (wrong, command, prepare) =>
  it.concurrent(
    `${wrong}, ${command}`,
    async () => expectTold(wrong, command, await prepare()),
    PATIENCE_MS,
  );

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
    tells('MongoDB speaks no TLS', 'api', () => withUrl(mongod, '?tls=true'));
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
    }, PATIENCE_MS);
    afterAll(() => mongod.stop());
    const options = '?replicaSet=rs0&authSource=admin';
    alsoTells('The password is wrong', 'api', () => withUrl(mongod, options, 'reader:wrong@'));
    alsoTells('The user may only read', 'api', () => withUrl(mongod, options, 'reader:reader@'));
    alsoTells('The user may only read', 'setup', () => withUrl(mongod, options, 'reader:reader@'));
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
  const others: Server[] = [];
  /** Of a server that is no Temporal. */
  const addressOf = async (other: Server): Promise<string> => {
    others.push(other.listen(0, '127.0.0.1'));
    await once(other, 'listening');
    return `127.0.0.1:${(other.address() as AddressInfo).port}`;
  };
  let otherAddress: string;
  let connection: Connection;
  beforeAll(async () => {
    otherAddress = await addressOf(createHttpServer((_req, res) => res.end('no Temporal')));
    connection = await Connection.connect({ address: testEnvironment().TEMPORAL_ADDRESS! });
  });
  afterAll(async () => {
    for (const other of others) other.close();
    await connection.close();
  });

  for (const command of ['api', 'worker', 'setup']) {
    alsoTells('Temporal does not run', command, () =>
      prepared({ TEMPORAL_ADDRESS: '127.0.0.1:1' }),
    );
  }
  alsoTells('Temporal’s name is wrong', 'worker', () =>
    prepared({ TEMPORAL_ADDRESS: 'temporal.invalid:7233' }),
  );
  alsoTells('Temporal speaks no TLS', 'worker', () => prepared({ TEMPORAL_TLS: 'true' }));
  alsoTells('It is no Temporal', 'worker', () => prepared({ TEMPORAL_ADDRESS: otherAddress }));
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
    const namespace = situation.environment!.TEMPORAL_NAMESPACE!;
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

  describe('and the addresses that a process listens on', () => {
    const shown = () => ({ [otherAddress.split(':')[1]!]: '8080' });
    alsoTells('The port is in use', 'api', () => ({
      environment: { PORT: otherAddress.split(':')[1]! },
      shown: shown(),
    }));
    alsoTells('The port of the metrics is in use', 'worker', () => ({
      environment: { METRICS_ADDRESS: otherAddress },
      shown: { [otherAddress.split(':')[1]!]: '9464' },
    }));
    alsoTells('The port of Temporal’s metrics is in use', 'worker', () => ({
      environment: { TEMPORAL_METRICS_ADDRESS: otherAddress },
      shown: { [otherAddress.split(':')[1]!]: '9465' },
    }));
    alsoTells('HOST is not of this machine', 'api', () => ({ environment: { HOST: '192.0.2.1' } }));
    alsoTells('HOST is no name', 'all', () => ({ environment: { HOST: 'posthorn.invalid' } }));
    alsoTells('The port is in use', 'npm start', () => ({
      environment: {
        PORT: otherAddress.split(':')[1]!,
        POSTHORN_DATA_DIR: newFolder(),
      },
      shown: shown(),
    }));
  });
});

describe('npm start', () => {
  let folder: string;
  beforeEach(() => (folder = newFolder()));
  const inFolder = (environment: Record<string, string> = {}, data = folder): Situation => ({
    environment: { POSTHORN_DATA_DIR: data, ...environment },
    shown: { [folder]: '/srv/posthorn' },
  });

  tells('PORT is no number', 'npm start', () => inFolder({ PORT: 'http' }));
  tells('A setting is wrong', 'npm start', () => inFolder({ POSTHORN_RETENTION_DAYS: 'week' }));
  tells('The data folder is a file', 'npm start', () => {
    writeFileSync(path.join(folder, 'data'), '');
    return inFolder({}, path.join(folder, 'data'));
  });
  tells('The data folder can’t be written', 'npm start', async () => {
    // Linux's own folder, where no one may create one; the reason depends on the user.
    const code = await mkdir('/sys/posthorn').catch(
      ({ code: said }: NodeJS.ErrnoException) => said,
    );
    const { environment, shown } = inFolder({}, '/sys/posthorn');
    return { environment: environment!, shown: { ...shown, '/sys': '/srv', [code!]: 'EACCES' } };
  });
  tells('The data folder’s keys are damaged', 'npm start', () => {
    writeFileSync(path.join(folder, 'secrets.json'), '{"adminKey":');
    return inFolder();
  });
  it(
    'The data folder is in use, npm start',
    async () => {
      const lock = `import(${JSON.stringify(path.join(root, 'scripts/lib/lock.mjs'))})
      .then(({ takeLock }) => takeLock(${JSON.stringify(path.join(folder, 'lock.json'))}))
      .then((lock) => { lock.update({ apiUrl: 'http://127.0.0.1:8080' }); console.log('taken'); });
      setInterval(() => {}, 1000);`;
      const holder = spawn(process.execPath, ['-e', lock], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      try {
        await once(holder.stdout, 'data');
        const { environment, shown } = inFolder();
        const situation = {
          environment,
          shown: { ...shown, [`process ${holder.pid}`]: 'process 4711' },
        };
        await expectTold('The data folder is in use', 'npm start', situation);
      } finally {
        holder.kill();
      }
    },
    PATIENCE_MS,
  );
});

describe('a Node that is too old', () => {
  const fetchNode = async (): Promise<string> => {
    const script = path.join(root, 'scripts/fetch-node.mjs');
    const { stdout } = await promisify(execFile)(process.execPath, [script, '18.20.8']);
    return stdout.trim();
  };
  for (const command of ['api', 'npm start']) {
    tells('Node is too old', command, async () => ({ node: await fetchNode() }));
  }
});

describe('a setting', () => {
  const wrong: Record<keyof typeof settings.shape, string> = {
    POSTHORN_ENV: 'staging',
    HOST: 'http://0.0.0.0:8080',
    PORT: 'http',
    POSTHORN_PUBLIC_URL: 'https://user:password@posthorn.example.com',
    MONGODB_URL: 'mongodb://127.0.0.1:27017',
    TEMPORAL_ADDRESS: 'https://127.0.0.1:7233',
    TEMPORAL_NAMESPACE: 'post horn',
    TEMPORAL_TLS: 'yes',
    TEMPORAL_API_KEY: 'a key',
    TEMPORAL_UI_URL: 'temporal.example',
    TEMPORAL_RETENTION_DAYS: '0',
    POSTHORN_ADMIN_KEY: 'short',
    POSTHORN_ENCRYPTION_KEY: 'short',
    POSTHORN_FORMER_ENCRYPTION_KEYS: 'short',
    POSTHORN_ALLOWED_CIDRS: '10.1.0.0',
    POSTHORN_EGRESS_PROXY: 'proxy.example:3128',
    POSTHORN_RETENTION_DAYS: 'week',
    POSTHORN_DISPATCH: 'fast',
    POSTHORN_AUTO_WORKFLOWS_PER_SECOND: '0',
    POSTHORN_RATE_LIMIT_PER_MINUTE: '0',
    POSTHORN_PROJECT_RATE_LIMIT_PER_MINUTE: '0',
    POSTHORN_MAX_KEYS_PER_PROJECT: '0',
    POSTHORN_MAX_REQUESTS_UNDER_WAY: '0',
    POSTHORN_MAX_HELD_MIB: '0',
    POSTHORN_SEND_TIMEOUT_SECONDS: '0',
    POSTHORN_WRONG_KEYS_PER_MINUTE: '0',
    POSTHORN_CPU_SECONDS_PER_MINUTE: '0',
    POSTHORN_TRUSTED_PROXIES: 'true',
    WORKER_MAX_ATTEMPTS: '0',
    WORKER_MAX_ATTEMPTS_PER_WEBHOOK: '1e3',
    SMTP_URL: 'mail.example:25',
    MAIL_FROM: 'posthorn',
    METRICS_ADDRESS: '9464',
    TEMPORAL_METRICS_ADDRESS: '127.0.0.1:99999',
    LOG_LEVEL: 'verbose',
  };
  let listed: Complaint;
  // All at once: a process that is told of many wrong settings lists what it says of each.
  beforeAll(async () => {
    listed = await firstComplaint([MAIN, 'all'], { ...testEnvironment(), ...wrong });
  });
  it.each(Object.entries(wrong))('`%s=%s`, all', (setting, value) => {
    const name = `\`${setting}=${value}\`, all`;
    told.add(name);
    const { text, outcome } = documented.get(name)!;
    const [heading, ...lines] = listed.text.split('\n');
    expect(heading).toBe("Posthorn can't start. These settings are wrong:");
    expect(lines).toContain(text!.replace(/^Posthorn can't start: /, '  - '));
    expect(lines).toHaveLength(Object.keys(wrong).length);
    expect(listed.outcome).toBe(outcome);
  });
  alsoTells('`MONGODB_URL` with `w=1`', 'all', () => ({
    environment: { MONGODB_URL: 'mongodb://127.0.0.1:27017/posthorn?replicaSet=rs0&w=1' },
  }));
});

it('docs/proof/startup-messages.md lists these, and nothing else', () => {
  expect([...documented.keys()].toSorted()).toEqual([...told].toSorted());
});
