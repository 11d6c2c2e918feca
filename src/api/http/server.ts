import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { onceOver } from './connections';

/** Milliseconds; how long a client may take, so that slow ones don't hold their connections for ever. */
interface Patience {
  /** From connecting, or the answer before, to the end of the headers. */
  headersMs: number;
  /** To the end of the body. */
  requestMs: number;
  /** Node looks at the two above that often. */
  checkEveryMs: number;
  /**
   * Between an answer and the next request. Longer than load balancers keep a connection that they don't
   * use (60 s at most of them): the one that closes first must be the one that sends the requests.
   */
  keepAliveMs: number;
  /** For an answer, without any of it being taken. */
  sendMs: number;
}

const PATIENCE: Patience = {
  headersMs: 10_000,
  requestMs: 30_000,
  checkEveryMs: 1_000,
  keepAliveMs: 65_000,
  sendMs: 30_000,
};
/** All headers together; more is answered 431. */
const MAX_HEADER_BYTES = 16 * 1024;

/** An HTTP server, with what guards it below Express. */
export function createApiServer(app: RequestListener, given: Partial<Patience> = {}): Server {
  const patience = { ...PATIENCE, ...given };
  const server = createServer(
    {
      headersTimeout: patience.headersMs,
      requestTimeout: patience.requestMs,
      connectionsCheckingInterval: patience.checkEveryMs,
      keepAliveTimeout: patience.keepAliveMs,
      maxHeaderSize: MAX_HEADER_BYTES,
    },
    app,
  );
  server.prependListener('request', (_req, res: ServerResponse) =>
    limitSending(res, patience.sendMs),
  );
  return server;
}

/**
 * Cuts off a client that takes nothing of its answer for that long, and throws away what the system has
 * of it. Not from the start: while an answer is made, nothing moves either. Node sets another limit behind
 * the answer.
 */
function limitSending(res: ServerResponse, sendMs: number): void {
  let isBegun = false;
  res.on('timeout', () => {
    if (isBegun) res.socket?.resetAndDestroy();
  });
  // It was written as a whole, or is going to be, as its client takes it.
  for (const begin of ['prefinish', 'pipe']) {
    res.once(begin, () => {
      isBegun = true;
      res.setTimeout(sendMs);
    });
  }
}

/** Milliseconds, from being told to stop, for what is under way. */
export interface StopWithin {
  /** To the end of a request that has not come in whole yet. */
  requestMs: number;
  /** To the answer to one that has. */
  answerMs: number;
}

/**
 * How to stop a server that was just made: it takes no more connections, lets exchanges under way finish
 * within those bounds, and closes at once the connections that have none. Node by itself would wait for
 * a client that says nothing, for ever: once a server is closing it checks no timeouts.
 */
export function stopper(server: Server): (within: StopWithin) => Promise<void> {
  const sockets = new Set<Socket>();
  const exchanges = new Set<ServerResponse>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  const isLast = (res: ServerResponse): void => {
    if (!res.headersSent) res.setHeader('Connection', 'close');
  };
  // Before the application, which may answer at once.
  server.prependListener('request', (_req, res: ServerResponse) => {
    exchanges.add(res);
    if (!server.listening) isLast(res);
    onceOver(res, () => {
      exchanges.delete(res);
      if (!server.listening) server.closeIdleConnections();
    });
  });
  /** But those whose request is read: what it asks for may be half done. */
  const closeUnread = (): void => {
    const answering = [...exchanges].filter(({ req }) => req.complete);
    const kept = new Set(answering.map(({ socket }) => socket));
    for (const socket of sockets) if (!kept.has(socket)) socket.destroy();
  };
  return async ({ requestMs, answerMs }) => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeIdleConnections();
    exchanges.forEach(isLast);
    const timers = [
      setTimeout(closeUnread, requestMs),
      setTimeout(() => server.closeAllConnections(), answerMs),
    ];
    await closed;
    timers.forEach(clearTimeout);
  };
}
