import type { SigningScheme } from '../../api/types';

/** What receivers verify with: the secret, or, where nothing is signed with it, the public key alone. */
export const verifiedBy = (signing: readonly SigningScheme[]): 'secret' | 'publicKey' =>
  signing.every((scheme) => scheme === 'standard-ed25519') ? 'publicKey' : 'secret';
