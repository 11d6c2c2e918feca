import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import { isSuccess } from '../domain/outcome';

/** The egress proxy was not reached, or opened no tunnel. `code` is `PROXY_` and its status or the reason. */
export class ProxyError extends Error {
  override readonly name = 'ProxyError';
  readonly code: string;

  constructor(reason: number | string) {
    super('the egress proxy made no connection');
    this.code = `PROXY_${reason}`;
  }
}

/**
 * A connection to `address:port` through the proxy's CONNECT. The proxy gets an address, never a name, so that it
 * connects to what was checked.
 * @param proxy `http://` or `https://`, with credentials if it needs them
 * @param limits.timeoutMs how long the proxy may be silent, if there is anything else to try
 * @param limits.over aborted when it is no longer needed
 * @param limits.awaitsProxy told when connecting to the proxy begins, and when it is reached
 * @throws ProxyError
 */
export function openTunnel(
  proxy: URL,
  address: string,
  port: number,
  {
    timeoutMs,
    over,
    awaitsProxy,
  }: { timeoutMs?: number; over: AbortSignal; awaitsProxy: (awaits: boolean) => void },
): Promise<Socket> {
  const target = `${address.includes(':') ? `[${address}]` : address}:${port}`;
  const { username, password } = proxy;
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return new Promise((resolve, reject) => {
    const isTls = proxy.protocol === 'https:';
    const send = isTls ? httpsRequest : httpRequest;
    const connecting = send(new URL('/', proxy), {
      method: 'CONNECT',
      path: target,
      agent: false,
      // Not `auth`, which is for the target and not for the proxy.
      auth: null,
      headers: {
        Host: target,
        ...(username !== '' && {
          'Proxy-Authorization': `Basic ${Buffer.from(credentials).toString('base64')}`,
        }),
      },
    });
    const giveUp = (): void => void connecting.destroy(new ProxyError('TIMEOUT'));
    if (timeoutMs !== undefined) connecting.setTimeout(timeoutMs, giveUp);
    awaitsProxy(true);
    connecting.once('socket', (socket) => {
      socket.once(isTls ? 'secureConnect' : 'connect', () => awaitsProxy(false));
    });
    over.addEventListener('abort', giveUp);
    connecting.once('close', () => over.removeEventListener('abort', giveUp));
    connecting.once('connect', ({ statusCode = 0 }, socket: Socket, head: Buffer) => {
      over.removeEventListener('abort', giveUp);
      if (!isSuccess(statusCode)) {
        socket.destroy();
        reject(new ProxyError(statusCode));
        return;
      }
      socket.setTimeout(0).setNoDelay(true);
      if (head.length > 0) socket.unshift(head);
      resolve(socket);
    });
    // A proxy that treats CONNECT like any other request.
    connecting.once('response', ({ statusCode = 0 }) => {
      connecting.destroy();
      reject(new ProxyError(statusCode));
    });
    connecting.once('error', (error: NodeJS.ErrnoException) => {
      reject(error instanceof ProxyError ? error : new ProxyError(error.code ?? 'FAILED'));
    });
    // Without an agent Node adds `close`, at which some proxies end the tunnel early.
    connecting.removeHeader('Connection');
    connecting.end();
  });
}
