import { clock } from '../../../src/clock';
import type { ApiClient } from '../../support/api-client';
import { useReceiver, useStack } from '../../support/use';
import { expectRefusal } from '../api/refusal';

const email = { email_id: 'em_4711', recipient: 'jane.doe@example.com' };

const stack = useStack();
const receiver = useReceiver();
let client: ApiClient;
let projectId: string;

beforeEach(async () => {
  ({ client, id: projectId } = await stack.project({ profile: 'platform' }));
});

/** The project's events, oldest first, without what every event has. */
async function events(): Promise<{ type: string; data: unknown }[]> {
  const { body } = await client.get('/v1/events?limit=100&include=data');
  return body.data.events
    .map(({ type, data }: { type: string; data: unknown }) => ({ type, data }))
    .toReversed();
}

const reports = async (): Promise<unknown[]> =>
  (await client.get('/v1/reports')).body.data.reports as unknown[];

it.each([
  ['opened', 'open', 'email.open'],
  ['email.clicked', 'click', 'email.click'],
  ['Email.Bounce', 'bounce', 'email.bounce'],
  ['UNSUBSCRIBE', 'unsubscribe', 'email.unsubscribe'],
])('%s goes out to the webhooks for %s as %s', async (type, subscribed, eventType) => {
  await client.post('/api/webhooks/manage', {
    url: `${receiver.url}/${projectId}`,
    events: subscribed,
  });
  const timestamp = '2026-10-01T09:30:00.000Z';
  const answer = await client.post('/api/webhooks', { type, ...email, timestamp });
  expect([answer.status, answer.body]).toEqual([200, { received: true }]);

  const requests = await receiver.waitFor((all) =>
    all.some(({ path }) => path === `/${projectId}`),
  );
  const request = requests.find(({ path }) => path === `/${projectId}`)!;
  expect(request.headers['x-webhook-event']).toBe(eventType);
  expect(JSON.parse(request.rawBody.toString())).toEqual({
    type: eventType,
    createdAt: expect.any(String),
    data: { ...email, timestamp },
  });
});

it.each(['delivered', 'email.complained', 'email.opens', 'constructor'])(
  'keeps %s and does not send it',
  async (type) => {
    const answer = await client.post('/api/webhooks', { type, ...email });
    expect([answer.status, answer.body]).toEqual([200, { received: true }]);
    expect(await events()).toEqual([]);
    expect(await stack.store.inbound.model.find({ projectId }).lean()).toMatchObject([
      { provider: 'plain', type, eventId: null, payload: JSON.stringify({ type, ...email }) },
    ]);
    expect(await reports()).toMatchObject([
      { type, outcome: 'kept', eventId: null, reason: 'this type does not become an event' },
    ]);
  },
);

it.each([
  ['2026-10-01T11:30:00+02:00', '2026-10-01T09:30:00.000Z'],
  [1_790_847_000, '2026-10-01T09:30:00.000Z'],
  [1_790_847_000_123, '2026-10-01T09:30:00.123Z'],
  ['1790847000', '2026-10-01T09:30:00.000Z'],
])('makes %j to %s', async (timestamp, instant) => {
  await client.post('/api/webhooks', { type: 'opened', ...email, timestamp });
  expect(await events()).toEqual([{ type: 'email.open', data: { ...email, timestamp: instant } }]);
});

it.each([
  ['jane+tag@example.com', 'jane+tag@example.com'],
  ['Jane Doe <jane.doe@example.com>', 'jane.doe@example.com'],
  ['"john doe"@example.com', '"john doe"@example.com'],
  ['jörg@müller.example', 'jörg@müller.example'],
  [
    `SRS0=${'x'.repeat(100)}=a.example=b@c.example`,
    `SRS0=${'x'.repeat(100)}=a.example=b@c.example`,
  ],
])('takes the recipient %j as %j', async (recipient, address) => {
  const answer = await client.post('/api/webhooks', { ...email, type: 'open', recipient });
  expect(answer.status).toBe(200);
  expect(await events()).toMatchObject([{ type: 'email.open', data: { recipient: address } }]);
});

it.each([{}, { recipient: null, timestamp: null }, { recipient: '' }])(
  'takes the time of receipt where none is given, and leaves out a recipient that is not: %j',
  async (unknown) => {
    const before = clock.now().getTime();
    await client.post('/api/webhooks', { type: 'clicked', email_id: 'em_1', ...unknown });
    const [event] = await events();
    const { timestamp, ...data } = event!.data as { timestamp: string };
    expect(data).toEqual({ email_id: 'em_1' });
    expect(Date.parse(timestamp)).toBeGreaterThanOrEqual(before);
    expect(Date.parse(timestamp)).toBeLessThanOrEqual(clock.now().getTime());
  },
);

it('keeps what it was sent with the event that it became', async () => {
  const body = { type: 'opened', ...email, timestamp: 1_790_847_000 };
  await client.post('/api/webhooks', body);
  const [record] = await stack.store.inbound.model.find({ projectId }).lean();
  expect(record).toMatchObject({
    _id: expect.stringMatching(/^inb_[0-9a-f]{32}$/),
    provider: 'plain',
    type: 'opened',
    payload: JSON.stringify(body),
    verified: false,
  });
  const event = await client.get(`/v1/events/${record!.eventId}`);
  expect(event.body.data.type).toBe('email.open');
  expect(record!.expiresAt.getTime() - record!.receivedAt.getTime()).toBe(30 * 24 * 3_600_000);
});

it('repeated with its Idempotency-Key it is one, even many at once; under each key and type it is another', async () => {
  const post = async (type: string, key?: string): Promise<void> => {
    const headers = key === undefined ? undefined : { 'idempotency-key': key };
    const answer = await client.post('/api/webhooks', { type, ...email }, headers);
    expect([answer.status, answer.body]).toEqual([200, { received: true }]);
  };
  await Promise.all(Array.from({ length: 8 }, () => post('opened', 'k-1')));
  await post('opened', '"k-1"');
  await post('clicked', 'k-1');
  await post('opened', 'k-2');
  await post('opened');
  await post('opened');
  const types = (await events()).map(({ type }) => type);
  expect(types).toEqual(['open', 'click', 'open', 'open', 'open'].map((word) => `email.${word}`));
  expect(await reports()).toHaveLength(5);
});

it.each(['', 'two words', 'x'.repeat(256)])('refuses the Idempotency-Key "%.9s"', async (key) => {
  const body = { type: 'opened', ...email };
  const answer = await client.post('/api/webhooks', body, { 'idempotency-key': key });
  expectRefusal(answer, 'validation_failed', ['Idempotency-Key']);
});

it.each([
  [{}, ['type', 'email_id']],
  [{ type: 'opened', email_id: '' }, ['email_id']],
  [{ type: '', ...email }, ['type']],
  [{ type: 'opened', ...email, recipient: 'jane' }, ['recipient']],
  [{ type: 'opened', ...email, timestamp: 'soon' }, ['timestamp']],
  [{ type: 'opened', ...email, timestamp: '2026-10-01T09:30:00' }, ['timestamp']],
  [{ type: 'opened', ...email, url: 'https://acme.example/' }, ['url']],
])('refuses %j, naming %j', async (body, fields) => {
  expectRefusal(await client.post('/api/webhooks', body), 'validation_failed', fields);
  expect(await stack.store.inbound.model.countDocuments({ projectId })).toBe(0);
});

it('is for owners and senders', async () => {
  const sender = await stack.client(projectId, 'sender');
  const reader = await stack.client(projectId, 'reader');
  expect((await sender.post('/api/webhooks', { type: 'opened', ...email })).status).toBe(200);
  expectRefusal(await reader.post('/api/webhooks', { type: 'opened', ...email }), 'forbidden');
  expectRefusal(await reader.post('/api/webhooks/resend', {}), 'forbidden');
});

it('deleting the project deletes what its providers sent', async () => {
  await client.post('/api/webhooks', { type: 'opened', ...email });
  await stack.admin.delete(`/v1/projects/${projectId}`);
  expect(await stack.store.inbound.model.countDocuments({ projectId })).toBe(0);
});
