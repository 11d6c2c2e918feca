import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';

/** A secret at rest: AES-256-GCM, with the id of the key that sealed it. */
export interface Sealed {
  keyId: string;
  /** base64 of nonce (12 bytes), tag (16 bytes), ciphertext. */
  box: string;
}

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Seals and opens webhook secrets with the operator's key (POSTHORN_ENCRYPTION_KEY). */
export class Cipher {
  private readonly keyId: string;

  /** @param key 32 bytes */
  constructor(private readonly key: Buffer) {
    this.keyId = createHash('sha256').update(key).digest('hex').slice(0, 8);
  }

  /** @param owner bound into the box: a secret copied to another webhook's document doesn't open */
  seal(secret: string, owner: string): Sealed {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.key, nonce).setAAD(Buffer.from(owner));
    const text = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()]);
    return {
      keyId: this.keyId,
      box: Buffer.concat([nonce, cipher.getAuthTag(), text]).toString('base64'),
    };
  }

  /** @throws Error when the box was sealed with another key, for another owner, or was altered */
  open({ keyId, box }: Sealed, owner: string): string {
    if (keyId !== this.keyId) {
      throw new Error(`sealed with the encryption key ${keyId}, this process has ${this.keyId}`);
    }
    const bytes = Buffer.from(box, 'base64');
    const decipher = createDecipheriv('aes-256-gcm', this.key, bytes.subarray(0, NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    })
      .setAAD(Buffer.from(owner))
      .setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
    return Buffer.concat([
      decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)),
      decipher.final(),
    ]).toString('utf8');
  }
}
