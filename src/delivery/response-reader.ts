import type { IncomingMessage } from 'node:http';

/** What is kept of a response's body (docs/contract.md, 4.3), before and after decoding. */
export const KEPT_BODY_BYTES = 16 * 1024;
/** Up to this size the rest is read and discarded, so that the connection can be reused. */
const DRAINED_BODY_BYTES = 1024 * 1024;
/** Kept as they came; then they are joined. */
const MAX_CHUNKS = 64;
const MAX_HEADERS = 64;
const MAX_HEADER_CHARACTERS = 1024;

/** A response as received: all headers, and the beginning of the body. */
export interface RawResponse {
  statusCode: number;
  /** Names in lower case, each with its values in their order. */
  headers: ReadonlyMap<string, readonly string[]>;
  /** The first 16 KiB, still encoded. */
  body: Buffer;
  /** Of the body, as far as it has been read. */
  bytesRead: number;
}

/** Collects the part of a response that is kept, in bounded memory. */
export class ResponseReader {
  readonly statusCode: number;
  private readonly headers: ReadonlyMap<string, readonly string[]>;
  private chunks: Buffer[] = [];
  private bytesRead = 0;
  private pieces = 0;

  constructor(private readonly message: IncomingMessage) {
    this.statusCode = message.statusCode!;
    this.headers = headersOf(message.rawHeaders);
  }

  /**
   * @returns false if the body is so long that the rest isn't worth reading, or, after what is kept, comes in pieces so
   * small that it would take seconds of CPU
   */
  read(chunk: Buffer): boolean {
    const room = KEPT_BODY_BYTES - this.bytesRead;
    if (room > 0) this.chunks.push(chunk.subarray(0, room));
    // A chunk of one byte takes hundreds.
    if (this.chunks.length > MAX_CHUNKS) this.chunks = [Buffer.concat(this.chunks)];
    this.bytesRead += chunk.length;
    this.pieces += 1;
    return this.bytesRead <= DRAINED_BODY_BYTES && this.pieces <= KEPT_BODY_BYTES;
  }

  /** What the parser has read, and is about to emit. */
  readRest(): void {
    while (this.message.read() !== null);
  }

  header(name: string): string | undefined {
    return this.headers.get(name)?.join(', ');
  }

  /** Without a length it also ends with its connection, however that ends (RFC 9112, 8). */
  isComplete(): boolean {
    return this.message.complete || !this.tellsLength();
  }

  /**
   * Whether it ends with its head, which the parser doesn't know: 204 and 304 have no body, whatever
   * length they state (RFC 9112, 6.3), nor has 205 (RFC 9110, 15.3.6), which states none.
   */
  endsUnseen(): boolean {
    if (this.header('content-length') === '0') return false;
    if (this.statusCode === 205) return true;
    return this.tellsLength() && (this.statusCode === 204 || this.statusCode === 304);
  }

  /** If there are two, it isn't known after which of them the next answer begins. */
  hasOneLength(): boolean {
    return !(this.headers.has('content-length') && this.headers.has('transfer-encoding'));
  }

  private tellsLength(): boolean {
    return this.headers.has('content-length') || this.headers.has('transfer-encoding');
  }

  response(): RawResponse {
    const { statusCode, headers, bytesRead } = this;
    return { statusCode, headers, body: Buffer.concat(this.chunks), bytesRead };
  }
}

/**
 * The headers that are logged: names in lower case, repeated headers joined by `, `; at most 64, cut after 1024
 * characters.
 */
export function loggedHeaders({ headers }: RawResponse): Record<string, string> {
  // fromEntries, so that a header called `__proto__` is no more than a key.
  return Object.fromEntries(
    [...headers].slice(0, MAX_HEADERS).map(([name, values]) => [cut(name), cut(values.join(', '))]),
  );
}

/** By its length, a text that was cut differs from every other one. */
const cut = (text: string): string =>
  text.length > MAX_HEADER_CHARACTERS ? `${text.slice(0, MAX_HEADER_CHARACTERS)}…` : text;

/** @param raw alternating names and values, as Node gives them: one character per byte */
function headersOf(raw: readonly string[]): Map<string, string[]> {
  const headers = new Map<string, string[]>();
  for (let at = 0; at < raw.length; at += 2) {
    const [name, value] = [raw[at]!.toLowerCase(), decoded(raw[at + 1]!)];
    const values = headers.get(name);
    if (values) values.push(value);
    else headers.set(name, [value]);
  }
  return headers;
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** UTF-8 if valid, otherwise Latin-1, as RFC 9110 (5.5) says of what isn't ASCII. */
function decoded(value: string): string {
  if (!/[\x80-\xff]/.test(value)) return value;
  try {
    return utf8.decode(Buffer.from(value, 'latin1'));
  } catch {
    return value;
  }
}
