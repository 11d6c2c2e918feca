import { autosend } from '../../../src/profiles/autosend';
import { problemsOfSample } from './problem-paths';

/* What holds for every profile's catalogue is in profiles.test.ts. */

const problems = (type: string, changes: Record<string, unknown>): string[] =>
  problemsOfSample('autosend', type, changes);

/** Values that would be valid if there were a field for them. */
const FORBIDDEN: Record<string, unknown> = {
  ip: '203.0.113.7',
  ipAddress: '203.0.113.7',
  userAgent: 'Mozilla/5.0',
  device: 'mobile',
  location: { country: 'DE' },
  from: 'Acme <news@acme.example>',
  to: { email: 'jane@example.com' },
  subject: 'Hello',
};

describe('privacy', () => {
  test.each([
    ['email.opened', ['ip', 'ipAddress', 'userAgent', 'device', 'location']],
    ['email.clicked', ['ip', 'ipAddress', 'userAgent', 'device']],
    ['email.unsubscribed', ['from', 'to', 'subject']],
    ['email.group_unsubscribed', ['from', 'to', 'subject']],
    ['email.group_resubscribed', ['from', 'to', 'subject']],
  ])('%s never carries %j', (type, forbidden) => {
    for (const field of forbidden) {
      expect(problems(type, { [field]: FORBIDDEN[field] })).toEqual([field]);
    }
  });

  test('the recipient is an address and a name, nothing else', () => {
    const to = { email: 'jane@example.com', name: 'Jane', ipAddress: '203.0.113.7' };
    expect(problems('email.sent', { to })).toEqual(['to.ipAddress']);
  });
});

describe('values', () => {
  test.each([
    ['email.bounced', 'bounceType', ['Permanent', 'Transient'], ['permanent', 'Undetermined', '']],
    [
      'email.spam_reported',
      'complaintType',
      ['abuse', 'fraud', 'virus', 'other'],
      ['Abuse', 'not-spam', ''],
    ],
    [
      'email.deferred',
      'expirationTime',
      ['2026-10-02T09:30:00Z', '2026-10-02T09:30:00.123Z', '2026-10-02T11:30+02:00'],
      ['2026-10-02', '2026-10-02T09:30:00', '2026-13-02T09:30:00Z', 'tomorrow', ''],
    ],
    [
      'email.clicked',
      'clickedUrl',
      [
        'https://acme.example/a?b=c#d',
        'mailto:help@acme.example',
        '',
        'acme.example/a',
        '/a',
        '{{unsubscribe}}',
        `https://acme.example/${'a'.repeat(8_192)}`,
      ],
      [7, null],
    ],
    ['email.sent', 'subject', ['', 'Grüße 🎉', 'a'.repeat(20_000)], [null]],
    ['email.sent', 'from', ['news@acme.example', 'Acme, Inc. <news@acme.example>'], ['']],
    ['email.sent', 'test', [true, false], ['true', 0]],
    ['email.sent', 'emailId', ['0', 'a'.repeat(1_000)], ['', 7]],
    ['email.bounced', 'reason', ['', 'a'.repeat(20_000)], [null]],
    ['contact.updated', 'changedFields', [[], ['name', 'plan']], ['name']],
    ['contact.created', 'email', ['jane+tag@example.com', 'jörg@müller.example'], ['jane', '']],
  ])('%s takes for %s %j and refuses %j', (type, field, valid, invalid) => {
    for (const value of valid) {
      expect(problems(type, { [field]: value })).toEqual([]);
    }
    for (const value of invalid) {
      expect(problems(type, { [field]: value })).toEqual([field]);
    }
  });

  test.each([
    [{ email: 'jane@example.com' }, []],
    [{ email: 'jörg@müller.example', name: '' }, []],
    [{ email: '"john doe"@example.com', name: 'x'.repeat(2_000) }, []],
    [{ email: `SRS0=${'x'.repeat(200)}=example.org=jane@forwarder.example` }, []],
    [{ email: 'Jane <jane@example.com>' }, []],
    [{}, ['to.email']],
    [{ email: 'jane' }, ['to.email']],
    [{ email: 'jane@example.com', name: null }, ['to.name']],
  ])('the recipient %j has the problems %j', (to, expected) => {
    expect(problems('email.sent', { to })).toEqual(expected);
  });

  test('a wrong item of a list is named by its place', () => {
    expect(problems('contact.updated', { changedFields: ['name', 7, ''] })).toEqual([
      'changedFields.1',
      'changedFields.2',
    ]);
  });

  test('every problem is reported at once', () => {
    const changes = { subject: undefined, bounceType: 'Hard', device: 'mobile' };
    expect(problems('email.bounced', changes).toSorted()).toEqual([
      'bounceType',
      'device',
      'subject',
    ]);
  });
});

describe('contacts', () => {
  const custom = {
    plan: 'pro',
    seats: 3,
    vip: true,
    tags: ['a'],
    address: { city: 'Köln' },
    x: null,
  };

  test.each(['contact.created', 'contact.updated', 'contact.deleted'])(
    '%s passes custom fields of any JSON type through',
    (type) => {
      const event = autosend.events.find((known) => known.type === type)!;
      const data = { contactId: 'con_1', email: 'jane@example.com', ...custom };
      expect(event.data.parse(data)).toEqual(data);
    },
  );

  test.each(['contact.created', 'contact.updated', 'contact.deleted'])(
    '%s checks its own fields beside custom ones',
    (type) => {
      expect(problems(type, { ...custom, email: 'jane' })).toEqual(['email']);
    },
  );
});
