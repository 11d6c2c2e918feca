import { connect, createServer, type Server } from 'node:net';
import { pipeline, Transform } from 'node:stream';

const MEMBER = Buffer.from('maxWireVersion\0');

/**
 * In front of a MongoDB: passes everything on, but has it say that it is an older one.
 * @param address `host:port`
 */
export function olderMongodb(address: string, maxWireVersion: number): Server {
  const { hostname, port } = new URL(`tcp://${address}`);
  return createServer((client) => {
    const upstream = connect(Number(port), hostname);
    const aged = new Transform({
      transform(piece: Buffer, _encoding, done) {
        const at = piece.indexOf(MEMBER);
        if (at !== -1) piece.writeInt32LE(maxWireVersion, at + MEMBER.length);
        done(null, piece);
      },
    });
    pipeline(client, upstream, aged, client, () => {});
  });
}
