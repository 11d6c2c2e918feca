import { autosend } from '../../../src/profiles/autosend';
import { dataProblems } from '../../../src/profiles/data-problems';
import type { EventTypeDefinition } from '../../../src/profiles/profile';

type Data = Record<string, unknown>;

/** Contract, section 2: what each type requires and what it may carry beyond that. */
const ORIGIN = ['campaignId', 'templateId', 'workflowAutomationId', 'batchId'];
const MESSAGE = ['emailId', 'from', 'to', 'subject', 'test'];
const CATALOGUE: [type: string, required: string[], optional: string[]][] = [
  ['email.sent', MESSAGE, ORIGIN],
  ['email.delivered', MESSAGE, ORIGIN],
  ['email.deferred', MESSAGE, [...ORIGIN, 'delayType', 'delayReason', 'expirationTime']],
  ['email.opened', MESSAGE, ORIGIN],
  ['email.clicked', MESSAGE, [...ORIGIN, 'clickedUrl']],
  ['email.bounced', MESSAGE, [...ORIGIN, 'bounceType', 'bounceSubType', 'reason']],
  ['email.spam_reported', MESSAGE, [...ORIGIN, 'complaintType']],
  ['email.unsubscribed', ['test'], ['emailId', ...ORIGIN]],
  ['email.group_unsubscribed', ['test'], ['emailId', ...ORIGIN, 'unsubscribeGroupId']],
  ['email.group_resubscribed', ['test'], ['emailId', 'unsubscribeGroupId', 'campaignId']],
  ['contact.created', [], ['contactId', 'email', 'name']],
  ['contact.updated', [], ['contactId', 'email', 'name', 'changedFields']],
  ['contact.deleted', [], ['contactId', 'email']],
];
const CLOSED = CATALOGUE.filter(([type]) => type.startsWith('email.'));

/** A valid value for every field of any type, and fields that no e-mail event may carry. */
const VALUES: Data = {
  emailId: 'em_1',
  from: 'Acme <news@acme.example>',
  to: { email: 'jane@example.com' },
  subject: 'Hello',
  test: true,
  campaignId: 'cmp_1',
  templateId: 'tpl_1',
  workflowAutomationId: 'wfa_1',
  batchId: 'bat_1',
  delayType: 'MailboxFull',
  delayReason: 'over quota',
  expirationTime: '2026-10-02T09:30:00Z',
  bounceType: 'Transient',
  bounceSubType: 'MailboxFull',
  reason: 'over quota',
  clickedUrl: 'https://acme.example/a?b=c',
  complaintType: 'abuse',
  unsubscribeGroupId: 'grp_1',
  contactId: 'con_1',
  email: 'jane@example.com',
  name: 'Jane',
  changedFields: ['name'],
  ip: '203.0.113.7',
  ipAddress: '203.0.113.7',
  userAgent: 'Mozilla/5.0',
  device: 'mobile',
  location: { country: 'DE' },
  link: 'https://acme.example',
};

const eventOf = (type: string): EventTypeDefinition => {
  const found = autosend.events.find((event) => event.type === type);
  if (!found) throw new Error(`no event type ${type}`);
  return found;
};

const pick = (fields: string[]): Data =>
  Object.fromEntries(fields.map((field) => [field, VALUES[field]]));

/** The paths of all problems with `data`; none: it is valid. */
const problemPaths = (type: string, data: unknown): string[] => {
  const result = eventOf(type).data.safeParse(data);
  return result.success ? [] : dataProblems(result.error).map((problem) => problem.path);
};

const withField = (type: string, field: string, value: unknown): Data => ({
  ...eventOf(type).sample,
  [field]: value,
});

test('the catalogue has the 13 types in the order that events/available answers', () => {
  expect(autosend.events.map((event) => event.type)).toEqual([
    'email.sent',
    'email.delivered',
    'email.deferred',
    'email.opened',
    'email.clicked',
    'email.bounced',
    'email.spam_reported',
    'email.unsubscribed',
    'email.group_unsubscribed',
    'email.group_resubscribed',
    'contact.created',
    'contact.updated',
    'contact.deleted',
  ]);
});

describe.each(CATALOGUE)('%s', (type, required, optional) => {
  test('has a one-sentence description', () => {
    expect(eventOf(type).description).toMatch(/^[A-Z][^.]*\.$/);
  });

  test('has a sample that is valid and that parsing leaves as it is', () => {
    const { data, sample } = eventOf(type);
    expect(data.parse(sample)).toEqual(sample);
    expect(JSON.parse(JSON.stringify(sample))).toEqual(sample);
  });

  test('accepts the required fields alone', () => {
    expect(problemPaths(type, pick(required))).toEqual([]);
  });

  test('accepts every field of its list', () => {
    expect(problemPaths(type, pick([...required, ...optional]))).toEqual([]);
  });

  test('names each required field that is missing', () => {
    for (const missing of required) {
      const others = required.filter((field) => field !== missing);
      expect(problemPaths(type, pick(others))).toEqual([missing]);
    }
  });

  test('names each field that has a wrong type, null included', () => {
    for (const field of [...required, ...optional]) {
      expect(problemPaths(type, { ...pick(required), [field]: null })).toEqual([field]);
      expect(problemPaths(type, { ...pick(required), [field]: 42 })).toEqual([field]);
    }
  });

  test.each([[null], [[]], ['text'], [7]])('refuses %j as its data', (data) => {
    expect(problemPaths(type, data)).toEqual(['']);
  });
});

describe.each(CLOSED)('%s is closed', (type, required, optional) => {
  test('every field that is not on its list is refused and named', () => {
    const foreign = Object.keys(VALUES).filter((f) => ![...required, ...optional].includes(f));
    expect(foreign.length).toBeGreaterThan(0);
    for (const field of foreign) {
      expect(problemPaths(type, withField(type, field, VALUES[field]))).toEqual([field]);
    }
    expect(problemPaths(type, pick([...required, ...foreign])).toSorted()).toEqual(
      foreign.toSorted(),
    );
  });

  test.each(['__proto__', 'constructor', 'toString'])('the field %s is refused', (field) => {
    const json = JSON.stringify(eventOf(type).sample).replace(/}$/, `,"${field}":{"a":1}}`);
    expect(problemPaths(type, JSON.parse(json))).toEqual([field]);
  });
});

describe('privacy', () => {
  test.each([
    ['email.opened', ['ip', 'ipAddress', 'userAgent', 'device', 'location']],
    ['email.clicked', ['ip', 'ipAddress', 'userAgent', 'device']],
    ['email.unsubscribed', ['from', 'to', 'subject']],
    ['email.group_unsubscribed', ['from', 'to', 'subject']],
    ['email.group_resubscribed', ['from', 'to', 'subject']],
  ])('%s never carries %j', (type, forbidden) => {
    for (const field of forbidden) {
      expect(problemPaths(type, withField(type, field, VALUES[field]))).toEqual([field]);
    }
  });

  test('the recipient is an address and a name, nothing else', () => {
    const to = { email: 'jane@example.com', name: 'Jane', ipAddress: '203.0.113.7' };
    expect(problemPaths('email.sent', withField('email.sent', 'to', to))).toEqual(['to.ipAddress']);
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
      ['2026-10-02T09:30:00Z', '2026-10-02T09:30:00.123Z', '2026-10-02T11:30:00+02:00'],
      ['2026-10-02', '2026-10-02T09:30:00', '2026-13-02T09:30:00Z', 'tomorrow', ''],
    ],
    [
      'email.clicked',
      'clickedUrl',
      ['https://acme.example/a?b=c#d', 'http://acme.example', 'mailto:help@acme.example'],
      ['acme.example/a', '/a', '', `https://acme.example/${'a'.repeat(8_192)}`],
    ],
    ['email.sent', 'subject', ['', 'Grüße 🎉', 'a'.repeat(998)], ['a'.repeat(999)]],
    ['email.sent', 'from', ['news@acme.example', 'Acme, Inc. <news@acme.example>'], ['']],
    ['email.sent', 'test', [true, false], ['true', 0]],
    ['email.sent', 'emailId', ['0', 'a'.repeat(128)], ['', 'a'.repeat(129)]],
    ['contact.updated', 'changedFields', [[], ['name', 'plan']], ['name']],
    ['contact.created', 'email', ['jane+tag@example.com', 'jörg@müller.example'], ['jane', '']],
  ])('%s takes for %s %j and refuses %j', (type, field, valid, invalid) => {
    for (const value of valid) {
      expect(problemPaths(type, withField(type, field, value))).toEqual([]);
    }
    for (const value of invalid) {
      expect(problemPaths(type, withField(type, field, value))).toEqual([field]);
    }
  });

  test.each([
    [{ email: 'jane@example.com' }, []],
    [{ email: 'jörg@müller.example', name: '' }, []],
    [{}, ['to.email']],
    [{ email: 'jane' }, ['to.email']],
    [{ email: 'jane@example.com', name: null }, ['to.name']],
  ])('the recipient %j has the problems %j', (to, problems) => {
    expect(problemPaths('email.sent', withField('email.sent', 'to', to))).toEqual(problems);
  });

  test('a wrong item of a list is named by its place', () => {
    const data = { changedFields: ['name', 7, ''] };
    expect(problemPaths('contact.updated', data)).toEqual(['changedFields.1', 'changedFields.2']);
  });

  test('every problem is reported at once', () => {
    const { subject: _, ...data } = withField('email.bounced', 'bounceType', 'Hard');
    expect(problemPaths('email.bounced', { ...data, device: 'mobile' }).toSorted()).toEqual([
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
      const data = { contactId: 'con_1', email: 'jane@example.com', ...custom };
      expect(eventOf(type).data.parse(data)).toEqual(data);
    },
  );

  test.each(['contact.created', 'contact.updated', 'contact.deleted'])(
    '%s checks its own fields beside custom ones',
    (type) => {
      expect(problemPaths(type, { ...custom, email: 'jane' })).toEqual(['email']);
    },
  );
});

test('the envelope is type, createdAt, data, byte for byte, and names no project', () => {
  const envelope = autosend.envelope({
    projectId: 'proj_1',
    data: { b: 1, a: 'ü' },
    createdAt: '2026-10-01T09:30:00.000Z',
    type: 'contact.created',
  });
  expect(JSON.stringify(envelope)).toBe(
    '{"type":"contact.created","createdAt":"2026-10-01T09:30:00.000Z","data":{"b":1,"a":"ü"}}',
  );
});

test('it signs, times, retries and limits as the contract says', () => {
  const { events: _, envelope: __, ...rest } = autosend;
  expect(rest).toEqual({
    name: 'autosend',
    signing: ['hex'],
    secretFormat: 'raw',
    secretFromCaller: false,
    policy: {
      timeoutMs: 10_000,
      retryDelaysMs: [60_000, 300_000, 900_000],
      autoDisableAfter: null,
    },
    maxWebhooks: 100,
    httpInDevelopment: false,
  });
});
