import { mongo } from 'mongoose';
import type { Attempt } from '../../src/contracts/delivery';
import { newId } from '../../src/contracts/ids';
import { deliveriesEnded } from '../../src/metrics';
import type { DeliveryRecord } from '../../src/store/delivery-record';
import { settle, type SettlementAt } from '../../src/store/settlement';
import { makeWebhook } from '../support/deliveries';
import { eventually } from '../support/eventually';
import { emailSent } from '../support/samples';
import { insertDeliveries, insertDelivery } from './api/insert';
import { useFreshReceiver, useStack } from '../support/use';

const nothing = { inserts: [], records: [], queued: [] };
const failure: Attempt = {
  number: 1,
  runId: 'run',
  startedAt: new Date(),
  durationMs: 1,
  outcome: 'failed',
  requestHeaders: {},
};

describe('what a courier settles', () => {
  const stack = useStack();
  const receiver = useFreshReceiver();

  const failureCount = async (webhookId: string): Promise<number> =>
    (await stack.store.webhooks.model.findById(webhookId).lean())!.failureCount;

  it('is counted once where the commit is not answered, and more has come meanwhile', async () => {
    const { id: projectId, client } = await stack.project({ dispatch: 'express' });
    const policy = { retryDelaysMs: [3_600_000] };
    const { id: webhookId } = await makeWebhook(client, receiver.url, { policy });
    receiver.respondWith(500);
    const { store } = stack;
    const transaction = store.transaction.bind(store);
    const post = () => client.post('/v1/events', { type: 'email.sent', data: emailSent });
    let isLost = false;
    const spy = jest.spyOn(store, 'transaction').mockImplementation(async (work, made) => {
      const result = await transaction(work, made);
      if (isLost || (await failureCount(webhookId)) === 0) return result;
      isLost = true;
      await post();
      await receiver.waitFor(2);
      throw new mongo.MongoNetworkError('the answer to commitTransaction was lost');
    });
    try {
      await post();
      const attempted = { projectId, attemptCount: 1 };
      await eventually('both are recorded', async () => {
        return (await store.deliveries.model.countDocuments(attempted)) === 2;
      });
    } finally {
      spy.mockRestore();
    }
    expect(isLost).toBe(true);
    expect(await failureCount(webhookId)).toBe(2);
  });

  it('does not put into the queue what was cancelled and replayed meanwhile', async () => {
    const { id: projectId } = await stack.project();
    const { deliveries, couriers } = stack.store;
    const fields = { projectId, isExpress: true, status: 'pending', nextAttemptAt: new Date() };
    const id = await insertDelivery(stack, fields as never);
    const delivery = (await deliveries.find(id))!;
    await deliveries.cancel(id);
    await deliveries.beginReplay(projectId, id);
    const queued = [{ delivery, as: 'held' as const, queuedIn: projectId }];
    const { shift } = (await couriers.begin(projectId, new Date()))!;
    await settle(stack.store, projectId, { shift, number: 1 }, { ...nothing, queued });
    expect(await deliveries.find(id)).toMatchObject({ status: 'pending', replays: 1 });
  });

  it.each([
    { first: 'of before the replay', order: [0, 1] },
    { first: 'of the replay', order: [1, 0] },
  ])(
    'logs attempts of two rounds, first that $first, and the latter decides',
    async ({ order }) => {
      const { id: projectId } = await stack.project();
      const { deliveries, couriers } = stack.store;
      const open = { status: 'pending' as const, isExpress: true as const, completedAt: null };
      const id = await insertDelivery(stack, { ...open, projectId });
      const before = (await deliveries.find(id))!;
      await deliveries.cancel(id);
      const replay = (await deliveries.beginReplay(projectId, id))!;
      const policy = { timeoutMs: 1000, retryDelaysMs: [] };
      const rounds = [
        { delivery: before, outcome: 'failed' },
        { delivery: replay, outcome: 'succeeded' },
      ] as const;
      const records = order.map((n) => {
        const { delivery, outcome } = rounds[n]!;
        const result = { status: outcome, nextDelayMs: null, policy };
        return { delivery, attempt: { ...failure, outcome }, result };
      });
      const { shift } = (await couriers.begin(projectId, new Date()))!;
      await settle(stack.store, projectId, { shift, number: 1 }, { ...nothing, records });
      const settled = (await deliveries.find(id))!;
      expect(settled).toMatchObject({ status: 'succeeded', attemptCount: 2 });
      expect(settled).not.toHaveProperty('followUp');
      expect(settled.attempts.map(({ number }) => number)).toEqual([1, 2]);
      expect(settled.attempts.map(({ outcome }) => outcome)).toEqual(
        order.map((n) => rounds[n]!.outcome),
      );
      expect(settled.attempts[order.indexOf(0)]).toMatchObject({ superseded: true });
    },
  );

  it('is stored but for a delivery that is there under another id', async () => {
    const { id: projectId } = await stack.project();
    const { deliveries, couriers } = stack.store;
    const id = await insertDelivery(stack, { projectId });
    const there = (await deliveries.find(id))!;
    const eventId = newId('event');
    const inserts = [
      { ...there, _id: newId('delivery'), isExpress: true as const },
      { ...there, _id: newId('delivery'), eventId, isExpress: true as const },
    ];
    const { shift } = (await couriers.begin(projectId, new Date()))!;
    const at = { shift, number: 1 };
    expect(await settle(stack.store, projectId, at, { ...nothing, inserts })).toBe(true);
    const stored = await deliveries.model.distinct('_id', { projectId });
    expect(stored.toSorted()).toEqual([id, inserts[1]!._id].toSorted());
  });

  it('ends as skipped where more would follow, and its webhook was disabled meanwhile', async () => {
    const { id: projectId, client } = await stack.project();
    const { id: webhookId } = await makeWebhook(client, receiver.url);
    const nextAttemptAt = new Date(Date.now() + 3_600_000);
    const open = { status: 'pending' as const, isExpress: true as const, completedAt: null };
    const like = { ...open, projectId, webhookId, nextAttemptAt };
    const { deliveries, couriers } = stack.store;
    const makeAll = async (...some: Partial<DeliveryRecord>[]) =>
      Promise.all(
        (
          await insertDeliveries(
            stack,
            some.map((one) => ({ ...like, ...one })),
          )
        ).map(async (id) => (await deliveries.find(id))!),
      );
    const stored = await makeAll({}, { test: true }, { replays: 1 });
    const unstored = await makeAll({}, { status: 'held', queuedIn: projectId }, { test: true });
    await deliveries.model.deleteMany({ _id: { $in: unstored.map(({ _id }) => _id) } });
    const isActive = false;
    await stack.store.webhooks.model.updateOne({ _id: webhookId }, { isActive });
    const { shift } = (await couriers.begin(projectId, new Date()))!;
    const policy = { timeoutMs: 1000, retryDelaysMs: [3_600_000] };
    const result = { status: 'pending' as const, nextDelayMs: 3_600_000, policy };
    const records = stored.map((delivery) => ({ delivery, attempt: failure, result }));
    const settlement = { ...nothing, records, inserts: unstored };
    expect(await settle(stack.store, projectId, { shift, number: 1 }, settlement)).toBe(true);

    const skipped = { status: 'skipped', endReason: 'webhook_disabled', nextAttemptAt: null };
    const pending = { status: 'pending', nextAttemptAt: expect.any(Date), completedAt: null };
    const [first, test, replay] = await Promise.all(stored.map(({ _id }) => deliveries.find(_id)));
    expect(first).toMatchObject({ ...skipped, attemptCount: 1, completedAt: expect.any(Date) });
    for (const sent of [test, replay]) expect(sent).toMatchObject({ ...pending, attemptCount: 1 });
    const [unsent, held, asked] = await Promise.all(
      unstored.map(({ _id }) => deliveries.find(_id)),
    );
    for (const one of [unsent, held]) {
      expect(one).toMatchObject({ ...skipped, completedAt: expect.any(Date) });
      expect(one).not.toHaveProperty('queuedIn');
    }
    expect(asked).toMatchObject(pending);
  });

  it('counts in the metric what it has ended, and nothing that others have ended or stored', async () => {
    const { id: projectId } = await stack.project();
    const { deliveries, couriers } = stack.store;
    const open = { status: 'pending' as const, isExpress: true as const, completedAt: null };
    const ids = await insertDeliveries(
      stack,
      Array.from({ length: 5 }, () => ({ ...open, projectId })),
    );
    const read = await Promise.all(ids.map(async (id) => (await deliveries.find(id))!));
    const [attempted, cancelled, disabled, ended, there] = read;
    await deliveries.cancel(cancelled!._id);
    await deliveries.cancel(ended!._id);
    const policy = { timeoutMs: 1000, retryDelaysMs: [3_600_000] };
    const result = { status: 'failed' as const, nextDelayMs: null, policy };
    const records = [attempted!, cancelled!].map((delivery) => ({
      delivery,
      attempt: failure,
      result,
    }));
    const queued = [disabled!, ended!].map((delivery) => ({
      delivery,
      as: 'skipped' as const,
      queuedIn: projectId,
    }));
    const sent = { attempts: [failure], attemptCount: 1, status: 'failed' as const };
    const inserts = [
      { ...there!, ...sent },
      { ...there!, ...sent, _id: newId('delivery'), eventId: newId('event') },
    ];
    const counts = async (): Promise<Record<string, number>> =>
      Object.fromEntries(
        (await deliveriesEnded.get()).values.map(({ labels, value }) => [labels.status, value]),
      );
    const before = await counts();
    const { shift } = (await couriers.begin(projectId, new Date()))!;
    const settlement = { ...nothing, inserts, records, queued };
    expect(await settle(stack.store, projectId, { shift, number: 1 }, settlement)).toBe(true);
    const after = await counts();
    const difference = Object.entries(after).map(([status, value]) => [
      status,
      value - before[status]!,
    ]);
    expect(Object.fromEntries(difference)).toEqual({
      succeeded: 0,
      failed: 2,
      cancelled: 0,
      skipped: 1,
    });
  });

  it('is kept for a day after its end, and counts once in the metric where it is stored and attempted at once', async () => {
    const { id: projectId, client } = await stack.project();
    const { id: webhookId } = await makeWebhook(client, receiver.url);
    const { deliveries, couriers, webhooks } = stack.store;
    const id = await insertDelivery(stack, { projectId, webhookId });
    const like = (await deliveries.find(id))!;
    const soon = new Date(Date.now() + 60_000);
    const open = { isExpress: true as const, completedAt: null, expiresAt: soon };
    const isNew = () => ({ _id: newId('delivery'), eventId: newId('event') });
    const pending = { ...like, ...open, ...isNew(), status: 'pending' as const };
    const sent = { ...like, ...open, ...isNew(), attempts: [failure], attemptCount: 1 };
    const failed = { ...sent, status: 'failed' as const, completedAt: new Date() };
    await webhooks.model.updateOne({ _id: webhookId }, { isActive: false });
    const policy = { timeoutMs: 1000, retryDelaysMs: [] };
    const result = { status: 'succeeded' as const, nextDelayMs: null, policy };
    const attempt = { ...failure, outcome: 'succeeded' as const };
    const records = [{ delivery: pending, attempt, result }];
    const { shift } = (await couriers.begin(projectId, new Date()))!;
    const settlement = { ...nothing, inserts: [pending, failed], records };
    const at: SettlementAt = { shift, number: 1 };
    expect(await settle(stack.store, projectId, at, settlement)).toBe(true);
    expect(at.ended!.toSorted()).toEqual(['failed', 'succeeded']);
    for (const { _id } of [pending, failed]) {
      const { completedAt, expiresAt } = (await deliveries.find(_id))!;
      const keptMs = expiresAt.getTime() - completedAt!.getTime();
      expect(keptMs).toBeGreaterThanOrEqual(24 * 3_600_000);
    }
  });

  it('is told apart by its shift and its number in that', async () => {
    const { id: projectId, client } = await stack.project();
    const { id: webhookId } = await makeWebhook(client, receiver.url);
    const like = (await stack.store.deliveries.find(await insertDelivery(stack, { projectId })))!;
    const settled = (shift: number, number: number): Promise<boolean> => {
      const isNew = { _id: newId('delivery'), eventId: newId('event') };
      const inserts = [{ ...like, ...isNew, webhookId, attempts: [failure], attemptCount: 1 }];
      return settle(stack.store, projectId, { shift, number }, { ...nothing, inserts });
    };
    const { shift } = (await stack.store.couriers.begin(projectId, new Date()))!;
    expect(await settled(shift, 1)).toBe(true);
    expect(await settled(shift, 1)).toBe(true);
    expect(await failureCount(webhookId)).toBe(1);
    expect(await settled(shift, 2)).toBe(true);
    expect(await failureCount(webhookId)).toBe(2);
    const next = (await stack.store.couriers.begin(projectId, new Date()))!.shift;
    expect(await settled(shift, 3)).toBe(false);
    expect(await settled(next, 1)).toBe(true);
    expect(await failureCount(webhookId)).toBe(3);
  });
});
