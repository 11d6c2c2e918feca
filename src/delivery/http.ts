import { Agent } from 'undici';
import type { AddressGuard } from './address-guard';
import { guardedConnector, proxiedConnector } from './connector';
import { Exchange, type SendResult } from './exchange';

export type { SendResult } from './exchange';

export interface HttpSenderOptions {
  guard: AddressGuard;
  /** PEM of an authority to trust besides the public ones. */
  ca?: string;
  /** URL of an HTTP proxy through which everything goes out. */
  proxy?: string | undefined;
  /**
   * Attempts beyond it wait for a connection on their own time, so it shouldn't be less than the number
   * of attempts that the worker makes at once.
   */
  maxConnectionsPerOrigin: number;
}

export interface SendRequest {
  url: string;
  /** Sent as they are, besides `host`, `connection` and `content-length`. */
  headers: Record<string, string>;
  /** Sent byte by byte; a string as UTF-8. */
  body: Buffer | string;
  /** Milliseconds for the whole exchange, from connecting to the last byte of the answer. */
  timeoutMs: number;
  signal?: AbortSignal;
}

/**
 * How long a connection may be idle. Shorter than any common receiver's own limit, so that it isn't
 * closed under a request that is just being sent; a `Keep-Alive: timeout` is honoured, less the
 * margin. undici looks for a waiting FIN before it uses an idle connection again.
 */
const KEEP_ALIVE_MS = 1_000;
const KEEP_ALIVE_MAX_MS = 4_000;
const KEEP_ALIVE_MARGIN_MS = 2_000;
const MAX_RESPONSE_HEADER_BYTES = 64 * 1024;

/**
 * Sends webhooks (contract, section 3): one POST, never redirected, never retried, cut at one
 * timeout, to addresses that the guard lets through. Pools are kept per origin, and freed with their
 * last connection, so their number follows the traffic.
 */
export class HttpSender {
  private readonly agent: Agent;
  /** The exchanges under way, each with its origin. */
  private readonly running = new Map<Promise<SendResult>, string>();

  constructor({ guard, ca, proxy, maxConnectionsPerOrigin }: HttpSenderOptions) {
    this.agent = new Agent({
      connect:
        proxy === undefined
          ? guardedConnector(guard, ca)
          : proxiedConnector(guard, ca, new URL(proxy), (origin) => this.isWanted(origin)),
      connections: maxConnectionsPerOrigin,
      pipelining: 1,
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: KEEP_ALIVE_MAX_MS,
      keepAliveTimeoutThreshold: KEEP_ALIVE_MARGIN_MS,
      maxHeaderSize: MAX_RESPONSE_HEADER_BYTES,
      // The exchange keeps the time of these two phases, and of all others.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  }

  /**
   * Every outcome is a value, whatever the receiver does.
   * @throws the signal's reason, when it is aborted
   */
  async send({ url, headers, body, timeoutMs, signal }: SendRequest): Promise<SendResult> {
    signal?.throwIfAborted();
    const { origin, pathname, search, protocol } = new URL(url);
    const exchange = new Exchange({ timeoutMs, isTls: protocol === 'https:', signal });
    this.running.set(exchange.result, origin);
    try {
      const path = pathname + search;
      this.agent.dispatch({ origin, path, method: 'POST', headers, body }, exchange);
      return await exchange.result;
    } finally {
      this.running.delete(exchange.result);
    }
  }

  /** Waits for the running exchanges, each bounded by its timeout, and closes all connections. */
  async close(): Promise<void> {
    await Promise.allSettled(this.running.keys());
    // Not Agent.close(): it would wait for connections that were given up while being made.
    await this.agent.destroy();
  }

  /** Whether an exchange waits for a connection to this origin, or has one. */
  private isWanted(origin: string): boolean {
    return [...this.running.values()].includes(origin);
  }
}
