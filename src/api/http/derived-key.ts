import { hkdfSync, scryptSync } from 'node:crypto';

/**
 * What keys are derived from, instead of the admin key: whoever has a portal link or a session can try admin keys
 * against it, unlimited, and each try costs as much as this, some 50 ms.
 */
export const stretched = (adminKey: string): Buffer => scryptSync(adminKey, 'posthorn', 32);

/**
 * A key for one purpose: nothing that is made with it can be used for another purpose, or tells anything about the
 * root key itself. Whatever is made with it ends when the admin key is changed.
 * @param rootKey the stretched admin key
 */
export const derivedKey = (rootKey: Buffer, purpose: string): Buffer =>
  Buffer.from(hkdfSync('sha256', rootKey, 'posthorn', purpose, 32));
