import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connectedStore } from '../support/connected-store';
import { DEFAULTS, freshMongodbUrl } from '../support/embedded';
import { freePort } from '../support/free-port';
import { spawnStart } from '../support/npm-start';

describe('npm start -- --demo', () => {
  it.each(['as soon as its webhook is there', 'not at all'])(
    'leaves no webhook behind, interrupted %s',
    async (interrupted) => {
      const folder = mkdtempSync(path.join(tmpdir(), 'posthorn-demo-'));
      const MONGODB_URL = freshMongodbUrl();
      const PORT = String(await freePort());
      const child = spawnStart(folder, { MONGODB_URL, PORT }, ['--demo']);
      let printed = '';
      child.stdout.on('data', (chunk: Buffer) => {
        const isThere = printed.includes('wh_');
        printed += chunk.toString();
        const isNew = !isThere && printed.includes('wh_');
        if (isNew && interrupted !== 'not at all') child.kill('SIGINT');
      });
      const [code] = (await once(child, 'close')) as [number | null];
      expect(code).toBe(0);
      if (interrupted === 'not at all') expect(printed).toContain('signature verified');
      const store = await connectedStore(MONGODB_URL, DEFAULTS);
      try {
        expect(await store.webhooks.model.countDocuments()).toBe(0);
      } finally {
        await store.close();
        rmSync(folder, { recursive: true });
      }
    },
  );
});
