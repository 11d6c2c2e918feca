import type { IncomingHttpHeaders } from 'node:http';

/** What is kept of a response's body (contract, section 4). */
const KEPT_BODY_BYTES = 16 * 1024;
/** Up to here the rest is read and thrown away, so that the connection can be used again. */
const DRAINED_BODY_BYTES = 1024 * 1024;
const MAX_HEADERS = 64;
const MAX_HEADER_CHARACTERS = 1024;

/** What is logged of a response. */
export interface HttpResponse {
  statusCode: number;
  /** Names in lower case, repeated headers joined by `, `; at most 64 of up to 1024 characters. */
  headers: Record<string, string>;
  /** The first 16 KiB, decoded as UTF-8. */
  body: string;
}

/** Collects the part of a response that is kept, in bounded memory. */
export class ResponseReader {
  private readonly headers: Record<string, string>;
  private readonly chunks: Buffer[] = [];
  private bytesRead = 0;

  constructor(
    private readonly statusCode: number,
    headers: IncomingHttpHeaders,
  ) {
    this.headers = boundedHeaders(headers);
  }

  /** @returns false when the body is so long that the rest isn't worth reading */
  read(chunk: Buffer): boolean {
    const room = KEPT_BODY_BYTES - this.bytesRead;
    if (room > 0) this.chunks.push(chunk.subarray(0, room));
    this.bytesRead += chunk.length;
    return this.bytesRead <= DRAINED_BODY_BYTES;
  }

  response(): HttpResponse {
    // `stream` leaves out a character that the limit cuts in two.
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
    const body = decoder.decode(Buffer.concat(this.chunks), { stream: true });
    return { statusCode: this.statusCode, headers: this.headers, body };
  }
}

function boundedHeaders(headers: IncomingHttpHeaders): Record<string, string> {
  // fromEntries, so that a header called `__proto__` is no more than a key.
  return Object.fromEntries(
    Object.entries(headers)
      .slice(0, MAX_HEADERS)
      .map(([name, value]) => [
        name.slice(0, MAX_HEADER_CHARACTERS),
        [value].flat().join(', ').slice(0, MAX_HEADER_CHARACTERS),
      ]),
  );
}
