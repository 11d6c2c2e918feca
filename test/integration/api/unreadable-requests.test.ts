import type { Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { pino } from 'pino';
import { createApiServer } from '../../../src/api/http/server';
import { errorSchema } from '../../../src/api/schemas/error';
import { ERRORS, type ErrorCode } from '../../../src/contracts/errors';
import { metrics } from '../../../src/metrics';
import { converse } from '../../support/connections';
import { eventually } from '../../support/eventually';
import { useStack } from '../../support/use';

interface LogLine {
  level: number;
  msg: string;
  requestId?: string;
  code?: string;
}

const INFO = 30;
const HEAD = 'POST /v1/projects HTTP/1.1\r\nHost: a\r\n';
const CHUNKED = `${HEAD}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n`;

/** The answers of a connection: each status line with what follows it. */
const answersIn = (text: string): string[] => text.split(/(?=HTTP\/1\.1 \d{3} )/).filter(Boolean);

describe('what cannot be read as a request', () => {
  const stack = useStack({}, { worker: false });
  const lines: LogLine[] = [];
  let server: Server;
  let port: number;

  beforeAll(async () => {
    const log = pino(
      { level: 'debug' },
      { write: (line: string) => void lines.push(JSON.parse(line) as LogLine) },
    );
    // Short, and yet enough for a busy machine to read an honest request.
    const patience = { headersMs: 3000, requestMs: 5000, checkEveryMs: 50 };
    server = createApiServer(stack.app, log, patience);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    ({ port } = server.address() as AddressInfo);
  });
  afterAll(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const saying = (text: string): Promise<string> => converse(port, (socket) => socket.write(text));
  const authorised = (): string => `Authorization: Bearer ${stack.admin.key}\r\n`;

  /** Expects one refusal with that code, in the form of all others. */
  function expectRefused(answer: string, code: ErrorCode, says: RegExp): string {
    const all = answersIn(answer);
    expect(all).toHaveLength(1);
    const [head = '', body = ''] = all[0]!.split('\r\n\r\n');
    expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${ERRORS[code].status} \\w`));
    expect(head).toMatch(/^content-type: application\/json; charset=utf-8$/im);
    expect(head).toMatch(/^cache-control: no-store$/im);
    const { error } = errorSchema.parse(JSON.parse(body));
    expect(error).toMatchObject({ code, message: expect.stringMatching(says) });
    expect(error.requestId).toMatch(/^req_[0-9a-f]{32}$/);
    expect(/^x-request-id: (.*)$/im.exec(head)?.[1]).toBe(error.requestId);
    return error.requestId;
  }

  it.each<[string, ErrorCode, RegExp, string]>([
    [
      'headers that are too large',
      'headers_too_large',
      /16 KiB.*send less/,
      `${HEAD}X-Huge: ${'x'.repeat(20_000)}\r\n\r\n`,
    ],
    ['an address that is too long', 'headers_too_large', /address/, `GET /${'x'.repeat(20_000)}`],
    ['a header with a NUL', 'bad_request', /Invalid header/, `${HEAD}X-A: b\0c\r\n\r\n`],
    [
      'two lengths of a body',
      'bad_request',
      /Content-Length/,
      `${HEAD}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello`,
    ],
    ['another protocol', 'bad_request', /not valid HTTP\/1\.1/, 'EHLO mail.example.com\r\n'],
    ['a version that is none', 'bad_request', /HTTP version/, 'GET / HTTP/9.9\r\nHost: a\r\n\r\n'],
    ['no Host', 'bad_request', /header Host/, 'GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n'],
    ['two Hosts', 'bad_request', /Host.*twice/, `${HEAD}host: b\r\nConnection: close\r\n\r\n`],
    [
      'two Hosts by HTTP/1.0',
      'bad_request',
      /Host.*twice/,
      'GET /healthz HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n',
    ],
    [
      'an expectation that nobody meets',
      'expectation_failed',
      /without it/,
      `${HEAD}Expect: 200-ok\r\nConnection: close\r\n\r\n`,
    ],
    ['CONNECT', 'bad_request', /proxies/, 'CONNECT example.com:443 HTTP/1.1\r\nHost: a\r\n\r\n'],
  ])('is refused as anything else is: %s', async (_what, code, says, text) => {
    expectRefused(await saying(text), code, says);
  });

  it.each<[string, ErrorCode, RegExp, string]>([
    ['a chunk without a size', 'bad_request', /chunk size/, 'zz\r\n'],
    [
      'extensions of a chunk that are too large',
      'payload_too_large',
      /extensions/,
      `2;${'x'.repeat(20_000)}\r\n`,
    ],
    [
      'a body in too many chunks',
      'payload_too_large',
      /more than 65536 chunks; send larger ones/,
      '1\r\nx\r\n'.repeat(65_536),
    ],
  ])('is refused with the id of its request: %s', async (_what, code, says, chunk) => {
    const answer = await saying(`${CHUNKED}${authorised()}\r\n5\r\n{"typ\r\n${chunk}`);
    const requestId = expectRefused(answer, code, says);
    expect(lines).toContainEqual(expect.objectContaining({ level: INFO, requestId, code }));
  });

  it('is refused with 408 when it does not arrive in time, and the log has its id', async () => {
    const [head, body] = await Promise.all([
      saying(HEAD),
      saying(`${HEAD}${authorised()}Content-Type: application/json\r\nContent-Length: 9\r\n\r\n{`),
    ]);
    for (const answer of [head, body]) {
      const requestId = expectRefused(answer, 'request_timeout', /send it again/);
      expect(lines).toContainEqual(expect.objectContaining({ level: INFO, requestId }));
    }
  });

  it('is counted by its code, and not logged by default where nothing was said', async () => {
    const counted = async (): Promise<number> => {
      const text = await metrics.getSingleMetricAsString('posthorn_http_unreadable_requests_total');
      return Number(/code="request_timeout"\} (\d+)/.exec(text)?.[1] ?? 0);
    };
    const before = await counted();
    const requestId = expectRefused(await saying(''), 'request_timeout', /in time/);
    expect(await counted()).toBe(before + 1);
    const line = lines.find((one) => one.requestId === requestId);
    expect(line!.level).toBeLessThan(INFO);
  });

  it('does not disturb the answer to what was requested before it', async () => {
    const answer = await saying('GET /readyz HTTP/1.1\r\nHost: a\r\n\r\nrubbish\r\n\r\n');
    expect(answersIn(answer)).toEqual([
      expect.stringMatching(/^HTTP\/1\.1 200 [^]*"success":true/),
    ]);
  });

  it('is not answered in the middle of another answer', async () => {
    const { client } = await stack.project();
    const answer = await converse(port, (socket: Socket) => {
      socket.write(
        `GET /v1/stream HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${client.key}\r\n\r\n`,
      );
      socket.once('data', () => socket.write('rubbish\r\n\r\n'));
    });
    expect(answersIn(answer)).toEqual([expect.stringMatching(/^HTTP\/1\.1 200 /)]);
  });

  it('is not answered twice, when its headers were refused before its body', async () => {
    const answer = await converse(port, (socket: Socket) => {
      socket.write(`${CHUNKED}Authorization: Bearer nobody\r\n\r\n5\r\n{"typ\r\n`);
      socket.once('data', () => socket.write('zz\r\n'));
    });
    expect(answersIn(answer)).toEqual([expect.stringMatching(/^HTTP\/1\.1 401 /)]);
  });

  it('is not answered where the client is gone, and harms nobody', async () => {
    const before = lines.length;
    await Promise.all(
      Array.from({ length: 50 }, () =>
        converse(port, (socket) => socket.write(HEAD, () => socket.resetAndDestroy())),
      ),
    );
    await eventually('the connections are gone', async () => {
      const count = await new Promise<number>((resolve) =>
        server.getConnections((_error, open) => resolve(open)),
      );
      return count === 0;
    });
    expect(lines.slice(before).filter(({ level }) => level >= INFO)).toEqual([]);
    expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200);
  });
});
