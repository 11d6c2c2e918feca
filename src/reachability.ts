import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { StartError } from './start-error';

/** Milliseconds for a connection, TLS included. */
const CONNECT_TIMEOUT_MS = 2000;

/** Why a connection failed, in words, by the system's error code. */
const CAUSES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing is listening there',
  ENOTFOUND: 'the name does not exist',
  EAI_AGAIN: 'its name server does not respond',
  ESERVFAIL: 'its name server fails',
  ENODATA: 'the name does not exist',
  ETIMEDOUT: 'it does not respond',
  EHOSTUNREACH: 'there is no route to it',
  ENETUNREACH: 'there is no route to it',
  ECONNRESET: 'it closed the connection',
  EPIPE: 'it closed the connection',
  EPROTO: 'it does not speak TLS',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'it does not speak TLS',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is not trusted',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is not trusted',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate is not trusted',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is not trusted',
};

/** Why a connection failed, in a few words and the system's code; never with what was sent on it. */
export function causeOf(error: unknown): string {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    const { code } = at as NodeJS.ErrnoException;
    // A name with several addresses fails with an error for each.
    if (at instanceof AggregateError && at.errors.length > 0) return causeOf(at.errors[0]);
    if (typeof code !== 'string') continue;
    const words = CAUSES[code] ?? (/SSL|TLS|CERT/.test(code) ? 'TLS failed' : undefined);
    if (words !== undefined) return `${words} (${code})`;
  }
  const text = error instanceof Error ? error.message : String(error);
  if (/timed? ?out/i.test(text)) return 'it does not respond (timeout)';
  return text.split('\n')[0]!;
}

/**
 * Connects to `host:port` and disconnects again.
 * @returns why that is not possible; null if it is
 */
export function whyUnreachable(address: string, { tls = false } = {}): Promise<string | null> {
  const { hostname, port } = new URL(`tcp://${address}`);
  const to = { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) };
  return new Promise((resolve) => {
    const socket = tls ? connectTls({ ...to, servername: to.host }) : connect(to);
    const done = (cause: string | null): void => {
      socket.destroy();
      resolve(cause);
    };
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => done('it does not respond (timeout)'));
    socket.once(tls ? 'secureConnect' : 'connect', () => done(null));
    socket.once('error', (error) => done(causeOf(error)));
  });
}

/** Whether a server that accepts connections greets as one of HTTP/2 does, which gRPC needs, or not at all. */
export function greetingOf(
  address: string,
  { tls = false } = {},
): Promise<'http2' | 'other' | 'none'> {
  return new Promise((resolve) => {
    const session = connectHttp2(`${tls ? 'https' : 'http'}://${address}`);
    const timer = setTimeout(() => done('none'), CONNECT_TIMEOUT_MS);
    const done = (greeting: 'http2' | 'other' | 'none'): void => {
      clearTimeout(timer);
      resolve(greeting);
      session.destroy();
    };
    session.once('remoteSettings', () => done('http2'));
    session.on('error', () => done('other'));
    session.once('close', () => done('other'));
  });
}

/** Why a server can't listen, for the person who configured it. */
export function whyNotListening(
  error: Error,
  { host, port }: { host: string; port: number },
  settings: { host: string; port: string },
): Error {
  const { code } = error as NodeJS.ErrnoException;
  switch (code ?? '') {
    case 'EADDRINUSE':
      return new StartError(
        `${settings.port}: port ${port} of ${host} is in use (${code}); stop the process that uses it, or set another one`,
      );
    case 'EACCES':
      return new StartError(
        `${settings.port}: this user may not listen on port ${port} (${code}); set one from 1024 on`,
      );
    case 'EADDRNOTAVAIL':
    // One of IPv6 where the system has none.
    case 'EAFNOSUPPORT':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EINVAL':
      return new StartError(
        `${settings.host}: ${host} is not an address of this machine (${code}); set one of its addresses, 127.0.0.1, or 0.0.0.0 for all`,
      );
    default:
      return error;
  }
}
