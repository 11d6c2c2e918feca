import { newId } from '../../src/contracts/ids';
import type { ApiClient } from '../support/api-client';
import { makeWebhook } from '../support/deliveries';
import { WAYS } from '../support/dispatch';
import { eventually } from '../support/eventually';
import { Receiver } from '../support/receiver';
import { emailSent } from '../support/samples';
import { useFreshReceiver, useStack } from '../support/use';
import { expectRefusal } from './api/refusal';

const DAY_MS = 24 * 60 * 60 * 1000;

const stack = useStack();

describe.each(WAYS)('bulk replay of deliveries dispatched %s', (dispatch) => {
  const receiver = useFreshReceiver();
  let client: ApiClient;
  let since: string;

  const until = (): string => new Date(Date.now() + 1000).toISOString();
  const count = async (status: string): Promise<number> =>
    (await client.get(`/v1/deliveries?limit=100&status=${status}`)).body.data.deliveries.length;
  const post = (n: number) =>
    client.post('/v1/events/batch', {
      events: Array.from({ length: n }, () => ({ type: 'email.sent', data: emailSent })),
    });
  const replayWith = (id: string, expected: Record<string, unknown>) =>
    eventually(`replay is ${JSON.stringify(expected)}`, async () => {
      const { data } = (await client.get(`/v1/replays/${id}`)).body;
      return Object.entries(expected).every(([name, value]) => data[name] === value) && data;
    });

  beforeEach(async () => {
    ({ client } = await stack.project({ dispatch, policy: { retryDelaysMs: [1000] } }));
    since = new Date(Date.now() - DAY_MS).toISOString();
  });

  it('replays what was skipped while a webhook was disabled, each once, and counts it', async () => {
    const webhook = await makeWebhook(client, receiver.url);
    await client.patch(`/v1/webhooks/${webhook.id}`, { isActive: false });
    await post(20);
    await eventually('all are skipped', async () => (await count('skipped')) === 20);
    await client.patch(`/v1/webhooks/${webhook.id}`, { isActive: true });
    const query = { since, until: until(), ratePerSecond: 100 };

    const dry = await client.post('/v1/replays', { ...query, dryRun: true });
    expect(dry.status).toBe(200);
    expect(dry.body.data).toEqual({ matched: 20, byWebhook: { [webhook.id]: 20 } });
    expect(await count('skipped')).toBe(20);

    const replay = await client.post('/v1/replays', query);
    expect(replay.status).toBe(202);
    expect(replay.body.data).toMatchObject({
      status: 'running',
      matched: 20,
      replayed: 0,
      failed: 0,
    });
    await replayWith(replay.body.data.id, { status: 'completed', replayed: 20, failed: 0 });
    await eventually('all have succeeded', async () => (await count('succeeded')) === 20);
    expect(receiver.requests).toHaveLength(20);
  });

  it('puts all into the queue at once if it has no rate of its own', async () => {
    const webhook = await makeWebhook(client, receiver.url);
    await client.patch(`/v1/webhooks/${webhook.id}`, { isActive: false });
    const COUNT = 400;
    for (let n = 0; n < COUNT; n += 100) await post(100);
    const { model } = stack.store.deliveries;
    const skipped = { webhookId: webhook.id, status: 'skipped' as const };
    await eventually(
      'all are skipped',
      async () => (await model.countDocuments(skipped)) === COUNT,
    );
    await client.patch(`/v1/webhooks/${webhook.id}`, {
      isActive: true,
      policy: { ratePerSecond: 1 },
    });

    const { data } = (await client.post('/v1/replays', { since, until: until() })).body;
    expect(data).toMatchObject({ matched: COUNT, ratePerSecond: null });
    await replayWith(data.id, { status: 'running', replayed: COUNT, failed: 0 });
    expect(receiver.requests.length).toBeLessThan(COUNT);
  });

  it('takes back what it has queued when it is cancelled, and ends when nothing is queued', async () => {
    const webhook = await makeWebhook(client, receiver.url);
    const change = (changes: object) => client.patch(`/v1/webhooks/${webhook.id}`, changes);
    await change({ isActive: false });
    await post(60);
    await eventually('all are skipped', async () => (await count('skipped')) === 60);
    const slow = { isActive: true, policy: { ratePerSecond: 0.5 } };
    await change(slow);
    const { id } = (await client.post('/v1/replays', { since, until: until() })).body.data;
    await replayWith(id, { status: 'running', replayed: 60 });

    const { data } = (await client.post(`/v1/replays/${id}/cancel`)).body;
    expect(data.status).toBe('cancelled');
    expect(data.replayed).toBeLessThan(60);
    expect(await count('skipped')).toBe(60 - data.replayed);
    const query = { since, until: until() };
    await change({ policy: { ratePerSecond: null } });
    const { body } = await client.post('/v1/replays', query);
    expect(body.data.matched).toBe(60 - data.replayed);
    await replayWith(body.data.id, { status: 'completed', failed: 0 });
    await eventually('all have arrived', async () => (await count('succeeded')) === 60);
    expect(receiver.requests).toHaveLength(60);
    const { deliveries } = (await client.get('/v1/deliveries?limit=100')).body.data;
    expect(new Set(deliveries.map(({ replays }: { replays: number }) => replays))).toEqual(
      new Set([1]),
    );
  });

  it('takes in what a process whose clock is fast has ended', async () => {
    const webhook = await makeWebhook(client, receiver.url);
    await client.patch(`/v1/webhooks/${webhook.id}`, { isActive: false });
    await post(3);
    await eventually('all are skipped', async () => (await count('skipped')) === 3);
    await client.patch(`/v1/webhooks/${webhook.id}`, { isActive: true });
    const [ahead] = (await client.get('/v1/deliveries')).body.data.deliveries as { id: string }[];
    await stack.store.deliveries.model.updateOne(
      { _id: ahead!.id },
      { $set: { completedAt: new Date(Date.now() + DAY_MS) } },
    );
    const query = { since, until: until(), ratePerSecond: 100 };
    const dry = await client.post('/v1/replays', { ...query, dryRun: true });
    expect(dry.body.data.matched).toBe(3);

    const replay = await client.post('/v1/replays', query);
    await replayWith(replay.body.data.id, { status: 'completed', matched: 3, replayed: 3 });
    await eventually('all have succeeded', async () => (await count('succeeded')) === 3);
    expect(receiver.requests).toHaveLength(3);
  });

  it('can be seen for 30 days after it has ended, and for ever while it has not', async () => {
    const { replays } = stack.store;
    const { id: projectId, client: reader } = await stack.project({ dispatch });
    const make = async (status: 'completed' | 'paused', endedDaysAgo: number | null) =>
      replays.create({
        _id: newId('replay'),
        projectId,
        query: { since: new Date(since), until: new Date(), statuses: ['failed'] },
        ratePerSecond: 1,
        status,
        matched: 0,
        completedAt: endedDaysAgo === null ? null : new Date(Date.now() - endedDaysAgo * DAY_MS),
      });
    await make('completed', 31);
    const ended = await make('completed', 29);
    const paused = await make('paused', null);
    const ids = async (): Promise<string[]> => {
      const { body } = await reader.get('/v1/replays');
      return body.data.replays.map(({ id }: { id: string }) => id);
    };
    await eventually('the oldest is removed', async () => (await ids()).length === 2);
    expect(await ids()).toEqual([paused._id, ended._id]);
  });

  it('leaves out what is not asked for, and what it makes fail again', async () => {
    receiver.respondWith(500);
    await makeWebhook(client, receiver.url);
    const other = await Receiver.start();
    const healthy = await makeWebhook(client, other.url);
    await post(3);
    await eventually('three have failed', async () => (await count('failed')) === 3);
    await eventually('the others succeeded', async () => (await count('succeeded')) === 3);

    const wrongType = { since, until: until(), types: ['email.opened'], dryRun: true };
    expect((await client.post('/v1/replays', wrongType)).body.data.matched).toBe(0);
    const succeeded = {
      since,
      until: until(),
      statuses: ['succeeded'],
      webhookId: healthy.id,
      dryRun: true,
    };
    expect((await client.post('/v1/replays', succeeded)).body.data.matched).toBe(3);

    const { id } = (await client.post('/v1/replays', { since, until: until() })).body.data;
    await replayWith(id, { status: 'completed', matched: 3, replayed: 3 });
    await eventually('all have failed again', async () => (await count('failed')) === 3);
    expect(receiver.requests).toHaveLength(12);
    expect(other.requests).toHaveLength(3);
    await other.close();
  });

  it('accepts types as subscriptions do, and refuses unknown ones', async () => {
    const webhook = await makeWebhook(client, receiver.url);
    await client.patch(`/v1/webhooks/${webhook.id}`, { isActive: false });
    const contact = { type: 'contact.created', data: {} };
    const events = [{ type: 'email.sent', data: emailSent }, contact, contact];
    await client.post('/v1/events/batch', { events });
    await eventually('all are skipped', async () => (await count('skipped')) === 3);

    const ask = (types: string[], more = {}) =>
      client.post('/v1/replays', { since, until: until(), types, dryRun: true, ...more });
    for (const [types, matched] of [
      [['email.sent'], 1],
      [['contact.*'], 2],
      [['contact.*', 'email.sent'], 3],
      [['*'], 3],
      [['delivery.failed'], 0],
    ] as const) {
      expect([types, (await ask([...types])).body.data.matched]).toEqual([types, matched]);
    }
    const unknown = await ask(['email.sent', 'email.snet', 'contacts.*']);
    expectRefusal(unknown, 'validation_failed', ['types.1', 'types.2']);

    const replay = await ask(['contact.*'], { dryRun: false, ratePerSecond: 100 });
    expect(replay.body.data).toMatchObject({
      matched: 2,
      types: ['contact.created', 'contact.updated', 'contact.deleted'],
    });
    await replayWith(replay.body.data.id, { status: 'completed', replayed: 2 });
    await eventually('both have succeeded', async () => (await count('succeeded')) === 2);
    expect(await count('skipped')).toBe(1);
  });

  it('that is cancelled twice ended the first time', async () => {
    const webhook = await makeWebhook(client, receiver.url);
    await client.patch(`/v1/webhooks/${webhook.id}`, { isActive: false });
    await post(5);
    await eventually('all are skipped', async () => (await count('skipped')) === 5);
    const { id } = (await client.post('/v1/replays', { since, until: until(), ratePerSecond: 0.1 }))
      .body.data;
    const first = await client.post(`/v1/replays/${id}/cancel`);
    const second = await client.post(`/v1/replays/${id}/cancel`);
    expect(first.body.data).toMatchObject({ status: 'cancelled', completedAt: expect.any(String) });
    expect([second.status, second.body.data.completedAt]).toEqual([
      202,
      first.body.data.completedAt,
    ]);
  });

  it('pauses, resumes and is cancelled, and its progress stays right', async () => {
    const webhook = await makeWebhook(client, receiver.url);
    await client.patch(`/v1/webhooks/${webhook.id}`, { isActive: false });
    await post(10);
    await eventually('all are skipped', async () => (await count('skipped')) === 10);
    const { id } = (await client.post('/v1/replays', { since, until: until(), ratePerSecond: 1 }))
      .body.data;
    await eventually('it has begun', async () => {
      const { data } = (await client.get(`/v1/replays/${id}`)).body;
      return data.replayed >= 1;
    });
    const paused = await client.post(`/v1/replays/${id}/pause`);
    expect(paused.body.data.status).toBe('paused');
    const { replayed } = (await client.get(`/v1/replays/${id}`)).body.data;
    await eventually('those replayed have arrived', () => receiver.requests.length >= replayed);
    expect(await count('skipped')).toBe(10 - replayed);

    await client.post(`/v1/replays/${id}/resume`);
    await eventually('it goes on', async () => {
      const { data } = (await client.get(`/v1/replays/${id}`)).body;
      return data.replayed > replayed;
    });
    const cancelled = await client.post(`/v1/replays/${id}/cancel`);
    expect(cancelled.body.data.status).toBe('cancelled');
    expect((await client.post(`/v1/replays/${id}/resume`)).body.error.code).toBe('replay_ended');
    const end = (await client.get(`/v1/replays/${id}`)).body.data;
    await eventually(
      'the others stay skipped',
      async () => (await count('skipped')) === 10 - end.replayed,
    );
  });

  it('goes on when it is resumed just as its batch has seen the pause', async () => {
    const webhook = await makeWebhook(client, receiver.url);
    await client.patch(`/v1/webhooks/${webhook.id}`, { isActive: false });
    await post(10);
    await eventually('all are skipped', async () => (await count('skipped')) === 10);
    const query = { since, until: until(), ratePerSecond: 2 };
    const { id } = (await client.post('/v1/replays', query)).body.data;
    const { replays } = stack.store;
    const advance = replays.advance.bind(replays);
    let isPaused = false;
    const resumed: string[] = [];
    const spy = jest.spyOn(replays, 'advance').mockImplementation(async (...args) => {
      // An earlier test's replay may be ending too.
      if (args[0] !== id) return advance(...args);
      // Here, so that it can't have come to its end before.
      if (!isPaused) {
        isPaused = true;
        await client.post(`/v1/replays/${id}/pause`);
      }
      const goesOn = await advance(...args);
      if (!goesOn && resumed.length === 0) {
        const { body } = await client.post(`/v1/replays/${id}/resume`);
        resumed.push(body.data.status as string);
      }
      return goesOn;
    });
    await replayWith(id, { status: 'completed', replayed: 10 });
    spy.mockRestore();
    expect(resumed).toEqual(['running']);
  });

  it('is taken up by reconcile when its workflow was never started', async () => {
    const webhook = await makeWebhook(client, receiver.url);
    await client.patch(`/v1/webhooks/${webhook.id}`, { isActive: false });
    await post(2);
    await eventually('all are skipped', async () => (await count('skipped')) === 2);
    const { store } = stack;
    const projectId = (await client.get(`/v1/webhooks/${webhook.id}`)).body.data
      .projectId as string;
    const replay = await store.replays.create({
      _id: newId('replay'),
      projectId,
      query: { since: new Date(since), until: new Date(), statuses: ['skipped'] },
      ratePerSecond: 10,
      status: 'running',
      matched: 2,
      completedAt: null,
    });
    await store.replays.model.updateOne(
      { _id: replay._id },
      { $set: { updatedAt: new Date(0) } },
      { timestamps: false },
    );

    expect(await stack.reconcile()).toMatchObject({ replays: 1 });

    await replayWith(replay._id, { status: 'completed', replayed: 2 });
  });

  it('is listed with the others of its project, newest first', async () => {
    const ids: string[] = [];
    for (let n = 0; n < 3; n += 1) {
      const { body } = await client.post('/v1/replays', { since, until: until() });
      expect(body.data.id).toMatch(/^rpl_[0-9a-f]{32}$/);
      ids.push(body.data.id as string);
    }
    const first = (await client.get('/v1/replays?limit=2')).body.data;
    const second = (await client.get(`/v1/replays?limit=2&cursor=${first.nextCursor}`)).body.data;
    const listed = [...first.replays, ...second.replays].map(({ id }: { id: string }) => id);
    expect(listed).toEqual(ids.toReversed());
    expect(second.nextCursor).toBeNull();
    const other = await stack.project({ dispatch });
    expect((await other.client.get('/v1/replays')).body.data.replays).toEqual([]);
    expect((await other.client.get(`/v1/replays/${ids[0]}`)).status).toBe(404);
  });

  it.each([
    [{}, 'since'],
    [{ since: 'yesterday' }, 'since'],
    [{ since: '2026-01-02T00:00:00Z', until: '2026-01-01T00:00:00Z' }, 'until'],
    [{ statuses: ['pending'] }, 'statuses.0'],
    [{ statuses: Array(1000).fill('failed') }, 'statuses'],
    [{ ratePerSecond: 0 }, 'ratePerSecond'],
    [{ ratePerSecond: 'fast' }, 'ratePerSecond'],
    [{ webhookId: 'x' }, 'webhookId'],
    [{ speed: 1 }, 'speed'],
  ])('refuses %j, naming %s', async (body, field) => {
    const whole = { since, until: until(), ...body };
    const { status, body: refused } = await client.post(
      '/v1/replays',
      field === 'since' && Object.keys(body).length === 0 ? {} : whole,
    );
    expect(status).toBe(422);
    expect(refused.error.details.map((d: { field: string }) => d.field)).toContain(field);
  });
});
