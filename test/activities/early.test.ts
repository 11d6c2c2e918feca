import type { ApplicationFailure } from '@temporalio/activity';
import { MockActivityEnvironment } from '@temporalio/testing';
import { Fixture } from '../support/fixture';
import { intercept } from '../support/intercept';
import { Receiver } from '../support/receiver';

const DELAY_MS = 3_600_000;
const policy = { timeoutMs: 1000, retryDelaysMs: [DELAY_MS, DELAY_MS] };

describe('an attempt that Temporal runs again', () => {
  let fixture: Fixture;
  let receiver: Receiver;
  let id: string;

  beforeAll(async () => {
    [fixture, receiver] = await Promise.all([Fixture.open(), Receiver.start()]);
  });
  afterAll(() => Promise.all([fixture.close(), receiver.close()]));
  beforeEach(async () => {
    receiver.requests.splice(0);
    receiver.respondWith(500);
    id = (await fixture.planned(receiver.url)).planned.deliveryId;
    expect(await attempt(1)).toMatchObject({ type: 'AttemptFailed' });
  });

  /** As the `nth` execution of the activity; answers the failure. */
  const attempt = (
    nth: number,
    { wasLost = false, afterLoss = false, scheduledTimestampMs = 0 } = {},
  ): Promise<unknown> => {
    const starter = intercept(fixture.dependencies.starter, 'hasLostAttempt', async () => wasLost);
    const activities = fixture.activities({ starter });
    const workflowExecution = { workflowId: 'delivery', runId: 'run' };
    return new MockActivityEnvironment({ workflowExecution, attempt: nth, scheduledTimestampMs })
      .run(() => activities.attemptDelivery(id, policy, afterLoss))
      .catch((error: unknown) => error);
  };
  const expectDeferred = (failure: unknown): void => {
    expect(failure).toMatchObject({ type: 'AttemptDeferred' });
    const { details } = failure as ApplicationFailure;
    const [{ nextDelayMs }] = details as [{ nextDelayMs: number }];
    // What is left of the hour, lengthened by up to a tenth.
    expect(nextDelayMs).toBeGreaterThan(DELAY_MS / 2);
    expect(nextDelayMs).toBeLessThanOrEqual(DELAY_MS * 1.1);
    expect(receiver.requests).toHaveLength(1);
  };

  it('after it was recorded, and lost then, waits for its time', async () => {
    expectDeferred(await attempt(2, { wasLost: true }));
    expect(await fixture.delivery(id)).toMatchObject({ attemptCount: 1, deferredFor: null });
  });

  it('after all executions of an activity were lost, waits for its time', async () => {
    expectDeferred(await attempt(1, { afterLoss: true }));
  });

  it.each([
    ['after it told its end', 2, {}],
    ['since somebody asked for it', 1, {}],
    [
      'since somebody asked for it, and was lost before it was recorded',
      2,
      { wasLost: true, scheduledTimestampMs: Date.now() + DELAY_MS },
    ],
  ])('%s is made', async (_why, nth, how) => {
    expect(await attempt(nth, how)).toMatchObject({ type: 'AttemptFailed' });
    expect(receiver.requests).toHaveLength(2);
  });
});
