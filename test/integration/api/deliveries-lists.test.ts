import type { AttemptErrorCode, DeliveryStatus } from '../../../src/contracts/delivery';
import { newId, type Resource } from '../../../src/contracts/ids';
import type { DeliveryRecord } from '../../../src/store/delivery-record';
import { MAX_EXAMINED } from '../../../src/store/paging';
import type { WebhookRecord } from '../../../src/store/webhook-record';
import type { ApiClient } from '../../support/api-client';
import { makeWebhook } from '../../support/deliveries';
import { emailSent } from '../../support/samples';
import { useStack } from '../../support/use';
import { idAt, insertDeliveries, insertDelivery } from './insert';
import { expectRefusal } from './refusal';

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

const idsOf = (items: { id: string }[]): string[] => items.map(({ id }) => id);

/** The ids of all pages, first to last. */
async function walk(
  client: ApiClient,
  { path, plural }: Pick<List, 'path' | 'plural'>,
  query: string,
  betweenPages = async (): Promise<unknown> => undefined,
): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | null = null;
  do {
    const answer = await client.get(
      `${path}?${query}${cursor === null ? '' : `&cursor=${cursor}`}`,
    );
    expect(answer.status).toBe(200);
    const { [plural]: items, nextCursor } = answer.body.data;
    ids.push(...idsOf(items));
    cursor = nextCursor;
    await betweenPages();
  } while (cursor !== null);
  return ids;
}

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

  describe('of webhooks', () => {
    const names = async (client: ApiClient, query: string): Promise<string[]> => {
      const found: string[] = [];
      let cursor: string | null = null;
      do {
        const page: string = cursor === null ? '' : `&cursor=${cursor}`;
        const { body } = await client.get(`/v1/webhooks?limit=2&${query}${page}`);
        found.push(...body.data.webhooks.map(({ name }: { name: string }) => name));
        cursor = body.data.nextCursor;
      } while (cursor !== null);
      return found;
    };
    const at = (second: number): Date => new Date(Date.UTC(2026, 0, 1, 0, 0, second));
    /** Name, host, and what is known of it. */
    const WEBHOOKS: [string, string, Partial<WebhookRecord>][] = [
      ['Orders 10', 'shop.example.com', { failureCount: 2, lastFailedAt: at(5) }],
      ['Orders 9', 'shop.example.com', { lastSuccessAt: at(9) }],
      ['billing', 'pay.example.com', { isPaused: true, failureCount: 7, lastFailedAt: at(9) }],
      ['Audit (a+b)', 'audit.example.com', { isActive: false, disabledReason: 'manual' }],
      ['Émile', 'example.com', { lastSuccessAt: at(4) }],
    ];
    let client: ApiClient;

    beforeAll(async () => {
      ({ client } = await stack.project());
      const other = await stack.project();
      await makeWebhook(other.client, 'https://shop.example.com/hooks', { name: 'Orders 11' });
      for (const [name, host, state] of WEBHOOKS) {
        const { id } = await makeWebhook(client, `https://${host}/hooks`, { name });
        await stack.store.webhooks.model.updateOne({ _id: id }, { $set: state });
      }
    });

    it('are found by a part of their name or URL, in any case and as text', async () => {
      expect(await names(client, 'q=orders')).toEqual(['Orders 9', 'Orders 10']);
      expect(await names(client, 'q=SHOP.example')).toEqual(['Orders 9', 'Orders 10']);
      expect(await names(client, 'q=%20pay.%20')).toEqual(['billing']);
      expect(await names(client, `q=${encodeURIComponent('(A+B)')}`)).toEqual(['Audit (a+b)']);
      expect(await names(client, 'q=.*')).toEqual([]);
      expect(await names(client, 'q=%C3%A9mi')).toEqual(['Émile']);
      expect(await names(client, `q=${'a'.repeat(200)}`)).toEqual([]);
    });

    it('are found by their URL as it is stored, and as it was given', async () => {
      const { client: own } = await stack.project();
      await makeWebhook(own, 'https://example.com/grüße/{id}', { name: 'A' });
      for (const part of ['/grüße/{id}', '/gr%C3%BC%C3%9Fe/%7bid', 'example.com/gr']) {
        const q = encodeURIComponent(part);
        expect([part, await names(own, `q=${q}`)]).toEqual([part, ['A']]);
      }
    });

    it('are found by their whole id or externalId', async () => {
      const { body } = await client.get('/v1/webhooks?q=billing');
      const [{ id }] = body.data.webhooks;
      await client.patch(`/v1/webhooks/${id}`, { externalId: 'till-7' });
      expect(await names(client, `q=${id}`)).toEqual(['billing']);
      expect(await names(client, 'q=till-7')).toEqual(['billing']);
      expect(await names(client, 'q=till-')).toEqual([]);
    });

    it('are filtered by their health, alone and with others', async () => {
      expect(await names(client, 'state=failing')).toEqual(['Orders 10']);
      expect(await names(client, 'state=healthy')).toEqual(['Émile', 'Orders 9']);
      expect(await names(client, 'state=paused,disabled')).toEqual(['Audit (a+b)', 'billing']);
      expect(await names(client, 'state=failing,healthy&q=orders')).toEqual([
        'Orders 9',
        'Orders 10',
      ]);
      const { body } = await client.get('/v1/webhooks?state=failing');
      expect(body.data.webhooks[0].health.state).toBe('failing');
    });

    it('are sorted, page by page', async () => {
      const byAge = WEBHOOKS.map(([name]) => name);
      expect(await names(client, '')).toEqual(byAge.toReversed());
      expect(await names(client, 'order=asc')).toEqual(byAge);
      const byName = ['Audit (a+b)', 'billing', 'Émile', 'Orders 9', 'Orders 10'];
      expect(await names(client, 'sort=name')).toEqual(byName);
      expect(await names(client, 'sort=name&order=desc')).toEqual(byName.toReversed());
      expect(await names(client, 'sort=failureCount')).toEqual([
        'billing',
        'Orders 10',
        'Émile',
        'Audit (a+b)',
        'Orders 9',
      ]);
      expect((await names(client, 'sort=lastFailedAt')).slice(0, 2)).toEqual([
        'billing',
        'Orders 10',
      ]);
      expect((await names(client, 'sort=lastSuccessAt')).slice(0, 2)).toEqual([
        'Orders 9',
        'Émile',
      ]);
    });

    it('refuse what is not known, and a cursor whose webhook was deleted', async () => {
      for (const query of [
        'state=broken',
        'sort=url',
        'q=a%00b',
        'order=up',
        'q=',
        `q=${'a'.repeat(201)}`,
      ]) {
        const field = query.slice(0, query.indexOf('='));
        expectRefusal(await client.get(`/v1/webhooks?${query}`), 'validation_failed', [field]);
      }
      const gone = await client.get(`/v1/webhooks?sort=name&cursor=${newId('webhook')}`);
      expectRefusal(gone, 'validation_failed', ['cursor']);
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
      expect(await list('email.*')).toEqual([]);
    });
  });

  describe('of deliveries', () => {
    const at = (seconds: number): Date => new Date(Date.UTC(2026, 0, 1, 0, 0, seconds));

    it('show a delivery without its attempts, which it shows when it is read alone', async () => {
      const { id: projectId, client } = await stack.project();
      const attempt = {
        number: 1,
        runId: 'run',
        startedAt: at(0),
        durationMs: 5,
        outcome: 'failed' as const,
        statusCode: 500,
        requestHeaders: { 'x-webhook-event': 'email.sent' },
        responseHeaders: {},
        responseBody: 'no',
      };
      const id = await insertDelivery(stack, {
        projectId,
        status: 'failed',
        attempts: [attempt],
        attemptCount: 1,
        runId: 'run',
      });
      const { body } = await client.get('/v1/deliveries');
      const [shown] = body.data.deliveries;
      expect(shown).toEqual({
        id,
        projectId,
        eventId: expect.stringMatching(/^evt_/),
        webhookId: expect.stringMatching(/^wh_/),
        eventType: 'email.sent',
        status: 'failed',
        attemptCount: 1,
        lastAttempt: {
          number: 1,
          startedAt: '2026-01-01T00:00:00.000Z',
          durationMs: 5,
          outcome: 'failed',
          statusCode: 500,
        },
        nextAttemptAt: null,
        replays: 0,
        test: false,
        createdAt: expect.any(String),
        completedAt: expect.any(String),
      });
      expect((await client.get(`/v1/deliveries/${id}`)).body.data).toEqual({
        ...shown,
        attempts: [{ ...attempt, startedAt: '2026-01-01T00:00:00.000Z' }],
        workflow: {
          id: `delivery/${id}`,
          runId: 'run',
          webUrl: `http://127.0.0.1:8233/namespaces/${stack.config.temporal.namespace}/workflows/delivery%2F${id}/run/history`,
        },
      });
    });

    it('are filtered by webhook, event, status and type, alone and together', async () => {
      const { id: projectId, client } = await stack.project();
      const other = await stack.project();
      const [webhookId, eventId] = [newId('webhook'), newId('event')];
      const plain = await insertDelivery(stack, { projectId });
      const ofWebhook = await insertDelivery(stack, { projectId, webhookId });
      const ofEvent = await insertDelivery(stack, { projectId, eventId });
      const failed = await insertDelivery(stack, { projectId, webhookId, status: 'failed' });
      const opened = await insertDelivery(stack, {
        projectId,
        webhookId,
        status: 'failed',
        eventType: 'email.opened',
      });
      const theirs = newId('webhook');
      await insertDelivery(stack, { projectId: other.id, webhookId: theirs });
      await insertDelivery(stack, { projectId: other.id, webhookId });

      const list = async (query: string): Promise<string[]> =>
        idsOf((await client.get(`/v1/deliveries?${query}`)).body.data.deliveries);
      expect(await list('')).toEqual([opened, failed, ofEvent, ofWebhook, plain]);
      expect(await list(`webhookId=${webhookId}`)).toEqual([opened, failed, ofWebhook]);
      expect(await list(`eventId=${eventId}`)).toEqual([ofEvent]);
      expect(await list('status=failed')).toEqual([opened, failed]);
      expect(await list('status=cancelled')).toEqual([]);
      expect(await list('type=email.opened')).toEqual([opened]);
      expect(await list(`webhookId=${webhookId}&status=failed&type=email.sent`)).toEqual([failed]);
      expect(await list(`webhookId=${webhookId}&eventId=${eventId}`)).toEqual([]);
      // Another project's webhook looks like one that has no deliveries.
      expect(await list(`webhookId=${theirs}`)).toEqual([]);
      expect(await list(`webhookId=${newId('webhook')}`)).toEqual([]);
      const pages = { path: '/v1/deliveries', plural: 'deliveries' };
      expect(await walk(client, pages, `webhookId=${webhookId}&limit=1`)).toEqual([
        opened,
        failed,
        ofWebhook,
      ]);
    });

    it.each([
      ['webhookId=abc', 'webhookId'],
      [`webhookId=${newId('event')}`, 'webhookId'],
      ['eventId=', 'eventId'],
      ['status=done', 'status'],
      ['status=failed&status=pending', 'status'],
      ['status=failed,done', 'status'],
      ['status=failed,', 'status'],
      ['status=', 'status'],
      ['statusCode=', 'statusCode'],
      ['statusCode=99', 'statusCode'],
      ['statusCode=5000', 'statusCode'],
      ['statusCode=50x', 'statusCode'],
      ['statusCode=xxx', 'statusCode'],
      ['statusCode=0xx', 'statusCode'],
      ['statusCode=500;501', 'statusCode'],
      [`statusCode=${Array.from({ length: 21 }, (_, n) => 500 + n).join()}`, 'statusCode'],
      ['statusCode[$gt]=500', 'statusCode[$gt]'],
      ['errorCode=500', 'errorCode'],
      ['errorCode=timeout,slow', 'errorCode'],
      ['order=up', 'order'],
      ['order=', 'order'],
      ['order=asc&order=desc', 'order'],
      ['status[$ne]=failed', 'status[$ne]'],
      ['projectId=proj_1', 'projectId'],
      ['since=yesterday', 'since'],
      ['since=2026-01-01', 'since'],
      ['since=2026-01-01T00:00:00', 'since'],
      ['until=1767225600000', 'until'],
      ['until=2026-13-01T00:00:00Z', 'until'],
    ])('refuse ?%s', async (query, field) => {
      const { client } = await stack.project();
      expectRefusal(await client.get(`/v1/deliveries?${query}`), 'validation_failed', [field]);
    });

    it('are filtered by how their last attempt ended: by status code, class and error code', async () => {
      const { id: projectId, client } = await stack.project();
      const webhookId = newId('webhook');
      const ended = (
        last: { statusCode: number } | { errorCode: AttemptErrorCode } | null,
        more: Partial<DeliveryRecord> = {},
      ): Promise<string> => {
        const isSuccess = last && 'statusCode' in last && Math.floor(last.statusCode / 100) === 2;
        const outcome = isSuccess ? ('succeeded' as const) : ('failed' as const);
        const about = { runId: 'run', startedAt: at(0), durationMs: 1, requestHeaders: {} };
        const first = { ...about, number: 1, outcome: 'failed' as const, statusCode: 418 };
        return insertDelivery(stack, {
          projectId,
          status: outcome,
          attempts: last ? [first, { ...about, number: 2, outcome, ...last }] : [],
          attemptCount: last ? 2 : 0,
          ...more,
        });
      };
      const ok = await ended({ statusCode: 200 });
      const error = await ended({ statusCode: 500 });
      const busy = await ended({ statusCode: 503 }, { status: 'pending', webhookId });
      const gone = await ended({ statusCode: 410 }, { eventType: 'email.opened' });
      const moved = await ended({ statusCode: 302 }, { status: 'cancelled' });
      const slow = await ended({ errorCode: 'timeout' }, { webhookId });
      const dns = await ended({ errorCode: 'dns' });
      const empty = await ended({ statusCode: 204 }, { webhookId });
      await ended(null, { status: 'skipped' });

      const list = (query: string): Promise<string[]> =>
        walk(client, { path: '/v1/deliveries', plural: 'deliveries' }, query);
      expect(await list('statusCode=500')).toEqual([error]);
      expect(await list('statusCode=5xx')).toEqual([busy, error]);
      expect(await list('statusCode=5XX&limit=1')).toEqual([busy, error]);
      expect(await list('statusCode=5xx,500,410')).toEqual([gone, busy, error]);
      expect(await list('statusCode=302,%20418')).toEqual([moved]);
      expect(await list('statusCode=2xx')).toEqual([empty, ok]);
      expect(await list('statusCode=204')).toEqual([empty]);
      expect(await list('statusCode=201')).toEqual([]);
      expect(await list('statusCode=200,503')).toEqual([busy, ok]);
      expect(await list(`statusCode=2xx&webhookId=${webhookId}&status=succeeded`)).toEqual([empty]);
      expect(await list('errorCode=timeout')).toEqual([slow]);
      expect(await list('errorCode=timeout,dns,tls')).toEqual([dns, slow]);
      expect(await list('errorCode=dns&statusCode=4xx')).toEqual([dns, gone]);
      expect(await list('errorCode=dns&statusCode=2xx')).toEqual([empty, dns, ok]);
      expect(await list('statusCode=5xx&status=pending,cancelled')).toEqual([busy]);
      expect(await list('statusCode=3xx,4xx&status=failed&type=email.opened')).toEqual([gone]);
      expect(await list(`statusCode=5xx&errorCode=timeout&webhookId=${webhookId}`)).toEqual([
        slow,
        busy,
      ]);
      const [first] = (await client.get('/v1/deliveries?status=skipped')).body.data.deliveries;
      expect(first).toMatchObject({ attemptCount: 0, lastAttempt: null });
    });

    it('are filtered by several statuses', async () => {
      const { id: projectId, client } = await stack.project();
      const inStatus = (status: DeliveryStatus): Promise<string> =>
        insertDelivery(stack, { projectId, status });
      const failed = await inStatus('failed');
      const pending = await inStatus('pending');
      const held = await inStatus('held');
      await inStatus('succeeded');
      const list = (query: string): Promise<string[]> =>
        walk(client, { path: '/v1/deliveries', plural: 'deliveries' }, query);
      expect(await list('status=failed,pending')).toEqual([pending, failed]);
      expect(await list('status=pending,held,failed,pending&limit=1')).toEqual([
        held,
        pending,
        failed,
      ]);
      expect(await list('status=pending,held&type=email.sent')).toEqual([held, pending]);
      expect(await list('status=cancelled,skipped')).toEqual([]);
    });

    it('look for successes among many a part at a time, and say where to go on', async () => {
      const { id: projectId, client } = await stack.project();
      const made = Array.from({ length: MAX_EXAMINED + 5 }, (_, n) => ({
        projectId,
        createdAt: at(n),
        attempts: [
          {
            number: 1,
            runId: 'run',
            startedAt: at(n),
            durationMs: 1,
            outcome: 'succeeded' as const,
            statusCode: n < 2 ? 201 : 200,
            requestHeaders: {},
          },
        ],
        attemptCount: 1,
      }));
      await insertDeliveries(stack, made);
      const { data } = (await client.get('/v1/deliveries?statusCode=201')).body;
      expect(data.deliveries).toEqual([]);
      expect(data.nextCursor).toMatch(/^dlv_/);
      const pages = { path: '/v1/deliveries', plural: 'deliveries' };
      expect(await walk(client, pages, 'statusCode=201')).toHaveLength(2);
      expect(await walk(client, pages, 'statusCode=201&order=asc&limit=1')).toHaveLength(2);
      expect(await walk(client, pages, 'statusCode=200&limit=100')).toHaveLength(MAX_EXAMINED + 3);
    });

    it('are filtered by the time of their making: from since on, before until', async () => {
      const { id: projectId, client } = await stack.project();
      const ids: string[] = [];
      for (const second of [0, 1, 2, 3]) {
        ids.push(await insertDelivery(stack, { projectId, createdAt: at(second) }));
      }
      const [first, second, third, fourth] = ids;
      const pages = { path: '/v1/deliveries', plural: 'deliveries' };
      const list = (query: string): Promise<string[]> => walk(client, pages, query);
      const [since, until] = [at(1).toISOString(), at(3).toISOString()];
      expect(await list(`since=${since}`)).toEqual([fourth, third, second]);
      expect(await list(`until=${until}`)).toEqual([third, second, first]);
      expect(await list(`since=${since}&until=${until}`)).toEqual([third, second]);
      expect(await list(`since=${since}&until=${until}&limit=1`)).toEqual([third, second]);
      expect(await list(`since=${since}&order=asc`)).toEqual([second, third, fourth]);
      expect(await list(`until=${until}&limit=1&order=asc`)).toEqual([first, second, third]);
      expect(await list(`since=${since}&until=${until}&order=asc&limit=1`)).toEqual([
        second,
        third,
      ]);
      expect(await list(`since=${until}&until=${since}`)).toEqual([]);
      expect(await list('since=0001-01-01T00:00:00Z')).toEqual(ids.toReversed());
      expect(await list('until=9999-12-31T23:59:59Z')).toEqual(ids.toReversed());
      const zoned = encodeURIComponent('2026-01-01T05:30:02+05:30');
      expect(await list(`since=${zoned}`)).toEqual([fourth, third]);
      // A cursor from outside the range doesn't leave it.
      const late = idAt('delivery', at(9));
      expect(await list(`since=${since}&until=${until}&cursor=${late}`)).toEqual([third, second]);
    });

    it('have no place for another project’s delivery, read or listed', async () => {
      const { client } = await stack.project();
      const other = await stack.project();
      const theirs = await insertDelivery(stack, { projectId: other.id });
      for (const id of [theirs, newId('delivery'), newId('event'), 'dlv_1', '%24ne']) {
        expectRefusal(await client.get(`/v1/deliveries/${id}`), 'not_found');
      }
      expect((await client.get('/v1/deliveries')).body.data.deliveries).toEqual([]);
    });
  });
});
