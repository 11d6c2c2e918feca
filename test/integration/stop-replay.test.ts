import { newId } from '../../src/contracts/ids';
import { queueOf, type DeliveryRecord } from '../../src/store/delivery-record';
import { release } from '../../src/store/queue';
import { listForReplay, queueReplays } from '../../src/store/replay-selection';
import { stopReplay, takeBackMore } from '../../src/store/stop-replay';
import type { ReplayRecord } from '../../src/store/replays';
import { makeWebhook, postEvent } from '../support/deliveries';
import { intercept } from '../support/intercept';
import { useStack } from '../support/use';

/** More than are taken back in one transaction. */
const QUEUED = 1500;

describe('a bulk replay of which a paused webhook holds very many', () => {
  const stack = useStack();
  let replay: ReplayRecord;
  let first: string;

  const count = (filter: Record<string, unknown>): Promise<number> =>
    stack.store.deliveries.model.countDocuments({ projectId: replay.projectId, ...filter });

  beforeEach(async () => {
    const { store } = stack;
    const { client, id: projectId } = await stack.project();
    const webhook = await makeWebhook(client, 'http://127.0.0.1:9/');
    await client.post(`/v1/webhooks/${webhook.id}/pause`);
    const _id = await postEvent(client);
    const like = await store.deliveries.model.findOneAndDelete({ _id }).orFail().lean();
    const ended = { status: 'failed' as const, completedAt: new Date(), roundStart: 0 };
    const id = newId('replay');
    const deliveries = Array.from({ length: QUEUED }, (): DeliveryRecord => ({
      ...like,
      _id: newId('delivery'),
      eventId: newId('event'),
      nextAttemptAt: null,
      replays: 1,
      bulkReplay: { id, ...ended },
      queuedIn: queueOf(projectId, 'replay'),
    }));
    await store.deliveries.model.collection.insertMany(deliveries as never[]);
    const ids = deliveries.map((delivery) => delivery._id).toSorted();
    first = ids[0]!;
    replay = await store.replays.create({
      _id: id,
      projectId,
      query: { statuses: ['failed'], since: new Date(0), until: new Date(Date.now() + 1000) },
      ratePerSecond: null,
      status: 'running',
      matched: QUEUED + 1,
      completedAt: null,
    });
    const so = { cursor: ids.at(-1)!, replayed: QUEUED, failed: 1 };
    await store.replays.model.updateOne({ _id: id }, { $set: so });
  });

  const takesBack = async (): Promise<void> => {
    expect(await count({ status: 'failed', replays: 0, queuedIn: null })).toBe(QUEUED);
    const taken = await stack.store.replays.find(replay._id);
    expect(taken).toMatchObject({ replayed: 0, failed: 1 });
    expect(taken).not.toHaveProperty('takesBack');
    if (taken!.status === 'paused') expect(taken!.cursor! < first).toBe(true);
  };

  it.each(['paused', 'cancelled'] as const)(
    'has all of it taken back by reconcile when it is %s and that is cut off',
    async (to) => {
      const { store } = stack;
      let transactions = 0;
      const transaction: typeof store.transaction = async (...args) => {
        transactions += 1;
        if (transactions === 2) throw new Error('cut off');
        return store.transaction(...args);
      };
      const dying = intercept(store, 'transaction', transaction);
      await expect(
        stopReplay(dying, replay, ['running'], to, 'platform', Infinity),
      ).rejects.toThrow('cut off');
      const left = await count({ status: 'held' });
      expect(left).toBeLessThan(QUEUED);
      expect(left).toBeGreaterThan(0);
      expect(await store.replays.find(replay._id)).toMatchObject({ status: to, replayed: left });

      await stack.reconcile();
      await takesBack();
    },
  );

  it.each(['paused', 'cancelled'] as const)(
    'has all of it taken back when it is %s',
    async (to) => {
      const stopped = stopReplay(stack.store, replay, ['running'], to, 'platform', Infinity);
      expect(await stopped).toMatchObject({ status: to, replayed: 0 });
      await takesBack();
    },
  );

  it.each(['paused', 'cancelled'] as const)(
    'has what was released when it is %s, and may not go, taken back by reconcile',
    async (to) => {
      const { store } = stack;
      const queued = { _id: first, queuedIn: queueOf(replay.projectId, 'replay') };
      const released = (await release(store, queued))!;
      const stopped = await stopReplay(store, replay, ['running'], to, 'platform', Infinity);
      expect(stopped).toMatchObject({ status: to, replayed: 1 });
      const { updatedAt } = stopped!;
      // Not in the queue yet.
      expect(await takeBackMore(store, replay._id)).toEqual({
        replay: expect.objectContaining({ takesBack: true, replayed: 1, updatedAt }),
        isMore: false,
      });

      expect(await store.rounds.queue(released, 'run', 'held')).toBe(true);
      await stack.reconcile();
      await takesBack();
    },
  );

  it('is noted on them only while it may come to them again', async () => {
    const { store } = stack;
    const make = (status: 'paused' | 'cancelled') =>
      store.replays.create({ ...replay, _id: newId('replay'), status });
    const [ended, paused] = [await make('cancelled'), await make('paused')];
    const of = { projectId: replay.projectId };
    const notes = () => store.deliveries.model.distinct('takenBackBy', of);
    await store.deliveries.model.updateMany(of, { takenBackBy: [ended._id, paused._id] });
    await stopReplay(store, replay, ['running'], 'paused', 'platform', Infinity);
    expect(await notes()).toEqual([paused._id, replay._id].toSorted());
    await stopReplay(store, replay, ['paused'], 'cancelled', 'platform');
    const bulkReplay = { id: paused._id, status: 'failed', completedAt: new Date(), roundStart: 0 };
    const queued = { status: 'held', bulkReplay, queuedIn: queueOf(replay.projectId, 'replay') };
    await store.deliveries.model.updateMany(of, { ...queued, replays: 1 });
    await stopReplay(store, paused, ['paused'], 'paused', 'platform', Infinity);
    expect(await notes()).toEqual([paused._id]);
  });

  it('is not noted on them once it is cancelled', async () => {
    await stopReplay(stack.store, replay, ['running'], 'cancelled', 'platform', Infinity);
    expect(await count({ takenBackBy: { $exists: true } })).toBe(0);
  });

  it('counts none as failed that it comes across only after another one has given them back', async () => {
    const { store } = stack;
    const ids = await store.deliveries.model.distinct('_id', { projectId: replay.projectId });
    // It has passed them, while the other one had them, and was set back since.
    const so = { cursor: null, countedTo: ids.toSorted().at(-1)!, replayed: 0, failed: 0 };
    await store.replays.model.updateOne({ _id: replay._id }, { $set: so });
    const ended = { status: 'failed', completedAt: new Date(0) };
    const left = { bulkReplay: '', queuedIn: '' };
    await store.deliveries.model.updateMany({ _id: { $in: ids } }, { $set: ended, $unset: left });
    const running = (await store.replays.find(replay._id))!;
    const some = await listForReplay(store, running, 10);
    expect(await queueReplays(store, running, some)).toBe(true);
    expect(await store.replays.find(replay._id)).toMatchObject({
      replayed: 10,
      failed: 0,
      cursor: some.at(-1)!._id,
    });
  });

  it('leaves to reconcile what takes longer than a request may, and to a resume what is left then', async () => {
    const { store } = stack;
    const stopped = await stopReplay(store, replay, ['running'], 'paused', 'platform', 0);
    expect(stopped).toMatchObject({ status: 'paused', takesBack: true });
    await store.replays.move(replay._id, ['paused'], 'running', 'platform');
    const left = await count({ status: 'held' });
    expect(await takeBackMore(store, replay._id)).toBeNull();
    expect(await count({ status: 'held' })).toBe(left);
    expect(await store.replays.find(replay._id)).toMatchObject({ replayed: left });
  });
});
