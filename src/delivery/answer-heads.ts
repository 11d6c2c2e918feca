import type { Duplex } from 'node:stream';

const HTTP = Buffer.from('HTTP/');
/** Node's parser refuses longer ones by its own limit. */
const MAX_HEAD_BYTES = 64 * 1024;
/**
 * Of an answer with all that frames it: empty lines before its head and the sizes of its chunks may go on for ever.
 * More than a head, interim ones, and as much of a body as is read (`ResponseReader`) usually need.
 */
const MAX_ANSWER_BYTES = 2 * 1024 * 1024;
/** Twice the bytes of a body that are kept: over TLS, each byte may come in a record of its own. */
const MAX_PIECES = 32 * 1024;
const [TAB, LF, CR, SPACE] = [9, 10, 13, 32];

/** More of an answer has arrived than is read of any. */
export class AnswerTooLongError extends Error {
  /** What the parser says, if that is before the head is complete. */
  readonly code = 'HPE_HEADER_OVERFLOW';
}

/**
 * Rewrites the heads of a response, interim ones too, to what Node's parser accepts. RFC 9112 lets a
 * recipient accept more than the parser does: lines that end with LF alone (2.2), folded fields (5.2), tabs
 * around a value (5.1), which make the parser miss the length, and the same length twice. What follows the
 * final head, and what isn't HTTP, is passed through unchanged.
 */
export class AnswerHeads {
  /** Whether anything has arrived since the last response began. */
  heard = false;
  /** How many responses have begun on the connection. */
  answers = 0;
  private expectsHead = false;
  private bytes = 0;
  private pieces = 0;
  /** What has arrived of an incomplete head: its first `heldBytes`. */
  private space = Buffer.alloc(0);
  private heldBytes = 0;

  /** The next bytes begin a response. */
  begin(): void {
    this.answers += 1;
    this.bytes = 0;
    this.pieces = 0;
    this.heard = false;
    this.expectsHead = true;
  }

  /** Whether more has arrived of the current response than is read of any. */
  get isTooLong(): boolean {
    return this.bytes > MAX_ANSWER_BYTES || this.pieces > MAX_PIECES;
  }

  /** @returns what the parser should read now; possibly nothing */
  read(chunk: Buffer): Buffer {
    this.heard = true;
    this.bytes += chunk.length;
    this.pieces += 1;
    if (!this.expectsHead) return chunk;
    // Never searches the same bytes twice: a head may arrive byte by byte.
    let from = Math.max(0, this.heldBytes - 2);
    let held = this.heldBytes === 0 ? chunk : this.hold(chunk);
    const ready: Buffer[] = [];
    for (;;) {
      if (from === 0) held = held.subarray(leadingLineEnds(held));
      const end = mayBeHttp(held) ? endOfHead(held, from) : 0;
      if (end === null && held.length <= MAX_HEAD_BYTES) {
        if (held.length !== this.heldBytes) {
          this.heldBytes = 0;
          this.hold(held);
        }
        return Buffer.concat(ready);
      }
      if (!end) break;
      const head = held.subarray(0, end);
      ready.push(tidy(head));
      held = held.subarray(end);
      from = 0;
      if (!isInterim(head)) break;
    }
    const rest = Buffer.concat([...ready, held]);
    this.end();
    return rest;
  }

  /** @returns what was held back of a response that ends within its head */
  end(): Buffer {
    const held = this.space.subarray(0, this.heldBytes);
    this.expectsHead = false;
    this.space = Buffer.alloc(0);
    this.heldBytes = 0;
    return held;
  }

  /** @returns all that is held */
  private hold(chunk: Buffer): Buffer {
    const bytes = this.heldBytes + chunk.length;
    if (bytes > this.space.length) {
      const larger = Buffer.alloc(2 * bytes);
      this.space.copy(larger, 0, 0, this.heldBytes);
      this.space = larger;
    }
    chunk.copy(this.space, this.heldBytes);
    this.heldBytes = bytes;
    return this.space.subarray(0, bytes);
  }
}

/** Passes everything that arrives on a connection through `heads` first. */
export function readHeadsFirst<S extends Duplex>(socket: S, heads: AnswerHeads): S {
  const push = socket.push.bind(socket);
  socket.push = (chunk: Buffer | null) => {
    const bytes = chunk === null ? heads.end() : heads.read(chunk);
    if (heads.isTooLong) {
      socket.destroy(new AnswerTooLongError());
      return false;
    }
    const wantsMore = bytes.length === 0 || push(bytes);
    return chunk === null ? push(null) : wantsMore;
  };
  return socket;
}

/** Whether the bytes so far are the beginning of an HTTP response. */
function mayBeHttp(bytes: Buffer): boolean {
  const isHalfLineEnd = bytes.length === 1 && bytes[0] === CR;
  if (isHalfLineEnd) return true;
  const length = Math.min(bytes.length, HTTP.length);
  return bytes.compare(HTTP, 0, length, 0, length) === 0;
}

/** 101 is final: what follows isn't HTTP. */
function isInterim(head: Buffer): boolean {
  return /^HTTP\/\d\.\d 1(?!01)\d\d\b/.test(head.toString('latin1', 0, 16));
}

function leadingLineEnds(bytes: Buffer): number {
  let at = 0;
  while (bytes[at] === LF || (bytes[at] === CR && bytes[at + 1] === LF)) at += 1;
  return at;
}

/** The position after the empty line; null if that has not arrived. */
function endOfHead(bytes: Buffer, from: number): number | null {
  for (let at = bytes.indexOf(LF, from); at !== -1; at = bytes.indexOf(LF, at + 1)) {
    const next = bytes[at + 1] === CR ? at + 2 : at + 1;
    if (bytes[next] === LF) return next + 1;
  }
  return null;
}

function tidy(head: Buffer): Buffer {
  const [status = '', ...lines] = head.toString('latin1').split('\n').map(withoutCr).slice(0, -2);
  const fields: string[] = [];
  for (const line of lines) {
    const isFolded = line.startsWith(' ') || line.startsWith('\t');
    if (!isFolded) fields.push(line);
    // Before the first field there is nothing to continue, and the line is skipped (2.2).
    else if (fields.length > 0) fields.push(`${fields.pop()!} ${trimmed(line)}`);
  }
  const tidied = [
    status.replace(STATUS_LINE, '$1 $2 '),
    ...withOneLength(fields.flatMap(tidyField)),
  ];
  return Buffer.from(`${tidied.join('\r\n')}\r\n\r\n`, 'latin1');
}

/** Its parts may be separated by any white space (4); the reason adds nothing to the status. */
const STATUS_LINE = /^(HTTP\/\d\.\d)[\t\v\f\r ]+(\d{3})(?![^\t\v\f\r ])[^]*$/;
const FIELD_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** @returns nothing for a line that isn't a field, and for the encoding `identity` */
function tidyField(line: string): string[] {
  const colon = line.indexOf(':');
  const name = trimmed(line.slice(0, Math.max(0, colon)));
  // RFC 9110, 5.5: characters that would end the line become spaces.
  // oxlint-disable-next-line no-control-regex
  const value = trimmed(line.slice(colon + 1).replace(/[\x00-\x08\x0a-\x1f\x7f]/g, ' '));
  if (!FIELD_NAME.test(name)) return [];
  if (/^transfer-encoding$/i.test(name) && /^identity$/i.test(value)) return [];
  return [`${name}: ${value}`];
}

const LENGTH_FIELD = /^content-length: /i;
const SAME_LENGTHS = /^(\d+)(?:[ \t]*,[ \t]*\1)+$/;

/** A length that is stated several times, in one line or in many, is stated once (RFC 9110, 8.6). */
function withOneLength(lines: readonly string[]): readonly string[] {
  const lengths = lines.filter((line) => LENGTH_FIELD.test(line));
  const stated = lengths.map((line) => line.replace(LENGTH_FIELD, '')).join();
  const [, length] = SAME_LENGTHS.exec(stated) ?? [];
  if (length === undefined) return lines;
  return [`Content-Length: ${length}`, ...lines.filter((line) => !LENGTH_FIELD.test(line))];
}

function withoutCr(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}

/** Without surrounding spaces and tabs; not with `trim`, which also strips bytes of UTF-8. */
function trimmed(text: string): string {
  let [from, to] = [0, text.length];
  const isBlank = (at: number): boolean => [SPACE, TAB].includes(text.charCodeAt(at));
  while (from < to && isBlank(from)) from += 1;
  while (to > from && isBlank(to - 1)) to -= 1;
  return text.slice(from, to);
}
