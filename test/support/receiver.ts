import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { createServer as createHttpsServer, type ServerOptions } from 'node:https';
import {
  type AddressInfo,
  createServer as createTcpServer,
  type Server,
  type Socket,
} from 'node:net';
import { buffer } from 'node:stream/consumers';
import { PATIENCE_MS } from './eventually';
import { freePort } from './free-port';

/** What a receiver does with a request. A number is that status with a short body. */
export type Behaviour =
  | number
  | {
      kind: 'answer';
      status: number;
      headers?: Record<string, string | string[]>;
      body?: string | Buffer;
      /** Milliseconds to wait before answering. */
      delayMs?: number;
      /** What to wait for instead. */
      after?: Promise<void>;
      /** Closes the connection after the answer, without having announced it. */
      thenClose?: boolean;
    }
  | { kind: 'redirect'; location: string; status?: number }
  /** Reads the request and never answers. */
  | { kind: 'hang' }
  /** Aborts the connection (RST) instead of answering; waits for `after`. */
  | { kind: 'reset'; after?: Promise<void> }
  /** Closes the connection (FIN) instead of answering. */
  | { kind: 'close' }
  /** Answers with these bytes, by default some that aren't HTTP, and closes the connection unless told. */
  | { kind: 'raw'; bytes?: string | Buffer; afterwards?: 'waits' | 'closes' | 'resets' }
  /** A 200 whose body comes in single bytes and never ends. */
  | { kind: 'drip' }
  /** A 200 with a body of that many bytes, 100 MB unless told. */
  | { kind: 'huge-body'; bytes?: number }
  /** A 200 with that many bytes of headers, 100 kB unless told. */
  | { kind: 'huge-headers'; bytes?: number };

export interface ReceivedRequest {
  method: string;
  /** Path and query. */
  path: string;
  /** Names in lower case. */
  headers: IncomingHttpHeaders;
  rawBody: Buffer;
  receivedAt: Date;
}

/** A behaviour by request; `n` counts from 1. */
export type Responder = (request: ReceivedRequest, n: number) => Behaviour;

export interface ReceiverOptions {
  /**
   * `{cert, key}` makes it an https server (see tls-certificates.ts). `garbage` answers every connection with bytes that
   * aren't TLS, `silent` accepts connections and never says a word: both have an https URL.
   */
  tls?: ServerOptions | 'garbage' | 'silent';
  /** Milliseconds after which it closes an idle connection: never unless told. */
  keepAliveTimeoutMs?: number;
}

type Waits = Pick<Extract<Behaviour, { kind: 'answer' }>, 'delayMs' | 'after'>;
type Predicate = (requests: readonly ReceivedRequest[]) => boolean;

/** A real HTTP(S) server on 127.0.0.1, whose behaviour can be switched while it runs. */
export class Receiver {
  /** All requests whose body came in whole, oldest first. */
  readonly requests: ReceivedRequest[] = [];
  /** How many connections it has accepted. */
  connections = 0;
  private responder: Responder = () => 200;
  private readonly sockets = new Map<number, Socket>();
  private readonly watchers = new Set<() => void>();
  private readonly timers = new Set<NodeJS.Timeout>();

  private constructor(
    private readonly server: Server,
    private readonly scheme: 'http' | 'https',
  ) {
    server.on('connection', (socket: Socket) => {
      this.connections += 1;
      const port = socket.remotePort!;
      this.sockets.set(port, socket);
      socket.on('close', () => {
        this.sockets.delete(port);
        this.notify();
      });
      socket.on('error', () => socket.destroy());
    });
  }

  /** Answers 200 until told otherwise. */
  static async start(options: ReceiverOptions = {}): Promise<Receiver> {
    const { tls } = options;
    const server = createServer(options);
    const receiver = new Receiver(server, tls === undefined ? 'http' : 'https');
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      // The sender may disconnect at any point, which is not an error here.
      receiver.handle(request, response).catch(() => request.destroy());
    });
    // Not one that an earlier receiver had, to which something may still be sent.
    const port = await freePort();
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    return receiver;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Its origin, by address: `http://127.0.0.1:<port>`, without a path. */
  get url(): string {
    return `${this.scheme}://127.0.0.1:${this.port}`;
  }

  get openConnections(): number {
    return this.sockets.size;
  }

  respondWith(behaviour: Behaviour | Responder): void {
    this.responder = typeof behaviour === 'function' ? behaviour : () => behaviour;
  }

  /**
   * The requests, as soon as there are that many, or the predicate holds: it is asked again after
   * each request and each connection that ends.
   * @throws Error after `timeoutMs`, saying what came instead
   */
  async waitFor(
    condition: number | Predicate,
    timeoutMs = PATIENCE_MS,
  ): Promise<ReceivedRequest[]> {
    const holds: Predicate =
      typeof condition === 'number' ? (requests) => requests.length >= condition : condition;
    if (holds(this.requests)) return this.requests;
    return new Promise((resolve, reject) => {
      const watcher = (): void => {
        if (!holds(this.requests)) return;
        clearTimeout(timer);
        this.watchers.delete(watcher);
        resolve(this.requests);
      };
      const timer = setTimeout(() => {
        this.watchers.delete(watcher);
        const awaited = typeof condition === 'number' ? `${condition} requests` : 'its condition';
        reject(new Error(`receiver waited for ${awaited}, got ${this.requests.length} requests`));
      }, timeoutMs);
      this.watchers.add(watcher);
    });
  }

  async close(): Promise<void> {
    this.timers.forEach(clearTimeout);
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.sockets.forEach((socket) => socket.destroy());
    await closed;
  }

  private notify(): void {
    this.watchers.forEach((watcher) => watcher());
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const received: ReceivedRequest = {
      method: request.method!,
      path: request.url!,
      headers: request.headers,
      rawBody: await buffer(request),
      receivedAt: new Date(),
    };
    this.requests.push(received);
    const behaviour = this.responder(received, this.requests.length);
    this.notify();
    this.behave(behaviour, request.socket, response);
  }

  private behave(behaviour: Behaviour, socket: Socket, response: ServerResponse): void {
    if (typeof behaviour === 'number') {
      response.writeHead(behaviour).end(STATUSES_WITHOUT_BODY.has(behaviour) ? '' : 'receiver');
      return;
    }
    switch (behaviour.kind) {
      case 'answer':
        this.inTime(behaviour, () => {
          response.writeHead(behaviour.status, behaviour.headers).end(behaviour.body ?? '', () => {
            if (behaviour.thenClose) socket.end();
          });
        });
        return;
      case 'redirect':
        response.writeHead(behaviour.status ?? 302, { location: behaviour.location }).end();
        return;
      case 'hang':
        return;
      case 'reset':
        // The TCP socket below a TLS one: only that can send a RST.
        this.inTime(behaviour, () => this.sockets.get(socket.remotePort!)?.resetAndDestroy());
        return;
      case 'close':
        socket.destroy();
        return;
      case 'raw': {
        const { bytes = 'SSH-2.0-OpenSSH_9.6\r\n', afterwards = 'closes' } = behaviour;
        if (afterwards === 'closes') socket.end(bytes);
        else socket.write(bytes, () => afterwards === 'resets' && socket.resetAndDestroy());
        return;
      }
      case 'drip': {
        response.writeHead(200);
        const drip = setInterval(() => response.write('.'), 10);
        this.timers.add(drip);
        response.on('close', () => clearInterval(drip));
        return;
      }
      case 'huge-body':
        response.writeHead(200);
        stream(response, behaviour.bytes ?? 100_000_000);
        return;
      case 'huge-headers':
        response.writeHead(200, { 'x-huge': 'x'.repeat(behaviour.bytes ?? 100_000) }).end();
        return;
    }
  }

  private inTime({ delayMs, after }: Waits, action: () => void): void {
    if (after) void after.then(action);
    else if (delayMs === undefined) action();
    else this.timers.add(setTimeout(action, delayMs));
  }
}

const STATUSES_WITHOUT_BODY = new Set([204, 205, 304]);
const CHUNK = Buffer.alloc(64 * 1024, 'x');

/** Writes as fast as the other side reads. */
function stream(response: ServerResponse, bytes: number): void {
  let left = bytes;
  const write = (): void => {
    while (left > 0 && !response.destroyed) {
      left -= CHUNK.length;
      if (!response.write(CHUNK)) {
        response.once('drain', write);
        return;
      }
    }
    response.end();
  };
  write();
}

function createServer({ tls, keepAliveTimeoutMs = 0 }: ReceiverOptions): Server {
  if (tls === 'silent') return createTcpServer();
  if (tls === 'garbage') {
    return createTcpServer((socket) => socket.end('220 mail.example ESMTP ready\r\n'));
  }
  const server: HttpServer = tls === undefined ? createHttpServer() : createHttpsServer(tls);
  server.keepAliveTimeout = keepAliveTimeoutMs;
  return server;
}
