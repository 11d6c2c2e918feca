import { randomBytes } from 'node:crypto';
import type { SecretFormat } from '../../contracts/delivery';

const WHSEC_PREFIX = 'whsec_';
/** Standard Webhooks 1.0, "Signature scheme": 192 to 512 bits. */
const WHSEC_MIN_BYTES = 24;
const WHSEC_MAX_BYTES = 64;
const GENERATED_BYTES = 32;
const RAW_MAX_CHARACTERS = 256;

/** A new secret: `raw`, 64 lower-case hex characters; `whsec`, `whsec_` and the base64 of 32 bytes. */
export function generateSecret(format: SecretFormat): string {
  const bytes = randomBytes(GENERATED_BYTES);
  switch (format) {
    case 'raw':
      return bytes.toString('hex');
    case 'whsec':
      return WHSEC_PREFIX + bytes.toString('base64');
  }
}

/**
 * What is wrong with a secret that a caller brings, as a message for the field `secret`; null when
 * it can be used. `raw`: 1 to 256 printable ASCII characters without spaces, because receivers'
 * libraries disagree about the bytes of others. `whsec`: `whsec_` and the base64 of 24 to 64 bytes.
 */
export function checkSecret(secret: string, format: SecretFormat): string | null {
  switch (format) {
    case 'raw':
      return /^[\x21-\x7e]+$/.test(secret) && secret.length <= RAW_MAX_CHARACTERS
        ? null
        : `must be 1 to ${RAW_MAX_CHARACTERS} printable ASCII characters without spaces`;
    case 'whsec': {
      const bytes = decodeWhsec(secret);
      return bytes && bytes.length >= WHSEC_MIN_BYTES && bytes.length <= WHSEC_MAX_BYTES
        ? null
        : `must be "${WHSEC_PREFIX}" followed by the base64 of ${WHSEC_MIN_BYTES} to ${WHSEC_MAX_BYTES} bytes`;
    }
  }
}

/**
 * The key that a secret stands for in the `standard` schemes (contract, section 3).
 * @throws Error for a `whsec` secret that isn't one; its message doesn't hold the secret
 */
export function secretKey(secret: string, format: SecretFormat): Buffer {
  switch (format) {
    case 'raw':
      return Buffer.from(secret, 'utf8');
    case 'whsec': {
      const bytes = decodeWhsec(secret);
      if (bytes === null) {
        throw new Error(`a secret of format whsec must be "${WHSEC_PREFIX}" followed by base64`);
      }
      return bytes;
    }
  }
}

/** The bytes of a `whsec_` secret, or null. Padding may be left out, as some generators do. */
function decodeWhsec(secret: string): Buffer | null {
  if (!secret.startsWith(WHSEC_PREFIX)) return null;
  const base64 = secret.slice(WHSEC_PREFIX.length).replace(/=+$/, '');
  const bytes = Buffer.from(base64, 'base64');
  // Buffer skips what isn't base64, so only a round trip tells that all of it was read.
  return bytes.length > 0 && bytes.toString('base64').replace(/=+$/, '') === base64 ? bytes : null;
}
