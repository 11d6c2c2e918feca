import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { Agents, type AgentsOptions, type ConnectionRequest } from './agents';
import { Exchange, type ExchangeOptions, type Sent } from './exchange';
import type { HttpFailure } from './http-failure';
import { loggedBody } from './response-body';
import { loggedHeaders } from './response-reader';

/** What is logged of a response, and what else matters. */
export interface HttpResponse {
  statusCode: number;
  /** Names in lower case, repeated headers joined by `, `; at most 64, cut after 1024 characters. */
  headers: Record<string, string>;
  /** The first 16 KiB, as text. */
  body: string;
  /** More of it has arrived than that. */
  isBodyCut?: true;
  /** Each `Retry-After` of the response, whether it is among the logged headers or not. */
  retryAfter: readonly string[];
}

export type SendResult =
  | ({ kind: 'response' } & Sent & HttpResponse)
  /** With the part of a response that arrived before it failed. */
  | ({ kind: 'error' } & Sent & HttpFailure & Partial<HttpResponse>);

export interface SendRequest extends Omit<ExchangeOptions, 'isTls'> {
  url: string;
  /** Sent unchanged, in addition to `host`, `connection`, `content-length`, `accept-encoding` and a default `accept`. */
  headers: Record<string, string>;
}

const MAX_RESPONSE_HEADER_BYTES = 64 * 1024;

/**
 * Sends webhooks (docs/contract.md, 3.1, 3.3): one POST with one timeout, never redirected, to addresses that
 * the guard lets through. It is sent a second time only if a reused connection ends without a byte of an
 * answer. Connections are kept per origin while there is traffic, for a minute.
 */
export class HttpSender {
  private readonly agents: Agents;
  private readonly running = new Set<Promise<unknown>>();

  constructor(options: AgentsOptions) {
    this.agents = new Agents(options);
  }

  /**
   * Every outcome is a value, whatever the receiver does.
   * @throws if it may no longer be sent
   */
  async send({ url, headers, ...of }: SendRequest): Promise<SendResult> {
    const to = new URL(url);
    const isTls = to.protocol === 'https:';
    const agent = this.agents.for(to.protocol);
    const exchange = new Exchange(this.agents, { ...of, isTls });
    this.running.add(exchange.result);
    exchange.send((fresh) => {
      const options: ConnectionRequest = {
        method: 'POST',
        headers: {
          // Some firewalls refuse requests without it. A later header replaces it, in any case of letters.
          Accept: '*/*',
          ...headers,
          // Responses that are compressed anyway are decoded for the log.
          'Accept-Encoding': 'identity',
        },
        maxHeaderSize: MAX_RESPONSE_HEADER_BYTES,
        // Lenient, since the receiver already has the event. A receiver that misleads the parser only affects its
        // own answer.
        insecureHTTPParser: true,
        defaultPort: isTls ? 443 : 80,
        timeoutMs: of.timeoutMs,
        over: exchange.over,
        awaitsProxy: exchange.awaitsProxy,
        ...(fresh ? { createConnection: agent.createConnection.bind(agent) } : { agent }),
      };
      return isTls ? requestHttps(to, options) : requestHttp(to, options);
    });
    try {
      return await logged(exchange.result);
    } finally {
      this.running.delete(exchange.result);
    }
  }

  /** Waits for the running exchanges, each bounded by its timeout, and closes all connections. */
  async close(): Promise<void> {
    await Promise.allSettled(this.running);
    this.agents.destroy();
  }
}

async function logged(exchanged: Exchange['result']): Promise<SendResult> {
  const { response, ...result } = await exchanged;
  if (!response) return result as SendResult;
  return {
    ...result,
    statusCode: response.statusCode,
    headers: loggedHeaders(response),
    ...(await loggedBody(response, result.kind === 'error')),
    retryAfter: response.headers.get('retry-after') ?? [],
  };
}
