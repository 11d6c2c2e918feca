import { randomBytes } from 'node:crypto';
import { Cipher, type Sealed } from '../../../src/store/cipher';

const key = randomBytes(32);
const other = randomBytes(32);
const cipher = new Cipher(key);

describe('a sealed secret', () => {
  it.each(['', 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'ünïcode 🔑', 'x'.repeat(5000)])(
    'opens to what it was: %.40j',
    (secret) => {
      const sealed = cipher.seal(secret, 'wh_1');
      expect(cipher.open(sealed, 'wh_1')).toBe(secret);
      if (secret !== '') expect(Buffer.from(sealed.box, 'base64').includes(secret)).toBe(false);
    },
  );

  it('is another box each time', () => {
    const boxes = Array.from({ length: 50 }, () => cipher.seal('same', 'wh_1').box);
    expect(new Set(boxes).size).toBe(50);
  });

  it('does not open for another owner', () => {
    const sealed = cipher.seal('secret', 'wh_1');
    expect(() => cipher.open(sealed, 'wh_2')).toThrow();
    expect(() => cipher.open(sealed, 'wh_1/headers')).toThrow();
  });

  it('does not open with any one byte changed, or cut off', () => {
    const sealed = cipher.seal('secret', 'wh_1');
    const bytes = Buffer.from(sealed.box, 'base64');
    for (let at = 0; at < bytes.length; at += 1) {
      const changed = Buffer.from(bytes);
      changed[at]! ^= 1;
      expect(() => cipher.open({ ...sealed, box: changed.toString('base64') }, 'wh_1')).toThrow();
      const cut = bytes.subarray(0, at).toString('base64');
      expect(() => cipher.open({ ...sealed, box: cut }, 'wh_1')).toThrow();
    }
  });

  it('does not open with the data key of another one', () => {
    const [a, b] = ['a', 'b'].map((text) => Buffer.from(cipher.seal(text, 'wh_1').box, 'base64'));
    const mixed = Buffer.concat([a!.subarray(0, 60), b!.subarray(60)]).toString('base64');
    const { keyId } = cipher.seal('a', 'wh_1');
    expect(() => cipher.open({ keyId, box: mixed }, 'wh_1')).toThrow();
  });

  it('names the keys by their ids when it was sealed with an unknown one', () => {
    const sealed = new Cipher(other).seal('secret', 'wh_1');
    const message = (() => {
      try {
        return cipher.open(sealed, 'wh_1');
      } catch (error) {
        return (error as Error).message;
      }
    })();
    expect(message).toMatch(
      /^sealed with the encryption key [0-9a-f]{8}, this process has [0-9a-f]{8}$/,
    );
    expect(message).toContain(sealed.keyId);
  });
});

describe('a change of the key', () => {
  const former: Sealed = new Cipher(other).seal('secret', 'wh_1');
  const changed = new Cipher(key, [other]);

  it('lets what is under the former key be opened, and seals with the new one', () => {
    expect(changed.open(former, 'wh_1')).toBe('secret');
    expect(cipher.open(changed.seal('new', 'wh_1'), 'wh_1')).toBe('new');
  });

  it('seals again what is under the former key, for the same owner only', () => {
    const again = changed.reseal(former, 'wh_1')!;
    expect(cipher.open(again, 'wh_1')).toBe('secret');
    expect(() => new Cipher(other).open(again, 'wh_1')).toThrow();
    expect(() => changed.reseal(former, 'wh_2')).toThrow();
  });

  it('leaves alone what is under the present key', () => {
    expect(changed.reseal(cipher.seal('secret', 'wh_1'), 'wh_1')).toBeNull();
  });
});
