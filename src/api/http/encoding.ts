import type { Request, RequestHandler } from 'express';
import { ApiError, refusal } from './errors';

/* JSON, paths and queries must be UTF-8: a wrong byte is an error, and isn't replaced. */

// It drops a byte order mark, as RFC 8259 (8.1) allows.
const utf8 = new TextDecoder('utf-8', { fatal: true });
const CHARSET = /;\s*charset\s*=\s*"?([^";]*)/gi;
/** Those whose decoders need little memory: br and zstd need megabytes for a few bytes, which nothing counts. */
const CODINGS = ['identity', 'gzip', 'deflate'];

/** @throws ApiError 400 */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new ApiError('malformed_json', 'the body is not valid UTF-8, which JSON must be');
  }
}

/** Refuses percent-encoding that isn't UTF-8: %E9 would be read as U+FFFD. */
export const utf8Address: RequestHandler = (req, _res, next) => {
  try {
    decodeURIComponent(req.url);
  } catch {
    const message =
      'the path or the query is not valid percent-encoded UTF-8; write a percent sign as %25';
    throw new ApiError('bad_request', message);
  }
  next();
};

/** A body in another format or encoding is refused rather than ignored. An empty one needs no format. */
export const jsonOnly: RequestHandler = async (req, _res, next) => {
  const isChunked = req.headers['transfer-encoding'] !== undefined;
  if (isChunked || Number(req.headers['content-length'] ?? 0) > 0) {
    const wrong = wrongContent(req);
    if (wrong && !(isChunked && (await isEmpty(req)))) throw wrong;
  }
  next();
};

export const wrongCoding = (): ApiError =>
  new ApiError('unsupported_media_type', 'the Content-Encoding must be gzip, deflate or none');

function wrongContent(req: Request): ApiError | null {
  if (!req.is('application/json')) return refusal('unsupported_media_type');
  for (const [, charset = ''] of (req.get('content-type') ?? '').matchAll(CHARSET)) {
    if (!/^utf-?8\s*$/i.test(charset)) {
      return new ApiError('unsupported_media_type', 'send the body as UTF-8, which JSON always is');
    }
  }
  if (!CODINGS.includes((req.get('content-encoding') || 'identity').toLowerCase())) {
    return wrongCoding();
  }
  return null;
}

/** Takes the first bytes of a chunked body: only they tell that it isn't empty. */
async function isEmpty(req: Request): Promise<boolean> {
  try {
    const chunks = req.iterator({ destroyOnReturn: false });
    const { done } = await chunks.next();
    await chunks.return?.();
    // Once part of a body has been read, Node no longer discards the rest.
    req.resume();
    return done === true;
  } catch {
    // The client has gone.
    throw refusal('bad_request');
  }
}
