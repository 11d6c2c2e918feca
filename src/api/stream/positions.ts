import type { Cipher } from '../../store/cipher';

/** Bound into each, so that nothing else that is sealed can pass for a position. */
const OWNER = 'a position of the stream';

/**
 * Positions as clients keep them. MongoDB's own name the delivery that changed last, whoever owns it, and would
 * resume any change stream, so they are sealed, and nothing but what was sealed here reaches MongoDB.
 */
export class Positions {
  constructor(private readonly cipher: Cipher) {}

  seal(position: string): string {
    const { keyId, box } = this.cipher.seal(position, OWNER);
    return `${keyId}.${box}`;
  }

  /** null: it is not a position, or the key that sealed it is no longer known. */
  open(sealed: string): string | null {
    const [, keyId, box] = /^(\w+)\.([\w+/]+=*)$/.exec(sealed) ?? [];
    if (keyId === undefined || box === undefined) return null;
    try {
      return this.cipher.open({ keyId, box }, OWNER);
    } catch {
      return null;
    }
  }
}
