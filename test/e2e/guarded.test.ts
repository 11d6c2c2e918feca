import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { eventually } from '../support/eventually';

const SCRIPT = path.resolve(__dirname, '../../scripts/embedded/guarded.mjs');
const command = process.execPath;

describe('the servers of npm start', () => {
  let dataDir: string;
  beforeEach(() => (dataDir = mkdtempSync(path.join(tmpdir(), 'posthorn-guarded-'))));
  afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

  /** What a script prints that has `startGuarded` and `stopAllGuarded`. */
  async function printed(script: string): Promise<string> {
    const { stdout } = await promisify(execFile)(command, [
      '-e',
      `import(${JSON.stringify(SCRIPT)}).then(async ({ startGuarded, stopAllGuarded }) => {
        const command = process.execPath;
        const dataDir = ${JSON.stringify(dataDir)};
        const args = ['-e', 'setInterval(() => {}, 1000)'];
        ${script}
      })`,
    ]);
    return stdout;
  }

  it('are stopped in such an order that none loses another that it needs', async () => {
    const stdout = await printed(`
      const lasting = "process.once('SIGTERM', () => setTimeout(process.exit, 300)); console.log('up');";
      const name = 'needed';
      const needed = await startGuarded({ name, command, args, dataDir });
      void needed.exited.then(() => console.log(name));
      const needing = await startGuarded({
        name: 'needing',
        command,
        args: ['-e', lasting + args[1]],
        dataDir,
      });
      void needing.exited.then(() => console.log('needing'));
      while (!needing.tail().includes('up')) await new Promise(setImmediate);
      await stopAllGuarded();`);
    expect(stdout).toBe('needing\nneeded\n');
  });

  it('have ended by themselves, if they had before we stopped them', async () => {
    const stdout = await printed(`
      const server = await startGuarded({ name: 'server', command, args, dataDir });
      process.kill(server.pid, 'SIGKILL');
      // Without an await: nothing is heard of that yet.
      for (let isThere = true; isThere; ) {
        try {
          process.kill(server.pid, 0);
        } catch {
          isThere = false;
        }
      }
      console.log(JSON.stringify(await server.stop()));`);
    expect(JSON.parse(stdout)).toEqual({ code: null, signal: 'SIGKILL', expected: false });
  });

  it('are lost, if another process has asked their guard to stop', async () => {
    const stdout = await printed(`
      const server = await startGuarded({ name: 'server', command, args, dataDir });
      process.kill(server.group, 'SIGTERM');
      console.log(JSON.stringify(await server.exited));`);
    expect(JSON.parse(stdout)).toEqual({ code: null, signal: 'SIGTERM', expected: false });
  });

  it('leave nothing behind where their data is thrown away, even if nobody stops them', async () => {
    const pid = await printed(`
      const throwaway = true;
      const server = await startGuarded({ name: 'server', command, args, dataDir, throwaway });
      console.log(server.pid);
      process.exit();`);
    expect(Number(pid)).toBeGreaterThan(0);
    await eventually('its data is gone', () => !existsSync(dataDir));
  });

  it('that can’t be started don’t prevent the others from being stopped', async () => {
    const stdout = await printed(`
      const server = await startGuarded({ name: 'server', command, args, dataDir });
      const cwd = dataDir + '/gone';
      const failed = startGuarded({ name: 'other', command, args, dataDir, cwd });
      await failed.catch(({ code }) => console.log(code));
      await stopAllGuarded();
      console.log((await server.exited).expected);`);
    expect(stdout).toBe('ENOENT\ntrue\n');
  });
});
