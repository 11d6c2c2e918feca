import type { ApplicationFailure } from '@temporalio/activity';
import { MockActivityEnvironment } from '@temporalio/testing';
import type { ActivityDependencies } from '../../activities/dependencies';
import type { WebhookRecord } from '../../src/store/webhook-record';
import { intercept } from '../support/intercept';
import { useFixture, useReceiver } from '../support/use';

const DELAY_MS = 3_600_000;
const policy = { timeoutMs: 10_000, retryDelaysMs: [DELAY_MS, DELAY_MS] };

describe('an attempt that Temporal runs before its time', () => {
  const fixture = useFixture();
  const receiver = useReceiver();
  let id: string;
  let webhook: WebhookRecord;

  beforeEach(async () => {
    receiver.requests.splice(0);
    receiver.respondWith(500);
    const { planned, webhook: plannedFor } = await fixture.planned(receiver.url);
    id = planned.deliveryId;
    webhook = plannedFor;
    expect(await attempt(1, 'first')).toMatchObject({ type: 'AttemptFailed' });
  });

  /** As the `nth` execution of the activity; answers the failure. */
  const attempt = (
    nth: number,
    origin: 'first' | 'later' | boolean,
    isForced = false,
    overrides: Partial<ActivityDependencies> = {},
  ): Promise<unknown> => {
    const activities = fixture.activities(overrides);
    const workflowExecution = { workflowId: 'delivery', runId: 'run' };
    return new MockActivityEnvironment({ workflowExecution, attempt: nth })
      .run(() => activities.attemptDelivery(id, policy, origin, isForced))
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

  it.each([
    ['after it was recorded, and lost then', 2, 'first'],
    ['after all executions of an activity were lost, or a pause and a resume', 1, 'later'],
    ['as an earlier version’s workflow has asked for it', 1, true],
    ['as an earlier version’s workflow asks again', 1, false],
  ] as const)('%s, waits for its time', async (_why, nth, origin) => {
    expectDeferred(await attempt(nth, origin));
    expect(await fixture.delivery(id)).toMatchObject({ attemptCount: 1, deferredFor: null });
  });

  it('is held only when its time has come, if its webhook is paused', async () => {
    await fixture.store.webhooks.setPaused(webhook.projectId, webhook._id, true, 'platform');
    const { nextAttemptAt } = await fixture.delivery(id);
    expectDeferred(await attempt(2, 'first'));
    expect(await fixture.delivery(id)).toMatchObject({ status: 'pending', nextAttemptAt });

    await fixture.store.deliveries.hasten(id);
    expect(await attempt(3, 'first')).toMatchObject({ result: 'held' });
    expect(await fixture.delivery(id)).toMatchObject({ status: 'held', nextAttemptAt: null });
  });

  it('is made when it is forced', async () => {
    expect(await attempt(1, 'later', true)).toMatchObject({ type: 'AttemptFailed' });
    expect(receiver.requests).toHaveLength(2);
  });

  it('is made when its time has been set to now', async () => {
    await fixture.store.deliveries.hasten(id);
    expect(await attempt(2, 'first')).toMatchObject({ type: 'AttemptFailed' });
    expect(receiver.requests).toHaveLength(2);
  });

  it('forced, is made once, although it was lost before it was recorded', async () => {
    const { store } = fixture;
    const rounds = intercept(store.rounds, 'record', () =>
      Promise.reject(new Error('unavailable')),
    );
    expect(
      await attempt(1, 'later', true, { store: intercept(store, 'rounds', rounds) }),
    ).toMatchObject({ type: 'AttemptLost' });
    expect(await attempt(2, 'later', true)).toMatchObject({ type: 'AttemptFailed' });
    expect(receiver.requests).toHaveLength(3);
    receiver.requests.splice(1);
    expectDeferred(await attempt(3, 'later', true));
  });
});
