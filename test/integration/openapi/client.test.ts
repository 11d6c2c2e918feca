import { createPosthornClient, type NewWebhook } from '../../../clients/typescript';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { eventually } from '../../support/eventually';
import { freePort } from '../../support/free-port';
import { emailSent } from '../../support/samples';
import { Stack } from '../../support/stack';
import { useReceiver, useStack } from '../../support/use';

describe('the typed client', () => {
  const stack = useStack();
  const receiver = useReceiver();

  it('takes an event from the webhook’s creation to its replay', async () => {
    const posthorn = (await stack.project()).client.typed;
    const created = await posthorn.createWebhook({
      body: { name: 'Orders', url: `${receiver.url}/hooks`, events: ['email.*'] },
    });
    expect(created.response.status).toBe(201);
    const webhook = created.data!.data as NewWebhook;
    expect(webhook).toMatchObject({ isActive: true, secret: expect.any(String) });

    const posted = await posthorn.postEvent({
      headers: { 'idempotency-key': 'order-1' },
      body: { type: 'email.sent', data: emailSent },
    });
    expect(posted.response.status).toBe(202);
    const query = { eventId: posted.data!.data.id, status: 'succeeded' as const };
    const arrived = await eventually('the event arrives', async () => {
      const list = await posthorn.listDeliveries({ query });
      return list.data!.data.deliveries[0];
    });

    const path = { id: arrived.id };
    const replay = await posthorn.replayDelivery({ path });
    expect(replay.data!.data).toMatchObject({ status: 'pending', replays: 1 });
    const again = await eventually('it arrives again', async () => {
      const { data } = await posthorn.getDelivery({ path });
      return data!.data.status === 'succeeded' && data!.data;
    });
    expect(again.attempts.map(({ statusCode }) => statusCode)).toEqual([200, 200]);
  });

  it('answers a refusal as a value with its code', async () => {
    const posthorn = (await stack.project()).client.typed;
    const { data, error, response } = await posthorn.getWebhook({
      path: { id: 'wh_00000000000000000000000000000000' },
    });
    expect(data).toBeUndefined();
    expect(response.status).toBe(404);
    expect(error?.error.code).toBe('not_found');
  });

  it('throws only where nothing was answered', async () => {
    const closed = `http://127.0.0.1:${await freePort()}`;
    const nobody = createPosthornClient({ url: closed, key: 'any' });
    await expect(nobody.listWebhooks()).rejects.toThrow('fetch failed');
  });

  it('names the project of the admin key', async () => {
    const { id } = await stack.project({ name: 'Acme' });
    const admin = createPosthornClient({ url: stack.url, key: stack.admin.key, projectId: id });
    const { data } = await admin.listWebhooks();
    expect(data?.data.webhooks).toEqual([]);
  });
});

describe('the package of the typed client', () => {
  const root = resolve(__dirname, '../../..');
  const source = join(root, 'clients/typescript');
  const tsc = join(root, 'node_modules/.bin/tsc');
  const run = promisify(execFile);

  let stack: Stack;
  let folder: string;
  beforeAll(async () => {
    stack = await Stack.start({}, { worker: false });
    folder = await mkdtemp(join(tmpdir(), 'posthorn-client-'));
    await run(tsc, ['-p', source]);
    await run('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], { cwd: source });
    await writeFile(join(folder, 'package.json'), '{"private":true}');
    const { version } = JSON.parse(await readFile(join(source, 'package.json'), 'utf8'));
    const tarball = `./posthorn-client-${version}.tgz`;
    await run('npm', ['install', '--offline', '--no-audit', tarball], { cwd: folder });
  }, 300_000);
  afterAll(async () => {
    await stack.stop();
    await rm(folder, { recursive: true });
  });

  it.each([
    [
      'an ECMAScript module',
      'main.mjs',
      "import { createPosthornClient } from '@posthorn/client';",
    ],
    ['CommonJS', 'main.cjs', "const { createPosthornClient } = require('@posthorn/client');"],
  ])('runs in plain JavaScript, from %s', async (_kind, file, importing) => {
    const { client } = await stack.project({ name: 'Acme' });
    const code = `${importing}
const posthorn = createPosthornClient({ url: process.argv[2], key: process.argv[3] });
posthorn.listAvailableEvents().then(({ data }) => console.log(data.data.events.length));`;
    await writeFile(join(folder, file), code);
    const { stdout } = await run(process.execPath, [file, stack.url, client.key], { cwd: folder });
    expect(stdout.trim()).toBe('13');
  });

  it('has types that a TypeScript file is checked by', async () => {
    const check = async (use: string): Promise<string> => {
      const code = `import { createPosthornClient, type Webhook } from '@posthorn/client';
const posthorn = createPosthornClient({ url: 'https://posthorn.example.com', key: 'key' });
export async function urls(): Promise<Webhook['url'][]> {
  const { data, error } = await posthorn.listWebhooks({ query: { limit: 10 } });
  if (error) throw new Error(error.error.code);
  ${use}
}
`;
      await writeFile(join(folder, 'main.mts'), code);
      const options = ['--strict', '--noEmit', '--module', 'nodenext', '--types', '', 'main.mts'];
      return run(tsc, options, { cwd: folder }).then(
        () => '',
        ({ stdout }: { stdout: string }) => stdout,
      );
    };
    expect(await check('return data.data.webhooks.map(({ url }) => url);')).toBe('');
    expect(await check('return data.data.hooks;')).toContain("'hooks' does not exist");
    const posting = (body: string): string =>
      `await posthorn.postEvent({ body: ${body} }); return [];`;
    expect(await check(posting("{ type: 'order.paid', data: {} }"))).toBe('');
    expect(await check(posting("{ event: 'order.paid', data: {} }"))).toBe('');
    expect(await check(posting("{ type: 'order.paid' }"))).toContain('is not assignable');
    expect(await check(posting('{ data: {} }'))).toContain('is not assignable');
  });
});
