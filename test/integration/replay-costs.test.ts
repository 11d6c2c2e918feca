import { clock } from '../../src/clock';
import { newId } from '../../src/contracts/ids';
import type { DeliveryRecord } from '../../src/store/delivery-record';
import { countForReplay, listForReplay, queueReplays } from '../../src/store/replay-selection';
import type { ReplayRecord } from '../../src/store/replays';
import { stopReplay } from '../../src/store/stop-replay';
import { profileOf } from '../support/profiler';
import { useFixture } from '../support/use';

const MANY = 500;
const FEW = 10;

describe('what a bulk replay costs MongoDB', () => {
  const fixture = useFixture();
  let like: Omit<DeliveryRecord, '_id' | 'eventId'>;

  const insertFailed = async (count: number): Promise<void> => {
    const completedAt = clock.now();
    const failed = Array.from({ length: count }, () => ({
      ...like,
      _id: newId('delivery'),
      eventId: newId('event'),
      status: 'failed' as const,
      nextAttemptAt: null,
      completedAt,
    }));
    await fixture.store.deliveries.model.collection.insertMany(failed as never[]);
  };
  const requested = async (): Promise<ReplayRecord> => {
    const { projectId } = like;
    const query = {
      statuses: ['failed' as const],
      since: new Date(0),
      until: new Date('2099-01-01'),
    };
    const { counts, ...by } = await countForReplay(fixture.store, projectId, query);
    return fixture.store.replays.create({
      _id: newId('replay'),
      projectId,
      query,
      ratePerSecond: null,
      status: 'running',
      matched: [...counts.values()].reduce((sum, count) => sum + count, 0),
      ...by,
      completedAt: null,
    });
  };

  beforeEach(async () => {
    const { planned } = await fixture.planned('http://127.0.0.1:9/');
    const { _id, eventId: _eventId, ...rest } = await fixture.delivery(planned.deliveryId);
    await fixture.store.deliveries.model.deleteOne({ _id });
    like = rest;
  });

  it('while it waits: no more than is left of it, however much has failed since it was requested', async () => {
    const { deliveries } = fixture.store;
    await insertFailed(FEW);
    const replay = await requested();
    expect(replay.matched).toBe(FEW);
    await insertFailed(MANY);

    const { answer, profiled } = await profileOf(
      deliveries.model.db.db!,
      () => listForReplay(fixture.store, replay, MANY),
      { ns: /\.deliveries$/ },
    );
    expect(answer).toHaveLength(FEW);
    expect(profiled).toHaveLength(1);
    expect(profiled[0]!.docsExamined).toBeLessThanOrEqual(2 * FEW);
  });

  it('when it is paused: no more than is taken back, however much it could not replay', async () => {
    const { store } = fixture;
    const { model } = store.deliveries;
    await insertFailed(FEW);
    // Of a webhook that has been deleted since.
    like.webhookId = newId('webhook');
    await insertFailed(MANY);
    const requestedOne = await requested();
    const all = await listForReplay(store, requestedOne, FEW + MANY);
    expect(await queueReplays(store, requestedOne, all)).toBe(true);
    const replay = (await store.replays.find(requestedOne._id))!;
    expect(replay).toMatchObject({ replayed: FEW, failed: MANY });

    const { answer, profiled } = await profileOf(
      model.db.db!,
      () => stopReplay(store, replay, ['running'], 'paused', 'platform'),
      { ns: /\.deliveries$/ },
    );
    expect(answer).toMatchObject({ status: 'paused', replayed: 0, failed: MANY });
    for (const { docsExamined = 0 } of profiled) expect(docsExamined).toBeLessThanOrEqual(2 * FEW);

    const resumed = (await store.replays.move(replay._id, ['paused'], 'running', 'platform'))!;
    const again = await listForReplay(store, resumed, FEW + MANY);
    expect(again).toHaveLength(FEW + MANY);
    expect(await queueReplays(store, resumed, again)).toBe(true);
    const after = await store.replays.find(replay._id);
    expect(after).toMatchObject({ replayed: FEW, failed: MANY });
  });

  it('counts each once that it could not replay, however often it was paused', async () => {
    const { store } = fixture;
    await insertFailed(FEW);
    const { _id } = await requested();
    const next = async (count: number): Promise<ReplayRecord> => {
      const replay = (await store.replays.find(_id))!;
      await queueReplays(store, replay, await listForReplay(store, replay, count));
      return (await store.replays.find(_id))!;
    };
    const pausedAndResumed = async (): Promise<void> => {
      const replay = (await store.replays.find(_id))!;
      await stopReplay(store, replay, ['running'], 'paused', 'platform');
      await store.replays.move(_id, ['paused'], 'running', 'platform');
    };
    expect(await next(FEW)).toMatchObject({ replayed: FEW, failed: 0 });
    await pausedAndResumed();
    await next(1);
    await store.webhooks.model.deleteOne({ _id: like.webhookId });
    expect(await next(FEW)).toMatchObject({ replayed: 1, failed: FEW - 1 });
    await pausedAndResumed();
    expect(await store.replays.find(_id)).toMatchObject({ replayed: 0, failed: FEW - 1 });
    expect(await next(FEW)).toMatchObject({ replayed: 0, failed: FEW });
  });
});
