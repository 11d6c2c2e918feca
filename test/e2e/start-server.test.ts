import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '../support/free-port';

const SCRIPT = path.resolve(__dirname, '../../scripts/embedded/start-server.mjs');
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
});
