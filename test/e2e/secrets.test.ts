import { Client, Connection } from '@temporalio/client';
import { ApiClient, type Answer } from '../support/api-client';
import { deliveryWith, makeWebhook, postEvent } from '../support/deliveries';
import { eventually } from '../support/eventually';
import { freePort } from '../support/free-port';
import { historiesOf } from '../support/histories';
import { RoleProcess } from '../support/processes';
import { Receiver } from '../support/receiver';
import { emailSent } from '../support/samples';
import { Stack, testEnvironment } from '../support/stack';

const policy = { retryDelaysMs: [1000], timeoutMs: 5000 };
/** Each is given to Posthorn, and found nowhere else. */
const GIVEN = {
  secret: 'whsec_Z2l2ZW4tYnktdGhlLWNhbGxlci1hbmQta25vd24=',
  nextSecret: 'whsec_Z2l2ZW4tYnktdGhlLWNhbGxlci1zZWNvbmQtb25l',
  header: 'Bearer receivers-credential-5f0c',
  apiKeyHeader: 'receivers-api-key-77aa',
  providerKey: 'mailguns-signing-key-41bd',
};

describe('a secret', () => {
  it('is in no log, error, metric, history or document after a whole life, at level trace', async () => {
    const port = await freePort();
    const environment = testEnvironment({ PORT: String(port) });
    // What a busy Temporal does not take within two seconds, the API process leaves to reconcile.
    const stack = await Stack.start(environment, { worker: false, schedules: true });
    const receiver = await Receiver.start();
    const api = RoleProcess.start('api', environment, undefined, 'trace');
    const worker = RoleProcess.start('worker', environment, undefined, 'trace');
    await Promise.all([api.takesRequests(port), worker.logged('RUNNING')]);
    const url = `http://127.0.0.1:${port}`;

    const secrets = new Set<string>([
      ...Object.values(GIVEN),
      environment.POSTHORN_ADMIN_KEY!,
      environment.POSTHORN_ENCRYPTION_KEY!,
    ]);
    /** Answers that may hold no secret. */
    const answers: string[] = [];
    const quiet = async (asked: Promise<Answer>): Promise<Answer> => {
      const answer = await asked;
      answers.push(JSON.stringify(answer.body), JSON.stringify([...answer.headers]));
      return answer;
    };
    /** Answers that hold one, which is their purpose. */
    const telling = async (asked: Promise<Answer>, field: 'secret' | 'key'): Promise<Answer> => {
      const answer = await asked;
      expect(answer.body.data[field]).toEqual(expect.any(String));
      secrets.add(answer.body.data[field]);
      return answer;
    };

    const admin = new ApiClient(url, environment.POSTHORN_ADMIN_KEY!);
    const project = async (profile: string): Promise<{ id: string; client: ApiClient }> => {
      const { id } = (await quiet(admin.post('/v1/projects', { name: 'Life', profile, policy })))
        .body.data;
      const keys = `/v1/projects/${id}/keys`;
      const made = await telling(admin.post(keys, { name: 'Owner', role: 'owner' }), 'key');
      await quiet(admin.get(keys));
      return { id, client: new ApiClient(url, made.body.data.key) };
    };

    // A webhook with a secret and credentials, that fails, is replayed, tested and rotated.
    const { id, client } = await project('autosend');
    const headers = { Authorization: GIVEN.header, 'X-Api-Key': GIVEN.apiKeyHeader };
    const webhook = await makeWebhook(client, receiver.url, { headers });
    secrets.add(webhook.secret);
    const readerKeys = `/v1/projects/${id}/keys`;
    const made = await telling(client.post(readerKeys, { name: 'R', role: 'reader' }), 'key');
    const reader = new ApiClient(url, made.body.data.key);
    const path = `/v1/webhooks/${webhook.id}`;
    receiver.respondWith(500);
    const failing = await postEvent(client);
    await deliveryWith(client, failing, { status: 'failed' });
    receiver.respondWith(200);
    await quiet(client.post(`/v1/deliveries/${failing}/replay`));
    await deliveryWith(client, failing, { status: 'succeeded' });
    await telling(client.get(`${path}/secret`), 'secret');
    await telling(client.post(`${path}/secret/rotate`, {}), 'secret');
    const tested = await quiet(client.post(`${path}/test`, { events: ['email.sent'] }));
    await deliveryWith(client, tested.body.data.deliveries[0].id, { status: 'succeeded' });

    // Secrets of the caller's own.
    const custom = await project('custom');
    const own = await makeWebhook(custom.client, receiver.url, { secret: GIVEN.secret });
    const rotate = `/v1/webhooks/${own.id}/secret/rotate`;
    await telling(custom.client.post(rotate, { secret: GIVEN.nextSecret }), 'secret');
    // A provider's key, and the project's key in an address.
    const platform = await project('platform');
    const providerKeys = { mailgun: GIVEN.providerKey };
    const patched = await quiet(admin.patch(`/v1/projects/${platform.id}`, { providerKeys }));
    expect(patched.status).toBe(200);
    const anonymous = new ApiClient(url, '');
    const inbound = { type: 'opened', email_id: 'em_1' };
    await quiet(anonymous.post(`/api/webhooks?token=${platform.client.key}`, inbound));
    await quiet(anonymous.get(`/api/webhooks/nowhere?token=${platform.client.key}`));

    // Refusals repeat nothing of what they refuse.
    const body = { name: 'A', url: receiver.url, events: ['*'], headers };
    const refused = [
      client.post('/v1/webhooks', { ...body, secret: GIVEN.secret }),
      client.post('/v1/webhooks', { ...body, headers: { ...headers, Host: GIVEN.header } }),
      client.post('/v1/webhooks', { ...body, headers: { 'X-Bad': `${GIVEN.header}\n` } }),
      client.post('/v1/webhooks', JSON.stringify(body).slice(0, -1)),
      custom.client.post('/v1/webhooks', { ...body, secret: `${GIVEN.secret}!` }),
      custom.client.post(rotate, { secret: [GIVEN.secret] }),
      admin.patch(`/v1/projects/${platform.id}`, {
        providerKeys: { mailgun: [GIVEN.providerKey] },
      }),
      client.post('/v1/events', { type: GIVEN.header, data: emailSent }),
      new ApiClient(url, `${client.key}x`).get('/v1/webhooks'),
    ];
    for (const refusal of refused) {
      expect((await quiet(refusal)).status).toBeGreaterThanOrEqual(400);
    }
    // Everything that shows something, to a key that may only read, and what is the operator's.
    for (const shown of [
      path,
      `${path}/stats`,
      '/v1/webhooks',
      '/v1/events',
      '/v1/deliveries',
      `/v1/deliveries/${failing}`,
      '/v1/audit',
      '/v1/stats',
    ]) {
      await quiet(reader.get(shown));
    }
    await quiet(admin.get('/metrics'));
    await quiet(admin.get(`/v1/projects/${platform.id}`));
    const rotation = await RoleProcess.run('rotate-key', environment, 'trace');
    expect(await rotation.exited()).toBe(0);

    const { address, namespace } = stack.config.temporal;
    const connection = await Connection.connect({ address });
    const histories = await eventually('its workflows are listed', async () => {
      const found = await historiesOf(new Client({ connection, namespace }));
      const driving = [...found.keys()].filter((name) => /^(event|delivery)\//.test(name));
      return driving.length > 5 && found;
    });
    await connection.close();
    const collections = await stack.store.webhooks.model.db.db!.collections();
    const documents = await Promise.all(collections.map((it) => it.find().toArray()));
    expect(collections.length).toBeGreaterThan(5);
    await Promise.all([api.end('SIGTERM'), worker.end('SIGTERM')]);

    // What was to be sent was sent, so there was something to leak.
    const sent = receiver.requests.map(({ headers: got }) => [got.authorization, got['x-api-key']]);
    expect(sent).toContainEqual([GIVEN.header, GIVEN.apiKeyHeader]);
    expect(secrets.size).toBe(13);
    const places: Record<string, string> = {
      'the API’s log': api.log(),
      'the worker’s log': worker.log(),
      'the log of rotate-key': rotation.log(),
      answers: answers.join('\n'),
      'Temporal’s histories': [...histories.values()].join('\n'),
      'MongoDB’s documents': JSON.stringify(documents),
    };
    for (const [place, text] of Object.entries(places)) {
      expect(text.length).toBeGreaterThan(100);
      for (const secret of secrets) {
        for (const form of [
          secret,
          encodeURIComponent(secret),
          Buffer.from(secret).toString('base64'),
        ]) {
          expect([place, text.includes(form)]).toEqual([place, false]);
        }
      }
    }
    await Promise.all([stack.stop(), receiver.close()]);
  }, 300_000);
});

describe('a payload', () => {
  it('is not in the log when MongoDB refuses to store it', async () => {
    const port = await freePort();
    const environment = testEnvironment({ PORT: String(port) });
    const stack = await Stack.start(environment, { worker: false });
    const api = RoleProcess.start('api', environment);
    try {
      await api.takesRequests(port);
      const { client } = await stack.project();
      await stack.store.events.model.db.db!.command({
        collMod: 'events',
        validator: { type: 'contact.created' },
      });
      const owner = new ApiClient(`http://127.0.0.1:${port}`, client.key);
      const data = { ...emailSent, subject: 'a-subject-found-nowhere-else' };
      const events = [1, 2].map(() => ({ type: 'email.sent', data }));
      const refused = await owner.post('/v1/events/batch', { events });
      expect(refused.status).toBe(500);
      await api.logged('Document failed validation');
      await api.end('SIGTERM');
      expect(api.log()).toContain('"code":121');
      expect(api.log()).not.toContain(data.subject);
    } finally {
      await api.end('SIGKILL');
      await stack.stop();
    }
  });
});
