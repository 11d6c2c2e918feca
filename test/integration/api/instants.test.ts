import { useStack } from '../../support/use';
import { expectRefusal, stored } from './refusal';

describe('a time', () => {
  const stack = useStack({}, { worker: false });

  const ranges = [
    '/v1/events',
    '/v1/events/export',
    '/v1/deliveries',
    '/v1/deliveries/export',
    '/v1/stats',
    '/v1/audit',
    '/v1/reports',
    '/v1/search?q=data.a%20%3D%201',
  ];
  const inQuery = (path: string, field: string, time: string): string =>
    `${path}${path.includes('?') ? '&' : '?'}${field}=${encodeURIComponent(time)}`;

  it.each(['9999-12-31T23:59:59-23:59', '0000-01-01T00:00:00+23:59'])(
    'that is outside the years 0000 to 9999 in UTC is refused: %s',
    async (time) => {
      const { client, id } = await stack.project();
      const before = await stored(stack);
      for (const path of ranges) {
        for (const field of ['since', 'until']) {
          const answer = await client.get(inQuery(path, field, time));
          expectRefusal(answer, 'validation_failed', [field]);
        }
      }
      const key = { name: 'K', role: 'reader', expiresAt: time };
      const made = await client.post(`/v1/projects/${id}/keys`, key);
      expectRefusal(made, 'validation_failed', ['expiresAt']);
      const range = { since: time, until: time, dryRun: true };
      const replay = await client.post('/v1/replays', range);
      expectRefusal(replay, 'validation_failed', ['since', 'until']);
      const event = { type: 'contact.created', data: {}, createdAt: time };
      expectRefusal(await client.post('/v1/events', event), 'validation_failed', ['createdAt']);
      expect(await stored(stack)).toEqual(before);
    },
  );

  it.each([
    ['before its begin', '2026-01-02T00:00:00Z', '2026-01-01T00:00:00Z'],
    ['at its begin', '2026-01-01T00:00:00Z', '2026-01-01T01:00:00+01:00'],
  ])('that ends a range %s is refused on every route', async (_title, since, until) => {
    const { client } = await stack.project();
    for (const path of ranges) {
      const answer = await client.get(inQuery(inQuery(path, 'since', since), 'until', until));
      const field = /stats|search/.test(path) ? 'since' : 'until';
      expectRefusal(answer, 'validation_failed', [field]);
    }
  });

  it('may leave out its seconds, and be written with small letters', async () => {
    const { client } = await stack.project();
    for (const since of ['2026-03-01T00:00Z', '2026-03-01t00:00:00z']) {
      for (const path of ranges) {
        const range = inQuery(inQuery(path, 'since', since), 'until', '2026-03-01T02:00+01:00');
        expect({ path, status: (await client.get(range)).status }).toEqual({ path, status: 200 });
      }
      const stats = await client.get(inQuery('/v1/stats?until=2026-03-01T01:00Z', 'since', since));
      expect(stats.body.data.since).toBe('2026-03-01T00:00:00.000Z');
    }
  });

  it('may be the first or the last of these years, and no range begins before them', async () => {
    const { client, id } = await stack.project();
    const expiresAt = '9999-12-31T23:59:59.999Z';
    const key = { name: 'K', role: 'reader', expiresAt };
    const made = await client.post(`/v1/projects/${id}/keys`, key);
    expect(made.body.data).toMatchObject({ expiresAt });
    const range = { since: '0000-01-01T00:00:00Z', until: expiresAt, dryRun: true };
    expect((await client.post('/v1/replays', range)).status).toBe(200);
    const stats = await client.get('/v1/stats?until=0000-01-01T01:00:00Z');
    expect(stats.body.data).toMatchObject({
      since: '0000-01-01T00:00:00.000Z',
      until: '0000-01-01T01:00:00.000Z',
    });
  });
});
