import type { Behaviour, ReceiverOptions } from '../../support/receiver';
import { selfSignedCertificate, TestAuthority } from '../../support/tls-certificates';
import { authority, createSender, post, resolveTo, startReceiver } from './sender-harness';

describe('TLS', () => {
  it.each(['TLSv1.2', 'TLSv1.3'] as const)('is spoken from %s on', async (version) => {
    const tls = { ...authority.serverCertificate(), minVersion: version, maxVersion: version };
    const receiver = await startReceiver(200, { tls });
    const result = await createSender().send(post(receiver.url));
    expect(result).toMatchObject({ kind: 'response', statusCode: 200 });
  });

  it('verifies a certificate for the name in the URL', async () => {
    const tls = authority.serverCertificate({ hosts: ['hooks.example'] });
    const receiver = await startReceiver(200, { tls });
    const sender = createSender(resolveTo('127.0.0.1'));
    const result = await sender.send(post(`https://hooks.example:${receiver.port}/`));
    expect(result).toMatchObject({ kind: 'response', statusCode: 200 });
  });

  const past = new Date('2020-01-01');
  it.each<[string, ReceiverOptions, string]>([
    [
      'an expired certificate',
      { tls: authority.serverCertificate({ notBefore: new Date('2019-01-01'), notAfter: past }) },
      'the certificate has expired',
    ],
    [
      'a certificate of the future',
      { tls: authority.serverCertificate({ notBefore: new Date(Date.now() + 3_600_000) }) },
      'the certificate is not valid yet',
    ],
    [
      'a self-signed certificate',
      { tls: selfSignedCertificate() },
      'the certificate is self-signed',
    ],
    [
      'a certificate of an unknown authority',
      { tls: new TestAuthority().serverCertificate() },
      'the certificate chain is incomplete or not trusted',
    ],
    [
      'a certificate for another host',
      { tls: authority.serverCertificate({ hosts: ['other.example'] }) },
      'the certificate is for another host',
    ],
    [
      'TLS 1.1',
      {
        tls: {
          ...authority.serverCertificate(),
          minVersion: 'TLSv1',
          maxVersion: 'TLSv1.1',
          ciphers: 'DEFAULT:@SECLEVEL=0',
        },
      },
      'no secure connection could be made (ERR_SSL_',
    ],
    ['bytes that are not TLS', { tls: 'garbage' }, 'the receiver does not answer with TLS'],
  ])('refuses %s', async (_case, options, errorMessage) => {
    const receiver = await startReceiver(200, options);
    const result = await createSender().send(post(receiver.url));
    expect(result).toMatchObject({
      kind: 'error',
      errorCode: 'tls',
      errorMessage: expect.stringContaining(errorMessage),
    });
    expect(receiver.requests).toEqual([]);
  });

  it.each([
    // The alert comes while TLS is set up, and says no more than that.
    ['TLSv1.2', /^no secure connection could be made \(ERR_SSL_.*_ALERT_HANDSHAKE_FAILURE\)$/],
    // It comes when the request is in progress.
    ['TLSv1.3', /^the receiver requires a client certificate$/],
  ] as const)('reports a client certificate that is required by %s', async (version, message) => {
    const certificate = authority.serverCertificate();
    const demanding = { requestCert: true, rejectUnauthorized: true };
    const tls = { ...certificate, ...demanding, minVersion: version, maxVersion: version };
    const receiver = await startReceiver(200, { tls });
    const body = 'x'.repeat(200_000);
    for (const options of [{}, { body }]) {
      const result = await createSender().send(post(receiver.url, options));
      expect(result).toMatchObject({
        errorCode: 'tls',
        errorMessage: expect.stringMatching(message),
      });
    }
    expect(receiver.requests).toEqual([]);
  });

  it.each<[string, Behaviour, string]>([
    ['an aborted connection', { kind: 'reset' }, 'connection_reset'],
    ['an answer that is not HTTP', { kind: 'raw' }, 'invalid_response'],
  ])('does not hide %s', async (_case, behaviour, errorCode) => {
    const receiver = await startReceiver(behaviour, { tls: authority.serverCertificate() });
    expect(await createSender().send(post(receiver.url))).toMatchObject({ errorCode });
  });
});
