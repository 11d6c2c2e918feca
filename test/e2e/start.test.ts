import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ApiClient } from '../support/api-client';
import { freshMongodbUrl, temporalAddress } from '../support/embedded';
import { eventually } from '../support/eventually';

const START = path.resolve(__dirname, '../../scripts/start.mjs');
/** All that a first start does. */
const PATIENCE_MS = 150_000;

describe('npm start', () => {
  it('runs for development, and names a first project of profile autosend with its owner’s key', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'posthorn-start-'));
    const { POSTHORN_ENV: _unset, ...inherited } = process.env;
    const child = spawn(process.execPath, [START], {
      env: {
        ...inherited,
        POSTHORN_DATA_DIR: folder,
        MONGODB_URL: freshMongodbUrl(),
        TEMPORAL_ADDRESS: temporalAddress(),
        TEMPORAL_NAMESPACE: path.basename(folder).toLowerCase(),
        PORT: '0',
      },
      stdio: 'ignore',
    });
    const exited = once(child, 'exit');
    try {
      const dev = await eventually(
        'it is up',
        async () => {
          if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}`);
          const json = await readFile(path.join(folder, 'dev.json'), 'utf8').catch(() => null);
          return json !== null && (JSON.parse(json) as Record<string, string>);
        },
        PATIENCE_MS,
      );
      const admin = new ApiClient(dev.apiUrl!, dev.adminKey!);
      const project = await admin.get(`/v1/projects/${dev.projectId}`);
      expect(project.body.data).toMatchObject({ id: dev.projectId, profile: 'autosend' });
      const client = new ApiClient(dev.apiUrl!, dev.projectKey!);
      const { data } = (await client.get(`/v1/projects/${dev.projectId}/keys`)).body;
      expect(data.keys).toMatchObject([{ role: 'owner' }]);
      // Only development lets a webhook point to the machine itself, by http.
      const webhook = { name: 'Local', url: 'http://127.0.0.1:9/', events: ['*'] };
      expect((await client.post('/v1/webhooks', webhook)).status).toBe(201);
    } finally {
      child.kill('SIGTERM');
      expect((await exited)[0]).toBe(0);
      rmSync(folder, { recursive: true });
    }
  });
});
