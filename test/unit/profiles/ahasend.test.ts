import { ahasend } from '../../../src/profiles/ahasend';
import { problemsOfSample } from './problem-paths';

/* What holds for every profile's catalogue is in profiles.test.ts. */

const DAY_MS = 24 * 3_600_000;

const messageTypes = ahasend.events.filter(({ type }) => type.startsWith('message.'));

test.each(messageTypes)("the data of $type begins with the message's fields, in order", (event) => {
  expect(Object.keys(event.sample).slice(0, 7)).toEqual([
    'account_id',
    'event',
    'from',
    'recipient',
    'subject',
    'message_id_header',
    'id',
  ]);
});

test.each(messageTypes)('$type names its own trigger, no other', ({ type, sample }) => {
  expect(sample.event).toBe(type.replace('message.', 'on_'));
  for (const { sample: other } of messageTypes) {
    expect(problemsOfSample('ahasend', type, { event: other.event })).toEqual(
      other.event === sample.event ? [] : ['event'],
    );
  }
});

test("message.deferred takes AhaSend's own name of its trigger too", () => {
  const event = 'on_transient_error';
  expect(problemsOfSample('ahasend', 'message.deferred', { event })).toEqual([]);
  expect(problemsOfSample('ahasend', 'message.failed', { event })).toEqual(['event']);
});

test('the sample suppression lasts 30 days', () => {
  const { sample } = ahasend.events.find(({ type }) => type === 'suppression.created')!;
  const [from, to] = [sample.created_at, sample.expires_at].map((at) => Date.parse(String(at)));
  expect(to! - from!).toBe(30 * DAY_MS);
});

test.each([
  ['message.opened', 'from', ['a@b.example', 'Acme, Inc. <news@acme.example>'], ['', undefined]],
  ['message.opened', 'subject', ['', 'Grüße 🎉', 'a'.repeat(20_000)], [null, undefined]],
  ['message.opened', 'ip', ['203.0.113.7', '2001:db8::1', undefined], ['203.0.113', '']],
  ['message.clicked', 'is_bot', [true, false, undefined], ['false', 0]],
  ['message.clicked', 'url', ['https://acme.example/a?b=c', '/a', '', undefined], [7]],
  [
    'suppression.created',
    'expires_at',
    // AhaSend sends nanoseconds.
    ['2024-06-05T12:57:06.451529617Z', '2026-10-31T09:30:00Z', '2026-10-31T11:30:00+02:00'],
    ['2026-10-31', '30 days', 2_592_000, undefined],
  ],
  ['domain.dns_error', 'dkim_valid', [true, false], ['false', undefined]],
  ['message.bounced', 'delivery_attempt', [null, undefined, { smtp_code: 0 }], ['550', []]],
])('%s takes for %s %j and refuses %j', (type, field, valid, invalid) => {
  for (const value of valid) {
    expect(problemsOfSample('ahasend', type, { [field]: value })).toEqual([]);
  }
  for (const value of invalid) {
    expect(problemsOfSample('ahasend', type, { [field]: value })).toEqual([field]);
  }
});

test.each([
  [{}, ['delivery_attempt.smtp_code']],
  [{ smtp_code: '550' }, ['delivery_attempt.smtp_code']],
  [{ smtp_code: 550, classification: 'SomeFutureBucket' }, []],
  [{ smtp_code: 550, mx: 'mx.example' }, ['delivery_attempt.mx']],
])('the delivery attempt %j has the problems %j', (attempt, problems) => {
  expect(problemsOfSample('ahasend', 'message.bounced', { delivery_attempt: attempt })).toEqual(
    problems,
  );
});
