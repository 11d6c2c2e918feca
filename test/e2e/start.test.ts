import { mkdtempSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ApiClient } from '../support/api-client';
import { freePort } from '../support/free-port';
import { npmStart } from '../support/npm-start';

/** What a user of Temporal Cloud has: it would have the CLI speak TLS, to whatever address. */
const PROFILE = '[profile.default]\napi_key = "key"\n';
/** The CLI of the test run, as it was before it had news. */
const FORMER_CLI = `#!/bin/sh
case "$*" in
  *--help*) "$TEST_TEMPORAL_CLI" "$@" | grep -v news ;;
  *news*) echo 'Error: unknown flag' >&2; exit 1 ;;
  *) exec "$TEST_TEMPORAL_CLI" "$@" ;;
esac
`;

describe('npm start', () => {
  it('runs for development, and names a first project of profile autosend with its owner’s key', async () => {
    const POSTHORN_PUBLIC_URL = 'https://posthorn.example.com/';
    const { dev, signInUrl, stop } = await npmStart({ POSTHORN_PUBLIC_URL });
    try {
      expect(dev.dashboardUrl).toBe('https://posthorn.example.com/dashboard/');
      expect(signInUrl).toMatch(/^https:\/\/posthorn\.example\.com\/dashboard\/#sign-in=/);
      const admin = new ApiClient(dev.apiUrl, dev.adminKey);
      const project = await admin.get(`/v1/projects/${dev.projectId}`);
      expect(project.body.data).toMatchObject({ id: dev.projectId, profile: 'autosend' });
      const client = new ApiClient(dev.apiUrl, dev.projectKey);
      const { data } = (await client.get(`/v1/projects/${dev.projectId}/keys`)).body;
      expect(data.keys).toMatchObject([{ role: 'owner' }]);
      // Only development lets a webhook point to the machine itself, by http.
      const webhook = { name: 'Local', url: 'http://127.0.0.1:9/', events: ['*'] };
      expect((await client.post('/v1/webhooks', webhook)).status).toBe(201);
    } finally {
      expect(await stop()).toBe(0);
    }
  });

  it('comes up on the port of the one before, which was killed and has left its API running', async () => {
    const PORT = String(await freePort());
    const killed = await npmStart({ PORT });
    const left = await readFile(path.join(killed.folder, 'run/posthorn.json'), 'utf8');
    const { guard } = JSON.parse(left) as { guard: { pid: number } };
    process.kill(guard.pid, 'SIGSTOP');
    process.kill(killed.pid, 'SIGKILL');
    process.kill(guard.pid, 'SIGKILL');
    const { dev, stop } = await npmStart({ PORT }, killed.folder);
    expect(dev.apiUrl).toBe(`http://127.0.0.1:${PORT}`);
    expect(await stop()).toBe(0);
  });

  it('comes up with an older Temporal CLI on PATH, whatever the user’s profile for it says', async () => {
    const home = mkdtempSync(path.join(tmpdir(), 'posthorn-home-'));
    const [bin, XDG_CONFIG_HOME] = ['bin', '.config'].map((name) => path.join(home, name));
    const profiles = path.join(XDG_CONFIG_HOME!, 'temporalio');
    await Promise.all([bin!, profiles].map((folder) => mkdir(folder, { recursive: true })));
    await writeFile(path.join(profiles, 'temporal.toml'), PROFILE);
    await writeFile(path.join(bin!, 'temporal'), FORMER_CLI, { mode: 0o755 });
    const PATH = `${bin}${path.delimiter}${process.env.PATH}`;
    const settings = { TEMPORAL_ADDRESS: '', HOME: home, XDG_CONFIG_HOME: XDG_CONFIG_HOME!, PATH };
    try {
      const { stop } = await npmStart(settings);
      expect(await stop()).toBe(0);
    } finally {
      await rm(home, { recursive: true });
    }
  });

  it('comes up where a proxy is set, which leads to no server of this machine', async () => {
    const https_proxy = 'http://127.0.0.1:1';
    const { stop } = await npmStart({ https_proxy, no_proxy: '', no_grpc_proxy: '' });
    expect(await stop()).toBe(0);
  });

  it('comes up on another port if another one takes the usual port meanwhile', async () => {
    const starts = await Promise.allSettled([npmStart({ PORT: '' }), npmStart({ PORT: '' })]);
    const started = starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []));
    try {
      expect(starts).toEqual(starts.map(() => expect.objectContaining({ status: 'fulfilled' })));
      expect(new Set(started.map(({ dev }) => dev.apiUrl)).size).toBe(2);
      for (const { dev } of started) {
        const known = await new ApiClient(dev.apiUrl, dev.adminKey).get('/v1/projects');
        expect(known.body.data.projects).toMatchObject([{ id: dev.projectId }]);
      }
    } finally {
      await Promise.all(started.map(({ stop }) => stop()));
    }
  });
});
