import { MockActivityEnvironment } from '@temporalio/testing';
import { useFixture, useReceiver } from '../support/use';

const HOUR_MS = 3_600_000;
const policy = { timeoutMs: 10_000, retryDelaysMs: [HOUR_MS, HOUR_MS, HOUR_MS] };

describe('a delivery whose attempt was scheduled while Temporal’s clock was an hour ahead', () => {
  const fixture = useFixture();
  const receiver = useReceiver();
  let id: string;

  /** As an execution that Temporal has scheduled at that time, by its clock. */
  const attempt = (nth: number, scheduledAt: number): Promise<unknown> => {
    const activities = fixture.activities();
    return new MockActivityEnvironment({
      workflowExecution: { workflowId: 'delivery', runId: 'run' },
      attempt: nth,
      currentAttemptScheduledTimestampMs: scheduledAt,
    })
      .run(() => activities.attemptDelivery(id, policy, 'first', false))
      .catch((error: unknown) => error);
  };
  const then = Date.now() + HOUR_MS;

  beforeEach(async () => {
    receiver.requests.splice(0);
    receiver.respondWith(500);
    id = (await fixture.planned(receiver.url)).planned.deliveryId;
    for (const nth of [1, 2]) {
      await fixture.store.deliveries.hasten(id);
      expect(await attempt(nth, then)).toMatchObject({ type: 'AttemptFailed' });
    }
    await fixture.store.deliveries.hasten(id);
    expect(receiver.requests).toHaveLength(2);
  });

  it('has its next one when the clock is right again', async () => {
    expect(await attempt(3, Date.now())).toMatchObject({ type: 'AttemptFailed' });
    expect(await fixture.delivery(id)).toMatchObject({ attemptCount: 3 });
  });

  it('has none of an earlier execution while the clock is still wrong', async () => {
    expect(await attempt(3, then - 1000)).toMatchObject({ type: 'AttemptDeferred' });
    expect(receiver.requests).toHaveLength(2);
  });
});
