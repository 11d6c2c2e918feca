import { generateKeyPairSync } from 'node:crypto';
import { PROVIDER_NAMES, providers, type ProviderName } from '../../../src/providers';
import { fixture } from './fixtures';
import { newSigner, type Signed } from './sign';

const SAMPLES: Record<ProviderName, string> = {
  resend: 'clicked',
  sendgrid: 'batch',
  mailgun: 'failed-permanent',
};
const MINUTE_MS = 60_000;

function refusal(
  provider: ProviderName,
  { body, headers }: Signed,
  key: string,
  now = new Date(),
): string | null {
  const request = { rawBody: body, header: (name: string) => headers[name] };
  return providers[provider].refusal(request, JSON.parse(body.toString()), key, now);
}

/** Every text that differs from this one in one character. */
function* altered(text: string): Generator<string> {
  for (let at = 0; at < text.length; at += 1) {
    const other = text[at] === 'A' ? 'B' : 'A';
    yield text.slice(0, at) + other + text.slice(at + 1);
  }
}

describe.each(PROVIDER_NAMES)('%s', (provider) => {
  const { key, sign } = newSigner(provider);
  const body = fixture(provider, SAMPLES[provider]);

  it('takes what was signed with its key', () => {
    expect(refusal(provider, sign(body), key)).toBeNull();
  });

  it('refuses what was signed with another key', () => {
    expect(refusal(provider, sign(body), newSigner(provider).key)).toBe('the signature is wrong');
  });

  // Mailgun retries for eight hours with its first signature.
  const oldest = provider === 'mailgun' ? 9 * 60 : 5;

  it.each([-oldest - 1, 6])('refuses what was signed %i minutes from now', (minutes) => {
    const signed = sign(body, new Date(Date.now() + minutes * MINUTE_MS));
    expect(refusal(provider, signed, key)).toMatch(/too far from now/);
  });

  it.each([-oldest + 1, 4])('takes what was signed %i minutes from now', (minutes) => {
    const signed = sign(body, new Date(Date.now() + minutes * MINUTE_MS));
    expect(refusal(provider, signed, key)).toBeNull();
  });

  it('refuses what is not signed', () => {
    const unsigned = JSON.parse(body.toString()) as { signature?: unknown };
    delete unsigned.signature;
    const signed = { body: Buffer.from(JSON.stringify(unsigned)), headers: {} };
    expect(refusal(provider, signed, key)).toMatch(/are required|must contain/);
  });

  it('says nothing about the key', () => {
    expect(refusal(provider, sign(body), newSigner(provider).key)).not.toContain(key);
  });
});

describe('a signature with one character changed is refused, wherever it is', () => {
  it.each([
    ['resend', 'svix-signature'],
    ['sendgrid', 'x-twilio-email-event-webhook-signature'],
  ] as const)('%s', (provider, header) => {
    const { key, sign } = newSigner(provider);
    const signed = sign(fixture(provider, SAMPLES[provider]));
    for (const value of altered(signed.headers[header]!)) {
      const changed = { ...signed, headers: { ...signed.headers, [header]: value } };
      expect([value, refusal(provider, changed, key)]).toEqual([value, 'the signature is wrong']);
    }
  });

  it.each(['signature', 'token', 'timestamp'] as const)('mailgun: %s', (field) => {
    const { key, sign } = newSigner('mailgun');
    const { body } = sign(fixture('mailgun', 'opened'));
    const posted = JSON.parse(body.toString()) as { signature: Record<string, string> };
    for (const value of altered(posted.signature[field]!)) {
      const changed = { ...posted, signature: { ...posted.signature, [field]: value } };
      const signed = { body: Buffer.from(JSON.stringify(changed)), headers: {} };
      expect(refusal('mailgun', signed, key)).toBe('the signature is wrong');
    }
  });
});

describe('a body, an id or a time with one byte changed is refused', () => {
  it.each(['resend', 'sendgrid'] as const)('%s', (provider) => {
    const { key, sign } = newSigner(provider);
    const signed = sign(fixture(provider, SAMPLES[provider]));
    const body = Buffer.from(signed.body);
    // Inside a string, so that it stays JSON.
    const at = body.indexOf('jane.doe');
    body[at] = 'k'.charCodeAt(0);
    expect(refusal(provider, { ...signed, body }, key)).toBe('the signature is wrong');
    for (const [header, value] of Object.entries(signed.headers)) {
      const headers = { ...signed.headers, [header]: `${value}0` };
      expect(refusal(provider, { ...signed, headers }, key)).toBe('the signature is wrong');
    }
  });
});

describe('published examples', () => {
  it("Svix's", () => {
    const signed = {
      body: Buffer.from('{"event_type":"ping","data":{"success":true}}'),
      headers: {
        'svix-id': 'msg_loFOjxBNrRLzqYUf',
        'svix-timestamp': '1731705121',
        'svix-signature':
          'v1,d3Jvbmc= v2,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0= v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=',
      },
    };
    const now = new Date(1_731_705_121_000);
    expect(refusal('resend', signed, 'whsec_plJ3nmyCDGBKInavdOK15jsl', now)).toBeNull();
  });

  it("SendGrid's", () => {
    const signed = {
      body: Buffer.from(
        '{"category":"example_payload","event":"test_event","message_id":"message_id"}',
      ),
      headers: {
        'x-twilio-email-event-webhook-signature':
          'MEUCIQCtIHJeH93Y+qpYeWrySphQgpNGNr/U+UyUlBkU6n7RAwIgJTz2C+8a8xonZGi6BpSzoQsbVRamr2nlxFDWYNH2j/0=',
        'x-twilio-email-event-webhook-timestamp': '1588788367',
      },
    };
    const key =
      'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEDr2LjtURuePQzplybdC+u4CwrqDqBaWjcMMsTbhdbcwHBcepxo7yAQGhHPTnlvFYPAZFceEu/1FwCM/QmGUhA==';
    expect(refusal('sendgrid', signed, key, new Date(1_588_788_367_000))).toBeNull();
  });
});

it("mailgun: an e-mail of a subaccount is taken by the account's key too", () => {
  const parent = newSigner('mailgun');
  const own = newSigner('mailgun');
  const { body } = parent.sign(fixture('mailgun', 'opened'));
  const posted = JSON.parse(body.toString()) as { signature: { signature: string } };
  const signature = {
    ...posted.signature,
    signature: 'f'.repeat(64),
    'parent-signature': posted.signature.signature,
  };
  const signed = { body: Buffer.from(JSON.stringify({ ...posted, signature })), headers: {} };
  expect(refusal('mailgun', signed, parent.key)).toBeNull();
  expect(refusal('mailgun', signed, own.key)).toBe('the signature is wrong');
});

it.each([null, '', 7])("mailgun: a parent's signature of %j is none", (none) => {
  const { key, sign } = newSigner('mailgun');
  const posted = JSON.parse(sign(fixture('mailgun', 'opened')).body.toString());
  posted.signature['parent-signature'] = none;
  const signed = { body: Buffer.from(JSON.stringify(posted)), headers: {} };
  expect(refusal('mailgun', signed, key)).toBeNull();
});

describe('keys', () => {
  const p384 = generateKeyPairSync('ec', { namedCurve: 'secp384r1' }).publicKey;
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey;
  const der = { format: 'der', type: 'spki' } as const;

  it.each(PROVIDER_NAMES)('%s accepts a key of its own form, and of no other', (provider) => {
    expect(providers[provider].checkKey(newSigner(provider).key)).toBeNull();
    for (const key of ['', 'two words', 'ключ', 'a\n', 'x'.repeat(999)]) {
      expect(providers[provider].checkKey(key)).toMatch(/^must be/);
    }
  });

  it.each([
    ['resend', newSigner('sendgrid').key],
    ['resend', 'whsec_'],
    ['resend', 'whsec_!!!!'],
    ['sendgrid', newSigner('resend').key],
    ['sendgrid', p384.export(der).toString('base64')],
    ['sendgrid', rsa.export(der).toString('base64')],
  ] as const)('%s refuses %s', (provider, key) => {
    expect(providers[provider].checkKey(key)).toMatch(/^must be/);
  });
});
