import { readFileSync } from 'node:fs';
import { createSender, post, startReceiver } from './sender-harness';

interface Row {
  title: string;
  bytes: string;
  afterwards: 'waits' | 'closes' | 'resets';
  /** A status, or an error's code. */
  logged: string;
  /** The body, or the error's message. */
  text: string;
}

/** Of docs/proof/receivers-answers.md. */
const rows: Row[] = readFileSync('docs/proof/receivers-answers.md', 'utf8')
  .split('\n')
  .filter((line) => /^\| (?!The receiver|-)/.test(line))
  .map((line) => {
    const [, title, bytes, afterwards, logged, text] = line.split('|').map((cell) => cell.trim());
    return { title, bytes: uncoded(bytes!), afterwards, logged: uncoded(logged!), text } as Row;
  });

function uncoded(cell: string): string {
  return /^`(.*)`$/.exec(cell)?.[1] ?? cell;
}

function repeated(cell: string): string {
  return cell.replace(/«(.*?) × (\d+)»/g, (_all, part: string, times: string) =>
    part.repeat(Number(times)),
  );
}

/** The bytes that a cell stands for, one a character. */
function bytesOf(cell: string): Buffer {
  const escapes: Record<string, string> = { r: '\r', n: '\n', t: '\t' };
  const text = repeated(cell).replace(
    /\\(?:x(..)|(.))/g,
    (_all, hex: string | undefined, letter: string) =>
      hex === undefined ? escapes[letter]! : String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(text, 'latin1');
}

describe('the answers of docs/proof/receivers-answers.md', () => {
  it('are more than sixty', () => {
    expect(rows.length).toBeGreaterThan(60);
  });

  it.each(rows)(
    '$title: $bytes, logged as $logged',
    async ({ bytes, afterwards, logged, text }) => {
      const receiver = await startReceiver({ kind: 'raw', bytes: bytesOf(bytes), afterwards });
      const result = await createSender().send(post(receiver.url));
      const { statusCode, body } = result;
      expect(result.kind === 'error' ? result.errorCode : String(statusCode)).toBe(logged);
      expect(result.kind === 'error' ? result.errorMessage : body).toBe(repeated(uncoded(text)));
      expect(receiver.requests).toHaveLength(1);
    },
  );

  it('leave nothing behind for the next one on their connection', async () => {
    const receiver = await startReceiver();
    const sender = createSender({ maxConnectionsPerOrigin: 1 });
    const bytesOfNext = 'HTTP/1.1 201 Created\r\nContent-Length: 4\r\n\r\nnext';
    const next = { kind: 'raw', bytes: bytesOfNext, afterwards: 'waits' } as const;
    for (const { bytes, afterwards } of rows) {
      receiver.respondWith({ kind: 'raw', bytes: bytesOf(bytes), afterwards });
      await sender.send(post(receiver.url));
      receiver.respondWith(next);
      const result = await sender.send(post(receiver.url));
      expect({ bytes, ...result }).toMatchObject({ statusCode: 201, body: 'next' });
    }
  });
});
