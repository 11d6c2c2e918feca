import { httpFailure } from '../../../src/delivery/http-failure';
import { DnsError } from '../../../src/delivery/resolver';

function systemError(code: string): Error {
  return Object.assign(new Error(`connect ${code} 10.0.0.7:443`), { code, address: '10.0.0.7' });
}

/** What a real receiver can't be made to cause on every machine; test/activities has the rest. */
describe('an error of the network', () => {
  it.each([
    ['EHOSTUNREACH', 'unreachable'],
    ['ENETUNREACH', 'unreachable'],
    ['EPIPE', 'connection_reset'],
    ['ETIMEDOUT', 'timeout'],
    ['UND_ERR_CONNECT_TIMEOUT', 'timeout'],
    ['EPROTO', 'tls'],
    ['EMFILE', 'unknown'],
  ])('%s is %s', (code, errorCode) => {
    const failure = httpFailure(systemError(code), { inTlsConnect: false });
    expect(failure.errorCode).toBe(errorCode);
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
    for (const code of ['ENOTFOUND', 'ETIMEOUT', 'ECONNREFUSED']) {
      expect(httpFailure(new DnsError('hooks.example', code), { inTlsConnect: true })).toEqual({
        errorCode: 'dns',
        errorMessage: `the host name could not be resolved (${code})`,
      });
    }
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
