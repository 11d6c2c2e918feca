import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const SCRIPT = path.resolve(__dirname, '../../scripts/embedded/temporal.mjs');

describe('the data folder of npm start', () => {
  it('has Temporal’s database in it, whatever it is called', async () => {
    const parent = mkdtempSync(path.join(tmpdir(), 'posthorn-data-'));
    const dataDir = path.join(parent, 'mine #1 100%41 what?', 'd');
    mkdirSync(dataDir, { recursive: true });
    try {
      await promisify(execFile)(process.execPath, [
        '-e',
        `import(${JSON.stringify(SCRIPT)})
          .then(({ startTemporal }) => startTemporal({ dataDir: ${JSON.stringify(dataDir)}, headless: true }))
          .then((server) => server.stop())`,
      ]);
      expect(readdirSync(dataDir)).toContain('temporal.db');
      expect(readdirSync(parent)).toEqual(['mine #1 100%41 what?']);
    } finally {
      rmSync(parent, { recursive: true });
    }
  });
});
