import { once } from 'node:events';
import { Agent, request, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { metrics } from '../../../src/metrics';
import type { ApiClient } from '../../support/api-client';
import { say } from '../../support/connections';
import { eventually } from '../../support/eventually';
import { emailSent } from '../../support/samples';
import { Stack } from '../../support/stack';
import { useStack } from '../../support/use';
import { expectRefusal } from './refusal';

const REQUESTS = 5;
const MIB = 1024 * 1024;
const HELD_MIB = 4;

const stack = useStack(
  {
    POSTHORN_MAX_REQUESTS_UNDER_WAY: String(REQUESTS),
    POSTHORN_MAX_HELD_MIB: String(HELD_MIB),
    POSTHORN_SEND_TIMEOUT_SECONDS: '1',
  },
  { worker: false },
);
let port: number;
const sockets: Socket[] = [];

beforeAll(async () => {
  port = Number(new URL(stack.url).port);
});
afterEach(() => sockets.splice(0).forEach((socket) => socket.destroy()));

const ask = async (key: string, head: string): Promise<Socket> => {
  const [start, ...headers] = head.split('\n');
  const lines = [`${start} HTTP/1.1`, 'Host: a', `Authorization: Bearer ${key}`, ...headers];
  const socket = await say(port, `${lines.join('\r\n')}\r\n\r\n`);
  sockets.push(socket);
  return socket;
};

/** A request whose body has not come in; it is in progress for as long as its socket is open. */
const begin = (key: string, headers = 'Content-Length: 100', path = '/v1/events') =>
  ask(key, `POST ${path}\nContent-Type: application/json\n${headers}`);

const heldBytes = async (): Promise<number> =>
  Number(/bytes (\d+)/.exec(await metrics.getSingleMetricAsString('posthorn_http_held_bytes'))![1]);

/** Until all that was begun has been read by the API. */
const held = (bytes: number) =>
  eventually(`${bytes} bytes are held`, async () => (await heldBytes()) === bytes);

const ready = (client: ApiClient) =>
  eventually(
    'the key is served again',
    async () => (await client.get('/v1/webhooks')).status === 200,
  );

describe('requests in progress', () => {
  it('are so many of a key at a time, and twice as many of its project', async () => {
    const project = await stack.project();
    const [first, second, third] = [
      project.client,
      await stack.client(project.id, 'owner'),
      await stack.client(project.id, 'sender'),
    ];
    const other = await stack.project();
    for (let n = 1; n <= REQUESTS; n += 1) await begin(first.key);
    await held(REQUESTS * 100);

    const refused = await first.get('/v1/webhooks');
    expectRefusal(refused, 'rate_limited');
    expect(refused.headers.get('retry-after')).toBe('1');
    expect(refused.body.error.message).toBe(
      '5 requests of this key are in progress, the maximum; wait for their answers',
    );
    // A body that would be refused is not read either.
    expectRefusal(await first.post('/v1/events', '{'), 'rate_limited');
    expect((await second.get('/v1/webhooks')).status).toBe(200);

    for (let n = 1; n <= REQUESTS; n += 1) await begin(second.key);
    await held(2 * REQUESTS * 100);
    const ofProject = await third.post('/v1/events', { type: 'email.sent', data: emailSent });
    expectRefusal(ofProject, 'rate_limited');
    expect(ofProject.body.error.message).toContain("10 requests of this project's keys");

    expect((await other.client.get('/v1/webhooks')).status).toBe(200);
    const admin = stack.admin.with({ 'x-project-id': project.id });
    expect((await admin.get('/v1/webhooks')).status).toBe(200);

    sockets.splice(0, REQUESTS).forEach((socket) => socket.destroy());
    await ready(first);
  });

  it('are counted where they wait behind one another, and no more when their connection is gone', async () => {
    const { client } = await stack.project();
    const one = `GET /v1/webhooks HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${client.key}\r\n\r\n`;
    for (let round = 1; round <= 3; round += 1) {
      const socket = await say(port, one.repeat(3 * REQUESTS));
      socket.destroy();
    }
    await ready(client);
    await held(0);
    await eventually('all of its places are free', async () => {
      const statuses = await Promise.all(
        Array.from({ length: REQUESTS }, async () => (await client.get('/v1/webhooks')).status),
      );
      return statuses.every((status) => status === 200);
    });
  });

  it('are in progress until they are done, although who asked has gone', async () => {
    const { client } = await stack.project();
    let goOn = (): void => {};
    const gate = new Promise<void>((resolve) => (goOn = resolve));
    const { webhooks } = stack.store;
    const list = jest.spyOn(webhooks, 'list').mockImplementation(async (...args) => {
      await gate;
      return Object.getPrototypeOf(webhooks).list.apply(webhooks, args);
    });
    for (let n = 1; n <= REQUESTS; n += 1) {
      const socket = await ask(client.key, 'GET /v1/webhooks');
      await eventually('it is worked at', () => list.mock.calls.length === n);
      socket.destroy();
    }
    expectRefusal(await client.get('/v1/event-types'), 'rate_limited');
    goOn();
    await ready(client);
    list.mockRestore();
  });

  it('leave as many connections open behind their answers as may be in progress', async () => {
    const { client } = await stack.project();
    const connections: (string | undefined)[] = [];
    const agents: Agent[] = [];
    for (let n = 1; n <= REQUESTS + 2; n += 1) {
      const agent = new Agent({ keepAlive: true });
      agents.push(agent);
      const headers = { authorization: `Bearer ${client.key}` };
      const asked = request(`${stack.url}/v1/webhooks`, { agent, headers });
      asked.end();
      const [answer] = (await once(asked, 'response')) as [IncomingMessage];
      answer.resume();
      await once(answer, 'end');
      connections.push(answer.headers.connection);
    }
    expect(connections.slice(0, REQUESTS)).toEqual(Array(REQUESTS).fill('keep-alive'));
    expect(connections.slice(REQUESTS)).toEqual(['close', 'close']);
    agents.forEach((agent) => agent.destroy());
    await eventually('a connection may stay open again', async () => {
      const { headers } = await client.get('/v1/webhooks');
      return headers.get('connection') === 'keep-alive';
    });
  });
});

describe('bodies in progress', () => {
  const half = (HELD_MIB * MIB) / 2;
  const batch = '/v1/events/batch';

  it.each([
    ['told', [`Content-Length: ${half}`, `Content-Length: ${half}`], batch],
    ['not told', ['Transfer-Encoding: chunked'], batch],
    ['that of something compressed', ['Content-Encoding: gzip\nContent-Length: 99'], batch],
  ])(
    'have so many bytes of a key together, where their length is %s',
    async (_title, bodies, path) => {
      const { client } = await stack.project();
      const other = await stack.project();
      let bytes = 0;
      for (const headers of bodies) {
        await begin(client.key, headers, path);
        bytes += bodies.length === 2 ? half : 5 * MIB;
        await held(bytes);
      }
      const event = { type: 'email.sent', data: emailSent };
      const refused = await client.post('/v1/events', event);
      expectRefusal(refused, 'rate_limited');
      expect(refused.headers.get('retry-after')).toBe('1');
      expect(refused.body.error.message).toMatch(
        /^requests and unread answers of this key fill the allowed 4 MiB/,
      );
      expect((await other.client.post('/v1/events', event)).status).toBe(202);
      sockets.splice(0).forEach((socket) => socket.destroy());
      await ready(client);
    },
  );

  it('may be larger than that alone', async () => {
    const { client } = await stack.project();
    const note = 'x'.repeat(250_000);
    const event = { type: 'contact.created', data: { note } };
    const body = JSON.stringify({ events: Array.from({ length: 19 }, () => event) });
    expect(body.length).toBeGreaterThan(HELD_MIB * MIB);
    expect((await client.post(batch, body)).status).toBe(202);
    const response = await fetch(stack.url + batch, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${client.key}`,
        'content-type': 'application/json',
        'content-encoding': 'gzip',
      },
      body: gzipSync(body),
    });
    expect(response.status).toBe(202);
    await held(0);
  });
});

describe('answers that are not read', () => {
  let roomy: Stack;
  beforeAll(async () => {
    roomy = await Stack.start(
      // Long enough to fill it before it is discarded.
      { POSTHORN_MAX_HELD_MIB: String(HELD_MIB), POSTHORN_SEND_TIMEOUT_SECONDS: '5' },
      { worker: false },
    );
  });
  afterAll(() => roomy.stop());

  it('are limited in bytes for a key, refused beyond that, and discarded in the end', async () => {
    const { client } = await roomy.project();
    const other = await roomy.project();
    const data = { note: 'x'.repeat(255 * 1024) };
    for (let n = 0; n < 4; n += 1) {
      await client.post('/v1/events', { type: 'contact.created', data });
    }
    const list = `GET /v1/events?include=data HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${client.key}\r\n\r\n`;
    let most = 0;
    const look = async (): Promise<number> => {
      const bytes = await heldBytes();
      most = Math.max(most, bytes);
      return bytes;
    };
    // Until it is more than the system buffers for connections that are not read.
    const refused = await eventually('the key is refused', async () => {
      sockets.push(await say(Number(new URL(roomy.url).port), list.repeat(30)));
      const answer = await client.get('/v1/webhooks');
      await look();
      return (
        answer.status === 429 && /fill the allowed 4 MiB/.test(answer.body.error.message) && answer
      );
    });
    expectRefusal(refused, 'rate_limited');
    expect((await other.client.get('/v1/webhooks')).status).toBe(200);
    await eventually('nothing is held', async () => (await look()) === 0);
    expect(most).toBeGreaterThan((HELD_MIB - 1) * MIB);
    expect(most).toBeLessThan((HELD_MIB + 1) * MIB);
    await ready(client);
    await eventually('what had more to come is cut off', async () => {
      sockets.forEach((socket) => socket.resume());
      return sockets.some(({ destroyed }) => destroyed);
    });
    for (const { bytesRead } of sockets) expect(bytesRead).toBeLessThan(30 * MIB);
  });
});
