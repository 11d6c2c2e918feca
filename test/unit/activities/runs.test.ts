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
});
