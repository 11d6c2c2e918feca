import { platform } from '../../../src/profiles/platform';
import { problemPaths, problemsOfSample } from './problem-paths';

/* What holds for every profile's catalogue is in profiles.test.ts. */

test('subscriptions may say open, click, bounce and unsubscribe', () => {
  expect([...platform.aliases]).toEqual([
    ['open', 'email.open'],
    ['click', 'email.click'],
    ['bounce', 'email.bounce'],
    ['unsubscribe', 'email.unsubscribe'],
  ]);
  expect([...platform.aliases.values()]).toEqual(platform.events.map(({ type }) => type));
});

describe("a provider's event", () => {
  const { types, data } = platform.providerEvents!;

  test.each([
    ['opened', 'email.open'],
    ['clicked', 'email.click'],
    ['bounced', 'email.bounce'],
    ['unsubscribed', 'email.unsubscribe'],
  ])('%s becomes %s', (reported, type) => {
    expect(types.get(reported)).toBe(type);
  });

  test.each(['delivered', 'complained', 'Opened', 'email.open', 'constructor', ''])(
    '%j is stored only',
    (reported) => {
      expect(types.has(reported)).toBe(false);
    },
  );

  test('becomes data of email_id, recipient, timestamp, in that order', () => {
    const event = {
      emailId: 'em_1',
      recipient: 'jane@example.com',
      timestamp: '2026-10-01T09:30:00Z',
    };
    expect(JSON.stringify(data(event))).toBe(
      '{"email_id":"em_1","recipient":"jane@example.com","timestamp":"2026-10-01T09:30:00Z"}',
    );
  });

  test('without a recipient becomes data without one', () => {
    const event = { emailId: 'em_1', timestamp: '2026-10-01T09:30:00Z' };
    expect(JSON.stringify(data(event))).toBe(
      '{"email_id":"em_1","timestamp":"2026-10-01T09:30:00Z"}',
    );
  });

  test('becomes data that every type takes', () => {
    const recipient = 'jane@example.com';
    for (const event of platform.events) {
      for (const more of [{}, { recipient }]) {
        const made = data({ emailId: 'em_1', timestamp: '2026-10-01T09:30:00Z', ...more });
        expect(problemPaths(event.data, made)).toEqual([]);
      }
    }
  });
});

test.each([
  [
    'email.open',
    'email_id',
    ['1', '<20261001093000.1.4F2A9C@acme.example>', 'a'.repeat(20_000)],
    ['', 1],
  ],
  [
    'email.open',
    'recipient',
    ['jane+tag@example.com', 'jörg@müller.example', null, undefined],
    ['jane', ''],
  ],
  [
    'email.open',
    'timestamp',
    ['2026-10-01T09:30:00Z', '2026-10-01T11:30:00.5+02:00'],
    ['2026-10-01', 1_790_847_000, 'yesterday', undefined],
  ],
  ['email.click', 'url', ['https://acme.example/a?b=c', 'mailto:help@acme.example', '/a', ''], [7]],
  ['email.bounce', 'bounce_type', ['hard', 'soft'], ['Hard', 'Permanent', '']],
])('%s takes for %s %j and refuses %j', (type, field, valid, invalid) => {
  for (const value of valid)
    expect(problemsOfSample('platform', type, { [field]: value })).toEqual([]);
  for (const value of invalid) {
    expect(problemsOfSample('platform', type, { [field]: value })).toEqual([field]);
  }
});
