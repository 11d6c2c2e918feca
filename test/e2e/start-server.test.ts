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
      const { stdout } = await promisify(execFile)(
        process.execPath,
        [
          '-e',
          `import(${JSON.stringify(FIND)}).then(async ({ cacheFolder, findBinary }) =>
            console.log((await findBinary('temporal')).path, cacheFolder))`,
        ],
        { cwd: folder, env: { ...process.env, PATH: 'bin', XDG_CACHE_HOME: 'cache' } },
      );
      expect(stdout).toBe(`${onPath} ${path.join(inCache, 'posthorn/bin')}\n`);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
