import { Places } from '../../activities/concurrency';
import { Hand } from '../../activities/courier/hand';
import { Lane } from '../../activities/courier/lane';
import { Runs } from '../../activities/courier/runs';
import { makeWebhook } from '../support/deliveries';
import { eventually } from '../support/eventually';
import { useExpress } from '../support/express';
import { Receiver } from '../support/receiver';

/** Timers may fire a millisecond early, and clocks round. */
const ROUNDING_MS = 5;
/** The order waits for workflows however long a busy machine takes to begin them. */
const withoutLimits = () => [
  jest.replaceProperty(Runs, 'unbegunMs', Infinity),
  jest.replaceProperty(Lane, 'orderWaitMs', Infinity),
];

describe('a project whose events are dispatched express', () => {
  const { stack, receiver, client, withStatus, batch, post, sentBy } = useExpress();

  it('holds what comes while its webhook is paused, and releases it in the order of events', async () => {
    const webhook = await makeWebhook(client, receiver.url, { policy: { ratePerSecond: 100 } });
    await client.post(`/v1/webhooks/${webhook.id}/pause`);
    await batch(50);
    await eventually('all are held', async () => (await withStatus('held')).length === 50);
    expect(receiver.requests).toHaveLength(0);
    const send = jest.spyOn(stack.sender, 'send');
    await client.post(`/v1/webhooks/${webhook.id}/resume`);
    await receiver.waitFor(50);
    await eventually('all ended', async () => (await withStatus('succeeded')).length === 50);
    expect(sentBy(send)).toEqual(Array.from({ length: 50 }, (_, n) => n));
    send.mockRestore();
    expect(receiver.requests).toHaveLength(50);
  });

  it('releases what was held while new ones keep coming, which go behind it', async () => {
    const webhook = await makeWebhook(client, receiver.url);
    await client.post(`/v1/webhooks/${webhook.id}/pause`);
    await batch(30);
    await eventually('all are held', async () => (await withStatus('held')).length === 30);
    const send = jest.spyOn(stack.sender, 'send');
    await client.post(`/v1/webhooks/${webhook.id}/resume`);
    let posted = 0;
    // Without a pause, until what was held has gone, and enough that came meanwhile.
    while (sentBy(send).length < 60) {
      await post(30 + posted);
      posted += 1;
    }
    await receiver.waitFor(30 + posted);
    expect(sentBy(send)).toEqual(Array.from({ length: 30 + posted }, (_, n) => n));
    send.mockRestore();
  });

  it('releases what was held before what is new, though some of that is cancelled as it is taken', async () => {
    const webhook = await makeWebhook(client, receiver.url);
    await client.post(`/v1/webhooks/${webhook.id}/pause`);
    await batch(30);
    await eventually('all are held', async () => (await withStatus('held')).length === 30);
    const { deliveries } = stack.store;
    const updateMany = deliveries.model.updateMany.bind(deliveries.model);
    let isFirst = true;
    const update = jest.spyOn(deliveries.model, 'updateMany').mockImplementation((async (
      ...given: Parameters<typeof updateMany>
    ) => {
      const [{ _id }] = given as unknown as [{ _id?: { $in: string[] } }];
      if (isFirst && _id) {
        isFirst = false;
        for (const id of _id.$in.slice(1, 3)) await deliveries.cancel(id);
        await post(30);
      }
      return updateMany(...given);
    }) as never);
    const send = jest.spyOn(stack.sender, 'send');
    await client.post(`/v1/webhooks/${webhook.id}/resume`);
    await receiver.waitFor(29);
    expect(sentBy(send)).toEqual([0, ...Array.from({ length: 28 }, (_, n) => n + 3)]);
    update.mockRestore();
    send.mockRestore();
    await eventually('all ended', async () => (await withStatus('succeeded')).length === 29);
  });

  it('releases what workflows run in the same order, however long they take to begin', async () => {
    const webhook = await makeWebhook(client, receiver.url);
    await client.post(`/v1/webhooks/${webhook.id}/pause`);
    await batch(16);
    await eventually('all are held', async () => (await withStatus('held')).length === 16);
    const { deliveries, rounds } = stack.store;
    const held = await deliveries.model.find({ webhookId: webhook.id }).sort({ eventId: 1 });
    const ids = held.map(({ _id }) => _id);
    const isRun = (n: number): boolean => n % 4 === 0;
    const run = ids.filter((_id, n) => isRun(n));
    const isRunAgain = { $unset: { isExpress: 1 }, $set: { runId: 'an earlier one' } } as const;
    await deliveries.model.updateMany({ _id: { $in: run } }, isRunAgain);
    const limits = withoutLimits();
    const begun: number[] = [];
    const check = jest.spyOn(Runs.prototype, 'check');
    const open = rounds.open.bind(rounds);
    const opening = jest.spyOn(rounds, 'open').mockImplementation(async (id, opened) => {
      const before = check.mock.calls.length;
      await eventually('the courier has looked', () => check.mock.calls.length > before + 20);
      begun.push(ids.indexOf(id));
      return open(id, opened);
    });
    const real = stack.sender.send.bind(stack.sender);
    const send = jest.spyOn(stack.sender, 'send').mockImplementation(async (...given) => {
      const n = sentBy(send).at(-1)!;
      if (!isRun(n)) begun.push(n);
      return real(...given);
    });
    await client.post(`/v1/webhooks/${webhook.id}/resume`);
    await eventually('all ended', async () => (await withStatus('succeeded')).length === 16);
    expect(begun).toEqual(ids.map((_id, n) => n));
    for (const spy of [check, opening, send]) spy.mockRestore();
    for (const limit of limits) limit.restore();
  });

  it.each([
    ['auto', 'the courier itself', 0],
    ['workflow', 'workflows', 4],
  ])('has in %s what has had no workflow yet sent by %s', async (dispatch, _who, workflows) => {
    const webhook = await makeWebhook(client, receiver.url);
    await client.post(`/v1/webhooks/${webhook.id}/pause`);
    await batch(16);
    await eventually('all are held', async () => (await withStatus('held')).length === 16);
    const { model } = stack.store.deliveries;
    const held = await model.find({ webhookId: webhook.id }).sort({ eventId: 1 });
    const planned = held.filter((_one, n) => n % 4 === 0).map(({ _id }) => _id);
    await model.updateMany({ _id: { $in: planned } }, { $unset: { isExpress: 1 } });
    await stack.admin.patch(`/v1/projects/${held[0]!.projectId}`, { dispatch });
    const limits = withoutLimits();
    const run = jest.spyOn(stack.engine, 'runAgain');
    const send = jest.spyOn(stack.sender, 'send');
    await client.post(`/v1/webhooks/${webhook.id}/resume`);
    await eventually('all ended', async () => (await withStatus('succeeded')).length === 16);
    expect(sentBy(send)).toEqual(held.map((_one, n) => n));
    expect(run).toHaveBeenCalledTimes(workflows);
    const { data } = (await client.get(`/v1/deliveries/${planned[0]}`)).body;
    expect(data.workflow === null).toBe(workflows === 0);
    for (const spy of [run, send]) spy.mockRestore();
    for (const limit of limits) limit.restore();
  });

  it('releases in the same order what a workflow has found no place for', async () => {
    const webhook = await makeWebhook(client, receiver.url);
    await client.post(`/v1/webhooks/${webhook.id}/pause`);
    await batch(8);
    await eventually('all are held', async () => (await withStatus('held')).length === 8);
    const { model } = stack.store.deliveries;
    const first = await model.findOne({ webhookId: webhook.id }).sort({ eventId: 1 });
    const isRun = { $unset: { isExpress: 1 }, $set: { runId: 'an earlier one' } } as const;
    await model.updateOne({ _id: first!._id }, isRun);
    const limits = withoutLimits();
    const take = jest.spyOn(Places.prototype, 'take');
    const runAgain = stack.engine.runAgain.bind(stack.engine);
    const run = jest.spyOn(stack.engine, 'runAgain').mockImplementationOnce((...given) => {
      // Next its workflow asks: the courier sends nothing before that has begun.
      take.mockReturnValueOnce('workers_busy');
      return runAgain(...given);
    });
    const send = jest.spyOn(stack.sender, 'send');
    await client.post(`/v1/webhooks/${webhook.id}/resume`);
    await eventually('all ended', async () => (await withStatus('succeeded')).length === 8);
    expect(sentBy(send)).toEqual(Array.from({ length: 8 }, (_, n) => n));
    for (const spy of [take, run, send]) spy.mockRestore();
    for (const limit of limits) limit.restore();
  });

  it('sends what a workflow has put into the queue before what is in hand and came later', async () => {
    const webhook = await makeWebhook(client, receiver.url, { policy: { ratePerSecond: 0.9 } });
    const { webhooks, deliveries } = stack.store;
    const { projectId } = (await webhooks.model.findById(webhook.id).lean())!;
    const send = jest.spyOn(stack.sender, 'send');
    // As if all went within the 2 seconds that something may wait in hand.
    const sweep = jest.spyOn(Hand.prototype, 'sweep').mockImplementation(() => {});
    const take = jest.spyOn(Hand.prototype, 'take');
    const distinct = jest.spyOn(deliveries.model, 'distinct');
    const takeSlot = webhooks.takeSlot.bind(webhooks);
    let find!: () => void;
    const found = new Promise<null>((resolve) => (find = () => resolve(null)));
    let isFree = false;
    const slots = jest.spyOn(webhooks, 'takeSlot');
    slots.mockImplementationOnce(() => found);
    slots.mockImplementationOnce(takeSlot);
    await stack.admin.patch(`/v1/projects/${projectId}`, { dispatch: 'workflow' });
    await post(0);
    await eventually('its workflow asks for a slot', () => slots.mock.calls.length === 1);
    await stack.admin.patch(`/v1/projects/${projectId}`, { dispatch: 'express' });
    await post(1);
    await eventually('the next is sent', () => sentBy(send).length === 1);
    slots.mockImplementation(async (...given) => (isFree ? takeSlot(...given) : null));
    await post(2);
    await eventually('the last is in hand', () =>
      take.mock.calls.some(([{ webhookId }, { body }]) => {
        return webhookId === webhook.id && String(body).includes('"em_2"');
      }),
    );
    find();
    await eventually('the first is queued', () =>
      deliveries.model.exists({ webhookId: webhook.id, queuedIn: projectId, isExpress: null }),
    );
    const looked = (): number =>
      distinct.mock.calls.filter(
        ([, query]) => (query as { queuedIn?: string } | undefined)?.queuedIn === projectId,
      ).length;
    const before = looked();
    // The second look begins after the first has ended.
    await eventually('the courier has looked', () => looked() > before);
    isFree = true;
    await receiver.waitFor(3);
    expect(sentBy(send)).toEqual([1, 0, 2]);
    for (const spy of [send, sweep, take, distinct, slots]) spy.mockRestore();
  });

  it('pauses a webhook for a second, however many are released together and find no place', async () => {
    const webhook = await makeWebhook(client, receiver.url);
    await client.post(`/v1/webhooks/${webhook.id}/pause`);
    await batch(8);
    await eventually('all are held', async () => (await withStatus('held')).length === 8);
    const { deliveries, rounds } = stack.store;
    const isRun = { $unset: { isExpress: 1 }, $set: { runId: 'an earlier one' } } as const;
    await deliveries.model.updateMany({ webhookId: webhook.id }, isRun);
    const limits = withoutLimits();
    const run = jest.spyOn(stack.engine, 'runAgain');
    const take = jest.spyOn(Places.prototype, 'take');
    let refused = 0;
    const open = rounds.open.bind(rounds);
    const opening = jest.spyOn(rounds, 'open').mockImplementation(async (...given) => {
      await eventually('all are released', () => run.mock.calls.length >= 8);
      // Next its workflow asks: the courier has nothing left to ask for.
      if (refused < 8) take.mockReturnValueOnce('workers_busy');
      refused += 1;
      return open(...given);
    });
    const block = jest.spyOn(Lane.prototype, 'block');
    await client.post(`/v1/webhooks/${webhook.id}/resume`);
    await eventually('all ended', async () => (await withStatus('succeeded')).length === 8);
    const blocked = block.mock.calls.filter(
      (_ms, n) => (block.mock.contexts[n] as Lane).webhook._id === webhook.id,
    );
    expect(blocked).toEqual([[1000]]);
    for (const spy of [run, opening, take, block]) spy.mockRestore();
    for (const limit of limits) limit.restore();
  });

  it('does not let others wait for a webhook that hangs', async () => {
    const hanging = await Receiver.start();
    hanging.respondWith({ kind: 'hang' });
    await makeWebhook(client, hanging.url);
    await makeWebhook(client, receiver.url);
    await batch(100);
    await receiver.waitFor(100);
    await eventually('all are shown', async () => (await withStatus('pending')).length === 100);
    await eventually('they say why', async () => {
      const list = await withStatus('pending');
      const reasons = new Set<string>();
      for (const { id } of list) {
        reasons.add((await client.get(`/v1/deliveries/${id}`)).body.data.pending?.reason);
      }
      return reasons.has('attempt_running') && reasons.has('webhook_busy');
    });
    await hanging.close();
  });

  it('makes more attempts at a time for a receiver that keeps pace with them', async () => {
    let running = 0;
    let most = 0;
    // Slow, so that the delays of a busy machine are small beside it.
    receiver.respondWith(() => {
      running += 1;
      most = Math.max(most, running);
      setTimeout(() => (running -= 1), 1000);
      return { kind: 'answer', status: 200, delayMs: 1000 };
    });
    await makeWebhook(client, receiver.url);
    let posted = 0;
    // While a machine stands still the receiver seems to be slow, and is given less.
    await eventually('it has more at a time', async () => {
      if (receiver.requests.length === posted) {
        posted += 100;
        await batch(100);
      }
      return most > 15;
    });
    await receiver.waitFor(posted);
    await eventually('all are recorded', async () => (await withStatus('pending')).length === 0);
  });

  it('keeps the order of what has waited in hand for long, and what came later', async () => {
    const send = jest.spyOn(stack.sender, 'send');
    receiver.respondWith({ kind: 'answer', status: 200, delayMs: 900 });
    await makeWebhook(client, receiver.url);
    for (let n = 0; n < 40; n += 1) await post(n);
    await receiver.waitFor(11);
    for (let n = 40; n < 80; n += 1) await post(n);
    await receiver.waitFor(80);
    // What goes at a time may change places.
    const late = sentBy(send).filter((number, place) => place - number > 15);
    send.mockRestore();
    expect(late).toEqual([]);
  });

  it('keeps a rate', async () => {
    await makeWebhook(client, receiver.url, { policy: { ratePerSecond: 10 } });
    // Not from the first request on, which a busy machine may delay.
    const postedAt = Date.now();
    await batch(30);
    await receiver.waitFor(30);
    const lastAt = receiver.requests[29]!.receivedAt.getTime();
    expect(lastAt - postedAt).toBeGreaterThanOrEqual(29 * 100 - ROUNDING_MS);
  });

  it('sends one by a slot that is old, since what it was taken for was paused meanwhile', async () => {
    const webhook = await makeWebhook(client, receiver.url, { policy: { ratePerSecond: 0.5 } });
    const { webhooks } = stack.store;
    const takeSlot = webhooks.takeSlot.bind(webhooks);
    let giveSlot!: () => void;
    const given = new Promise<void>((resolve) => (giveSlot = resolve));
    const slots = jest.spyOn(webhooks, 'takeSlot');
    slots.mockImplementationOnce((...args) => given.then(() => takeSlot(...args)));
    const sentAt: number[] = [];
    const send = stack.sender.send.bind(stack.sender);
    const sending = jest.spyOn(stack.sender, 'send').mockImplementation((...args) => {
      // Earlier tests' retries go through it, too.
      if (args[0].url.startsWith(receiver.url)) sentAt.push(performance.now());
      return send(...args);
    });
    await batch(2);
    await eventually('it takes a slot', () => slots.mock.calls.length === 1);
    await client.post(`/v1/webhooks/${webhook.id}/pause`);
    await eventually('both are held', async () => (await withStatus('held')).length === 2);
    giveSlot();
    await slots.mock.results[0]!.value;
    const takenAt = performance.now();
    await eventually('the next slot would be due', () => performance.now() - takenAt > 2000);
    await client.post(`/v1/webhooks/${webhook.id}/resume`);
    await receiver.waitFor(2);
    expect(sentAt[1]! - sentAt[0]!).toBeGreaterThan(500);
    slots.mockRestore();
    sending.mockRestore();
  });
});
