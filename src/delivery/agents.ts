import { Agent as HttpAgent, type ClientRequest, type ClientRequestArgs } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { connect, type NetConnectOpts, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createSecureContext, rootCertificates } from 'node:tls';
import { isAddress } from '../domain/address';
import type { AddressGuard } from './address-guard';
import { AnswerHeads, readHeadsFirst } from './answer-heads';
import { openTunnel, ProxyError } from './proxy-tunnel';

/**
 * How long an address may take before the next one is tried: long enough for a first packet that is lost, which systems
 * repeat after a second, unless the attempt has little time.
 */
const nextAddressAfterMs = ({ timeoutMs }: ConnectionRequest): number =>
  Math.floor(Math.min(2_000, timeoutMs / 4));

/**
 * How long a connection may be idle. Shorter than any common receiver's own limit, so that it isn't closed
 * while a request is being sent; a `Keep-Alive: timeout` is honoured, less the margin.
 */
const KEEP_ALIVE_MS = 1_000;
const KEEP_ALIVE_MAX_MS = 4_000;
const KEEP_ALIVE_MARGIN_MS = 2_000;
/**
 * How long a connection is used. Under steady traffic it is never idle, and a receiver whose address has changed gets
 * nothing at the new one until another connection is made. A minute is a usual TTL for names that may move; one
 * handshake a minute costs little.
 */
const MAX_AGE_MS = 60_000;

export interface AgentsOptions {
  guard: AddressGuard;
  /** PEM of an authority to trust in addition to the public ones. */
  ca?: string | undefined;
  /** URL of an HTTP proxy through which everything goes out. */
  proxy?: string | undefined;
  /**
   * Attempts beyond it wait for a connection, within their timeout, so it should not be less than the number
   * of attempts that the worker makes at once.
   */
  maxConnectionsPerOrigin: number;
}

/** What a connection needs from an exchange besides Node's own options. */
export interface ConnectionRequest extends ClientRequestArgs {
  /** Of the whole exchange. */
  timeoutMs: number;
  /** Aborted when the connection is no longer needed. */
  over: () => AbortSignal;
  /** Told when it waits for the egress proxy itself, and when that is reached. */
  awaitsProxy: (awaits: boolean) => void;
}

/** A connection, with what Posthorn knows about it. */
export interface Connection {
  heads: AnswerHeads;
  /** By the monotonic clock. */
  openedAt: number;
  /** Milliseconds that it may be idle after its exchange; 0: it is not used again. */
  keepAliveMs: number;
}

type Created = (error: Error | null, socket: Duplex) => void;

/**
 * Node's own agents, which connect to what the guard lets through. With a proxy they connect through it: we
 * resolve the name and check its addresses, the proxy gets an address, and TLS is between us and the
 * receiver, verified against the name.
 */
export class Agents {
  private readonly plain: HttpAgent;
  private readonly secure: HttpsAgent;
  private readonly connections = new WeakMap<Duplex, Connection>();

  constructor({ guard, ca, proxy, maxConnectionsPerOrigin: maxSockets }: AgentsOptions) {
    const options = { keepAlive: true, maxSockets, maxFreeSockets: maxSockets };
    this.plain = new HttpAgent(options);
    this.secure = new HttpsAgent(options);
    const secureContext = createSecureContext({
      minVersion: 'TLSv1.2',
      ...(ca !== undefined && { ca: [...rootCertificates, ca] }),
    });
    const startTls = this.secure.createConnection.bind(this.secure);
    const secured = {
      secureContext,
      ALPNProtocols: ['http/1.1'],
      // The default, set explicitly: NODE_TLS_REJECT_UNAUTHORIZED=0 must not affect deliveries.
      rejectUnauthorized: true,
    };
    const tls = (request: object): Socket => startTls({ ...request, ...secured }) as Socket;
    const direct = (request: ConnectionRequest) => ({
      lookup: guard.lookup,
      autoSelectFamily: true,
      autoSelectFamilyAttemptTimeout: nextAddressAfterMs(request),
    });
    for (const agent of [this.plain, this.secure]) {
      const isTls = agent === this.secure;
      agent.createConnection = (request: ConnectionRequest, created: Created) => {
        const host = request.host!;
        const blocked = guard.checkLiteral(host);
        if (blocked) {
          created(blocked, undefined!);
          return undefined;
        }
        const named = { ...request, servername: isAddress(host) ? '' : host };
        if (proxy === undefined) {
          const to = { ...named, ...direct(request) };
          return this.tracked(isTls ? tls(to) : connect(to as NetConnectOpts));
        }
        openTunnelToAny(guard, new URL(proxy), request).then(
          (socket) => created(null, this.tracked(isTls ? tls({ ...named, socket }) : socket)),
          (error: Error) => created(error, undefined!),
        );
        return undefined;
      };
      agent.keepSocketAlive = (socket: Duplex) => this.keepAlive(socket as Socket);
      const reuse = agent.reuseSocket.bind(agent);
      agent.reuseSocket = (socket: Duplex, request: ClientRequest) => {
        (socket as Socket).setTimeout(0);
        reuse(socket, request);
      };
    }
  }

  for(protocol: string): HttpAgent {
    return protocol === 'https:' ? this.secure : this.plain;
  }

  /** @param socket created by one of the agents */
  connection(socket: Duplex): Connection {
    return this.connections.get(socket)!;
  }

  destroy(): void {
    this.plain.destroy();
    this.secure.destroy();
  }

  private tracked(socket: Socket): Socket {
    const heads = new AnswerHeads();
    this.connections.set(socket, { heads, openedAt: performance.now(), keepAliveMs: 0 });
    return readHeadsFirst(socket, heads);
  }

  private keepAlive(socket: Socket): boolean {
    const connection = this.connection(socket);
    const isOld = performance.now() - connection.openedAt >= MAX_AGE_MS;
    const idleMs = isOld ? 0 : connection.keepAliveMs;
    if (idleMs > 0) socket.setTimeout(idleMs).unref();
    return idleMs > 0;
  }
}

/** Milliseconds that a connection may be idle according to its last answer's `Keep-Alive` header. */
export function keepAliveMs(header: string | undefined): number {
  const seconds = /\btimeout\s*=\s*(\d+)/i.exec(header ?? '')?.[1];
  if (seconds === undefined) return KEEP_ALIVE_MS;
  return Math.min(KEEP_ALIVE_MAX_MS, Math.max(0, Number(seconds) * 1000 - KEEP_ALIVE_MARGIN_MS));
}

/**
 * Connects to the first of the host's addresses that the proxy reaches. The last gets all the time that is left; if
 * it fails, for example because it is IPv6 and the proxy has none, the first that was only slow gets it.
 */
async function openTunnelToAny(
  guard: AddressGuard,
  proxy: URL,
  request: ConnectionRequest,
): Promise<Socket> {
  const addresses = await guard.addressesOf(request.host!);
  const over = request.over();
  let failure = new ProxyError('TIMEOUT');
  let slow: string | undefined;
  const open = (address: string, limits: { timeoutMs?: number }): Promise<Socket> =>
    openTunnel(proxy, address, Number(request.port), {
      ...limits,
      over,
      awaitsProxy: request.awaitsProxy,
    });
  for (const address of addresses) {
    if (over.aborted) break;
    const isLast = address === addresses.at(-1);
    try {
      return await open(address, isLast ? {} : { timeoutMs: nextAddressAfterMs(request) });
    } catch (error) {
      failure = error as ProxyError;
      if (failure.code === 'PROXY_TIMEOUT') slow ??= address;
    }
  }
  if (slow === undefined || over.aborted) throw failure;
  return open(slow, {});
}
