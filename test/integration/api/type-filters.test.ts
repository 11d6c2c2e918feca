import { SCAN_LIMITS } from '../../../src/api/search/by-data';
import type { ApiClient } from '../../support/api-client';
import { PATIENCE_MS } from '../../support/eventually';
import { useStack } from '../../support/use';
import { linesOf, receive } from './exported';
import { insertDelivery } from './insert';
import { expectRefusal } from './refusal';

/** What a list may be asked for, by the name of the type in its items. */
const LISTS = [
  ['/v1/events?', 'type'],
  ['/v1/events/export?', 'type'],
  ['/v1/deliveries?', 'eventType'],
  ['/v1/deliveries/export?', 'eventType'],
  ['/v1/search?q=data.email_id+%3D+em_1&', 'title'],
] as const;

describe('lists', () => {
  const stack = useStack({}, { worker: false });
  let client: ApiClient;

  // A search in data finds all, however long a busy machine takes.
  const limit = jest.replaceProperty(SCAN_LIMITS, 'ms', PATIENCE_MS);
  afterAll(() => limit.restore());

  beforeAll(async () => {
    const project = await stack.project({ profile: 'platform' });
    client = project.client;
    for (const type of ['email.open', 'email.bounce']) {
      const data = { email_id: 'em_1', recipient: 'a@example.com', timestamp: new Date() };
      const posted = await client.post('/v1/events', { type, data });
      expect(posted.status).toBe(202);
      const eventId = posted.body.data.id as string;
      await insertDelivery(stack, { projectId: project.id, eventId, eventType: type });
    }
  });

  const typesAt = async (path: string, member: string): Promise<unknown[]> => {
    const { status, text } = await receive(client, path);
    expect(status).toBe(200);
    if (path.includes('/export')) return linesOf(text).map((item) => item[member]);
    const { data } = JSON.parse(text) as { data: Record<string, Record<string, unknown>[]> };
    const items = data.events ?? data.deliveries ?? data.results!;
    return items.map((item) => item[member]);
  };

  it.each(LISTS)(
    'are filtered by the short name of a type, or its own: %s',
    async (path, member) => {
      expect(await typesAt(path, member)).toHaveLength(2);
      for (const type of ['open', 'email.open']) {
        expect(await typesAt(`${path}type=${type}`, member)).toEqual(['email.open']);
      }
      expect(await typesAt(`${path}type=opened`, member)).toEqual([]);
    },
  );

  it.each(['email.*', '*'])('are not filtered by %s: 422', async (type) => {
    for (const [path] of LISTS) {
      expectRefusal(await client.get(`${path}type=${type}`), 'validation_failed', ['type']);
    }
  });

  it('are replayed by the short name of a type', async () => {
    const range = { since: '2020-01-01T00:00:00Z', until: '2099-01-01T00:00:00Z' };
    const asked = { ...range, statuses: ['succeeded'], types: ['open'], dryRun: true };
    const { body } = await client.post('/v1/replays', asked);
    expect(body.data.matched).toBe(1);
  });
});
