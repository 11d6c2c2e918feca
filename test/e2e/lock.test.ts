import { spawn, spawnSync, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { eventually } from '../support/eventually';

const LIB = path.resolve(__dirname, '../../scripts/lib');
/** Takes the lock, says whether it has, and keeps it. */
const take = (file: string): string => `import(${JSON.stringify(`${LIB}/lock.mjs`)})
  .then(({ takeLock }) => takeLock(${JSON.stringify(file)}))
  .then(({ acquired }) => console.log(acquired));
  setInterval(() => {}, 1000);`;
/** Before that: stops when it has read who has the lock, for the first time. */
const STOP = `const fs = require('fs');
  const { syncBuiltinESMExports } = require('module');
  const read = fs.readFileSync;
  fs.readFileSync = (file, ...rest) => {
    const content = read(file, ...rest);
    if (!String(file).endsWith('lock.json')) return content;
    fs.readFileSync = read;
    syncBuiltinESMExports();
    process.kill(process.pid, 'SIGSTOP');
    return content;
  };
  syncBuiltinESMExports();`;

type Child = ChildProcessByStdio<null, Readable, null>;
const run = (code: string): Child =>
  spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
const said = async (child: Child): Promise<string> =>
  String(((await once(child.stdout, 'data')) as [Buffer])[0]);
const isStopped = ({ pid }: Child): boolean =>
  String(spawnSync('ps', ['-o', 'state=', '-p', String(pid)]).stdout).startsWith('T');

describe('a lock of the scripts', () => {
  it('that was left behind is taken by one process, also if two have found it so', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'posthorn-lock-'));
    const file = path.join(folder, 'lock.json');
    writeFileSync(file, JSON.stringify({ pid: 1, startedAt: 'once' }));
    const slow = run(STOP + take(file));
    let fast: Child | undefined;
    try {
      await eventually('it has found the lock', () => isStopped(slow));
      fast = run(take(file));
      expect(await said(fast)).toBe('true\n');
      slow.kill('SIGCONT');
      expect(await said(slow)).toBe('false\n');
    } finally {
      slow.kill('SIGKILL');
      fast?.kill('SIGKILL');
      rmSync(folder, { recursive: true });
    }
  });
});
