import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { createApi } from '../../../src/api/app';
import { Cipher } from '../../../src/store/cipher';
import type { Answer, ApiClient } from '../../support/api-client';
import { eventually } from '../../support/eventually';
import { ADMIN_KEY, Stack } from '../../support/stack';
import { expectRefusal } from '../api/refusal';
import { postRaw } from './post-native';

const event = JSON.stringify({ type: 'opened', email_id: 'em_1' });

let stack: Stack;
let server: Server;
let url: string;
let log = '';
let sender: ApiClient;
let owner: ApiClient;
let projectId: string;

beforeAll(async () => {
  stack = await Stack.start({}, { worker: false });
  const { store, engine, tenantCpu, config } = stack;
  const destination = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      log += chunk.toString();
      done();
    },
  });
  const cipher = new Cipher(config.encryptionKey);
  const { app } = createApi({
    store,
    engine,
    cipher,
    tenantCpu,
    readiness: { unready: null },
    config,
    log: pino({ level: 'trace' }, destination),
  });
  server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  ({ id: projectId, client: owner } = await stack.project({ profile: 'platform' }));
  sender = await stack.client(projectId, 'sender');
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await stack.stop();
});

const post = (path: string, headers = {}): Promise<Answer> => postRaw(url + path, event, headers);

it('?token= is a key on these routes', async () => {
  expect((await post(`/api/webhooks?token=${sender.key}`)).status).toBe(200);
  const manage = await fetch(`${url}/api/webhooks/manage?token=${owner.key}`);
  expect(manage.status).toBe(200);
});

it('and on no other', async () => {
  const answer = await fetch(`${url}/v1/webhooks?token=${owner.key}`);
  expect(answer.status).toBe(401);
});

it('the header comes first', async () => {
  const authorization = `Bearer ${sender.key}`;
  expect((await post('/api/webhooks?token=phk_wrong', { authorization })).status).toBe(200);
  const wrong = await post(`/api/webhooks?token=${sender.key}`, { authorization: 'Bearer wrong' });
  expectRefusal(wrong, 'unauthorized');
});

it.each(['', '?token=', '?token=phk_wrong', '?token=a&token=b', '?token[x]=a', '?TOKEN=x'])(
  'refuses %j',
  async (query) => {
    expectRefusal(await post(`/api/webhooks${query}`), 'unauthorized');
  },
);

describe('the admin key', () => {
  const inProject = (): Record<string, string> => ({ 'x-project-id': projectId });

  it.each(['/api/webhooks', '/api/webhooks/resend', '/api/webhooks/manage'])(
    'is never taken from the query of %s, and the answer says why without repeating it',
    async (path) => {
      const answer = await post(`${path}?token=${ADMIN_KEY}`, inProject());
      expectRefusal(answer, 'unauthorized');
      expect(answer.body.error.message).toMatch(/admin key is not accepted in a URL/);
      expect(JSON.stringify(answer.body)).not.toContain(ADMIN_KEY);
      expect((await post(path, { ...inProject(), cookie: `token=${ADMIN_KEY}` })).status).toBe(401);
    },
  );

  it('is taken from no body either, and from no other scheme', async () => {
    const body = JSON.stringify({ type: 'opened', email_id: 'em_1', token: ADMIN_KEY });
    expectRefusal(await postRaw(`${url}/api/webhooks`, body, inProject()), 'unauthorized');
    const basic = `Basic ${Buffer.from(`admin:${ADMIN_KEY}`).toString('base64')}`;
    expectRefusal(await post('/api/webhooks', { authorization: basic }), 'unauthorized');
  });

  it('still works in the header', async () => {
    const authorization = `Bearer ${ADMIN_KEY}`;
    expect((await post('/api/webhooks', { ...inProject(), authorization })).status).toBe(200);
  });
});

it('a path of any length is logged, and shown, by its first 200 characters', async () => {
  const path = `/nowhere/${'x'.repeat(10_000)}`;
  log = '';
  const answer = await fetch(url + path);
  expect(answer.status).toBe(404);
  const { error } = (await answer.json()) as { error: { message: string } };
  expect(error.message).toBe(`there is no GET ${path.slice(0, 200)}…`);
  await eventually('it is logged', () => log.includes('"statusCode":404'));
  expect(log).toContain(`"path":"${path.slice(0, 200)}…"`);
  expect(log).not.toContain(path.slice(0, 201));
});

it('never gets into an answer or the log', async () => {
  const requests = [
    `/api/webhooks?token=${sender.key}`,
    `/api/webhooks/resend?token=${sender.key}`,
    `/api/webhooks/manage?token=${sender.key}`,
    `/api/webhooks/nowhere?token=${sender.key}`,
    `/api/webhooks/%zz?token=${sender.key}`,
    `/api/webhooks/a/b?token=${sender.key}`,
    `/api/webhooks?token=${sender.key}&x=${'y'.repeat(10)}`,
    `/api/webhooks?token=${ADMIN_KEY}`,
    `/v1/events?token=${sender.key}`,
    `/?token=${sender.key}`,
    `/api/webhooks%3Ftoken=${sender.key}`,
    `/api/webhooks&token=${ADMIN_KEY}`,
    `/api/webhooks/${sender.key}`,
  ];
  const find = jest
    .spyOn(stack.store.inbound, 'insertAll')
    .mockRejectedValueOnce(new Error('a bug'));
  const answers = [];
  for (const path of requests) answers.push(await post(path));
  find.mockRestore();
  expect(answers.map(({ status }) => status)).toEqual([
    500, 422, 403, 404, 400, 404, 200, 401, 401, 405, 404, 404, 401,
  ]);
  const shown = answers.map((answer) => JSON.stringify([answer.body, [...answer.headers]]));
  for (const text of [log, ...shown]) {
    expect(text).not.toContain(sender.key);
    expect(text).not.toContain(ADMIN_KEY);
    expect(text).not.toContain('token=');
  }
  expect(log).toContain('a bug');
});

it('counts for the rate limit with the header', async () => {
  // Whose minute begins only now.
  const { key } = await stack.client(projectId, 'sender');
  const byToken = await post(`/api/webhooks?token=${key}`);
  const byHeader = await post('/api/webhooks', { authorization: `Bearer ${key}` });
  const left = ({ headers }: Answer): number =>
    Number(/remaining=(\d+)/.exec(headers.get('ratelimit') ?? '')?.[1]);
  expect(left(byHeader)).toBe(left(byToken) - 1);
});
