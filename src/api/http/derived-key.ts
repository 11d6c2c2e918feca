import { hkdfSync } from 'node:crypto';

/**
 * A key for one purpose, from the admin key: nothing that is made with it can be used for another purpose, or
 * tells anything about the admin key itself. Whatever is made with it ends when the admin key is changed.
 */
export const derivedKey = (adminKey: string, purpose: string): Buffer =>
  Buffer.from(hkdfSync('sha256', adminKey, 'posthorn', purpose, 32));
