import type { PlannedDelivery } from '../../src/contracts/activities';
import type { Store } from '../../src/store/store';
import { intercept } from '../support/intercept';
import { Receiver } from '../support/receiver';
import { Harness } from './harness';

const MINUTE = 60_000;
const SCHEDULE = [1 * MINUTE, 5 * MINUTE, 15 * MINUTE];

/** With the rate limit's slots given out as a test wants them. */
describe('a delivery whose attempts have to wait for their turn', () => {
  let harness: Harness;
  let receiver: Receiver;

  beforeAll(async () => {
    harness = await Harness.start();
  });
  afterAll(() => harness.stop());
  beforeEach(async () => {
    receiver = await Receiver.start();
  });
  afterEach(() => receiver.close());

  /** A store whose next slot is out of reach while `refuses` says so. */
  function slots(refuses: () => boolean): Store {
    const { store } = harness.fixture;
    const webhooks = intercept(store.webhooks, 'takeSlot', (...args) =>
      refuses() ? Promise.resolve(null) : store.webhooks.takeSlot(...args),
    );
    return intercept(store, 'webhooks', webhooks);
  }

  const plan = async (): Promise<PlannedDelivery> => {
    const policy = { ratePerSecond: 100 };
    return (await harness.fixture.planned(receiver.url, { policy })).planned;
  };

  it('has the whole schedule before it, however often it was put off', async () => {
    receiver.respondWith(500);
    const planned = await plan();
    // Ten times before each attempt: more than the retry policy's four each time.
    let asked = 0;
    const activities = harness.fixture.activities({ store: slots(() => (asked += 1) % 11 !== 0) });
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
  });

  it('is left alone by its webhook’s health while it waits, and can be cancelled', async () => {
    const planned = await plan();
    const activities = harness.fixture.activities({ store: slots(() => true) });
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
  });
});
