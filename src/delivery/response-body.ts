import type { Transform } from 'node:stream';
import { constants, createGunzip, createInflate, createInflateRaw } from 'node:zlib';
import { KEPT_BODY_BYTES, type RawResponse } from './response-reader';

/** For a body that isn't text. */
const SHOWN_BINARY_BYTES = 1024;
/** More encodings are only meant to waste our time. */
const MAX_CODINGS = 3;

export interface LoggedBody {
  body: string;
  /** Its text goes on: more of it has arrived. */
  isBodyCut?: true;
}

/**
 * The body as it is logged: its first 16 KiB, decoded from gzip and deflate, and from its charset, by default
 * UTF-8. What isn't text is described, with its beginning in base64.
 * @param breaksOff it did not arrive whole
 */
export async function loggedBody(response: RawResponse, breaksOff: boolean): Promise<LoggedBody> {
  const { body, bytesRead } = response;
  if (bytesRead === 0) return { body: '' };
  const decoded = await withoutCodings(body, codingsOf(response));
  if (decoded !== null) {
    const isCut = bytesRead > body.length || decoded.isCut;
    const text = asText(decoded.bytes, isCut || breaksOff, charsetOf(response));
    if (text !== null) return { body: text, ...(isCut && { isBodyCut: true }) };
  }
  const shown = body.subarray(0, SHOWN_BINARY_BYTES);
  const beginning = shown.length < bytesRead ? `the first ${shown.length} in base64` : 'in base64';
  return { body: `[binary, ${bytesRead} bytes, ${beginning}: ${shown.toString('base64')}]` };
}

/** The body's encodings in order: content codings, then transfer codings. */
function codingsOf({ headers }: RawResponse): string[] {
  return ['content-encoding', 'transfer-encoding']
    .flatMap((name) => headers.get(name) ?? [])
    .flatMap((value) => value.split(','))
    .map((coding) => coding.trim().toLowerCase())
    .filter((coding) => !['', 'identity', 'chunked'].includes(coding));
}

interface Decoded {
  bytes: Buffer;
  isCut: boolean;
}

/** null if a coding is unknown, or the bytes are not encoded that way. */
async function withoutCodings(body: Buffer, codings: string[]): Promise<Decoded | null> {
  if (codings.length > MAX_CODINGS) return null;
  let decoded: Decoded = { bytes: body, isCut: false };
  for (const coding of codings.toReversed()) {
    const decoder = decoderOf(coding, decoded.bytes);
    if (!decoder) return null;
    const next = await decode(decoded.bytes, decoder);
    if (!next) return null;
    decoded = { bytes: next.bytes, isCut: decoded.isCut || next.isCut };
  }
  return decoded;
}

/**
 * These return what they have when the input ends early, since we keep only its beginning. Only codings whose
 * windows are small: br makes its decoder fill 16 MiB before it emits a byte.
 */
function decoderOf(coding: string, bytes: Buffer): Transform | null {
  const options = { finishFlush: constants.Z_SYNC_FLUSH };
  switch (coding) {
    case 'gzip':
    case 'x-gzip':
      return createGunzip(options);
    case 'deflate':
      return hasZlibHeader(bytes) ? createInflate(options) : createInflateRaw(options);
    default:
      return null;
  }
}

/** `deflate` means zlib's format (RFC 9110, 8.4.1.2), but some send raw deflate. */
function hasZlibHeader(bytes: Buffer): boolean {
  return bytes.length > 1 && (bytes[0]! & 0x0f) === 8 && bytes.readUInt16BE(0) % 31 === 0;
}

/** The first 16 KiB; the decoder stops there, however much follows. */
async function decode(bytes: Buffer, decoder: Transform): Promise<Decoded | null> {
  const chunks: Buffer[] = [];
  let length = 0;
  decoder.end(bytes);
  try {
    for await (const chunk of decoder as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      length += chunk.length;
      if (length > KEPT_BODY_BYTES) break;
    }
  } catch {
    return null;
  }
  return {
    bytes: Buffer.concat(chunks).subarray(0, KEPT_BODY_BYTES),
    isCut: length > KEPT_BODY_BYTES,
  };
}

function charsetOf({ headers }: RawResponse): string {
  const type = headers.get('content-type')?.[0] ?? '';
  return /;\s*charset\s*=\s*"?([^\s";]+)/i.exec(type)?.[1] ?? 'utf-8';
}

/** null if it isn't text: bytes that its charset doesn't have, or a NUL. */
function asText(bytes: Buffer, isCut: boolean, charset: string): string | null {
  try {
    // `stream` drops a character that is cut in two.
    const text = decoderFor(charset).decode(bytes, { stream: isCut });
    return text.includes('\0') ? null : text;
  } catch {
    return null;
  }
}

function decoderFor(charset: string): InstanceType<typeof TextDecoder> {
  const options = { fatal: true, ignoreBOM: true };
  try {
    return new TextDecoder(charset, options);
  } catch {
    return new TextDecoder('utf-8', options);
  }
}
