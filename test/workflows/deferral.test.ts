import type { Activities, PlannedDelivery } from '../../src/contracts/activities';
import { intercept } from '../support/intercept';
import { Receiver } from '../support/receiver';
import { Harness } from './harness';

const MINUTE = 60_000;
const SCHEDULE = [1 * MINUTE, 5 * MINUTE, 15 * MINUTE];

/** A delivery at the rate limit, whose slots are given out as a test wants them. */
class Limited {
  private constructor(
    readonly harness: Harness,
    readonly receiver: Receiver,
  ) {}

  static async start(harness: Promise<Harness>): Promise<Limited> {
    return new Limited(await harness, await Receiver.start());
  }

  async stop(): Promise<void> {
    await this.harness.stop();
    await this.receiver.close();
  }

  async plan(): Promise<PlannedDelivery> {
    const policy = { ratePerSecond: 100 };
    return (await this.harness.fixture.planned(this.receiver.url, { policy })).planned;
  }

  /** The activities; the next slot is out of their reach while `refuses` says so. */
  activities(refuses: () => boolean): Activities {
    const { store } = this.harness.fixture;
    const webhooks = intercept(store.webhooks, 'takeSlot', (...args) =>
      refuses() ? Promise.resolve(null) : store.webhooks.takeSlot(...args),
    );
    return this.harness.fixture.activities({ store: intercept(store, 'webhooks', webhooks) });
  }
}

describe('a delivery whose attempts have to wait for their turn', () => {
  it('has the whole schedule before it, however often it was put off', async () => {
    const limited = await Limited.start(Harness.start());
    const { harness, receiver } = limited;
    receiver.respondWith(500);
    const planned = await limited.plan();
    // Ten times before each attempt: more than the retry policy's four each time.
    let asked = 0;
    const activities = limited.activities(() => (asked += 1) % 11 !== 0);
    const handle = await harness.start(planned);
    await harness.working(() => expect(handle.result()).rejects.toThrow(), activities);

    const { status, attempts, attemptCount } = await harness.fixture.delivery(planned.deliveryId);
    expect({ status, attemptCount }).toEqual({ status: 'failed', attemptCount: 4 });
    expect(attempts.map(({ number }) => number)).toEqual([1, 2, 3, 4]);
    expect(receiver.requests).toHaveLength(4);
    expect(harness.executionsOf(planned)).toHaveLength(44);
    // What follows a failed attempt is the schedule's wait, not longer for what was put off before it.
    const waits = harness.executionsOf(planned).map(({ nextDelayMs }) => nextDelayMs);
    SCHEDULE.forEach((delay, index) => {
      const wait = waits[index * 11 + 10];
      expect(wait).toBeGreaterThanOrEqual(delay);
      expect(wait).toBeLessThanOrEqual(delay * 1.1);
    });
    await limited.stop();
  });

  it('is left alone by its webhook’s health while it waits, and can be cancelled', async () => {
    // The time-skipping server may skip past everything while a local activity, such as the cancel's, runs.
    const limited = await Limited.start(Harness.startReal());
    const { harness, receiver } = limited;
    const planned = await limited.plan();
    const activities = limited.activities(() => true);
    const handle = await harness.start(planned);
    await harness.working(async () => {
      await harness.until(planned, 3);
      await handle.signal('cancel');
      expect(await handle.result()).toBe('cancelled');
    }, activities);
    expect(receiver.requests).toHaveLength(0);
    const delivery = await harness.fixture.delivery(planned.deliveryId);
    expect(delivery).toMatchObject({ status: 'cancelled', attempts: [], attemptCount: 0 });
    const webhook = await harness.fixture.store.webhooks.get(delivery.projectId, planned.webhookId);
    expect(webhook).toMatchObject({ failureCount: 0, lastFailedAt: null, lastStatus: null });
    await limited.stop();
  });
});
