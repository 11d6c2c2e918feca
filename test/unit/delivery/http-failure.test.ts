import { readFileSync } from 'node:fs';
import {
  CERTIFICATE_PROBLEMS,
  httpFailure,
  SOCKET_CODES,
} from '../../../src/delivery/http-failure';
import { DnsError } from '../../../src/delivery/resolver';

function systemError(code: string): Error {
  return Object.assign(new Error(`connect ${code} 10.0.0.7:443`), { code, address: '10.0.0.7' });
}

/** What a real receiver can't be made to cause on every machine; test/activities has the rest. */
describe('an error of the network', () => {
  it.each([
    ['ECONNREFUSED', 'connection_refused', 'the receiver refused the connection'],
    ...['ECONNRESET', 'ECONNABORTED', 'ENETRESET', 'ENOTCONN', 'EPIPE', 'ESHUTDOWN'].map((code) => [
      code,
      'connection_reset',
      'the receiver closed the connection before its answer was complete',
    ]),
    ...[
      'ERR_SOCKET_CLOSED',
      'ERR_STREAM_DESTROYED',
      'ERR_STREAM_PREMATURE_CLOSE',
      'HPE_INVALID_EOF_STATE',
    ].map((code) => [
      code,
      'connection_reset',
      'the receiver closed the connection before its answer was complete',
    ]),
    ['ETIMEDOUT', 'timeout', 'the connection could not be made in time'],
    ['ERR_SOCKET_CONNECTION_TIMEOUT', 'timeout', 'the connection could not be made in time'],
    ...[
      'EHOSTUNREACH',
      'EHOSTDOWN',
      'ENETUNREACH',
      'EAFNOSUPPORT',
      'EACCES',
      'EPERM',
      'PROXY_403',
      'PROXY_502',
      'PROXY_TIMEOUT',
    ].map((code) => [code, 'unreachable', `the receiver could not be reached (${code})`]),
    ['EPROTO', 'tls', 'no secure connection could be made (EPROTO)'],
    ...['ERR_SSL_NO_PROTOCOLS_AVAILABLE', 'ERR_TLS_HANDSHAKE_TIMEOUT', 'ERR_OSSL_EVP_INTERNAL'].map(
      (code) => [code, 'tls', `no secure connection could be made (${code})`],
    ),
    [
      'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
      'tls',
      'the receiver requires a client certificate',
    ],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'tls', 'the receiver does not answer with TLS'],
    ['HPE_HEADER_OVERFLOW', 'invalid_response', "the answer's headers are too large"],
    ...[
      'HPE_UNEXPECTED_CONTENT_LENGTH',
      'HPE_INVALID_CONTENT_LENGTH',
      'HPE_INVALID_TRANSFER_ENCODING',
    ].map((code) => [code, 'invalid_response', "the answer's length is ambiguous"]),
    ...['HPE_INVALID_CHUNK_SIZE', 'HPE_CHUNK_EXTENSIONS_OVERFLOW'].map((code) => [
      code,
      'invalid_response',
      "the answer's chunked encoding is invalid",
    ]),
    ...['HPE_INVALID_CONSTANT', 'HPE_INVALID_STATUS', 'HPE_STRICT', 'HPE_LF_EXPECTED'].map(
      (code) => [code, 'invalid_response', 'the answer is not HTTP/1.1'],
    ),
    ...['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'ENETDOWN', 'ENONET', 'EADDRNOTAVAIL'].map(
      (code) => [code, 'egress', `the worker could not open a connection (${code})`],
    ),
    ...['PROXY_407', 'PROXY_ECONNREFUSED'].map((code) => [
      code,
      'egress',
      `the egress proxy made no connection (${code})`,
    ]),
    ['ERR_INVALID_CHAR', 'unknown', 'the request failed (ERR_INVALID_CHAR)'],
    ['toString', 'unknown', 'the request failed (toString)'],
  ])('%s is %s: %s', (code, errorCode, errorMessage) => {
    const failure = httpFailure(systemError(code), { inTlsConnect: false });
    expect(failure).toEqual({ errorCode, errorMessage });
  });

  it('has its code for each that sockets are known to give', () => {
    const inTests = readFileSync(__filename, 'utf8');
    for (const code of Object.keys(SOCKET_CODES)) expect(inTests).toContain(`'${code}'`);
  });

  it.each(Object.entries(CERTIFICATE_PROBLEMS))('%s is reported as: %s', (code, errorMessage) => {
    for (const inTlsConnect of [true, false]) {
      const failure = httpFailure(systemError(code), { inTlsConnect });
      expect(failure).toEqual({ errorCode: 'tls', errorMessage });
    }
  });

  it('that ends a connection while it is made secure says so', () => {
    expect(httpFailure(systemError('ECONNRESET'), { inTlsConnect: true })).toEqual({
      errorCode: 'connection_reset',
      errorMessage: 'the receiver closed the connection during the TLS handshake',
    });
  });

  it('never shows the address that a name resolved to', () => {
    for (const code of ['ECONNREFUSED', 'ECONNRESET', 'EHOSTUNREACH', 'ETIMEDOUT', 'EMFILE']) {
      const { errorMessage } = httpFailure(systemError(code), { inTlsConnect: true });
      expect(errorMessage).not.toContain('10.0.0.7');
    }
  });

  it('is one of TLS when it is unknown and came while a secure connection was made', () => {
    const error = systemError('CRL_HAS_EXPIRED');
    expect(httpFailure(error, { inTlsConnect: true }).errorCode).toBe('tls');
    expect(httpFailure(error, { inTlsConnect: false }).errorCode).toBe('unknown');
  });

  it('keeps its own class while a secure connection is made', () => {
    for (const code of ['ECONNREFUSED', 'EHOSTUNREACH', 'ETIMEDOUT']) {
      expect(httpFailure(systemError(code), { inTlsConnect: true }).errorCode).not.toBe('tls');
    }
  });

  it('is one of DNS whatever the resolver’s code, one of sockets too', () => {
    for (const code of ['ENOTFOUND', 'ETIMEOUT', 'EREFUSED', 'ENOMEM']) {
      expect(httpFailure(new DnsError('hooks.example', code), { inTlsConnect: true })).toEqual({
        errorCode: 'dns',
        errorMessage: `the host name could not be resolved (${code})`,
      });
    }
  });

  it('is the operator’s when no name server can be reached', () => {
    const error = new DnsError('hooks.example', 'ECONNREFUSED');
    expect(httpFailure(error, { inTlsConnect: true })).toEqual({
      errorCode: 'egress',
      errorMessage: 'the worker could not reach its name servers',
    });
  });

  it('is the lack of a route where IPv6 is disabled', () => {
    const error = Object.assign(systemError('EADDRNOTAVAIL'), { address: '2606:4700::1111' });
    expect(httpFailure(error, { inTlsConnect: true }).errorCode).toBe('unreachable');
    const several = new AggregateError([error, systemError('EMFILE')]);
    expect(httpFailure(several, { inTlsConnect: true }).errorCode).toBe('egress');
  });

  it('of several addresses is the receiver’s, before the operator’s, before the lack of a route', () => {
    const of = (...codes: string[]) =>
      httpFailure(new AggregateError(codes.map(systemError)), { inTlsConnect: true }).errorCode;
    expect(of('ENETUNREACH', 'EADDRNOTAVAIL', 'ECONNREFUSED')).toBe('connection_refused');
    expect(of('ENETUNREACH', 'EMFILE')).toBe('egress');
  });

  it('of several addresses is the one that says more than the lack of a route', () => {
    const refused = [systemError('ENETUNREACH'), systemError('ECONNREFUSED')];
    expect(httpFailure(new AggregateError(refused), { inTlsConnect: true })).toMatchObject({
      errorCode: 'connection_refused',
    });
    const unreachable = [systemError('ENETUNREACH'), systemError('EHOSTUNREACH')];
    expect(httpFailure(new AggregateError(unreachable), { inTlsConnect: true })).toMatchObject({
      errorCode: 'unreachable',
    });
  });

  it('without a code is unknown', () => {
    expect(httpFailure(new Error('oops 10.0.0.7'), { inTlsConnect: false })).toEqual({
      errorCode: 'unknown',
      errorMessage: 'the request failed (no code)',
    });
  });
});
