import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '../support/free-port';

const FOLDER = path.resolve(__dirname, '../../scripts/embedded');
const SCRIPT = path.join(FOLDER, 'start-server.mjs');
const FIND = path.join(FOLDER, 'find-binary.mjs');
/** Answers with its name. */
const SERVER = `require('http')
  .createServer((_request, response) => response.end('ours'))
  .listen(process.argv[1], '127.0.0.1')`;

describe('a server of npm start', () => {
  it('is no other program that took its port after we had looked', async () => {
    const dataDir = mkdtempSync(path.join(tmpdir(), 'posthorn-server-'));
    try {
      const { stdout } = await promisify(execFile)(process.execPath, [
        '-e',
        `const wanted = ${await freePort()};
        const foreign = require('http').createServer((_, response) => response.end('foreign'));
        import(${JSON.stringify(SCRIPT)})
          .then(({ startServer }) =>
            startServer({
              name: 'server',
              title: 'The server',
              command: process.execPath,
              dataDir: ${JSON.stringify(dataDir)},
              preferred: { http: wanted },
              argsFor: ({ http }) => {
                if (http === wanted) foreign.listen(wanted, '127.0.0.1');
                return ['-e', ${JSON.stringify(SERVER)}, String(http)];
              },
              ready: async ({ http }) =>
                console.log(await (await fetch('http://127.0.0.1:' + http)).text()),
            }),
          )
          .then((server) => server.stop())
          .finally(() => foreign.close())`,
      ]);
      expect(stdout).toBe('ours\n');
    } finally {
      rmSync(dataDir, { recursive: true });
    }
  });

  it('is found for any folder, though PATH and the cache name theirs by relative paths', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'posthorn-relative-'));
    const [onPath, inCache] = [path.join(folder, 'bin/temporal'), path.join(folder, 'cache')];
    mkdirSync(path.dirname(onPath));
    writeFileSync(onPath, '#!/bin/sh\nexec "$TEST_TEMPORAL_CLI" "$@"\n', { mode: 0o755 });
    try {
      const env = { PATH: 'bin', XDG_CACHE_HOME: 'cache' };
      const stdout = await searchTemporal('{}', folder, env);
      expect(stdout).toBe(`${onPath} ${path.join(inCache, 'posthorn/bin')}\n`);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('is none that does not run where it will', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'posthorn-managed-'));
    // As version managers put there: they find what they have installed by the user's home.
    const managed = '#!/bin/sh\n[ "$HOME" = home ] && exec "$TEST_TEMPORAL_CLI" "$@"\n';
    const others = '#!/bin/sh\nexec "$TEST_TEMPORAL_CLI" "$@"\n';
    try {
      for (const [name, program] of Object.entries({ managed, others })) {
        mkdirSync(path.join(folder, name));
        writeFileSync(path.join(folder, name, 'temporal'), program, { mode: 0o755 });
      }
      const where = { PATH: ['managed', 'others'].join(path.delimiter), HOME: 'home' };
      const elsewhere = "{ env: { ...process.env, HOME: 'elsewhere' } }";
      expect(await searchTemporal('{}', folder, where)).toContain('managed/temporal');
      const stdout = await searchTemporal(elsewhere, folder, where);
      expect(stdout).toContain('others/temporal');
      expect(stdout).toContain('managed/temporal is not used');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

/** What is printed by a search for Temporal's CLI, with these options: its path, and the cache. */
async function searchTemporal(
  options: string,
  cwd: string,
  env: Record<string, string>,
): Promise<string> {
  const search = `import(${JSON.stringify(FIND)}).then(async ({ cacheFolder, findBinary }) =>
    console.log((await findBinary('temporal', ${options})).path, cacheFolder))`;
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', search], {
    cwd,
    env: { ...process.env, ...env },
  });
  return stdout;
}
