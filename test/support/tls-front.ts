import { connect, type Server } from 'node:net';
import { pipeline } from 'node:stream';
import { createServer } from 'node:tls';
import type { TlsCertificate } from './tls-certificates';

/** In front of a Temporal without TLS: speaks TLS, and passes everything on. @param address `host:port` */
export function tlsFront(address: string, { cert, key }: TlsCertificate): Server {
  const { hostname, port } = new URL(`tcp://${address}`);
  return createServer({ cert, key, ALPNProtocols: ['h2'] }, (client) => {
    const upstream = connect(Number(port), hostname);
    pipeline(client, upstream, client, () => {});
  });
}
