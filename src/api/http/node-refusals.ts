import { randomUUID } from 'node:crypto';
import { STATUS_CODES, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { RequestHandler } from 'express';
import type { Logger } from 'pino';
import { ERRORS } from '../../contracts/errors';
import { unreadableRequests } from '../../metrics';
import { ApiError, errorAnswer, refusal } from './errors';
import { joinPieces, MAX_PIECES } from './pieces';

/* What Node's HTTP server would refuse itself, with an empty body and no request id. */

/** The id of a request, in its answer and in the log. */
export const newRequestId = (): string => `req_${randomUUID().replaceAll('-', '')}`;

/** As Node recognises the one expectation that it meets. */
const EXPECTED = /(?:^|\W)100-continue(?:$|\W)/i;

/** Refuses what HTTP/1.1 forbids in headers that Node can read. */
export const checkedHeaders: RequestHandler = (
  { httpVersion, headers, rawHeaders },
  _res,
  next,
) => {
  // RFC 9112, 3.2. Node keeps the first, and what is in front of it may have kept another.
  const names = rawHeaders.filter((_header, index) => index % 2 === 0);
  if (names.filter((name) => name.toLowerCase() === 'host').length > 1) {
    throw new ApiError('bad_request', 'the header Host is given twice');
  }
  if (httpVersion === '1.1') {
    if (headers.host === undefined) {
      throw new ApiError('bad_request', 'the header Host is missing, which HTTP/1.1 requires');
    }
    if (headers.expect !== undefined && !EXPECTED.test(headers.expect)) {
      throw refusal('expectation_failed');
    }
  }
  next();
};

/** Answers what can't be read as a request, and so never comes to Express, and closes its connection. */
export function refuseUnreadable(server: Server, log: Logger): void {
  /** The answer to the latest request of a connection. */
  const latest = new WeakMap<Socket, ServerResponse>();
  server.prependListener('request', (req: IncomingMessage, res: ServerResponse) => {
    latest.set(req.socket, res);
    joinPieces(req, () => refuse(req.socket, tooManyPieces()));
  });
  // Passed on to `checkedHeaders`.
  server.on('checkExpectation', (req, res) => server.emit('request', req, res));

  const refuse = (socket: Socket, error: ApiError, isCutOff = false): void => {
    const last = latest.get(socket);
    if (!socket.writable || !isNext(socket, last)) {
      socket.destroy();
      return;
    }
    // That of the request whose body can't be read.
    const known = last?.req.complete === false ? last.getHeader('X-Request-Id') : undefined;
    const requestId = typeof known === 'string' ? known : newRequestId();
    socket.write(rawAnswer(error, requestId));
    socket.destroySoon();
    unreadableRequests.inc({ code: error.code });
    // Clients die, and browsers and load balancers open connections that they never use.
    const level = isCutOff || socket.bytesRead === 0 ? 'debug' : 'info';
    log[level]({ requestId, code: error.code, reason: error.message }, 'unreadable request');
  };
  server.on('clientError', (error: ParserError, socket: Socket) => {
    const last = latest.get(socket);
    if (last?.req.complete && !last.headersSent) {
      // It follows a request that is still to be answered, and must not be confused with it.
      last.setHeader('Connection', 'close');
      return;
    }
    refuse(socket, refusalOf(error), error.code === 'HPE_INVALID_EOF_STATE');
  });
  server.on('connect', (_req: IncomingMessage, socket: Socket) => {
    // Node no longer listens for them.
    socket.on('error', () => socket.destroy());
    const message = 'CONNECT is for proxies, which this is not; send the request itself';
    refuse(socket, new ApiError('bad_request', message));
  });
}

/** Whether a refusal written now would be taken for the answer to what is refused. */
function isNext(socket: Socket, last: ServerResponse | undefined): boolean {
  if (!last) return true;
  if (last.req.complete) return last.writableFinished;
  return !last.headersSent && last.socket === socket;
}

/** As Node's parser reports them, with its own reason. */
type ParserError = Error & { code: string; reason?: string };

function refusalOf({ code, reason }: ParserError): ApiError {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return refusal('headers_too_large');
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return new ApiError(
        'payload_too_large',
        'the extensions of the chunks are larger than 16 KiB; leave them out',
      );
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return refusal('request_timeout');
    default: {
      const why = reason === undefined ? '' : ` (${reason})`;
      const message = `this is not valid HTTP/1.1${why}; correct it and use a new connection`;
      return new ApiError('bad_request', message);
    }
  }
}

const tooManyPieces = (): ApiError =>
  new ApiError(
    'payload_too_large',
    `the body comes in more than ${MAX_PIECES} chunks; send larger ones`,
  );

function rawAnswer(error: ApiError, requestId: string): string {
  const { status } = ERRORS[error.code];
  const body = JSON.stringify(errorAnswer(error, requestId));
  return [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Connection: close',
    'Cache-Control: no-store',
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'X-Content-Type-Options: nosniff',
    `X-Request-Id: ${requestId}`,
    '',
    body,
  ].join('\r\n');
}
