import type { SigningScheme } from '../../contracts/delivery';
import { hex } from './hex';
import type { Scheme, SignatureInput } from './scheme';
import { standard } from './standard';
import { standardEd25519 } from './standard-ed25519';

export type { SignatureInput } from './scheme';
export { checkSecret, generateSecret, isSameKey } from './secret';
export { ed25519PublicKey } from './standard-ed25519';

const SCHEMES: Record<SigningScheme, Scheme> = {
  hex,
  standard,
  'standard-ed25519': standardEd25519,
};

/**
 * The headers that sign one attempt by each of the webhook's schemes (docs/contract.md, 3.2).
 * @throws Error without a secret, or for a `whsec` secret that isn't one
 */
export function signatureHeaders({
  schemes,
  ...input
}: SignatureInput & { schemes: readonly SigningScheme[] }): Record<string, string> {
  if (input.secrets.length === 0) throw new Error('a webhook must have a secret to be signed with');
  const headers: Record<string, string> = {};
  // Earlier versions stored any number of them.
  for (const scheme of new Set(schemes)) {
    for (const [name, value] of Object.entries(SCHEMES[scheme](input))) {
      const other = headers[name];
      // The two standard schemes share their headers: the id and the time are equal, and
      // `webhook-signature` is a list separated by spaces.
      headers[name] = other === undefined || other === value ? value : `${other} ${value}`;
    }
  }
  return headers;
}
