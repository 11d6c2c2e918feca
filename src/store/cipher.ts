import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';

/** A secret at rest: sealed with its own data key, which is sealed with the operator's key. */
export interface Sealed {
  /** Identifies the operator's key. */
  keyId: string;
  /** base64 of the sealed data key and of the secret sealed with it, each as nonce, tag, ciphertext. */
  box: string;
}

/** What is sealed can't be opened: its key is unknown here, it was altered, or it belongs to another owner. */
export class SealedError extends Error {
  override name = 'SealedError';
}

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const SEALED_KEY_BYTES = NONCE_BYTES + TAG_BYTES + KEY_BYTES;

/**
 * Seals and opens secrets by envelope encryption, both times with AES-256-GCM: the operator's key never
 * encrypts a secret itself, so changing it means sealing data keys again, without opening a secret.
 */
export class Cipher {
  private readonly presentId: string;
  private readonly keys: ReadonlyMap<string, Buffer>;
  /** What was opened, for as long as its record is in memory: a courier opens the same one for each attempt. */
  private readonly opened = new WeakMap<Sealed, { owner: string; secret: string }>();

  /**
   * @param present 32 bytes (POSTHORN_ENCRYPTION_KEY): seals from now on
   * @param others further keys, which still open what they sealed (POSTHORN_FORMER_ENCRYPTION_KEYS)
   */
  constructor(
    private readonly present: Buffer,
    others: readonly Buffer[] = [],
  ) {
    this.presentId = idOf(present);
    this.keys = new Map([present, ...others].map((key) => [idOf(key), key]));
  }

  /** The ids of the keys with which it can open secrets. */
  get keyIds(): readonly string[] {
    return [...this.keys.keys()];
  }

  /**
   * @param owner bound into the box, so that a secret copied to another webhook's document can't be opened
   */
  seal(secret: string, owner: string): Sealed {
    const dataKey = randomBytes(KEY_BYTES);
    return this.enclose(dataKey, encrypt(Buffer.from(secret, 'utf8'), dataKey, owner), owner);
  }

  /** @throws SealedError if the box was sealed with an unknown key or for another owner, or was altered */
  open(sealed: Sealed, owner: string): string {
    const known = this.opened.get(sealed);
    if (known?.owner === owner) return known.secret;
    const { dataKey, secret: box } = this.disclose(sealed, owner);
    const secret = decrypt(box, dataKey, owner).toString('utf8');
    this.opened.set(sealed, { owner, secret });
    return secret;
  }

  /**
   * The same secret sealed with the current key; null if it already is.
   * @throws SealedError as `open` does
   */
  reseal(sealed: Sealed, owner: string): Sealed | null {
    if (sealed.keyId === this.presentId) return null;
    const { dataKey, secret } = this.disclose(sealed, owner);
    return this.enclose(dataKey, secret, owner);
  }

  private enclose(dataKey: Buffer, secret: Buffer, owner: string): Sealed {
    const sealedKey = encrypt(dataKey, this.present, keyOwner(owner));
    return { keyId: this.presentId, box: Buffer.concat([sealedKey, secret]).toString('base64') };
  }

  private disclose({ keyId, box }: Sealed, owner: string): { dataKey: Buffer; secret: Buffer } {
    const key = this.keys.get(keyId);
    if (!key) {
      const known = [...this.keys.keys()].join(', ');
      throw new SealedError(`sealed with the encryption key ${keyId}, this process has ${known}`);
    }
    const bytes = Buffer.from(box, 'base64');
    const dataKey = decrypt(bytes.subarray(0, SEALED_KEY_BYTES), key, keyOwner(owner));
    return { dataKey, secret: bytes.subarray(SEALED_KEY_BYTES) };
  }
}

/** null: what that opens can't be opened. */
export function ifReadable<T>(open: () => T): T | null {
  try {
    return open();
  } catch (error) {
    if (error instanceof SealedError) return null;
    throw error;
  }
}

/** Distinguishes keys, and reveals nothing about them. */
const idOf = (key: Buffer): string => createHash('sha256').update(key).digest('hex').slice(0, 8);

/** Keeps boxes of data keys and boxes of secrets from being swapped. */
const keyOwner = (owner: string): string => `data key of ${owner}`;

function encrypt(text: Buffer, key: Buffer, owner: string): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(owner));
  const sealed = Buffer.concat([cipher.update(text), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), sealed]);
}

function decrypt(bytes: Buffer, key: Buffer, owner: string): Buffer {
  const nonce = bytes.subarray(0, NONCE_BYTES);
  const sealed = bytes.subarray(NONCE_BYTES + TAG_BYTES);
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
      .setAAD(Buffer.from(owner))
      .setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
    return Buffer.concat([decipher.update(sealed), decipher.final()]);
  } catch (error) {
    throw new SealedError('altered, or sealed for another owner', { cause: error });
  }
}
