import { Cipher } from '../../../src/store/cipher';
import { PROVIDER_NAMES } from '../../../src/providers';
import { fixture } from '../../unit/providers/fixtures';
import { newSigner } from '../../unit/providers/sign';
import { expectRefusal } from '../api/refusal';
import { postNative } from './post-native';
import { useStack } from '../../support/use';

const stack = useStack({}, { worker: false });
let path: string;
let projectId: string;

beforeEach(async () => {
  projectId = (await stack.project({ profile: 'platform' })).id;
  path = `/v1/projects/${projectId}`;
});

it('are set one by one, and shown only as set or not', async () => {
  const fresh = await stack.admin.get(path);
  expect(fresh.body.data.providerKeys).toEqual({ resend: false, sendgrid: false, mailgun: false });
  const shown: unknown[] = [];
  for (const provider of PROVIDER_NAMES) {
    const { key } = newSigner(provider);
    const { body } = await stack.admin.patch(path, { providerKeys: { [provider]: key } });
    shown.push(body.data.providerKeys);
    expect(JSON.stringify(body)).not.toContain(key);
  }
  const removed = await stack.admin.patch(path, { providerKeys: { sendgrid: null } });
  shown.push(removed.body.data.providerKeys);
  expect(shown).toEqual([
    { resend: true, sendgrid: false, mailgun: false },
    { resend: true, sendgrid: true, mailgun: false },
    { resend: true, sendgrid: true, mailgun: true },
    { resend: true, sendgrid: false, mailgun: true },
  ]);
  expect((await stack.admin.get(path)).body.data.providerKeys).toEqual(shown.at(-1));
});

it('stay when other fields of the project change', async () => {
  await stack.admin.patch(path, { providerKeys: { mailgun: newSigner('mailgun').key } });
  const { body } = await stack.admin.patch(path, { name: 'Renamed' });
  expect(body.data).toMatchObject({ name: 'Renamed', providerKeys: { mailgun: true } });
});

it('lie sealed for the project and the provider', async () => {
  const { key } = newSigner('mailgun');
  await stack.admin.patch(path, { providerKeys: { mailgun: key } });
  const stored = await stack.store.projects.get(projectId);
  expect(JSON.stringify(stored)).not.toContain(key);
  const cipher = new Cipher(stack.config.encryptionKey);
  const sealed = stored!.providerKeys!.mailgun!;
  expect(cipher.open(sealed, `${projectId}/mailgun`)).toBe(key);
  expect(() => cipher.open(sealed, `${projectId}/resend`)).toThrow();
  expect(() => cipher.open(sealed, projectId)).toThrow();
});

it('of one provider say nothing about another; once removed, anything is accepted again', async () => {
  const sender = await stack.client(projectId, 'sender');
  await stack.admin.patch(path, { providerKeys: { mailgun: newSigner('mailgun').key } });
  const resend = { body: fixture('resend', 'opened'), headers: {} };
  const mailgun = { body: fixture('mailgun', 'opened'), headers: {} };
  expect((await postNative(sender, 'resend', resend)).status).toBe(200);
  expectRefusal(await postNative(sender, 'mailgun', mailgun), 'unauthorized');
  await stack.admin.patch(path, { providerKeys: { mailgun: null } });
  expect((await postNative(sender, 'mailgun', mailgun)).status).toBe(200);
});

it.each([
  [{ resend: 'not-a-secret' }, ['providerKeys.resend']],
  [{ sendgrid: 'bm90IGEga2V5' }, ['providerKeys.sendgrid']],
  [{ mailgun: '' }, ['providerKeys.mailgun']],
  [{ mailgun: 'a b', resend: 7 }, ['providerKeys.resend', 'providerKeys.mailgun']],
  [{ postmark: 'key' }, ['providerKeys.postmark']],
  ['key', ['providerKeys']],
])('refuses %j, naming %j and not the value', async (providerKeys, fields) => {
  const answer = await stack.admin.patch(path, { providerKeys });
  expectRefusal(answer, 'validation_failed', fields);
  expect(JSON.stringify(answer.body)).not.toMatch(/not-a-secret|bm90IGEga2V5|a b/);
});

it('are for the admin, and for profiles that take provider events', async () => {
  const owner = await stack.client(projectId, 'owner');
  expectRefusal(await owner.patch(path, { providerKeys: { mailgun: null } }), 'forbidden');
  const other = await stack.project();
  const refused = await stack.admin.patch(`/v1/projects/${other.id}`, {
    providerKeys: { mailgun: 'abc' },
  });
  expectRefusal(refused, 'validation_failed', ['providerKeys']);
  const shown = await stack.admin.get(`/v1/projects/${other.id}`);
  expect(shown.body.data).not.toHaveProperty('providerKeys');
});
