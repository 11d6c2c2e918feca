import { clock } from '../../src/clock';
import { newId } from '../../src/contracts/ids';
import { DAY_MS } from '../../src/domain/durations';
import { countForReplay } from '../../src/store/replay-selection';
import { inTheEnd } from '../support/api-crash';
import { bulkReplaysOf } from '../support/bulk-replays';
import { deliveryWith, makeWebhook, postEvent } from '../support/deliveries';
import { WAYS } from '../support/dispatch';
import { eventually } from '../support/eventually';
import { Receiver } from '../support/receiver';
import { emailSent } from '../support/samples';
import { useFreshClient, useFreshReceiver, useStack } from '../support/use';
import { expectRefusal } from './api/refusal';

const stack = useStack();

describe.each(WAYS)('bulk replay of deliveries dispatched %s', (dispatch) => {
  const receiver = useFreshReceiver();
  const client = useFreshClient(stack, { dispatch, policy: { retryDelaysMs: [1000] } });
  const { since, until, count, post, replayWith, skipped } = bulkReplaysOf(() => client);

  it('replays what was skipped while a webhook was disabled, each once, and counts it', async () => {
    const webhook = await skipped(receiver.url, 20);
    await webhook.change({ isActive: true });
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

  it('sends what was cancelled during an attempt, and replayed before that has ended', async () => {
    await makeWebhook(client, receiver.url, {
      // Its answer is held back for as long as a busy machine needs for the rest.
      policy: { timeoutMs: 60_000 },
    });
    let answer!: () => void;
    const after = new Promise<void>((resolve) => (answer = resolve));
    receiver.respondWith((_request, n) => (n > 1 ? 200 : { kind: 'answer', status: 500, after }));
    const deliveryId = await postEvent(client);
    await receiver.waitFor(1);
    await client.post(`/v1/deliveries/${deliveryId}/cancel`);
    const query = { since, until: until(), statuses: ['cancelled'] };
    const { id } = (await client.post('/v1/replays', query)).body.data;
    await eventually('the courier has taken it', async () => {
      const delivery = await stack.store.deliveries.find(deliveryId);
      return delivery?.replays === 1 && delivery.queuedIn === undefined;
    });
    answer();
    await eventually('its former run has ended', async () =>
      ['ended', null].includes(await stack.engine.findRun(deliveryId)),
    );
    await inTheEnd(stack, 'it has arrived', async () => (await count('succeeded')) === 1);
    await replayWith(id, { status: 'completed', replayed: 1, failed: 0 });
    await deliveryWith(client, deliveryId, { attemptCount: 2, replays: 1 });
    expect(receiver.requests).toHaveLength(2);
  });

  it('puts all into the queue at once if it has no rate of its own', async () => {
    const webhook = await makeWebhook(client, receiver.url);
    await client.patch(`/v1/webhooks/${webhook.id}`, { isActive: false });
    const COUNT = 400;
    for (let n = 0; n < COUNT; n += 100) await post(100);
    const { model } = stack.store.deliveries;
    const theirs = { webhookId: webhook.id, status: 'skipped' as const };
    await eventually('all are skipped', async () => (await model.countDocuments(theirs)) === COUNT);
    await client.patch(`/v1/webhooks/${webhook.id}`, {
      isActive: true,
      policy: { ratePerSecond: 1 },
    });

    const { data } = (await client.post('/v1/replays', { since, until: until() })).body;
    expect(data).toMatchObject({ matched: COUNT, ratePerSecond: null });
    await replayWith(data.id, { status: 'running', replayed: COUNT, failed: 0 });
    expect(receiver.requests.length).toBeLessThan(COUNT);
    await client.delete(`/v1/webhooks/${webhook.id}`);
  });

  it('does not replay what was replayed singly since it was listed', async () => {
    const webhook = await skipped(receiver.url, 2);
    await webhook.change({ isActive: true });
    const [first] = (await client.get('/v1/deliveries')).body.data.deliveries;
    const { webhooks } = stack.store;
    const whetherPaused = webhooks.whetherPaused.bind(webhooks);
    let isListed = false;
    const spy = jest.spyOn(webhooks, 'whetherPaused').mockImplementation(async (...args) => {
      if (args[1]?.since && args[0].includes(webhook.id) && !isListed) {
        isListed = true;
        await client.post(`/v1/deliveries/${first.id}/replay`);
        await eventually('it has arrived', async () => (await count('succeeded')) === 1);
      }
      return whetherPaused(...args);
    });
    try {
      const { id } = (await client.post('/v1/replays', { since, until: until() })).body.data;
      await replayWith(id, { status: 'completed', replayed: 1, failed: 1 });
    } finally {
      spy.mockRestore();
    }
    await eventually('both have arrived', async () => (await count('succeeded')) === 2);
    expect(receiver.requests).toHaveLength(2);
  });

  it('counts as failed, once it is completed, what it has not come across', async () => {
    const webhook = await skipped(receiver.url, 4);
    await webhook.change({ isActive: true });
    const { deliveries: own } = (await client.get('/v1/deliveries')).body.data;
    const [replayed, expunged, expired] = own as { id: string; eventId: string }[];
    const spy = jest.spyOn(stack.engine, 'wakeReplay').mockResolvedValueOnce();
    const { data } = (await client.post('/v1/replays', { since, until: until() })).body;
    spy.mockRestore();
    expect(data).toMatchObject({ status: 'running', matched: 4 });
    await client.post(`/v1/deliveries/${replayed!.id}/replay`);
    await eventually('it has arrived', async () => (await count('succeeded')) === 1);
    await client.delete(`/v1/events/${expunged!.eventId}`);
    await stack.store.deliveries.model.updateOne({ _id: expired!.id }, { expiresAt: new Date(0) });
    await client.post(`/v1/replays/${data.id}/resume`);
    await replayWith(data.id, { status: 'completed', matched: 4, replayed: 1, failed: 3 });
  });

  it('takes in what a process whose clock is fast has ended', async () => {
    const webhook = await skipped(receiver.url, 3);
    await webhook.change({ isActive: true });
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

  it('matches at least what it has replayed, though some was stored after the count', async () => {
    const webhook = await skipped(receiver.url, 3);
    await webhook.change({ isActive: true });
    const spy = jest.spyOn(stack.engine, 'wakeReplay').mockResolvedValueOnce();
    const { id } = (await client.post('/v1/replays', { since, until: until() })).body.data;
    spy.mockRestore();
    await stack.store.replays.model.updateOne({ _id: id }, { matched: 2 });
    await client.post(`/v1/replays/${id}/resume`);
    await replayWith(id, { status: 'completed', matched: 3, replayed: 3, failed: 0 });
  });

  it('does not cover what ends after the count has begun', async () => {
    const query = { since: new Date(since), until: new Date(), statuses: ['failed' as const] };
    const counting = countForReplay(stack.store, newId('project'), query);
    const begunAt = clock.now().getTime();
    const { endedBy, createdBy } = await counting;
    expect(endedBy.getTime()).toBeLessThanOrEqual(begunAt);
    expect(createdBy.getTime()).toBeLessThanOrEqual(begunAt);
  });

  it('looks no more at what waits for its next attempt', async () => {
    const webhook = await skipped(receiver.url, 5);
    receiver.respondWith(500);
    await webhook.change({ isActive: true, policy: { retryDelaysMs: [60_000] } });
    const { id } = (await client.post('/v1/replays', { since, until: until() })).body.data;
    await replayWith(id, { status: 'completed', replayed: 5, failed: 0 });
    expect(await count('pending')).toBe(5);
    const { model } = stack.store.deliveries;
    expect(await model.countDocuments({ 'bulkReplay.id': id, status: 'pending' })).toBe(0);
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

  it('takes the pings of new webhooks by their type', async () => {
    const { client: pinging } = await stack.project({ dispatch, profile: 'emailsendx' });
    await makeWebhook(pinging, receiver.url);
    await eventually('its ping has succeeded', async () => {
      const { data } = (await pinging.get('/v1/deliveries?status=succeeded')).body;
      return data.deliveries.length === 1;
    });
    const body = { since, until: until(), statuses: ['succeeded'], types: ['ping'] };
    const counted = await pinging.post('/v1/replays', { ...body, dryRun: true });
    expect(counted.body.data).toMatchObject({ matched: 1 });
    const { data } = (await pinging.post('/v1/replays', body)).body;
    expect(data).toMatchObject({ matched: 1, types: ['ping'] });
    await receiver.waitFor(2);
  });

  it('is taken up by reconcile when its workflow was never started', async () => {
    const webhook = await skipped(receiver.url, 2);
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
