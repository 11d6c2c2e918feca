import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Logger } from 'pino';
import type { Config } from '../../config/config';
import { onceOver } from './connections';
import { refuseUnreadable } from './node-refusals';

/** Milliseconds that a client may take, so that slow ones don't hold their connections forever. */
interface Patience {
  /** From connecting, or the previous answer, to the end of the headers. */
  headersMs: number;
  /** To the end of the body. */
  requestMs: number;
  /** How often Node checks the two above. */
  checkEveryMs: number;
  /** Between an answer and the next request. */
  keepAliveMs: number;
  /** For an answer that the client doesn't read. */
  sendMs: number;
}

const PATIENCE: Patience = {
  headersMs: 10_000,
  requestMs: 30_000,
  checkEveryMs: 1_000,
  keepAliveMs: 65_000,
  sendMs: 30_000,
};

/** What of it is set. */
export const patienceOf = ({
  keepAliveSeconds,
  sendTimeoutSeconds,
}: Config): Partial<Patience> => ({
  keepAliveMs: keepAliveSeconds * 1000,
  sendMs: sendTimeoutSeconds * 1000,
});

/** The address and all headers together; more is answered with 431. */
const MAX_HEADER_BYTES = 16 * 1024;

/** An HTTP server, with the protections below Express. */
export function createApiServer(
  app: RequestListener,
  log: Logger,
  given: Partial<Patience> = {},
): Server {
  const patience = { ...PATIENCE, ...given };
  const server = createServer(
    {
      headersTimeout: patience.headersMs,
      requestTimeout: patience.requestMs,
      connectionsCheckingInterval: patience.checkEveryMs,
      keepAliveTimeout: patience.keepAliveMs,
      maxHeaderSize: MAX_HEADER_BYTES,
      // The application refuses its absence in its own form.
      requireHostHeader: false,
    },
    app,
  );
  server.prependListener('request', (_req, res: ServerResponse) =>
    limitSending(res, patience.sendMs),
  );
  refuseUnreadable(server, log);
  return server;
}

/**
 * Disconnects a client that reads nothing of its answer for that long, and discards what is buffered. Not
 * from the start, since nothing is sent while an answer is computed. After the answer Node sets another
 * limit.
 */
function limitSending(res: ServerResponse, sendMs: number): void {
  let isBegun = false;
  res.on('timeout', () => {
    // A part that is still being computed is not the client's fault.
    if (isBegun && res.writableLength > 0) res.socket?.resetAndDestroy();
  });
  // It was written completely, or is being written as the client reads it.
  for (const begin of ['prefinish', 'pipe']) {
    res.once(begin, () => {
      isBegun = true;
      res.setTimeout(sendMs);
    });
  }
}

/** Milliseconds for work in progress, from the request to stop. */
export interface StopWithin {
  /** To the end of a request that has not been received completely. */
  requestMs: number;
  /** To the answer of one that has. */
  answerMs: number;
}

/**
 * How to stop a new server: it accepts no more connections, lets exchanges in progress finish within those
 * limits, and closes idle connections at once. Node itself would wait forever for a silent client: a closing
 * server checks no timeouts.
 * @param stopping aborted before, from when on each answer is the last of its connection
 */
export function stopper(
  server: Server,
  stopping: AbortSignal,
): (within: StopWithin) => Promise<void> {
  const sockets = new Set<Socket>();
  const exchanges = new Set<ServerResponse>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  const isLast = (res: ServerResponse): void => {
    if (!res.headersSent) res.setHeader('Connection', 'close');
  };
  // Before the application, which may answer immediately.
  server.prependListener('request', (_req, res: ServerResponse) => {
    exchanges.add(res);
    if (stopping.aborted) isLast(res);
    onceOver(res, () => {
      exchanges.delete(res);
      if (!server.listening) server.closeIdleConnections();
    });
  });
  stopping.addEventListener('abort', () => exchanges.forEach(isLast));
  /** Except those whose request has been read: it may be half done. */
  const closeUnread = (): void => {
    const answering = [...exchanges].filter(({ req }) => req.complete);
    const kept = new Set(answering.map(({ socket }) => socket));
    for (const socket of sockets) if (!kept.has(socket)) socket.destroy();
  };
  return async ({ requestMs, answerMs }) => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeIdleConnections();
    const timers = [
      setTimeout(closeUnread, requestMs),
      // To HTTP/1.0 half an answer would otherwise look complete.
      setTimeout(() => sockets.forEach((socket) => socket.resetAndDestroy()), answerMs),
    ];
    await closed;
    timers.forEach(clearTimeout);
  };
}
