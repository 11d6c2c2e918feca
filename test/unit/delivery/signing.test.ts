import crypto, { createHmac, createPublicKey, verify } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import type { SigningScheme } from '../../../src/contracts/delivery';
import {
  checkSecret,
  ed25519PublicKey,
  generateSecret,
  type SignatureInput,
  signatureHeaders,
} from '../../../src/delivery/signing';

const RAW = '8f6b1d0c'.repeat(8);
const WHSEC = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const body = '{"type":"email.sent","data":{"subject":"Grüße, 世界 🎉"}}';
// standardwebhooks refuses a timestamp more than five minutes from its own clock.
const now = new Date();

function sign(schemes: SigningScheme[], input: Partial<SignatureInput> = {}) {
  return signatureHeaders({
    schemes,
    secrets: [RAW],
    secretFormat: 'raw',
    eventId: 'evt_01',
    deliveryId: 'dlv_02',
    eventType: 'email.sent',
    body,
    now,
    ...input,
  });
}

function hmacHex(secret: string): string {
  return createHmac('sha256', Buffer.from(secret, 'utf8')).update(body, 'utf8').digest('hex');
}

function verifyEd25519(headers: Record<string, string>, whpk: string, signature: string): boolean {
  const x = Buffer.from(whpk.slice('whpk_'.length), 'base64').toString('base64url');
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  const content = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
  return verify(null, Buffer.from(content), key, Buffer.from(signature.slice(4), 'base64'));
}

describe('hex', () => {
  it('signs the body by HMAC-SHA256 in lower-case hex and names event, delivery and time', () => {
    expect(sign(['hex'], { now: new Date(1_700_000_000_123) })).toEqual({
      'X-Webhook-Signature': hmacHex(RAW),
      'X-Webhook-Event': 'email.sent',
      'X-Webhook-Delivery-Id': 'dlv_02',
      'X-Webhook-Timestamp': '1700000000123',
    });
  });

  it('computes what it sends, however many live secrets there are', () => {
    const spy = jest.spyOn(crypto, 'createHmac');
    try {
      sign(['hex'], { secrets: Array.from({ length: 10 }, (_, n) => `${RAW}${n}`) });
      expect(spy).toHaveBeenCalledTimes(2);
    } finally {
      spy.mockRestore();
    }
  });

  it('agrees with a published HMAC-SHA256 vector (RFC 4231, case 2)', () => {
    const headers = sign(['hex'], { secrets: ['Jefe'], body: 'what do ya want for nothing?' });
    expect(headers['X-Webhook-Signature']).toBe(
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    );
  });

  it('keys with the UTF-8 bytes of the secret, also when it is in whsec format', () => {
    for (const secret of ['pässwörd', WHSEC]) {
      const headers = sign(['hex'], { secrets: [secret], secretFormat: 'whsec' });
      expect(headers['X-Webhook-Signature']).toBe(hmacHex(secret));
    }
  });

  it('signs with the new secret during an overlap, and apart from that with the previous one', () => {
    const headers = sign(['hex'], { secrets: ['new', 'previous', 'older'] });
    expect(headers['X-Webhook-Signature']).toBe(hmacHex('new'));
    expect(headers['X-Webhook-Signature-Previous']).toBe(hmacHex('previous'));
  });
});

describe('standard', () => {
  it('is verified by standardwebhooks with a raw secret', () => {
    const headers = sign(['standard']);
    expect(new Webhook(RAW, { format: 'raw' }).verify(body, headers)).toEqual(JSON.parse(body));
  });

  it('is verified by standardwebhooks with a whsec secret', () => {
    const headers = sign(['standard'], { secrets: [WHSEC], secretFormat: 'whsec' });
    expect(new Webhook(WHSEC).verify(body, headers)).toEqual(JSON.parse(body));
  });

  it.each([
    ['another body', { body: body.replace('email.sent', 'email.open') }],
    ['another event id', { eventId: 'evt_02' }],
    ['another secret', { secrets: [RAW.replace('8', '9')] }],
  ])('is refused by standardwebhooks for %s', (_case, change) => {
    const headers = { ...sign(['standard'], change), 'webhook-id': 'evt_01' };
    expect(() => new Webhook(RAW, { format: 'raw' }).verify(body, headers)).toThrow(
      'No matching signature found',
    );
  });

  it('names the event and the time in whole seconds', () => {
    const headers = sign(['standard'], { now: new Date(1_700_000_000_999) });
    expect(headers).toMatchObject({ 'webhook-id': 'evt_01', 'webhook-timestamp': '1700000000' });
  });

  it('has one signature by a scheme that an earlier version has stored twice', () => {
    expect(sign(['standard', 'hex', 'standard'])).toEqual(sign(['standard', 'hex']));
  });

  it('has a signature by each live secret, newest first, and each verifies', () => {
    const previous = generateSecret('whsec');
    const headers = sign(['standard'], { secrets: [WHSEC, previous], secretFormat: 'whsec' });
    const [bySecret, byPrevious, ...others] = headers['webhook-signature']!.split(' ');
    expect(others).toEqual([]);
    new Webhook(WHSEC).verify(body, { ...headers, 'webhook-signature': bySecret! });
    new Webhook(previous).verify(body, { ...headers, 'webhook-signature': byPrevious! });
  });

  it('refuses a whsec secret that is not one, without repeating it', () => {
    for (const secret of ['c2VjcmV0', 'whsec_', 'whsec_n0t-base64!']) {
      const signing = () => sign(['standard'], { secrets: [secret], secretFormat: 'whsec' });
      expect(signing).toThrow(/^not a secret of format whsec$/);
    }
  });
});

describe('standard-ed25519', () => {
  it.each([
    ['raw', RAW],
    ['whsec', WHSEC],
  ] as const)('is verified with the public key of a %s secret', (secretFormat, secret) => {
    const headers = sign(['standard-ed25519'], { secrets: [secret], secretFormat });
    const signature = headers['webhook-signature']!;
    expect(signature).toMatch(/^v1a,[A-Za-z0-9+/]{86}==$/);
    expect(verifyEd25519(headers, ed25519PublicKey(secret, secretFormat), signature)).toBe(true);
    const other = ed25519PublicKey(generateSecret(secretFormat), secretFormat);
    expect(verifyEd25519(headers, other, signature)).toBe(false);
  });

  it('keeps its public key as long as the secret stays', () => {
    // A receiver has stored this: another derivation would break every verification.
    expect(ed25519PublicKey(WHSEC, 'whsec')).toBe(
      'whpk_jdOSYeNiPlYc9MM/TjjkDvNWrntj3X4NqTT2O3AJudQ=',
    );
  });

  it('has a signature by each live secret', () => {
    const headers = sign(['standard-ed25519'], { secrets: ['new', 'previous'] });
    const signatures = headers['webhook-signature']!.split(' ');
    expect(signatures).toHaveLength(2);
    expect(verifyEd25519(headers, ed25519PublicKey('new', 'raw'), signatures[0]!)).toBe(true);
    expect(verifyEd25519(headers, ed25519PublicKey('previous', 'raw'), signatures[1]!)).toBe(true);
  });
});

describe('several schemes at once', () => {
  it('sends the headers of all, the two standard ones in one list of signatures', () => {
    const headers = sign(['hex', 'standard', 'standard-ed25519']);
    expect(headers['X-Webhook-Signature']).toBe(hmacHex(RAW));
    expect(headers['webhook-id']).toBe('evt_01');
    new Webhook(RAW, { format: 'raw' }).verify(body, headers);
    const [v1, v1a, ...others] = headers['webhook-signature']!.split(' ');
    expect(others).toEqual([]);
    expect(v1).toMatch(/^v1,/);
    expect(verifyEd25519(headers, ed25519PublicKey(RAW, 'raw'), v1a!)).toBe(true);
  });

  it('signs the same bytes whether they come as a string or as a Buffer', () => {
    const schemes: SigningScheme[] = ['hex', 'standard', 'standard-ed25519'];
    expect(sign(schemes, { body: Buffer.from(body, 'utf8') })).toEqual(sign(schemes));
  });

  it('signs once by a scheme that is named twice', () => {
    expect(sign(['standard', 'standard'])).toEqual(sign(['standard']));
  });

  it('does not sign without a secret', () => {
    expect(() => sign(['hex'], { secrets: [] })).toThrow('must have a secret');
  });
});

describe('secrets', () => {
  it('are made of 32 random bytes, as hex or as whsec_ and base64', () => {
    expect(generateSecret('raw')).toMatch(/^[0-9a-f]{64}$/);
    expect(generateSecret('whsec')).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(generateSecret('raw')).not.toBe(generateSecret('raw'));
  });

  it.each([
    ['raw', generateSecret('raw')],
    ['raw', 'x'.repeat(16)],
    ['raw', 'x'.repeat(256)],
    ['whsec', generateSecret('whsec')],
    ['whsec', `whsec_${Buffer.alloc(24).toString('base64')}`],
    ['whsec', `whsec_${Buffer.alloc(64).toString('base64')}`],
    ['whsec', `whsec_${Buffer.alloc(32).toString('base64').replace('=', '')}`],
  ] as const)('of format %s may be %s', (format, secret) => {
    expect(checkSecret(secret, format)).toBeNull();
  });

  it.each([
    ['raw', ''],
    ['raw', 'x'.repeat(15)],
    ['raw', 'x'.repeat(257)],
    ['raw', 'two words, or three'],
    ['raw', 'pässwörd-pässwörd'],
    ['raw', 'a line and its end\n'],
    ['whsec', generateSecret('raw')],
    ['whsec', `whsec_${Buffer.alloc(23).toString('base64')}`],
    ['whsec', `whsec_${Buffer.alloc(65).toString('base64')}`],
    ['whsec', `whsec_${'!'.repeat(44)}`],
  ] as const)('of format %s may not be %j', (format, secret) => {
    expect(checkSecret(secret, format)).toMatch(/^must be /);
  });
});
