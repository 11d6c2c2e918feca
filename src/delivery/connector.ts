import type { Socket } from 'node:net';
import { rootCertificates } from 'node:tls';
import { callbackify } from 'node:util';
import { buildConnector } from 'undici';
import type { AddressGuard } from './address-guard';
import { openTunnel, ProxyError } from './proxy-tunnel';

/** Ends connections that nobody waits for any more: an attempt has given up by its own timeout. */
const CONNECT_TIMEOUT_MS = 30_000;
/** Of a name that has more, which a proxy is asked for one after another. */
const MAX_PROXIED_ADDRESSES = 4;
/** Node's 250 ms give up on far receivers, whose first packets take longer. */
const NEXT_ADDRESS_AFTER_MS = 1_000;

const tlsOptions = (ca: string | undefined) => ({
  minVersion: 'TLSv1.2' as const,
  // The default, said aloud: NODE_TLS_REJECT_UNAUTHORIZED=0 must not reach deliveries.
  rejectUnauthorized: true,
  ...(ca !== undefined && { ca: [...rootCertificates, ca] }),
});

/** Connects to what the guard lets through. */
export function guardedConnector(
  guard: AddressGuard,
  ca: string | undefined,
): buildConnector.connector {
  const connect = buildConnector({
    lookup: guard.lookup,
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: NEXT_ADDRESS_AFTER_MS,
    timeout: CONNECT_TIMEOUT_MS,
    ...tlsOptions(ca),
  });
  return (options, callback) => {
    const blocked = guard.checkLiteral(options.hostname);
    // undici doesn't expect an answer before its call has returned.
    if (blocked) queueMicrotask(() => callback(blocked, null));
    else connect(options, callback);
  };
}

/**
 * The same through an HTTP proxy: we resolve the name and judge its addresses, the proxy gets an
 * address, and TLS is between us and the receiver, verified against the name.
 * @param isWanted whether anybody still waits for a connection to this origin
 */
export function proxiedConnector(
  guard: AddressGuard,
  ca: string | undefined,
  proxy: URL,
  isWanted: (origin: string) => boolean,
): buildConnector.connector {
  const startTls = buildConnector({ timeout: CONNECT_TIMEOUT_MS, ...tlsOptions(ca) });
  return (options, callback) => {
    const { host, hostname, protocol } = options;
    const isStillWanted = (): boolean => isWanted(`${protocol}//${host}`);
    const port = Number(options.port) || (protocol === 'https:' ? 443 : 80);
    tunnelTo(guard, proxy, hostname, port, isStillWanted, (error, socket) => {
      if (error) callback(error, null);
      else if (protocol === 'https:') startTls({ ...options, httpSocket: socket }, callback);
      else callback(null, socket);
    });
  };
}

/** To the first of the host's addresses that the proxy reaches. */
async function openTunnelToAny(
  guard: AddressGuard,
  proxy: URL,
  hostname: string,
  port: number,
  isWanted: () => boolean,
): Promise<Socket> {
  const addresses = await guard.addressesOf(hostname);
  let failure: unknown = new ProxyError('TIMEOUT');
  for (const address of addresses.slice(0, MAX_PROXIED_ADDRESSES)) {
    if (!isWanted()) break;
    try {
      return await openTunnel(proxy, address, port, CONNECT_TIMEOUT_MS);
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

const tunnelTo = callbackify(openTunnelToAny);
