import { ApiClient, type Answer } from '../support/api-client';
import { BareMongod } from '../support/bare-mongod';
import { eventually } from '../support/eventually';
import { freePort } from '../support/free-port';
import { RoleProcess } from '../support/processes';
import { emailSent } from '../support/samples';
import { ADMIN_KEY, Stack, testEnvironment } from '../support/stack';
import { expectRefusal, stored } from './api/refusal';

const PATIENCE_MS = 60_000;
/** More than are inserted by one command. */
const POSTS = 5;

const event = { type: 'email.sent', data: emailSent };

describe('while no majority of MongoDB’s replica set confirms writes', () => {
  let members: [primary: BareMongod, secondary: BareMongod, arbiter: BareMongod];
  let stack: Stack;
  let api: RoleProcess;
  let admin: ApiClient;

  beforeAll(async () => {
    const start = () => BareMongod.start('--replSet', 'rs0');
    members = await Promise.all([start(), start(), start()]);
    const [primary, secondary, arbiter] = members;
    await primary.initiate('rs0', [
      { host: secondary.host, priority: 0 },
      { host: arbiter.host, arbiterOnly: true },
    ]);
    await eventually(
      'the secondary follows',
      async () => (await secondary.admin({ hello: 1 })).secondary === true,
      PATIENCE_MS,
    );
    const port = await freePort();
    const environment = testEnvironment({
      MONGODB_URL: primary.url('?replicaSet=rs0'),
      PORT: String(port),
    });
    stack = await Stack.start(environment, { worker: false });
    api = RoleProcess.start('api', environment);
    admin = new ApiClient(`http://127.0.0.1:${port}`, ADMIN_KEY);
    await untilReady(200);
  });
  afterAll(async () => {
    members[1].thaw();
    await api.end('SIGKILL');
    await stack.stop();
    await Promise.all(members.map((member) => member.stop()));
  });

  const untilReady = (status: number, message = /(?:)/): Promise<Answer> =>
    eventually(
      `readyz is ${status}`,
      async () => {
        const answer = await admin.get('/readyz').catch(() => null);
        return answer?.status === status && message.test(answer.body.error?.message) && answer;
      },
      PATIENCE_MS,
    );

  it('readyz says so, each change is answered 503, and is stored once if it is repeated', async () => {
    const { id: projectId, client } = await stack.project();
    const posts = (): Promise<Answer[]> =>
      Promise.all([
        ...Array.from({ length: POSTS }, (_, n) =>
          client.post('/v1/events', event, { 'idempotency-key': `order-${n}` }),
        ),
        client.post('/v1/events/batch', { events: [event] }, { 'idempotency-key': 'batch' }),
      ]);
    const changes = (): Promise<Answer[]> =>
      Promise.all([
        client.post('/v1/webhooks', { name: 'A', url: 'https://example.com/', events: ['*'] }),
        stack.admin.patch(`/v1/projects/${projectId}`, { name: 'B' }),
      ]);

    members[1].freeze();
    // A machine that stands still for seconds misses heartbeats before, which is another reason.
    const said = /no majority of the replica set .* within 10 s/;
    expectRefusal(await untilReady(503, said), 'unavailable');
    for (const answer of await Promise.all([posts(), changes()]).then((all) => all.flat())) {
      expectRefusal(answer, 'unavailable');
      expect(answer.headers.get('retry-after')).toBe('5');
    }
    expect((await client.get('/v1/events')).status).toBe(200);

    members[1].thaw();
    await untilReady(200);
    const again = await posts();
    expect(new Set(again.map(({ status }) => status))).toEqual(new Set([202]));
    expect((await stored(stack)).events).toBe(POSTS + 1);
    for (const { status } of await changes()) expect([200, 201]).toContain(status);
  });
});
