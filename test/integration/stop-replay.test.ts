import { newId } from '../../src/contracts/ids';
import { queueOf, type DeliveryRecord } from '../../src/store/delivery-record';
import { stopReplay } from '../../src/store/replay-selection';
import type { ReplayRecord } from '../../src/store/replays';
import { intercept } from '../support/intercept';
import { useFixture } from '../support/use';

/** More than are taken back in one transaction. */
const QUEUED = 1500;

describe('a bulk replay that has queued very many', () => {
  const fixture = useFixture();
  let replay: ReplayRecord;
  let first: string;

  const count = (filter: Record<string, unknown>): Promise<number> =>
    fixture.store.deliveries.model.countDocuments({ projectId: replay.projectId, ...filter });

  beforeEach(async () => {
    const { store } = fixture;
    const { planned } = await fixture.planned('http://127.0.0.1:9/');
    const { projectId } = planned;
    const { _id, ...like } = await fixture.delivery(planned.deliveryId);
    await store.deliveries.model.deleteOne({ _id });
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

  it.each(['paused', 'cancelled'] as const)(
    'has all of it taken back when it is %s, also if that was cut off',
    async (to) => {
      const { store } = fixture;
      const from = ['running', to] as const;
      let transactions = 0;
      const transaction: typeof store.transaction = async (...args) => {
        transactions += 1;
        if (transactions === 2) throw new Error('cut off');
        return store.transaction(...args);
      };
      const dying = intercept(store, 'transaction', transaction);
      await expect(stopReplay(dying, replay, from, to, 'platform')).rejects.toThrow('cut off');
      const left = await count({ status: 'pending' });
      expect(left).toBeLessThan(QUEUED);
      expect(left).toBeGreaterThan(0);
      expect(await store.replays.find(replay._id)).toMatchObject({ status: to, replayed: left });

      const stopped = await stopReplay(store, replay, from, to, 'platform');
      expect(stopped).toMatchObject({ status: to, replayed: 0, failed: 1 });
      expect(await count({ status: 'failed', replays: 0, queuedIn: null })).toBe(QUEUED);
      if (to === 'paused') expect(stopped!.cursor! < first).toBe(true);
    },
  );
});
