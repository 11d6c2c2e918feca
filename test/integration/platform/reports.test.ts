import { clock } from '../../../src/clock';
import type { ApiClient } from '../../support/api-client';
import { useStack } from '../../support/use';
import { expectRefusal } from '../api/refusal';

interface Report {
  id: string;
  type: string;
}

const stack = useStack({}, { worker: false });
let client: ApiClient;
let projectId: string;

beforeEach(async () => {
  ({ client, id: projectId } = await stack.project({ profile: 'platform' }));
});

const plain = (type: string) =>
  client.post('/api/webhooks', { type, email_id: 'em_1', recipient: 'jane@example.com' });

async function types(query: string): Promise<string[]> {
  const { body } = await client.get(`/v1/reports?${query}`);
  return (body.data.reports as Report[]).map(({ type }) => type);
}

it('are listed newest first, a page at a time, by each filter and by all of them', async () => {
  await plain('email.opened');
  await plain('delivered');
  const middle = clock.now();
  await client.post('/api/webhooks/sendgrid', [
    { event: 'click', sg_message_id: 'm.1' },
    { event: 'open' },
    { event: 'delivered', sg_message_id: 'm.1' },
  ]);
  const all = ['delivered', 'open', 'click', 'delivered', 'email.opened'];
  expect(await types('')).toEqual(all);
  const paged: string[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const query = `limit=2${cursor && `&cursor=${cursor}`}`;
    const { data } = (await client.get(`/v1/reports?${query}`)).body;
    paged.push(...(data.reports as Report[]).map(({ type }) => type));
    cursor = data.nextCursor as string | null;
  }
  expect(paged).toEqual(all);
  expect(await types('provider=plain')).toEqual(['delivered', 'email.opened']);
  expect(await types('type=delivered')).toEqual(['delivered', 'delivered']);
  expect(await types('outcome=event')).toEqual(['click', 'email.opened']);
  expect(await types('outcome=kept')).toEqual(['delivered', 'open', 'delivered']);
  expect(await types(`since=${middle.toISOString()}`)).toEqual(['delivered', 'open', 'click']);
  expect(await types(`until=${middle.toISOString()}`)).toEqual(['delivered', 'email.opened']);
  expect(await types('provider=sendgrid&outcome=kept&type=open')).toEqual(['open']);
});

it('show the event that one became, or why it became none', async () => {
  await plain('bounced');
  await client.post('/api/webhooks/mailgun', { 'event-data': { event: 'opened', id: 'x' } });
  const [nothing, bounce] = (await client.get('/v1/reports')).body.data.reports;
  expect(nothing).toMatchObject({ outcome: 'kept', eventId: null, reason: 'it names no e-mail' });
  expect(bounce).toMatchObject({ provider: 'plain', outcome: 'event', reason: null });
  const event = await client.get(`/v1/events/${bounce.eventId}`);
  expect(event.body.data.type).toBe('email.bounce');

  const shown = (await client.get(`/v1/reports/${bounce.id}`)).body.data;
  const payload = '{"type":"bounced","email_id":"em_1","recipient":"jane@example.com"}';
  expect(shown).toEqual({ ...bounce, payload });
  await client.delete(`/v1/events/${bounce.eventId}`);
  expect((await client.get(`/v1/reports/${bounce.id}`)).body.data.payload).toBeNull();
});

it('are found by an index whatever they are filtered by', async () => {
  const { model } = stack.store.inbound;
  const became = { eventId: { $type: 'string' } } as const;
  for (const filter of [{}, { provider: 'plain' }, { type: 'x' }, became, { eventId: null }]) {
    const explained = await model
      .find({ projectId, ...filter })
      .sort({ _id: -1 })
      .explain('queryPlanner');
    const { winningPlan } = (explained as unknown as { queryPlanner: { winningPlan: unknown } })
      .queryPlanner;
    expect(JSON.stringify(winningPlan)).not.toMatch(/"stage":"(COLLSCAN|SORT)"/);
  }
});

it.each(['provider=postmark', 'outcome=lost', 'cursor=evt_1', 'limit=0', 'since=now', 'foo=1'])(
  'refuses ?%s',
  async (query) => {
    const field = query.split('=')[0]!;
    expectRefusal(await client.get(`/v1/reports?${query}`), 'validation_failed', [field]);
  },
);

it('are for owners and readers, of their own project', async () => {
  await plain('opened');
  const [{ id }] = (await client.get('/v1/reports')).body.data.reports;
  const sender = await stack.client(projectId, 'sender');
  expectRefusal(await sender.get('/v1/reports'), 'forbidden');
  expectRefusal(await sender.get(`/v1/reports/${id}`), 'forbidden');
  const reader = await stack.client(projectId, 'reader');
  expect((await reader.get(`/v1/reports/${id}`)).status).toBe(200);
  const other = await stack.project({ profile: 'platform' });
  expect((await other.client.get('/v1/reports')).body.data.reports).toEqual([]);
  expectRefusal(await other.client.get(`/v1/reports/${id}`), 'not_found');
  expectRefusal(await client.get('/v1/reports/inb_1'), 'not_found');
});
