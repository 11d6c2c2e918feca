import { clock } from '../../src/clock';
import { newId } from '../../src/contracts/ids';
import type { DeliveryRecord } from '../../src/store/delivery-record';
import { countForReplay, listForReplay } from '../../src/store/replay-selection';
import type { ReplayRecord } from '../../src/store/replays';
import { profileOf } from '../support/profiler';
import { useFixture } from '../support/use';

const MANY = 500;
const FEW = 10;

describe('what it costs MongoDB to look what is left of a bulk replay', () => {
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

  it('no more than that, however much has failed since it was requested', async () => {
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
});
