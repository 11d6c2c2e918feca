import { emailsendx } from '../../../src/profiles/emailsendx';
import { problemPaths, problemsOfSample } from './problem-paths';

/* What holds for every profile's catalogue is in profiles.test.ts. */

test('the sample of email.delivered has its fields in the documented order', () => {
  const delivered = emailsendx.events.find(({ type }) => type === 'email.delivered')!;
  expect(Object.keys(delivered.sample)).toEqual([
    'emailId',
    'campaignId',
    'campaignName',
    'contactId',
    'contactEmail',
    'sentAt',
    'deliveredAt',
  ]);
});

test('the ping looks like no event, and says that it is a test', () => {
  const { type, sample, data } = emailsendx.pingOnCreate!;
  expect([type, sample.test]).toEqual(['ping', true]);
  expect(emailsendx.events.map((event) => event.type)).not.toContain(type);
  expect(problemPaths(data, sample)).toEqual([]);
});

test("the public reference's example of email.delivered is accepted", () => {
  const { data } = emailsendx.events.find(({ type }) => type === 'email.delivered')!;
  expect(
    problemPaths(data, {
      emailId: 'email_del_abc123',
      campaignId: 'clx_camp_april_nl_id',
      campaignName: 'April Newsletter',
      contactId: 'clx1a2b3c4d5e6f7g8h9i0j',
      contactEmail: 'john@example.com',
      sentAt: '2026-04-15T10:00:00Z',
      deliveredAt: '2026-04-15T10:01:23Z',
    }),
  ).toEqual([]);
});

test.each([
  [
    'email.delivered',
    'deliveredAt',
    ['2026-10-01T09:30:00Z', '2026-10-01T11:30:00.123+02:00'],
    ['2026-10-01', '2026-13-01T09:30:00Z', '', undefined],
  ],
  ['email.delivered', 'campaignName', ['', 'Grüße 🎉', 'a'.repeat(20_000)], [null, undefined]],
  ['email.opened', 'ipAddress', ['203.0.113.7', '2001:db8::1'], ['203.0.113', 'localhost', '']],
  ['email.clicked', 'url', ['https://acme.example/a?b=c', '/a', ''], [7, undefined]],
  ['contact.created', 'metadata', [{}, { seats: 3, tags: ['a'], x: null }], [[], 'a']],
  ['contact.updated', 'changedFields', [[], ['lastName', 'company']], ['lastName']],
  ['campaign.sent', 'recipientCount', [0, 1_000_000], [-1, 0.5, '3', undefined]],
])('%s takes for %s %j and refuses %j', (type, field, valid, invalid) => {
  for (const value of valid) {
    expect(problemsOfSample('emailsendx', type, { [field]: value })).toEqual([]);
  }
  for (const value of invalid) {
    expect(problemsOfSample('emailsendx', type, { [field]: value })).toEqual([field]);
  }
});
