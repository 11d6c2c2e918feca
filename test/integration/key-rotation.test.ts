import { createHmac, randomBytes } from 'node:crypto';
import { pino } from 'pino';
import { newId } from '../../src/contracts/ids';
import { Cipher } from '../../src/store/cipher';
import { rotateKey } from '../../src/store/key-rotation';
import { ApiClient } from '../support/api-client';
import { deliveryWith, makeWebhook, postEvent } from '../support/deliveries';
import { RoleProcess } from '../support/processes';
import { Stack, testEnvironment } from '../support/stack';
import { useReceiver } from '../support/use';
import { TcpProxy } from './api/tcp-proxy';

const [OLD, NEW] = [1, 2].map(() => randomBytes(32).toString('base64'));
const oldCipher = new Cipher(Buffer.from(OLD!, 'base64'));
const newCipher = new Cipher(Buffer.from(NEW!, 'base64'));
const NEW_ID = newCipher.seal('', '').keyId;
const silent = pino({ level: 'silent' });

/** Ids of the keys under which anything is sealed. */
async function keyIds({ store }: Stack): Promise<Set<string>> {
  const [webhooks, projects] = await Promise.all([
    store.webhooks.model.find().lean(),
    store.projects.model.find().lean(),
  ]);
  const boxes = [
    ...webhooks.flatMap(({ secrets, headers }) => [...secrets, headers]),
    ...projects.flatMap(({ providerKeys }) => Object.values(providerKeys ?? {})),
  ];
  return new Set(boxes.flatMap((sealed) => sealed?.keyId ?? []));
}

/** Webhooks with a secret and headers under the old key, without the API. */
async function insertWebhooks({ store }: Stack, projectId: string, count: number): Promise<void> {
  const webhooks = Array.from({ length: count }, () => {
    const _id = newId('webhook');
    const headers = oldCipher.seal('{"X-Tenant":"acme"}', `${_id}/headers`);
    const secrets = [oldCipher.seal(`secret of ${_id}`, _id)];
    const rest = { name: 'Many', url: 'https://example.com/', events: ['*'], signing: ['hex'] };
    return { _id, projectId, secrets, headers, ...rest };
  });
  await store.webhooks.model.insertMany(webhooks);
}

describe('the encryption key', () => {
  let environment: Record<string, string>;
  const receiver = useReceiver();
  const stacks: Stack[] = [];
  const start = async (keys: Record<string, string>, worker = false): Promise<Stack> => {
    const stack = await Stack.start({ ...environment, ...keys }, { worker });
    stacks.push(stack);
    return stack;
  };

  beforeEach(() => {
    environment = testEnvironment();
  });
  afterEach(async () => {
    for (const stack of stacks.splice(0)) await stack.stop();
  });

  it('is changed for all that is sealed, and nothing needs the old one afterwards', async () => {
    const before = await start({ POSTHORN_ENCRYPTION_KEY: OLD! });
    const { client } = await before.project();
    const headers = { 'X-Api-Key': 'receivers-key' };
    const webhook = await makeWebhook(client, receiver.url, { headers });
    const rotated = await client.post(`/v1/webhooks/${webhook.id}/secret/rotate`, {});
    const platform = await before.project({ profile: 'platform' });
    const patched = await before.admin.patch(`/v1/projects/${platform.id}`, {
      providerKeys: { mailgun: 'mailguns-signing-key' },
    });
    expect(patched.status).toBe(200);
    const { updatedAt } = (await client.get(`/v1/webhooks/${webhook.id}`)).body.data;

    const after = await start(
      { POSTHORN_ENCRYPTION_KEY: NEW!, POSTHORN_FORMER_ENCRYPTION_KEYS: OLD! },
      false,
    );
    const cipher = new Cipher(Buffer.from(NEW!, 'base64'), [Buffer.from(OLD!, 'base64')]);
    // Two secrets, the headers, the provider's key.
    expect(await rotateKey(after.store, cipher, silent)).toBe(4);
    expect(await rotateKey(after.store, cipher, silent)).toBe(0);
    expect(await keyIds(after)).toEqual(new Set([NEW_ID]));

    const alone = await start({ POSTHORN_ENCRYPTION_KEY: NEW! }, true);
    const asked = new ApiClient(alone.url, client.key);
    const shown = (await asked.get(`/v1/webhooks/${webhook.id}`)).body.data;
    expect(shown).toMatchObject({ headers, updatedAt });
    const { secret } = rotated.body.data;
    expect((await asked.get(`/v1/webhooks/${webhook.id}/secret`)).body.data).toEqual({ secret });
    await deliveryWith(asked, await postEvent(asked), { status: 'succeeded' });
    const { headers: sent, rawBody } = receiver.requests.at(-1)!;
    const sign = (by: string): string => createHmac('sha256', by).update(rawBody).digest('hex');
    expect(sent).toMatchObject({
      'x-api-key': 'receivers-key',
      'x-webhook-signature': sign(secret),
      'x-webhook-signature-previous': sign(webhook.secret),
    });
  });

  it('is changed while secrets are rotated, and none is lost', async () => {
    const former = { POSTHORN_ENCRYPTION_KEY: OLD!, POSTHORN_FORMER_ENCRYPTION_KEYS: NEW! };
    const running = await start(former);
    const { client } = await running.project();
    const made = await Promise.all(
      Array.from({ length: 10 }, () => makeWebhook(client, receiver.url)),
    );
    const cipher = new Cipher(Buffer.from(NEW!, 'base64'), [Buffer.from(OLD!, 'base64')]);
    // A process with the old settings keeps sealing with the old key until it is restarted.
    const rotations = Promise.all(
      made.map(async ({ id, secret }) => {
        const { body } = await client.post(`/v1/webhooks/${id}/secret/rotate`, {});
        return { id, secrets: [body.data.secret as string, secret] };
      }),
    );
    const [rotated] = await Promise.all([rotations, rotateKey(running.store, cipher, silent)]);
    await rotateKey(running.store, cipher, silent);
    for (const { id, secrets } of rotated) {
      const webhook = await running.store.webhooks.model.findById(id).lean();
      expect(webhook!.secrets.map((sealed) => newCipher.open(sealed, id))).toEqual(secrets);
    }
  });

  it('is changed by a process that is killed with -9 on its way, and run again', async () => {
    const MANY = 600;
    const stack = await start({ POSTHORN_ENCRYPTION_KEY: OLD! });
    const { id } = await stack.project();
    await insertWebhooks(stack, id, MANY);
    const count = (keyId: string): Promise<number> =>
      stack.store.webhooks.model.countDocuments({ 'secrets.keyId': keyId });
    const keys = { POSTHORN_ENCRYPTION_KEY: NEW!, POSTHORN_FORMER_ENCRYPTION_KEYS: OLD! };

    const dieAt = 'store/cipher Cipher.reseal before 300';
    const settings = { ...environment, ...keys };
    const killed = await RoleProcess.run('rotate-key', settings, undefined, dieAt);
    await killed.killed();
    const changed = await count(NEW_ID);
    expect(changed).toBeGreaterThan(0);
    expect(changed).toBeLessThan(MANY);

    const second = await RoleProcess.run('rotate-key', settings);
    expect(await second.exited()).toBe(0);
    expect(second.log()).toContain('key rotated');
    expect(await keyIds(stack)).toEqual(new Set([NEW_ID]));
    for (const { _id, secrets } of await stack.store.webhooks.model.find().lean()) {
      expect(newCipher.open(secrets[0]!, _id)).toBe(`secret of ${_id}`);
    }
  });

  it('is changed without a cursor that MongoDB would close, and in one line says that it became unavailable', async () => {
    const stack = await start({ POSTHORN_ENCRYPTION_KEY: OLD! });
    const { id } = await stack.project();
    await insertWebhooks(stack, id, 200);
    const { host, pathname } = new URL(environment.MONGODB_URL!);
    const mongodb = await TcpProxy.start(host);
    const MONGODB_URL = `mongodb://${mongodb.address}${pathname}?directConnection=true`;
    const keys = { POSTHORN_ENCRYPTION_KEY: NEW!, POSTHORN_FORMER_ENCRYPTION_KEYS: OLD! };
    const stopAt = 'store/cipher Cipher.reseal before 50 SIGSTOP';
    const rotation = await RoleProcess.runUntil(
      (one) => one.isStopped(),
      'rotate-key',
      { ...environment, ...keys, MONGODB_URL },
      stopAt,
    );
    const idle = stack.store.webhooks.model.db
      .getClient()
      .db('admin')
      .aggregate([
        { $currentOp: { allUsers: true, idleCursors: true } },
        { $match: { type: 'idleCursor', ns: `${pathname.slice(1)}.webhooks` } },
      ]);
    expect(await idle.toArray()).toEqual([]);
    await mongodb.cut();
    rotation.signal('SIGCONT');
    expect(await rotation.exited()).toBe(1);
    expect(rotation.log()).toMatch(/(^|\n)MONGODB_URL: MongoDB fails: .+; run this again .+\n$/);
    expect(rotation.log()).not.toMatch(/\n +at /);
  });

  it('is not said to be changed when something is under an unknown key, which is named', async () => {
    const stack = await start({ POSTHORN_ENCRYPTION_KEY: OLD! });
    const { id } = await stack.project();
    await insertWebhooks(stack, id, 3);
    const strangers = new Cipher(randomBytes(32)).seal('secret', 'anyone');
    const webhook = await stack.store.webhooks.model.findOne();
    await stack.store.webhooks.model.updateOne(
      { _id: webhook!._id },
      { $set: { secrets: [strangers] } },
    );
    const keys = { POSTHORN_ENCRYPTION_KEY: NEW!, POSTHORN_FORMER_ENCRYPTION_KEYS: OLD! };
    const rotation = await RoleProcess.run('rotate-key', { ...environment, ...keys });
    expect(await rotation.exited()).toBe(1);
    const lines = rotation.log().trim().split('\n');
    expect(lines.at(-1)).toMatch(/^POSTHORN_FORMER_ENCRYPTION_KEYS: 1 encrypted value can't be /);
    expect(rotation.log()).not.toContain('key rotated');
    expect(rotation.log()).toContain(`"owner":"${webhook!._id}","keyId":"${strangers.keyId}"`);
    expect(await keyIds(stack)).toEqual(new Set([NEW_ID, strangers.keyId]));
  });
});
