import { replayWorkflowId } from '../../src/contracts/temporal';
import { DAY_MS } from '../../src/domain/durations';
import { bulkReplaysOf, untilBatchWaits } from '../support/bulk-replays';
import { deliveryWith, makeWebhook, postEvent } from '../support/deliveries';
import { WAYS } from '../support/dispatch';
import { eventually } from '../support/eventually';
import { useFreshClient, useFreshReceiver, useStack } from '../support/use';

const stack = useStack();

describe.each(WAYS)('a bulk replay of deliveries dispatched %s', (dispatch) => {
  const receiver = useFreshReceiver();
  const client = useFreshClient(stack, { dispatch, policy: { retryDelaysMs: [1000] } });
  const { since, until, count, post, replayWith, skipped } = bulkReplaysOf(() => client);

  it('takes back what it has queued when it is cancelled, and ends when nothing is queued', async () => {
    const { change } = await skipped(receiver.url, 60);
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

  it('takes back what it has queued when it is paused, and replays all the rest once it is resumed', async () => {
    const webhook = await makeWebhook(client, receiver.url);
    const gone = await makeWebhook(client, `${receiver.url}/gone`);
    for (const { id } of [webhook, gone]) {
      await client.patch(`/v1/webhooks/${id}`, { isActive: false });
    }
    await post(30);
    await eventually('all are skipped', async () => (await count('skipped')) === 60);
    await client.delete(`/v1/webhooks/${gone.id}`);
    const change = (policy: object) =>
      client.patch(`/v1/webhooks/${webhook.id}`, { isActive: true, policy });
    await change({ ratePerSecond: 0.5 });
    const dry = await client.post('/v1/replays', { since, until: until(), dryRun: true });
    expect(dry.body.data.byWebhook).toEqual({ [webhook.id]: 30, [gone.id]: 30 });
    const { id } = (await client.post('/v1/replays', { since, until: until() })).body.data;
    await replayWith(id, { status: 'running', matched: 60, replayed: 30, failed: 30 });

    const { data } = (await client.post(`/v1/replays/${id}/pause`)).body;
    expect(data).toMatchObject({ status: 'paused', failed: expect.any(Number) });
    expect(data.replayed).toBeLessThan(30);
    expect(await count('skipped')).toBe(60 - data.replayed);
    await change({ ratePerSecond: null });
    await eventually('what was taken before has arrived', async () => {
      return (await count('succeeded')) === data.replayed;
    });
    expect(receiver.requests).toHaveLength(data.replayed);

    await client.post(`/v1/replays/${id}/resume`);
    await replayWith(id, { status: 'completed', replayed: 30, failed: 30 });
    await eventually('all have arrived', async () => (await count('succeeded')) === 30);
    expect(receiver.requests).toHaveLength(30);
    const { deliveries } = (await client.get('/v1/deliveries?limit=100&status=succeeded')).body
      .data;
    for (const each of deliveries) expect(each).toMatchObject({ attemptCount: 1, replays: 1 });
  });

  it('runs as long as a paused webhook holds something of it, and takes that back as well', async () => {
    const webhook = await skipped(receiver.url, 5);
    await webhook.change({ isActive: true });
    await client.post(`/v1/webhooks/${webhook.id}/pause`);
    const query = { since, until: until() };

    const stopped = (await client.post('/v1/replays', query)).body.data.id as string;
    await replayWith(stopped, { status: 'running', replayed: 5 });
    expect(await count('held')).toBe(5);
    const move = async (to: string) =>
      (await client.post(`/v1/replays/${stopped}/${to}`)).body.data as object;
    expect(await move('pause')).toMatchObject({ status: 'paused', replayed: 0 });
    expect(await count('skipped')).toBe(5);
    await move('resume');
    await replayWith(stopped, { status: 'running', replayed: 5 });
    expect(await move('cancel')).toMatchObject({ status: 'cancelled', replayed: 0 });
    expect(await count('skipped')).toBe(5);

    const { id } = (await client.post('/v1/replays', query)).body.data;
    await eventually('all are held', async () => (await count('held')) === 5);
    await client.post(`/v1/webhooks/${webhook.id}/resume`);
    await replayWith(id, { status: 'completed', replayed: 5, failed: 0 });
    await eventually('all have arrived', async () => (await count('succeeded')) === 5);
    expect(receiver.requests).toHaveLength(5);
  });

  it('takes back what it has queued although an attempt of before is recorded meanwhile', async () => {
    const webhook = await makeWebhook(client, receiver.url, {
      // Its answer is held back for as long as a busy machine needs for the rest.
      policy: { timeoutMs: 60_000 },
    });
    let answer!: () => void;
    const after = new Promise<void>((resolve) => (answer = resolve));
    receiver.respondWith({ kind: 'answer', status: 500, after });
    const deliveryId = await postEvent(client);
    await receiver.waitFor(1);
    await client.post(`/v1/webhooks/${webhook.id}/pause`);
    await client.post(`/v1/deliveries/${deliveryId}/cancel`);
    const query = { since, until: until(), statuses: ['cancelled'] };
    const { id } = (await client.post('/v1/replays', query)).body.data;
    await deliveryWith(client, deliveryId, { status: 'held' });
    answer();
    await deliveryWith(client, deliveryId, { status: 'held', attemptCount: 1 });
    expect(await stack.store.deliveries.find(deliveryId)).toMatchObject({ roundStart: 1 });

    const { data } = (await client.post(`/v1/replays/${id}/cancel`)).body;
    expect(data).toMatchObject({ status: 'cancelled', replayed: 0 });
    await deliveryWith(client, deliveryId, { status: 'cancelled', replays: 0 });
  });

  it('takes back what it holds although a run of before comes across it meanwhile', async () => {
    const webhook = await makeWebhook(client, receiver.url, {
      policy: { retryDelaysMs: [DAY_MS] },
    });
    const change = (isActive: boolean) => client.patch(`/v1/webhooks/${webhook.id}`, { isActive });
    receiver.respondWith(500);
    const deliveryId = await postEvent(client);
    await deliveryWith(client, deliveryId, { status: 'pending', attemptCount: 1 });
    await change(false);
    await deliveryWith(client, deliveryId, { status: 'skipped' });
    await change(true);
    await client.post(`/v1/webhooks/${webhook.id}/pause`);
    const { id } = (await client.post('/v1/replays', { since, until: until() })).body.data;
    await deliveryWith(client, deliveryId, { status: 'held' });
    // As its next attempt's time would.
    await stack.engine.signalDelivery(deliveryId, 'wake');
    await eventually('no run waits', async () => {
      const run = await stack.engine.findRun(deliveryId);
      return run === 'ended' || run === null;
    });

    const { data } = (await client.post(`/v1/replays/${id}/cancel`)).body;
    expect(data).toMatchObject({ status: 'cancelled', replayed: 0 });
    await deliveryWith(client, deliveryId, { status: 'skipped', replays: 0 });
  });

  it('counts what another one has had since it was paused', async () => {
    const webhook = await skipped(receiver.url, 3);
    await webhook.change({ isActive: true });
    await client.post(`/v1/webhooks/${webhook.id}/pause`);
    const begin = async (): Promise<string> => {
      const { id } = (await client.post('/v1/replays', { since, until: until() })).body.data;
      await replayWith(id, { status: 'running', replayed: 3 });
      return id as string;
    };
    const first = await begin();
    await client.post(`/v1/replays/${first}/pause`);
    await client.post(`/v1/replays/${await begin()}/cancel`);
    await client.post(`/v1/replays/${first}/resume`);
    await replayWith(first, { status: 'running', replayed: 3, failed: 0 });
    await client.post(`/v1/webhooks/${webhook.id}/resume`);
    await replayWith(first, { status: 'completed', replayed: 3, failed: 0 });
  });

  it('goes on at once when it is resumed, whatever its batch waits for', async () => {
    const { change } = await skipped(receiver.url, 30);
    await change({ isActive: true, policy: { ratePerSecond: 0.2 } });
    const { id } = (await client.post('/v1/replays', { since, until: until() })).body.data;
    await replayWith(id, { status: 'running', replayed: 30 });
    await stack.temporal(async (temporal) => {
      await untilBatchWaits(temporal, id);
      const { namespace } = temporal.options;
      const execution = { workflowId: replayWorkflowId(id) };
      const about = { namespace, execution, identity: 'operator', type: 'replayBatch' };
      await temporal.workflowService.pauseActivity(about);
    });
    const { data } = (await client.post(`/v1/replays/${id}/pause`)).body;
    expect(data.replayed).toBeLessThan(30);

    await client.post(`/v1/replays/${id}/resume`);
    await replayWith(id, { status: 'running', replayed: 30 });
    await change({ policy: { ratePerSecond: null } });
    await replayWith(id, { status: 'completed', replayed: 30, failed: 0 });
  });

  it('that is paused and resumed over and over sends each once, and counts each once', async () => {
    const { change } = await skipped(receiver.url, 60);
    await change({ isActive: true, policy: { ratePerSecond: 20 } });
    const { id } = (await client.post('/v1/replays', { since, until: until() })).body.data;
    for (let n = 0; n < 20; n += 1) {
      // Two of each at once.
      const twice = (move: string) =>
        Promise.all([1, 2].map(() => client.post(`/v1/replays/${id}/${move}`)));
      await twice('pause');
      await twice('resume');
    }
    await replayWith(id, { status: 'completed', replayed: 60, failed: 0 });
    await eventually('all have arrived', async () => (await count('succeeded')) === 60);
    expect(receiver.requests).toHaveLength(60);
    const { deliveries } = (await client.get('/v1/deliveries?limit=100')).body.data;
    for (const each of deliveries) expect(each).toMatchObject({ attemptCount: 1, replays: 1 });
  });

  it('that is cancelled twice ended the first time', async () => {
    await skipped(receiver.url, 5);
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
    // More than go before it is cancelled.
    await skipped(receiver.url, 30);
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
    expect(await count('skipped')).toBe(30 - replayed);

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
      async () => (await count('skipped')) === 30 - end.replayed,
    );
  });

  it('goes on when it is resumed just as its batch has seen the pause', async () => {
    await skipped(receiver.url, 10);
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
});
