import { connect, constants, createServer, type Http2Server } from 'node:http2';
import { pipeline } from 'node:stream';
import { GRPC } from '../../src/temporal/grpc';

export interface Refusal {
  method: string;
  /** gRPC's status. */
  code: number;
  message?: string;
}

/** A refusal that ends a worker's poll at once: Core forgives others for a minute. */
export const REFUSED_FOR_GOOD = {
  code: GRPC.resourceExhausted,
  message: 'grpc: received message larger than max',
};

/**
 * In front of a Temporal: refuses the calls of one method, and passes on all others.
 * @param address `host:port`
 * @param refused may be changed meanwhile
 */
export function refusingTemporal(address: string, refused: Refusal): Http2Server {
  const temporal = connect(`http://${address}`);
  const server = createServer();
  server.on('close', () => temporal.close());
  server.on('stream', (call, headers) => {
    const { method, code, message = `refused with ${code}` } = refused;
    if (headers[':path']!.endsWith(`/${method}`)) {
      const refusal = {
        'content-type': 'application/grpc',
        'grpc-status': code,
        'grpc-message': message,
      };
      call.respond(refusal, { endStream: true });
      return;
    }
    const passed = temporal.request(headers);
    let trailers = {};
    passed.on('trailers', (received) => (trailers = received));
    call.on('wantTrailers', () => call.sendTrailers(trailers));
    passed.on('response', (answer, flags) => {
      const isWhole = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
      call.respond(answer, isWhole ? { endStream: true } : { waitForTrailers: true });
    });
    pipeline(call, passed, call, () => {});
  });
  return server;
}
