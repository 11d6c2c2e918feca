import { randomBytes } from 'node:crypto';
import { brotliCompressSync, constants, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { createSender, post, startReceiver } from './sender-harness';

const KEPT = 16 * 1024;

/** The body as it is logged, of an answer with these bytes. */
async function logged(body: Buffer, headers: Record<string, string> = {}): Promise<string> {
  const receiver = await startReceiver({ kind: 'answer', status: 200, headers, body });
  const result = await createSender().send(post(receiver.url));
  expect(result).toMatchObject({ kind: 'response', statusCode: 200 });
  return result.body!;
}

type Encode = (bytes: Buffer) => Buffer;
const CODERS: [string, Encode][] = [
  ['gzip', gzipSync],
  ['deflate', deflateSync],
  ['deflate', deflateRawSync],
];

describe('a body that was encoded unasked', () => {
  it.each(CODERS)('in %s is logged as its text, up to 16 KiB', async (coding, encode) => {
    const encoding = { 'Content-Encoding': coding };
    const text = '{"later": "später 🕓"}';
    expect(await logged(encode(Buffer.from(text)), encoding)).toBe(text);
    // Its characters are of two bytes, behind one of one: the limit cuts one in two.
    const long = await logged(encode(Buffer.from(`x${'é'.repeat(KEPT)}`)), encoding);
    expect(long).toBe(`x${'é'.repeat(KEPT / 2 - 1)}`);
  });

  const MIB = 1024 * 1024;
  const params = { [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS };
  it.each<[string, Encode, logged: string | RegExp]>([
    ...CODERS.map((coder): [string, Encode, string] => [...coder, 'x'.repeat(KEPT)]),
    ['br', (bytes) => brotliCompressSync(bytes, { params }), /^\[binary, \d+ bytes/],
  ])('in %s costs no more than what is kept of it, in eighty at once', async (...args) => {
    const [coding, encode, shown] = args;
    const headers = { 'Content-Encoding': coding };
    const body = encode(Buffer.alloc(16 * MIB, 'x'));
    const receiver = await startReceiver({ kind: 'answer', status: 200, headers, body });
    const sender = createSender({ maxConnectionsPerOrigin: 80 });
    const peak = (): number => process.resourceUsage().maxRSS * 1024;
    const before = peak();
    const results = await Promise.all(
      Array.from({ length: 80 }, () => sender.send(post(receiver.url))),
    );
    expect(peak() - before).toBeLessThan(128 * MIB);
    for (const { body: text } of results) expect(text).toMatch(shown);
  });

  it('is decoded three times over, and not more often', async () => {
    const times = (n: number): Buffer =>
      Array.from({ length: n }).reduce<Buffer>((bytes) => gzipSync(bytes), Buffer.from('ok'));
    expect(await logged(times(3), { 'Content-Encoding': 'gzip, gzip, gzip' })).toBe('ok');
    const four = await logged(times(4), { 'Content-Encoding': 'gzip, gzip, gzip, gzip' });
    expect(four).toMatch(/^\[binary, \d+ bytes, in base64: H4sI/);
  });

  it('shows its beginning when its text is longer than what is kept of its bytes', async () => {
    const noise = Array.from({ length: 40_000 }, (_, n) => Math.imul(n, 2654435761) >>> 8);
    const text = noise.join(' ');
    const shown = await logged(gzipSync(Buffer.from(text)), { 'Content-Encoding': 'gzip' });
    expect(shown).toBe(text.slice(0, KEPT));
  });
});

describe('a text that is longer than what is kept', () => {
  const isCut = async (
    body: Buffer,
    headers: Record<string, string> = {},
  ): Promise<boolean | undefined> => {
    const receiver = await startReceiver({ kind: 'answer', status: 500, headers, body });
    return (await createSender().send(post(receiver.url))).isBodyCut;
  };
  const gzip = { 'Content-Encoding': 'gzip' };

  it.each([
    ['by a byte', Buffer.alloc(KEPT + 1, 'x'), {}],
    ['by more than is read', Buffer.alloc(3 * 1024 * 1024, 'x'), {}],
    ['only once it is decoded', gzipSync(Buffer.alloc(KEPT + 1, 'x')), gzip],
    ['also as it was sent', gzipSync(randomBytes(KEPT).toString('base64')), gzip],
  ])('is marked as cut: %s', async (_how, body, headers) => {
    expect(await isCut(body, headers)).toBe(true);
  });

  it.each([
    ['as long as that', Buffer.alloc(KEPT, 'x'), {}],
    ['as long as that, decoded', gzipSync(Buffer.alloc(KEPT, 'x')), gzip],
    ['empty', Buffer.alloc(0), {}],
    ['no text, which its description says', Buffer.alloc(KEPT + 1), {}],
  ])('is not marked when it is %s', async (_what, body, headers) => {
    expect(await isCut(body, headers)).toBeUndefined();
  });
});

describe('a body that is not text', () => {
  it('is described by its size, with its first 1,024 bytes', async () => {
    const bytes = Buffer.alloc(5000, 0xff);
    const shown = bytes.toString('base64', 0, 1024);
    expect(await logged(bytes)).toBe(`[binary, 5000 bytes, the first 1024 in base64: ${shown}]`);
  });

  it('is not one when only the limit has cut a character', async () => {
    expect(await logged(Buffer.from(`${'x'.repeat(KEPT - 1)}é`))).toBe('x'.repeat(KEPT - 1));
  });

  it('is one that ends within a character', async () => {
    expect(await logged(Buffer.from('é').subarray(0, 1))).toBe(
      '[binary, 1 bytes, in base64: ww==]',
    );
  });

  it('is not one that breaks off within a character', async () => {
    const head = 'HTTP/1.1 500 No\r\nContent-Length: 9\r\n\r\n';
    const bytes = Buffer.concat([Buffer.from(`${head}sp`), Buffer.from('ä').subarray(0, 1)]);
    const receiver = await startReceiver({ kind: 'raw', bytes, afterwards: 'closes' });
    const result = await createSender().send(post(receiver.url));
    expect(result).toMatchObject({ errorCode: 'connection_reset', statusCode: 500, body: 'sp' });
  });
});
