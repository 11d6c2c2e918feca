import { createPrivateKey, createPublicKey, hkdfSync, sign, type KeyObject } from 'node:crypto';
import type { SecretFormat } from '../../contracts/delivery';
import type { Scheme } from './scheme';
import { secretKey } from './secret';
import { signedContent, standardHeaders } from './standard';

/** Part of the key's derivation: another value would change every webhook's public key. */
const DERIVATION_INFO = 'posthorn/standard-ed25519/1';
/** DER of a PKCS #8 Ed25519 private key, up to its 32-byte seed (RFC 8410, section 7). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

/**
 * The `standard-ed25519` scheme: Standard Webhooks 1.0, asymmetric (`v1a`), one signature per live
 * secret. The key pair is derived from the webhook's secret, so a webhook has one secret to keep and
 * rotate, and receivers need only the public key.
 */
export const standardEd25519: Scheme = (input) => {
  const content = signedContent(input);
  return standardHeaders(
    input,
    input.secrets.map((secret) => {
      const key = privateKey(secret, input.secretFormat);
      return `v1a,${sign(null, content, key).toString('base64')}`;
    }),
  );
};

/** The key by which a receiver verifies `v1a` signatures: `whpk_` and the base64 of its 32 bytes. */
export function ed25519PublicKey(secret: string, format: SecretFormat): string {
  const spki = createPublicKey(privateKey(secret, format)).export({ type: 'spki', format: 'der' });
  // An Ed25519 SPKI is a fixed prefix and the 32 bytes of the key (RFC 8410, section 4).
  return `whpk_${spki.subarray(-32).toString('base64')}`;
}

/** HKDF keeps it apart from the HMAC key: a webhook may use both schemes. */
function privateKey(secret: string, format: SecretFormat): KeyObject {
  const seed = hkdfSync('sha256', secretKey(secret, format), '', DERIVATION_INFO, 32);
  const der = Buffer.concat([PKCS8_PREFIX, Buffer.from(seed)]);
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
}
