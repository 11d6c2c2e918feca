import { newId, type Resource } from '../../../src/contracts/ids';
import type { ApiClient } from '../../support/api-client';
import { makeWebhook } from '../../support/deliveries';
import { emailSent } from '../../support/samples';
import { useStack } from '../../support/use';
import { insertDelivery } from './insert';
import { expectRefusal } from './refusal';
import { idsOf, walk } from './walk';

interface List {
  path: string;
  plural: string;
  resource: Resource;
}
const LISTS: List[] = [
  { path: '/v1/webhooks', plural: 'webhooks', resource: 'webhook' },
  { path: '/v1/events', plural: 'events', resource: 'event' },
  { path: '/v1/deliveries', plural: 'deliveries', resource: 'delivery' },
];

describe('lists', () => {
  const stack = useStack({}, { worker: false });

  /** Makes one item and answers its id. */
  const make = async (plural: string, projectId: string, client: ApiClient): Promise<string> => {
    switch (plural) {
      case 'projects':
        return (await stack.admin.post('/v1/projects', { name: 'P' })).body.data.id;
      case 'keys': {
        const body = { name: 'K', role: 'reader' };
        return (await client.post(`/v1/projects/${projectId}/keys`, body)).body.data.id;
      }
      case 'webhooks':
        return (await makeWebhook(client, 'https://example.com/hooks')).id;
      case 'events': {
        const body = { type: 'email.sent', data: emailSent };
        return (await client.post('/v1/events', body)).body.data.id;
      }
      default:
        return insertDelivery(stack, { projectId });
    }
  };

  describe('answer more than 100 items page by page, newest first, none missing or twice:', () => {
    it.each(['projects', 'keys', 'webhooks', 'events', 'deliveries'])('%s', async (plural) => {
      const { id: projectId, client } = await stack.project({ policy: { maxWebhooks: 200 } });
      // Another project's items lie between ours.
      const other = await stack.project({ policy: { maxWebhooks: 200 } });
      const made: string[] = [];
      for (let n = 0; n < 105; n += 1) {
        made.push(await make(plural, projectId, client));
        if (plural !== 'projects' && n % 10 === 0) await make(plural, other.id, other.client);
      }
      const newestFirst = made.toReversed();
      const [path, reader] =
        plural === 'projects'
          ? ['/v1/projects', stack.admin]
          : plural === 'keys'
            ? [`/v1/projects/${projectId}/keys`, client]
            : [`/v1/${plural}`, client];

      for (const limit of [7, 100]) {
        const seen = await walk(reader, { path, plural }, `limit=${limit}`);
        // Projects and keys are also made by other tests, and for them.
        expect(seen.filter((id) => made.includes(id))).toEqual(newestFirst);
        expect(new Set(seen).size).toBe(seen.length);
        expect(seen).toEqual(seen.toSorted().toReversed());
        if (plural !== 'projects' && plural !== 'keys') expect(seen).toEqual(newestFirst);
      }
      const first = await reader.get(path);
      expect(first.body.data[plural]).toHaveLength(25);
      expect(typeof first.body.data.nextCursor).toBe('string');
    });
  });

  describe.each(LISTS)('of $plural', ({ path, plural, resource }) => {
    let projectId: string;
    let client: ApiClient;
    beforeAll(async () => {
      ({ id: projectId, client } = await stack.project());
    });

    it('end without a cursor, also when the last page is full, or empty', async () => {
      const { id, client: own } = await stack.project();
      const empty = await own.get(path);
      expect(empty.body).toEqual({ success: true, data: { [plural]: [], nextCursor: null } });
      await make(plural, id, own);
      await make(plural, id, own);
      const full = await own.get(`${path}?limit=2`);
      expect(full.body.data[plural]).toHaveLength(2);
      expect(full.body.data.nextCursor).toBeNull();
    });

    it('are not shifted by items made while they are read', async () => {
      const { id, client: own } = await stack.project();
      const made: string[] = [];
      for (let n = 0; n < 6; n += 1) made.push(await make(plural, id, own));
      const seen = await walk(own, { path, plural }, 'limit=2', () => make(plural, id, own));
      expect(seen).toEqual(made.toReversed());
    });

    it.each([
      ['limit=0', 'limit'],
      ['limit=101', 'limit'],
      ['limit=-1', 'limit'],
      ['limit=1.5', 'limit'],
      ['limit=ten', 'limit'],
      ['limit=0x10', 'limit'],
      ['limit=1e1', 'limit'],
      ['limit=%2B5', 'limit'],
      ['limit=%205', 'limit'],
      [`limit=${'9'.repeat(400)}`, 'limit'],
      ['limit=', 'limit'],
      ['limit=1&limit=2', 'limit'],
      ['cursor=', 'cursor'],
      ['cursor=abc', 'cursor'],
      [`cursor=${'0'.repeat(32)}`, 'cursor'],
      [`cursor=${newId('replay')}`, 'cursor'],
      [`cursor=${newId(resource).toUpperCase()}`, 'cursor'],
      [`cursor=${newId(resource)}%00`, 'cursor'],
      [`cursor=${newId(resource)}&cursor=${newId(resource)}`, 'cursor'],
      ['cursor[$gt]=', 'cursor[$gt]'],
      ['page=2', 'page'],
    ])('refuse ?%s', async (query, field) => {
      expectRefusal(await client.get(`${path}?${query}`), 'validation_failed', [field]);
    });

    it('show nothing of other projects, whatever the cursor', async () => {
      const other = await stack.project();
      await make(plural, other.id, other.client);
      const ours = await make(plural, projectId, client);
      const theirs = await make(plural, other.id, other.client);
      const { body } = await client.get(`${path}?cursor=${theirs}`);
      expect(idsOf(body.data[plural])).toContain(ours);
      expect(body.data[plural]).toEqual((await client.get(path)).body.data[plural]);
    });
  });

  describe('of events are filtered', () => {
    it('by type', async () => {
      const { client } = await stack.project();
      const post = async (type: string): Promise<string> =>
        (await client.post('/v1/events', { type, data: emailSent })).body.data.id;
      const sent = await post('email.sent');
      const delivered = await post('email.delivered');
      const list = async (type: string): Promise<string[]> =>
        idsOf((await client.get(`/v1/events?type=${type}`)).body.data.events);
      expect(await list('email.sent')).toEqual([sent]);
      expect(await list('email.delivered')).toEqual([delivered]);
      expect(await list('email.opened')).toEqual([]);
    });
  });
});
