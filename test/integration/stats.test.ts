import { newId } from '../../src/contracts/ids';
import type { Attempt } from '../../src/contracts/delivery';
import { matchRanges } from '../../src/store/count-ranges';
import { deliveryStats, type StatsQuery } from '../../src/store/delivery-stats';
import { deliveryWith, makeWebhook, postEvent } from '../support/deliveries';
import { WAYS } from '../support/dispatch';
import { useReceiver, useStack } from '../support/use';
import { insertDelivery } from './api/insert';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

function attempt(durationMs: number, outcome: Attempt['outcome'] = 'succeeded'): Attempt {
  return {
    number: 1,
    runId: 'run',
    startedAt: new Date(),
    durationMs,
    outcome,
    statusCode: outcome === 'succeeded' ? 200 : 500,
    requestHeaders: {},
  };
}

function unanswered(durationMs: number): Attempt {
  return {
    ...attempt(durationMs, 'failed'),
    statusCode: undefined,
    errorCode: 'connection_refused',
  };
}

const noCounts = { pending: 0, succeeded: 0, failed: 0, skipped: 0, held: 0, cancelled: 0 };

describe('stats', () => {
  const stack = useStack();
  const receiver = useReceiver();

  it.each(WAYS)('count real deliveries of a webhook and of its project (%s)', async (dispatch) => {
    const { client } = await stack.project({ dispatch });
    const webhook = await makeWebhook(client, receiver.url);
    await deliveryWith(client, await postEvent(client), { status: 'succeeded' });
    for (const path of [`/v1/webhooks/${webhook.id}/stats`, '/v1/stats']) {
      const { status, body } = await client.get(path);
      expect(status).toBe(200);
      const { since, until, countedAt, hours, ...figures } = body.data;
      const { oldestPending, oldestDue, failingWebhooks, ...counted } = figures;
      expect(oldestDue === undefined).toBe(path !== '/v1/stats');
      expect(Date.parse(countedAt)).toBeGreaterThanOrEqual(Date.parse(until));
      if (path === '/v1/stats') {
        expect(oldestPending).toBeNull();
        expect(failingWebhooks).toEqual({ count: 0, webhooks: [] });
      }
      expect(Date.parse(until) - Date.parse(since)).toBe(DAY_MS);
      expect(counted).toEqual({
        deliveries: { total: 1, ...noCounts, succeeded: 1 },
        successRate: 1,
        attempts: { total: 1, succeeded: 1, failed: 0 },
        statusClasses: { '2xx': 1, '3xx': 0, '4xx': 0, '5xx': 0, other: 0, none: 0 },
        ...(path === '/v1/stats' && { events: { accepted: 1 } }),
        latencyMs: { p50: expect.any(Number), p90: expect.any(Number), p99: expect.any(Number) },
      });
      // The last one, unless another hour has begun since.
      const busy = hours.slice(-2).filter((hour: { deliveries: { total: number } }) => {
        return hour.deliveries.total > 0;
      });
      expect(busy).toMatchObject([
        { hour: expect.stringMatching(/:00:00\.000Z$/) as string, ...counted },
      ]);
    }
  });

  it('of nothing are zeros, with every hour of the last day', async () => {
    const { client } = await stack.project();
    const { body } = await client.get('/v1/stats');
    const nothing = {
      deliveries: { total: 0, ...noCounts },
      successRate: null,
      attempts: { total: 0, succeeded: 0, failed: 0 },
      latencyMs: { p50: null, p90: null, p99: null },
    };
    expect(body.data).toMatchObject(nothing);
    // One less when it is exactly the hour.
    expect([24, 25]).toContain(body.data.hours.length);
    for (const hour of body.data.hours) expect(hour).toMatchObject(nothing);
  });

  it('have percentiles right to 5 %, and a success rate of what has ended', async () => {
    const { id, client } = await stack.project();
    // 1, 2, … 1000 ms, each as one delivery's attempt.
    const now = new Date();
    await stack.store.deliveries.model.insertMany(
      Array.from({ length: 1000 }, (_, i) => ({
        _id: newId('delivery'),
        eventId: newId('event'),
        webhookId: newId('webhook'),
        projectId: id,
        eventType: 'email.sent',
        status: i < 900 ? 'succeeded' : 'failed',
        attempts: [attempt(i + 1, i < 900 ? 'succeeded' : 'failed')],
        attemptCount: 1,
        createdAt: now,
        expiresAt: new Date(now.getTime() + HOUR_MS),
      })),
    );
    await insertDelivery(stack, { projectId: id, status: 'pending' });
    const { deliveries, successRate, attempts, latencyMs } = (await client.get('/v1/stats')).body
      .data;
    expect(deliveries).toEqual({
      total: 1001,
      ...noCounts,
      pending: 1,
      succeeded: 900,
      failed: 100,
    });
    expect(successRate).toBe(0.9);
    expect(attempts).toEqual({ total: 1000, succeeded: 900, failed: 100 });
    for (const [name, exact] of Object.entries({ p50: 500, p90: 900, p99: 990 })) {
      expect(Math.abs(latencyMs[name] - exact) / exact).toBeLessThan(0.05);
    }
  });

  it('time only the attempts that were answered', async () => {
    const { id, client } = await stack.project();
    const refused = { projectId: id, status: 'failed' as const, attempts: [unanswered(1)] };
    await insertDelivery(stack, refused);
    const latencyMs = async (): Promise<unknown> =>
      (await client.get('/v1/stats')).body.data.latencyMs;
    expect(await latencyMs()).toEqual({ p50: null, p90: null, p99: null });
    await insertDelivery(stack, { ...refused, attempts: [unanswered(1), attempt(20, 'failed')] });
    expect(await latencyMs()).toEqual({ p50: 20, p90: 20, p99: 20 });
  });

  it('are by the hour in which a delivery was made, within the range asked for', async () => {
    const { id, client } = await stack.project();
    const webhook = await makeWebhook(client, receiver.url);
    const of = { projectId: id, webhookId: webhook.id };
    const noon = Date.UTC(2026, 2, 1, 12);
    const at = (minutes: number): Date => new Date(noon + minutes * 60_000);
    await insertDelivery(stack, { ...of, createdAt: at(-1) });
    await insertDelivery(stack, { ...of, createdAt: at(5), attempts: [attempt(10)] });
    await insertDelivery(stack, {
      ...of,
      createdAt: at(59),
      status: 'failed',
      attempts: [attempt(20, 'failed'), attempt(0, 'failed')],
    });
    await insertDelivery(stack, { ...of, createdAt: at(60), status: 'held' });
    await insertDelivery(stack, { ...of, createdAt: at(125) });
    await insertDelivery(stack, { projectId: id, createdAt: at(5) });
    const range = `since=${at(0).toISOString()}&until=${at(125).toISOString()}`;
    const { body } = await client.get(`/v1/webhooks/${webhook.id}/stats?${range}`);
    expect(body.data.since).toBe(at(0).toISOString());
    expect(body.data.until).toBe(at(125).toISOString());
    expect(body.data.deliveries).toEqual({
      total: 3,
      ...noCounts,
      succeeded: 1,
      failed: 1,
      held: 1,
    });
    expect(
      body.data.hours.map((hour: { hour: string; deliveries: { total: number } }) => [
        hour.hour,
        hour.deliveries.total,
      ]),
    ).toEqual([
      [at(0).toISOString(), 2],
      [at(60).toISOString(), 1],
      [at(120).toISOString(), 0],
    ]);
    expect(body.data.hours[0]).toMatchObject({
      successRate: 0.5,
      attempts: { total: 3, succeeded: 1, failed: 2 },
      latencyMs: { p50: 10, p90: 20, p99: 20 },
    });
    const project = await client.get(`/v1/stats?${range}`);
    expect(project.body.data.deliveries.total).toBe(4);
  });

  it('count as `other` an answer with a status that HTTP has no class for', async () => {
    const { client } = await stack.project({ policy: { retryDelaysMs: [HOUR_MS] } });
    const { id: webhookId } = await makeWebhook(client, receiver.url);
    receiver.respondWith({ kind: 'raw', bytes: 'HTTP/1.1 999 No\r\nContent-Length: 0\r\n\r\n' });
    try {
      await deliveryWith(client, await postEvent(client), { attemptCount: 1 });
    } finally {
      receiver.respondWith(200);
    }
    const { body } = await client.get(`/v1/webhooks/${webhookId}/stats`);
    expect(body.data.statusClasses).toMatchObject({ other: 1, none: 0 });
    const listed = await client.get('/v1/deliveries?statusCode=9xx');
    expect(listed.body.data.deliveries).toHaveLength(1);
  });

  it('are by the minute too, if that is asked for', async () => {
    const { id, client } = await stack.project();
    const noon = Date.UTC(2026, 2, 1, 12);
    const at = (seconds: number): Date => new Date(noon + seconds * 1000);
    const answered = { ...attempt(10), statusCode: 204 };
    const refused = { ...attempt(20, 'failed'), statusCode: 404 };
    await insertDelivery(stack, { projectId: id, createdAt: at(0), attempts: [answered] });
    await insertDelivery(stack, {
      projectId: id,
      createdAt: at(59),
      attempts: [refused, answered],
    });
    await insertDelivery(stack, { projectId: id, createdAt: at(119), status: 'pending' });
    const range = `since=${at(0).toISOString()}&until=${at(120).toISOString()}`;
    const { body } = await client.get(`/v1/stats?${range}&interval=minute`);
    const counts = body.data.minutes.map((one: { minute: string; deliveries: object }) => [
      one.minute,
      one.deliveries,
    ]);
    expect(counts).toEqual([
      [at(0).toISOString(), { total: 2, ...noCounts, succeeded: 2 }],
      [at(60).toISOString(), { total: 1, ...noCounts, pending: 1 }],
    ]);
    expect(body.data.minutes[0].statusClasses).toEqual({
      '2xx': 2,
      '3xx': 0,
      '4xx': 1,
      '5xx': 0,
      other: 0,
      none: 0,
    });
    expect(body.data.hours).toMatchObject([{ deliveries: { total: 3 } }]);
    const alone = await client.get('/v1/stats?interval=minute');
    expect(Date.parse(alone.body.data.until) - Date.parse(alone.body.data.since)).toBe(HOUR_MS);
  });

  it('are by the days of UTC instead, if that is asked for', async () => {
    const { id, client } = await stack.project();
    const webhook = await makeWebhook(client, receiver.url);
    const of = { projectId: id, webhookId: webhook.id };
    const midnight = Date.UTC(2026, 2, 2);
    const at = (minutes: number): Date => new Date(midnight + minutes * 60_000);
    await insertDelivery(stack, { ...of, createdAt: at(-1), attempts: [attempt(10)] });
    await insertDelivery(stack, { ...of, createdAt: at(0), attempts: [attempt(20)] });
    await insertDelivery(stack, { ...of, createdAt: at(24 * 60 - 1), status: 'failed' });
    await insertDelivery(stack, { ...of, createdAt: at(24 * 60), status: 'held' });
    await insertDelivery(stack, { projectId: id, createdAt: at(5) });
    // In another zone's words: the same instants.
    const since = encodeURIComponent('2026-03-01T14:00:00+02:00');
    const until = at(30 * 60).toISOString();
    for (const [path, second] of [
      [`/v1/webhooks/${webhook.id}/stats`, { succeeded: 1, failed: 1 }],
      ['/v1/stats', { succeeded: 2, failed: 1 }],
    ] as const) {
      const { data } = (await client.get(`${path}?interval=day&since=${since}&until=${until}`))
        .body;
      expect(data).not.toHaveProperty('hours');
      expect(data.days.map(({ day }: { day: string }) => day)).toEqual([
        '2026-03-01T00:00:00.000Z',
        '2026-03-02T00:00:00.000Z',
        '2026-03-03T00:00:00.000Z',
      ]);
      expect(data.days).toMatchObject([
        { deliveries: { succeeded: 1 }, latencyMs: { p50: 10 } },
        { deliveries: second, latencyMs: { p50: 20 } },
        { deliveries: { held: 1 }, successRate: null },
      ]);
    }
    const alone = (await client.get('/v1/stats?interval=day')).body.data;
    expect(Date.parse(alone.until) - Date.parse(alone.since)).toBe(30 * DAY_MS);
    // One less when it is exactly midnight.
    expect([30, 31]).toContain(alone.days.length);
  });

  it('read an index, never a whole collection', async () => {
    const range = { since: new Date(Date.now() - DAY_MS), until: new Date() };
    const queries: StatsQuery[] = [
      { projectId: newId('project'), ...range },
      { projectId: newId('project'), webhookId: newId('webhook'), ...range },
    ];
    for (const query of queries) {
      const { projectId, webhookId } = query;
      const of = webhookId === undefined ? { projectId } : { webhookId };
      const plan = await stack.store.deliveries.model
        .aggregate([matchRanges('delivery', of, [range]), { $project: { status: 1 } }])
        .explain('queryPlanner');
      expect(JSON.stringify(plan)).toContain('IXSCAN');
      expect(JSON.stringify(plan)).not.toContain('COLLSCAN');
      await expect(deliveryStats(stack.store, query)).resolves.toMatchObject({
        deliveries: { total: 0 },
      });
    }
  });

  it.each([
    ['since=yesterday', 'since'],
    ['since=2026-03-01T00:00:00Z&until=2026-03-01T00:00:00Z', 'since'],
    ['since=2026-03-01T00:00:00Z&until=2026-04-02T00:00:00Z', 'since'],
    ['bucket=day', 'bucket'],
    ['interval=second', 'interval'],
    ['interval=day&since=2026-03-01T00:00:00Z&until=2026-04-02T00:00:00Z', 'since'],
    ['interval=day&timeZone=Europe/Berlin', 'timeZone'],
    ['interval=minute&since=2026-03-01T00:00:00Z&until=2026-03-01T02:00:01Z', 'since'],
  ])('refuse ?%s', async (query, field) => {
    const { client } = await stack.project();
    expect(await client.get(`/v1/stats?${query}`)).toMatchObject({
      status: 422,
      body: { error: { details: [{ field }] } },
    });
  });

  it('are not for senders, nor of another project’s webhook', async () => {
    const { id, client } = await stack.project();
    const webhook = await makeWebhook(client, receiver.url);
    const sender = await stack.client(id, 'sender');
    expect((await sender.get('/v1/stats')).status).toBe(403);
    const other = await stack.project();
    expect((await other.client.get(`/v1/webhooks/${webhook.id}/stats`)).status).toBe(404);
  });
});
