import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import * as fc from 'fast-check';
import { createApiServer } from '../../../src/api/http/server';
import { converse } from '../../support/connections';

describe('a body', () => {
  const pieces: Buffer[][] = [];
  let ended = 0;
  const server = createApiServer(
    (req, res) => {
      const own: Buffer[] = [];
      pieces.push(own);
      req.on('data', (piece: Buffer) => own.push(piece));
      req.on('end', () => {
        ended += 1;
        res.end();
      });
    },
    pino({ level: 'silent' }),
  );
  beforeAll(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterAll(async () => {
    server.close();
    await once(server, 'close');
  });

  /** The answer to a body that is sent in these chunks, its end with the last of them. */
  function answerTo(chunks: readonly string[]): Promise<string> {
    const head =
      'POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n';
    const body = chunks.map((text) => `${text.length.toString(16)}\r\n${text}\r\n`).join('');
    const { port } = server.address() as AddressInfo;
    return converse(port, (socket) => socket.write(`${head}${body}0\r\n\r\n`));
  }

  async function read(chunks: readonly string[]): Promise<Buffer[]> {
    expect(await answerTo(chunks)).toMatch(/^HTTP\/1\.1 200 /);
    return pieces.pop()!;
  }

  it('is read in large pieces, however small those are in which it comes', async () => {
    const text = 'abcdefgh'.repeat(8000);
    const own = await read(text.split(''));
    expect(Buffer.concat(own).toString()).toBe(text);
    expect(own.length).toBeLessThan(100);
  });

  it('is read whole and in order, in pieces of any size', async () => {
    const sizes = fc.oneof(fc.nat(100), fc.integer({ min: 4000, max: 4200 }), fc.constant(1));
    const chunks = fc.array(sizes, { minLength: 60, maxLength: 400 });
    await fc.assert(
      fc.asyncProperty(chunks, async (lengths) => {
        const texts = lengths
          .filter((length) => length > 0)
          .map((length, n) => String.fromCharCode(97 + (n % 26)).repeat(length));
        expect(Buffer.concat(await read(texts)).toString()).toBe(texts.join(''));
      }),
      { numRuns: 30 },
    );
  });

  it('is not taken to have ended where it is refused for its many chunks', async () => {
    const before = ended;
    expect(await answerTo(Array.from({ length: 66_000 }, () => ' '))).toMatch(/^HTTP\/1\.1 413 /);
    expect(ended).toBe(before);
  });
});
