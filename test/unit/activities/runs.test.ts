import { Runs } from '../../../activities/courier/runs';
import type { DeliveryRecord } from '../../../src/store/delivery-record';
import type { Store } from '../../../src/store/store';

describe('runs that a courier waits for', () => {
  const released = { _id: 'msg_1', attemptCount: 0 } as DeliveryRecord;

  it('are waited for no longer once it stops, nor is what it was just letting go', async () => {
    const runs = new Runs({} as Store);
    const before = runs.ended(released, () => {});
    runs.stop();
    await expect(before).resolves.toBe('unknown');
    await expect(runs.ended(released, () => {})).resolves.toBe('unknown');
  });

  it.each([
    ['refused', 'pending'],
    ['held', 'held'],
  ])('are %s where they are queued again as %s', async (end, status) => {
    const lean = async (): Promise<unknown> => [{ ...released, status, queuedIn: 'prj_1' }];
    const runs = new Runs({
      deliveries: { model: { find: () => ({ lean }) } },
    } as unknown as Store);
    const ended = runs.ended(released, () => {});
    await runs.check();
    await expect(ended).resolves.toBe(end);
  });

  it('are not taken as ended if they are released during a check', async () => {
    const other = { _id: 'msg_2', attemptCount: 0 } as DeliveryRecord;
    let ended: unknown;
    const lean = async (): Promise<unknown> => {
      void runs.ended(other, () => {}).then((end) => (ended = end));
      return [{ ...released, status: 'pending' }];
    };
    const runs = new Runs({
      deliveries: { model: { find: () => ({ lean }) } },
    } as unknown as Store);
    void runs.ended(released, () => {});
    await runs.check();
    await Promise.resolve();
    expect(ended).toBeUndefined();
    runs.stop();
  });
});
