import type { AttemptErrorCode, DeliveryStatus } from '../../../src/contracts/delivery';
import { newId } from '../../../src/contracts/ids';
import type { DeliveryRecord } from '../../../src/store/delivery-record';
import { MAX_EXAMINED } from '../../../src/store/paging';
import { makeWebhook } from '../../support/deliveries';
import { profileOf } from '../../support/profiler';
import { useStack } from '../../support/use';
import { idAt, insertDeliveries, insertDelivery } from './insert';
import { expectRefusal } from './refusal';
import { idsOf, walk } from './walk';

describe('lists of deliveries', () => {
  const stack = useStack({}, { worker: false });
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

  it.each(['', '&status=failed', '&statusCode=5xx'])(
    'of another project’s webhook are not read, either (%s)',
    async (filter) => {
      const [{ client }, other] = [await stack.project(), await stack.project()];
      const { id: webhookId } = await makeWebhook(other.client, 'https://example.com/');
      const failed = { status: 'failed' as const, failedWith: [503, '5xx'] };
      const fields = { projectId: other.id, webhookId, ...failed };
      await insertDeliveries(
        stack,
        Array.from({ length: 30 }, () => fields),
      );
      const { answer, profiled } = await profileOf(
        stack.store.deliveries.model.db.db!,
        () => client.get(`/v1/deliveries?webhookId=${webhookId}${filter}`),
        { ns: /\.deliveries$/ },
      );
      expect(answer.body.data.deliveries).toEqual([]);
      expect(profiled.length).toBeGreaterThan(0);
      for (const { docsExamined, keysExamined } of profiled) {
        expect([docsExamined, keysExamined! < 10]).toEqual([0, true]);
      }
    },
  );

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
    expect(await list(`since=${since}&until=${until}&order=asc&limit=1`)).toEqual([second, third]);
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
