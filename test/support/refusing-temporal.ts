import { connect, constants, createServer, type Http2Server } from 'node:http2';
import { pipeline } from 'node:stream';

/**
 * In front of a Temporal: refuses the calls of one method, and passes on all others.
 * @param address `host:port`
 * @param code gRPC's status of the refusal
 */
export function refusingTemporal(address: string, method: string, code: number): Http2Server {
  const temporal = connect(`http://${address}`);
  const server = createServer();
  server.on('close', () => temporal.close());
  server.on('stream', (call, headers) => {
    if (headers[':path']!.endsWith(`/${method}`)) {
      const refusal = {
        'content-type': 'application/grpc',
        'grpc-status': code,
        'grpc-message': `refused with ${code}`,
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
