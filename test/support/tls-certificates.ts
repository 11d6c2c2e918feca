import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';

/**
 * X.509 certificates made when a test asks for them: no private key lies in the repository, no
 * fixture expires, and no `openssl` is needed. Just enough DER (RFC 5280) for an authority and the
 * servers that it vouches for.
 */
export interface TlsCertificate {
  /** PEM of the certificate. */
  cert: string;
  /** PEM of its private key (PKCS #8). */
  key: string;
}

export interface ServerCertificateOptions {
  /** DNS names and IPv4 addresses it is for: `localhost` and `127.0.0.1` unless told. */
  hosts?: readonly string[];
  notBefore?: Date;
  notAfter?: Date;
}

const DAY_MS = 24 * 60 * 60 * 1000;

/** An authority for tests: pass `ca` to the client, `serverCertificate()` to the server. */
export class TestAuthority {
  private readonly keys = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  /** Different for each: a client looks for an issuer by its name first. */
  private readonly name = distinguishedName(`Test authority ${randomBytes(4).toString('hex')}`);
  /** PEM of the authority's own certificate. */
  readonly ca: string;

  constructor() {
    this.ca = certificate({
      issuer: this.name,
      issuerKey: this.keys.privateKey,
      subject: this.name,
      subjectKey: this.keys.publicKey,
      extensions: [basicConstraints(true)],
    });
  }

  serverCertificate(options: ServerCertificateOptions = {}): TlsCertificate {
    return issue(options, { name: this.name, key: this.keys.privateKey });
  }
}

export function selfSignedCertificate(options: ServerCertificateOptions = {}): TlsCertificate {
  return issue(options, null);
}

function issue(
  { hosts = ['localhost', '127.0.0.1'], notBefore, notAfter }: ServerCertificateOptions,
  issuer: { name: Buffer; key: KeyObject } | null,
): TlsCertificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const subject = distinguishedName(hosts[0]!);
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: certificate({
      issuer: issuer?.name ?? subject,
      issuerKey: issuer?.key ?? privateKey,
      subject,
      subjectKey: publicKey,
      extensions: [basicConstraints(false), subjectAltName(hosts)],
      notBefore,
      notAfter,
    }),
  };
}

interface CertificateFields {
  issuer: Buffer;
  issuerKey: KeyObject;
  subject: Buffer;
  subjectKey: KeyObject;
  extensions: Buffer[];
  notBefore?: Date | undefined;
  notAfter?: Date | undefined;
}

function certificate(fields: CertificateFields): string {
  const notBefore = fields.notBefore ?? new Date(Date.now() - DAY_MS);
  const notAfter = fields.notAfter ?? new Date(Date.now() + DAY_MS);
  const version3 = der(0xa0, integer(Buffer.from([2])));
  // A leading 1 keeps the random serial number positive and at full length.
  const serialNumber = integer(Buffer.concat([Buffer.from([1]), randomBytes(8)]));
  const toBeSigned = sequence(
    version3,
    serialNumber,
    ECDSA_WITH_SHA256,
    fields.issuer,
    sequence(generalizedTime(notBefore), generalizedTime(notAfter)),
    fields.subject,
    fields.subjectKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(...fields.extensions)),
  );
  const signature = sign('sha256', toBeSigned, fields.issuerKey);
  return pem(sequence(toBeSigned, ECDSA_WITH_SHA256, bitString(signature)));
}

function der(tag: number, ...content: Buffer[]): Buffer {
  const value = Buffer.concat(content);
  const length =
    value.length < 0x80
      ? [value.length]
      : value.length < 0x100
        ? [0x81, value.length]
        : [0x82, value.length >> 8, value.length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), value]);
}

const sequence = (...content: Buffer[]): Buffer => der(0x30, ...content);
const integer = (bytes: Buffer): Buffer => der(0x02, bytes);
const bitString = (bytes: Buffer): Buffer => der(0x03, Buffer.from([0]), bytes);
const octetString = (bytes: Buffer): Buffer => der(0x04, bytes);
const objectId = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'));

const ECDSA_WITH_SHA256 = sequence(objectId('2a8648ce3d040302'));

function generalizedTime(date: Date): Buffer {
  const text = date.toISOString().replace(/[-:T]|\.\d+/g, '');
  return der(0x18, Buffer.from(text, 'ascii'));
}

function distinguishedName(commonName: string): Buffer {
  const value = der(0x0c, Buffer.from(commonName, 'utf8'));
  return sequence(der(0x31, sequence(objectId('550403'), value)));
}

function basicConstraints(isAuthority: boolean): Buffer {
  const critical = der(0x01, Buffer.from([0xff]));
  const value = isAuthority ? sequence(der(0x01, Buffer.from([0xff]))) : sequence();
  return sequence(objectId('551d13'), critical, octetString(value));
}

function subjectAltName(hosts: readonly string[]): Buffer {
  const names = hosts.map((host) =>
    /^[\d.]+$/.test(host)
      ? der(0x87, Buffer.from(host.split('.').map(Number)))
      : der(0x82, Buffer.from(host, 'ascii')),
  );
  return sequence(objectId('551d11'), octetString(sequence(...names)));
}

function pem(bytes: Buffer): string {
  const lines = bytes.toString('base64').replace(/.{64}/g, '$&\n');
  return `-----BEGIN CERTIFICATE-----\n${lines.trimEnd()}\n-----END CERTIFICATE-----\n`;
}
