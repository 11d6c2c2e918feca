import { randomBytes } from 'node:crypto';
import type { SecretFormat } from '../../contracts/delivery';

interface Format {
  /** Makes a secret of these random bytes. */
  encode: (bytes: Buffer) => string;
  /** The key of a secret; null if it isn't one of this format. */
  decode: (secret: string) => Buffer | null;
  /** Whether a caller may supply this secret, and what a secret must be. */
  isUsable: (secret: string, key: Buffer) => boolean;
  rule: string;
}

const WHSEC_PREFIX = 'whsec_';

const FORMATS: Record<SecretFormat, Format> = {
  raw: {
    encode: (bytes) => bytes.toString('hex'),
    decode: (secret) => Buffer.from(secret, 'utf8'),
    // Receivers' libraries disagree about the bytes of other characters.
    isUsable: (secret) => /^[\x21-\x7e]{16,256}$/.test(secret),
    rule: 'must be 16 to 256 printable ASCII characters without spaces',
  },
  whsec: {
    encode: (bytes) => WHSEC_PREFIX + bytes.toString('base64'),
    decode: decodeWhsec,
    // Standard Webhooks 1.0, "Signature scheme": 192 to 512 bits.
    isUsable: (_secret, key) => key.length >= 24 && key.length <= 64,
    rule: `must be "${WHSEC_PREFIX}" followed by the base64 of 24 to 64 bytes`,
  },
};

/** A new secret: `raw`, 64 lower-case hex characters; `whsec`, `whsec_` and the base64 of 32 bytes. */
export function generateSecret(format: SecretFormat): string {
  return FORMATS[format].encode(randomBytes(32));
}

/**
 * What is wrong with a caller's secret, as a message for the field `secret`; null if it can be used. `raw`:
 * 16 to 256 printable ASCII characters. `whsec`: that prefix and the base64 of 24 to 64 bytes.
 */
export function checkSecret(secret: string, format: SecretFormat): string | null {
  const { decode, isUsable, rule } = FORMATS[format];
  const key = decode(secret);
  return key !== null && isUsable(secret, key) ? null : rule;
}

/**
 * The key of a secret in the `standard` schemes (docs/contract.md, 3.2).
 * @throws Error for a secret that isn't of its format; the message doesn't contain the secret
 */
export function secretKey(secret: string, format: SecretFormat): Buffer {
  const key = FORMATS[format].decode(secret);
  if (key === null) throw new Error(`not a secret of format ${format}`);
  return key;
}

/** Whether both are one key: `whsec` may be written with and without padding. */
export function isSameKey(secret: string, other: string, format: SecretFormat): boolean {
  const [key, otherKey] = [secret, other].map(FORMATS[format].decode);
  return key && otherKey ? key.equals(otherKey) : secret === other;
}

/** Padding may be left out, as some generators do. */
function decodeWhsec(secret: string): Buffer | null {
  if (!secret.startsWith(WHSEC_PREFIX)) return null;
  const base64 = secret.slice(WHSEC_PREFIX.length).replace(/=+$/, '');
  const bytes = Buffer.from(base64, 'base64');
  // Buffer skips what isn't base64, so only a round trip shows that all of it was read.
  return bytes.length > 0 && bytes.toString('base64').replace(/=+$/, '') === base64 ? bytes : null;
}
