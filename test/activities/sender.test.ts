import { DnsError } from '../../src/delivery/resolver';
import { type AddressInfo, createServer } from 'node:net';
import { eventually } from '../support/eventually';
import { freePort } from '../support/free-port';
import type { Behaviour } from '../support/receiver';
import {
  createSender,
  PATIENT_MS,
  post,
  resolveTo,
  startReceiver,
} from '../unit/delivery/sender-harness';

describe('a request', () => {
  it('is a POST of exactly the given bytes and headers to path and query', async () => {
    const receiver = await startReceiver();
    const body = Buffer.from([0xff, 0x00, 0x7b, 0xc3, 0x28]);
    await createSender().send(
      post(`${receiver.url}/hooks/a%20b?x=1&y=%2F`, { body, headers: { 'X-Webhook-Event': 'a' } }),
    );
    const [request] = receiver.requests;
    expect(request).toMatchObject({ method: 'POST', path: '/hooks/a%20b?x=1&y=%2F' });
    expect(request!.rawBody.equals(body)).toBe(true);
    expect(request!.headers).toEqual({
      host: `127.0.0.1:${receiver.port}`,
      connection: 'keep-alive',
      accept: '*/*',
      'accept-encoding': 'identity',
      'content-length': '5',
      'x-webhook-event': 'a',
    });
  });

  it.each(['Accept', 'accept', 'ACCEPT'])('has the given %s alone', async (name) => {
    const receiver = await startReceiver();
    const headers = { [name]: 'application/json' };
    await createSender().send(post(receiver.url, { headers }));
    expect(receiver.requests[0]!.headers.accept).toBe('application/json');
  });

  it('that cannot be made is a failure too', async () => {
    const receiver = await startReceiver();
    const headers = { 'X-Broken': 'line\nbreak' };
    expect(await createSender().send(post(receiver.url, { headers }))).toMatchObject({
      kind: 'error',
      errorCode: 'unknown',
      errorMessage: 'the request failed (ERR_INVALID_CHAR)',
    });
    expect(receiver.connections).toBe(0);
  });
});

describe('a response', () => {
  it.each([200, 204, 299, 301, 400, 410, 429, 500, 503])('of status %d is one', async (status) => {
    const receiver = await startReceiver(status);
    const result = await createSender().send(post(receiver.url));
    expect(result).toMatchObject({ kind: 'response', statusCode: status });
  });

  it('has its headers flattened, its body as text and its duration', async () => {
    const receiver = await startReceiver({
      kind: 'answer',
      status: 503,
      headers: { 'Retry-After': '120', 'Set-Cookie': ['a=1', 'b=2'] },
      body: 'später 🕓',
      delayMs: 30,
    });
    const result = await createSender().send(post(receiver.url));
    expect(result).toMatchObject({
      kind: 'response',
      statusCode: 503,
      headers: { 'retry-after': '120', 'set-cookie': 'a=1, b=2' },
      body: 'später 🕓',
    });
    // Timers may fire a millisecond early.
    expect(result.durationMs).toBeGreaterThanOrEqual(29);
    expect(result.durationMs).toBeLessThan(PATIENT_MS);
  });

  it('that redirects is not followed', async () => {
    const target = await startReceiver();
    const receiver = await startReceiver({ kind: 'redirect', location: target.url });
    expect(await createSender().send(post(receiver.url))).toMatchObject({
      kind: 'response',
      statusCode: 302,
      headers: { location: target.url },
    });
    expect(target.connections).toBe(0);
  });

  it('is the final one, after an informational one', async () => {
    const bytes =
      'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\nok';
    const receiver = await startReceiver({ kind: 'raw', bytes });
    const result = await createSender().send(post(receiver.url));
    expect(result).toMatchObject({ kind: 'response', statusCode: 202, body: 'ok' });
    expect(result).not.toHaveProperty('headers.link');
  });

  it('may end with its connection when it has no length', async () => {
    const receiver = await startReceiver({ kind: 'raw', bytes: 'HTTP/1.1 200 OK\r\n\r\nall' });
    const result = await createSender().send(post(receiver.url));
    expect(result).toMatchObject({ kind: 'response', statusCode: 200, body: 'all' });
  });

  it('keeps 16 KiB of a longer body, which is read to its end', async () => {
    const receiver = await startReceiver({ kind: 'huge-body', bytes: 512 * 1024 });
    const sender = createSender({ maxConnectionsPerOrigin: 1 });
    const send = async (): Promise<void> => {
      const result = await sender.send(post(receiver.url));
      expect(result).toMatchObject({ kind: 'response', statusCode: 200, body: 'x'.repeat(16384) });
    };
    await send();
    // It is given up while the machine stands still for a second, but not each time.
    await eventually('its connection is used again', async () => {
      const before = receiver.connections;
      await send();
      return receiver.connections === before;
    });
  });

  it('does not keep half of a character at the end of the 16 KiB', async () => {
    const body = `${'x'.repeat(16383)}é`;
    const receiver = await startReceiver({ kind: 'answer', status: 200, body });
    const result = await createSender().send(post(receiver.url));
    expect(result).toMatchObject({ kind: 'response', body: 'x'.repeat(16383) });
  });

  it('counts when its body is endless, and the connection is dropped', async () => {
    const receiver = await startReceiver({ kind: 'huge-body', bytes: Infinity });
    const result = await createSender().send(post(receiver.url));
    expect(result).toMatchObject({ kind: 'response', statusCode: 200, body: 'x'.repeat(16384) });
    await receiver.waitFor(() => receiver.openConnections === 0);
  });

  it('keeps at most 64 headers of at most 1024 characters', async () => {
    const names = Array.from({ length: 100 }, (_, i) => `x-header-${i}`);
    const headers = Object.fromEntries(names.map((name) => [name, 'y'.repeat(500)]));
    const receiver = await startReceiver({
      kind: 'answer',
      status: 200,
      headers: { 'x-long': 'z'.repeat(5000), ...headers },
    });
    const result = await createSender().send(post(receiver.url));
    expect(Object.keys(result.kind === 'response' ? result.headers : {})).toHaveLength(64);
    expect(result).toHaveProperty('headers.x-long', `${'z'.repeat(1024)}…`);
  });

  it.each(['end', 'destroy', 'resetAndDestroy'] as const)(
    'counts when it comes before the request was read, and by %s ends the connection',
    async (ending) => {
      const server = createServer((socket) => {
        socket.on('error', () => socket.destroy());
        socket.once('data', () => {
          socket.pause();
          socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', () => socket[ending]());
        });
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
      const result = await createSender().send(post(url, { body: 'x'.repeat(260_000) }));
      expect(result).toMatchObject({ kind: 'response', statusCode: 200, body: 'ok' });
      server.close();
    },
  );

  it('may have a header called __proto__', async () => {
    const bytes = 'HTTP/1.1 200 OK\r\n__proto__: x\r\nContent-Length: 0\r\n\r\n';
    const receiver = await startReceiver({ kind: 'raw', bytes });
    const result = await createSender().send(post(receiver.url));
    expect(result).toMatchObject({ kind: 'response', statusCode: 200 });
    expect(Object.getPrototypeOf(result.headers)).toBe(Object.prototype);
  });
});

describe('a failure', () => {
  it.each<[string, Behaviour, object]>([
    ['an aborted connection', { kind: 'reset' }, { errorCode: 'connection_reset' }],
    ['a connection closed before the answer', { kind: 'close' }, { errorCode: 'connection_reset' }],
    [
      'an answer that breaks off',
      { kind: 'raw', bytes: 'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\npart' },
      { errorCode: 'connection_reset', statusCode: 200, body: 'part' },
    ],
    [
      'an answer that breaks off, which has announced the end of its connection',
      {
        kind: 'raw',
        bytes: 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 99\r\n\r\npart',
      },
      { errorCode: 'connection_reset', statusCode: 200, body: 'part' },
    ],
    [
      'a chunked answer that breaks off',
      {
        kind: 'raw',
        bytes:
          'HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\nff\r\npart',
      },
      { errorCode: 'connection_reset', statusCode: 200, body: 'part' },
    ],
    ['an answer that is not HTTP', { kind: 'raw' }, { errorCode: 'invalid_response' }],
    [
      'an answer of another protocol',
      {
        kind: 'raw',
        bytes: 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n',
      },
      { errorCode: 'invalid_response' },
    ],
    [
      'headers beyond all measure',
      { kind: 'huge-headers' },
      { errorCode: 'invalid_response', errorMessage: "the answer's headers are too large" },
    ],
  ])('is %s', async (_case, behaviour, expected) => {
    const receiver = await startReceiver(behaviour);
    const result = await createSender().send(post(receiver.url));
    expect(result).toMatchObject({ kind: 'error', ...expected });
    expect(receiver.requests).toHaveLength(1);
  });

  it('after an informational answer is one without an answer', async () => {
    const bytes = 'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n';
    const receiver = await startReceiver({ kind: 'raw', bytes });
    const result = await createSender().send(post(receiver.url));
    expect(result).toMatchObject({ kind: 'error', errorCode: 'connection_reset' });
    expect(result.statusCode).toBeUndefined();
  });

  it('is a refused connection', async () => {
    const url = `http://127.0.0.1:${await freePort()}/?token=hidden`;
    expect(await createSender().send(post(url))).toEqual({
      kind: 'error',
      errorCode: 'connection_refused',
      errorMessage: 'the receiver refused the connection',
      durationMs: expect.any(Number),
    });
  });

  it('is a refused connection at every address of a name', async () => {
    const port = await freePort();
    const sender = createSender(resolveTo('127.0.0.1', '127.0.0.2'));
    expect(await sender.send(post(`http://hooks.example:${port}/`))).toMatchObject({
      errorCode: 'connection_refused',
    });
  });

  it('is a name that cannot be resolved', async () => {
    const error = new DnsError('hooks.example', 'ENOTFOUND');
    const sender = createSender({ resolve: () => Promise.reject(error) });
    expect(await sender.send(post('https://hooks.example/'))).toMatchObject({
      errorCode: 'dns',
      errorMessage: 'the host name could not be resolved (ENOTFOUND)',
    });
  });

  it('is an address without a route', async () => {
    // TCP has no broadcast: every system refuses to connect there.
    const sender = createSender({ allowedCidrs: ['255.255.255.255/32'] });
    expect(await sender.send(post('http://255.255.255.255/'))).toMatchObject({
      errorCode: 'unreachable',
    });
  });
});
