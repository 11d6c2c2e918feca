import { createHmac, randomBytes } from 'node:crypto';
import { Cipher } from '../../src/store/cipher';
import { findUnreadable } from '../../src/store/unreadable';
import { ApiClient } from '../support/api-client';
import { deliveryWith, makeWebhook, postEvent } from '../support/deliveries';
import { eventually } from '../support/eventually';
import { freePort } from '../support/free-port';
import { portalLink } from '../support/portal-link';
import { RoleProcess } from '../support/processes';
import { profileOf } from '../support/profiler';
import type { ReceivedRequest } from '../support/receiver';
import { emailSent } from '../support/samples';
import { Stack, testEnvironment } from '../support/stack';
import { useReceiver } from '../support/use';
import { expectRefusal } from './api/refusal';

const [OWN, OTHER] = [1, 2].map(() => randomBytes(32).toString('base64'));

describe('what is encrypted with a key that a process does not have', () => {
  const receiver = useReceiver();
  const environment = testEnvironment();
  const stacks: Stack[] = [];
  const start = async (keys: Record<string, string>, worker = false): Promise<Stack> => {
    const stack = await Stack.start({ ...environment, ...keys }, { worker });
    stacks.push(stack);
    return stack;
  };
  const headers = { 'X-Api-Key': 'receivers-key' };
  let owner: ApiClient;
  let reader: ApiClient;
  let webhook: { id: string; secret: string };
  /** With its own key, and with another one. */
  let right: Stack;
  let wrong: Stack;

  beforeAll(async () => {
    right = await start({ POSTHORN_ENCRYPTION_KEY: OWN! });
    const project = await right.project();
    owner = project.client;
    reader = await right.client(project.id, 'reader');
    webhook = await makeWebhook(owner, receiver.url, { headers });
    wrong = await start({ POSTHORN_ENCRYPTION_KEY: OTHER! }, true);
  });
  afterAll(async () => {
    for (const stack of stacks) await stack.stop();
  });
  const by = ({ url }: Stack, { key }: ApiClient = owner): ApiClient => new ApiClient(url, key);
  const at = (action = ''): string => `/v1/webhooks/${webhook.id}${action}`;

  it('leaves webhooks to be listed, shown and changed, with null for their headers', async () => {
    const asked = by(wrong);
    const listed = await asked.get('/v1/webhooks');
    expect(listed.body.data.webhooks).toMatchObject([{ id: webhook.id, headers: null }]);
    const answers = [
      await asked.get(at()),
      await by(wrong, reader).get(at()),
      await asked.patch(at(), { name: 'Renamed' }),
      await asked.post(at('/pause')),
      await asked.post(at('/resume')),
    ];
    for (const { status, body } of answers) {
      expect([status, body.data]).toEqual([200, expect.objectContaining({ headers: null })]);
    }
    // Nothing of it is lost where the key is known.
    expect((await owner.get(at())).body.data).toMatchObject({ name: 'Renamed', headers });
  });

  it('is refused where the secret itself is needed', async () => {
    expectRefusal(await by(wrong).get(at('/secret')), 'secret_unreadable');
    expect((await owner.get(at('/secret'))).body.data).toEqual({ secret: webhook.secret });
  });

  it('is refused without a word of the operator’s settings to a customer', async () => {
    const { client: customer } = await portalLink(owner, 'manage');
    const refused = async (caller: ApiClient): Promise<string> => {
      const answer = await by(wrong, caller).get(at('/secret'));
      expectRefusal(answer, 'secret_unreadable');
      return answer.body.error.message as string;
    };
    expect(await refused(owner)).toContain('POSTHORN_ENCRYPTION_KEY');
    const told = await refused(customer);
    expect(told).toMatch(/; rotate it$/);
    expect(told).not.toMatch(/[A-Z]_/);
  });

  it('is replaced by rotation only, by the platform’s routes too', async () => {
    const { client } = await right.project({ profile: 'platform' });
    const made = await client.post('/api/webhooks/manage', { url: receiver.url, events: 'open' });
    const { id, secret } = made.body;
    const body = { events: 'open', secret };
    const refused = await by(wrong, client).send('PUT', `/api/webhooks/manage/${id}`, body);
    expectRefusal(refused, 'validation_failed', ['secret']);
  });

  it('lets no provider’s report pass unverified', async () => {
    const { id, client } = await right.project({ profile: 'platform' });
    await right.admin.patch(`/v1/projects/${id}`, { providerKeys: { mailgun: 'signing-key' } });
    const reported = await by(wrong, client).post('/api/webhooks/mailgun', {});
    expectRefusal(reported, 'secret_unreadable');
  });

  it('is replaced by rotating the secret and setting the headers again', async () => {
    const asked = by(wrong);
    const rotated = await asked.post(at('/secret/rotate'), {});
    expect(rotated.status).toBe(200);
    const { secret } = rotated.body.data;
    expect((await asked.get(at('/secret'))).body.data).toEqual({ secret });
    const patched = await asked.patch(at(), { headers: { 'X-Api-Key': 'another' } });
    expect(patched.body.data.headers).toEqual({ 'X-Api-Key': 'another' });

    await deliveryWith(asked, await postEvent(asked), { status: 'succeeded' });
    const { headers: sent, rawBody } = receiver.requests.at(-1)!;
    expect(sent).toMatchObject({
      'x-api-key': 'another',
      'x-webhook-signature': createHmac('sha256', secret).update(rawBody).digest('hex'),
    });
    // The old one can sign nothing, so it has no overlap.
    expect(sent).not.toHaveProperty('x-webhook-signature-previous');
  });
});

describe('a process without a key that it needs', () => {
  const receiver = useReceiver();
  let environment: Record<string, string>;
  let stack: Stack;
  let url: string;
  let running: RoleProcess | undefined;

  beforeEach(async () => {
    environment = testEnvironment({ POSTHORN_ENCRYPTION_KEY: OWN! });
    // What a busy Temporal does not take within two seconds, a process leaves to reconcile.
    stack = await Stack.start(environment, { worker: false, schedules: true });
    receiver.requests.length = 0;
  });
  afterEach(async () => {
    await running?.end('SIGKILL');
    await stack.stop();
  });
  const start = async (keys: Record<string, string>, role = 'all'): Promise<RoleProcess> => {
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    running = RoleProcess.start(role, { ...environment, PORT: String(port), ...keys });
    await running.takesRequests(port);
    return running;
  };
  const post = async (client: ApiClient): Promise<void> => {
    const posted = await client.post('/v1/events', { type: 'email.sent', data: emailSent });
    expect(posted.status).toBe(202);
  };
  /** A busy Temporal may be missed for a moment. */
  const isReady = (client: ApiClient): Promise<boolean> =>
    eventually('it is ready', async () => (await client.get('/readyz')).status === 200);

  it('takes events, but attempts nothing and is not ready; with its key all goes on', async () => {
    const { client } = await stack.project();
    const { id } = await makeWebhook(client, receiver.url, { headers: { 'X-Tenant': 'acme' } });
    await post(client);

    const wrong = await start({ POSTHORN_ENCRYPTION_KEY: OTHER! });
    const said = `POSTHORN_ENCRYPTION_KEY: the webhook ${id} was encrypted with a key that is neither`;
    await wrong.logged(said);
    const asked = new ApiClient(url, client.key);
    await eventually('it says so', async () => {
      const { status, body } = await asked.get('/readyz');
      return status === 503 && body.error.message.includes(said);
    });
    await post(asked);
    await wrong.drains();
    expect(wrong.log()).not.toContain('worker polls');
    expect(receiver.requests).toHaveLength(0);

    await start({});
    await receiver.waitFor(2);
    const { body } = await client.get(`/v1/webhooks/${id}`);
    expect(body.data).toMatchObject({ failureCount: 0, lastFailedAt: null });
  });

  it('stops working once most is encrypted with a key that it lacks, and goes on after that', async () => {
    const { client } = await stack.project();
    const wrong = await start({ POSTHORN_ENCRYPTION_KEY: OTHER! });
    await wrong.logged('worker polls');
    const { id } = await makeWebhook(client, receiver.url);
    await wrong.logged(`the webhook ${id} was encrypted`);
    await wrong.logged('"state":"STOPPED"');
    const asked = new ApiClient(url, client.key);
    expect((await asked.get('/readyz')).status).toBe(503);
    await post(asked);
    await asked.post(`/v1/webhooks/${id}/secret/rotate`, {});
    await wrong.logged(/worker polls[^]*worker polls/);
    await receiver.waitFor(1);
    expect((await client.get(`/v1/webhooks/${id}`)).body.data.failureCount).toBe(0);
  });

  it('works once what is lost was replaced', async () => {
    const { client } = await stack.project();
    const { id } = await makeWebhook(client, receiver.url, { headers: { 'X-Tenant': 'acme' } });
    const wrong = await start({ POSTHORN_ENCRYPTION_KEY: OTHER! });
    await wrong.logged('is lost, rotate its secret and set its headers again, or delete it');
    const asked = new ApiClient(url, client.key);
    await asked.patch(`/v1/webhooks/${id}`, { headers: {} });
    await wrong.logged('is lost, rotate its secret, or delete it');
    expect((await asked.get('/readyz')).status).toBe(503);
    await asked.post(`/v1/webhooks/${id}/secret/rotate`, {});
    await wrong.logged('worker polls');
    await isReady(asked);
    await post(asked);
    await receiver.waitFor(1);
  });

  it('works for all others where few are encrypted with it, and names one', async () => {
    const { client } = await stack.project();
    const { id } = await makeWebhook(client, receiver.url, { events: ['email.opened'] });
    await stack.store.webhooks.model.updateOne(
      { _id: id },
      { $set: { 'secrets.0.keyId': 'of-long-ago' } },
    );
    await makeWebhook(client, receiver.url);
    const all = await start({});
    await all.logged(`POSTHORN_ENCRYPTION_KEY: the webhook ${id} was encrypted`);
    await all.logged('worker polls');
    const asked = new ApiClient(url, client.key);
    await isReady(asked);
    await post(asked);
    await receiver.waitFor(1);
  });

  it('advises to set only the headers again where it has the secret', async () => {
    const { client } = await stack.project();
    const { id } = await makeWebhook(client, receiver.url, { headers: { 'X-Tenant': 'acme' } });
    await stack.store.webhooks.model.updateOne(
      { _id: id },
      { $set: { 'headers.keyId': 'of-long-ago' } },
    );
    const all = await start({});
    await all.logged(`POSTHORN_ENCRYPTION_KEY: the webhook ${id} was encrypted`);
    await all.logged('is lost, set its headers again, or delete it');
  });

  it('signs with the newest secret where one before it is encrypted with it, and names that', async () => {
    const { client } = await stack.project();
    const { id, secret } = await makeWebhook(client, receiver.url);
    const tomorrow = new Date(Date.now() + 24 * 60 * 60 * 1000);
    const former = { keyId: 'of-long-ago', box: 'gone', expiresAt: tomorrow };
    await stack.store.webhooks.model.updateOne({ _id: id }, { $push: { secrets: former } });
    const all = await start({});
    await all.logged(`POSTHORN_ENCRYPTION_KEY: the former secret of the webhook ${id} was`);
    await all.logged('worker polls');
    await post(new ApiClient(url, client.key));
    const [{ headers, rawBody }] = (await receiver.waitFor(1)) as [ReceivedRequest];
    const signature = createHmac('sha256', secret).update(rawBody).digest('hex');
    expect(headers).toMatchObject({ 'x-webhook-signature': signature });
    expect(headers).not.toHaveProperty('x-webhook-signature-previous');
  });

  it('names a provider key, and works', async () => {
    const { id } = await stack.project({ profile: 'platform' });
    await stack.admin.patch(`/v1/projects/${id}`, { providerKeys: { mailgun: 'signing-key' } });
    const all = await start({ POSTHORN_ENCRYPTION_KEY: OTHER! });
    await all.logged(`the provider key mailgun of the project ${id}`);
    await all.logged('worker polls');
  });

  it('is ready as an API alone, which can replace what is lost', async () => {
    const { client } = await stack.project();
    const { id } = await makeWebhook(client, receiver.url);
    const api = await start({ POSTHORN_ENCRYPTION_KEY: OTHER! }, 'api');
    await api.logged(`the webhook ${id} was encrypted`);
    await isReady(new ApiClient(url, client.key));
  });

  it('finds out by indexes alone, and does not count what has ended', async () => {
    const { client } = await stack.project();
    const made = await Promise.all(
      Array.from({ length: 10 }, () =>
        makeWebhook(client, receiver.url, { headers: { 'X-A': 'b' } }),
      ),
    );
    const { model } = stack.store.webhooks;
    const ended = { keyId: 'gone', box: 'gone', expiresAt: new Date(0) };
    await model.updateOne({ _id: made[0]!.id }, { $push: { secrets: ended } });
    const own = new Cipher(Buffer.from(OWN!, 'base64'));
    const { answer, profiled } = await profileOf(
      model.db.db!,
      () => findUnreadable(stack.store, own),
      { ns: /\.(webhooks|projects)$/ },
    );
    expect(answer).toBeNull();
    expect(profiled).toHaveLength(6);
    for (const { planSummary, docsExamined } of profiled) {
      expect(planSummary).toContain('IXSCAN');
      expect(docsExamined).toBeLessThanOrEqual(1);
    }
  });
});
