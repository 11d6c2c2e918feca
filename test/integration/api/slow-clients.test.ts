import type { Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { promisify } from 'node:util';
import { pino } from 'pino';
import { createApiServer } from '../../../src/api/http/server';
import { converse, say } from '../../support/connections';
import { eventually } from '../../support/eventually';
import { Stack } from '../../support/stack';

const SILENT = pino({ level: 'silent' });
/** Shorter than by default, but a busy machine has to read an honest request within it. */
const PATIENCE = {
  headersMs: 3000,
  requestMs: 5000,
  checkEveryMs: 50,
  keepAliveMs: 2000,
  sendMs: 10_000,
};

describe('a client that is slow or rude', () => {
  let stack: Stack;
  let server: Server;
  let port: number;
  const drips = new Set<NodeJS.Timeout>();

  beforeAll(async () => {
    stack = await Stack.start({}, { worker: false });
    server = createApiServer(stack.app, SILENT, PATIENCE);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    ({ port } = server.address() as AddressInfo);
  });
  afterAll(async () => {
    drips.forEach(clearInterval);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await stack.stop();
  });

  /** One byte now and then, as slowloris does, so that the connection is never idle. */
  const drip = (socket: Socket, text: string): void => {
    const timer = setInterval(() => socket.write(text), 250);
    drips.add(timer);
    socket.on('close', () => clearInterval(timer));
  };

  it.concurrent('is cut off when its headers never end', async () => {
    const answer = await converse(port, (socket) => {
      socket.write('POST /v1/events HTTP/1.1\r\nHost: a\r\n');
      drip(socket, 'X-a: b\r\n');
    });
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
  });

  it.concurrent('is cut off when its body never ends', async () => {
    const answer = await converse(port, (socket) => {
      const key = `Authorization: Bearer ${stack.admin.key}`;
      const json = 'Content-Type: application/json\r\nContent-Length: 100000';
      socket.write(`POST /v1/projects HTTP/1.1\r\nHost: a\r\n${key}\r\n${json}\r\n\r\n{`);
      drip(socket, ' ');
    });
    expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /);
  });

  it.concurrent('is cut off when it says nothing at all', async () => {
    expect(await converse(port, () => {})).toMatch(/^(HTTP\/1\.1 408 |$)/);
  });

  it.concurrent.each(['/openapi.json', '/docs/swagger-ui-bundle.js'])(
    'is cut off when it takes nothing of its answer, which is %s',
    async (path) => {
      const whole = Number(
        (await fetch(`http://127.0.0.1:${port}${path}`)).headers.get('content-length'),
      );
      // More than the system buffers for a connection that is not read.
      const times = Math.ceil(30_000_000 / whole);
      const socket = await say(port, `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`.repeat(times));
      const connections = promisify(server.getConnections.bind(server));
      // So are those of the other tests.
      await eventually('it is cut off', async () => (await connections()) === 0);
      socket.resume();
      if (!socket.destroyed) await new Promise((resolve) => socket.once('close', resolve));
      expect(socket.bytesRead).toBeLessThan(times * whole);
    },
  );

  it.concurrent('may be slow to read, if it reads', async () => {
    const whole = Number(
      (await fetch(`http://127.0.0.1:${port}/openapi.json`)).headers.get('content-length'),
    );
    const times = Math.ceil(30_000_000 / whole);
    const asked = 'GET /openapi.json HTTP/1.1\r\nHost: a\r\n';
    const socket = await say(
      port,
      `${asked}\r\n`.repeat(times - 1) + `${asked}Connection: close\r\n\r\n`,
    );
    // A little now and then, for longer than the limit.
    const reading = setInterval(() => socket.read(1_000_000), PATIENCE.sendMs / 20);
    drips.add(reading);
    await new Promise((resolve) => socket.once('close', resolve));
    expect(socket.bytesRead).toBeGreaterThan(times * whole);
  });

  it.each([
    ['one header of 20 KB', `X-Huge: ${'x'.repeat(20_000)}\r\n`],
    ['2,000 headers', 'X-Many: 12345\r\n'.repeat(2000)],
    ['a key of 20 KB', `Authorization: Bearer ${'x'.repeat(20_000)}\r\n`],
  ])('is answered 431 for %s', async (_title, headers) => {
    const answer = await converse(port, (socket) => {
      socket.write(`GET /v1/webhooks HTTP/1.1\r\nHost: a\r\n${headers}\r\n`);
    });
    expect(answer).toMatch(/^HTTP\/1\.1 431 /);
  });

  it.each([
    ['both lengths of a body', 'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['two lengths of a body', 'Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello'],
    ['a header without a name', ': x\r\n\r\n'],
    ['a line feed in a header', 'X-A: b\n\rX-B: c\r\n\r\n'],
    ['a NUL in a header', 'X-A: b\0c\r\n\r\n'],
  ])('is answered 400 for %s', async (_title, rest) => {
    const answer = await converse(port, (socket) => {
      socket.write(`POST /v1/events HTTP/1.1\r\nHost: a\r\n${rest}`);
    });
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  });

  it('does not stop others from being answered', async () => {
    const slow = Array.from({ length: 200 }, () =>
      converse(port, (socket) => {
        socket.write('GET /v1/webhooks HTTP/1.1\r\nHost: a\r\n');
        drip(socket, 'X-a: b\r\n');
      }),
    );
    const healthy = await fetch(`http://127.0.0.1:${port}/healthz`);
    expect(healthy.status).toBe(200);
    // All are cut off; a reset may come before the answer was read.
    const answers = await Promise.all(slow);
    for (const answer of answers) expect(answer).toMatch(/^(HTTP\/1\.1 408 |$)/);
    expect(answers.join('')).toContain('HTTP/1.1 408 ');
  });

  it('has ten seconds for its headers and thirty in total by default', () => {
    const { headersTimeout, requestTimeout, maxHeadersCount } = createApiServer(stack.app, SILENT);
    expect({ headersTimeout, requestTimeout }).toEqual({
      headersTimeout: 10_000,
      requestTimeout: 30_000,
    });
    expect(maxHeadersCount).not.toBe(0);
  });
});
