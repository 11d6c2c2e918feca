import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import { useServers } from '../support/foreign-server';
import { PATIENCE_MS, root, startupMessages, type Situation } from '../support/startup-messages';

const { newFolder, expectTold, tells, alsoTells, expectAllTold } = startupMessages('The machine');

describe('the addresses that a process listens on', () => {
  const addressOf = useServers();
  let otherAddress: string;
  beforeAll(async () => {
    otherAddress = await addressOf(createServer());
  });
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
  alsoTells('HOST is an unknown name', 'all', () => ({
    environment: { HOST: 'posthorn.invalid' },
  }));
  alsoTells('The port is in use', 'npm start', () => ({
    environment: {
      PORT: otherAddress.split(':')[1]!,
      POSTHORN_DATA_DIR: newFolder(),
    },
    shown: shown(),
  }));
});

describe('npm start', () => {
  let folder: string;
  beforeEach(() => (folder = newFolder()));
  const inFolder = (environment: Record<string, string> = {}, data = folder): Situation => ({
    environment: { POSTHORN_DATA_DIR: data, ...environment },
    shown: { [folder]: '/srv/posthorn' },
  });

  tells('PORT is not a number', 'npm start', () => inFolder({ PORT: 'http' }));
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

it('docs/proof/startup-messages.md lists these, and nothing else', expectAllTold);
