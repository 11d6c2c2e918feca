import { MockActivityEnvironment } from '@temporalio/testing';
import { followSettled } from '../../activities/attempt/after-failure';
import { changeWebhook } from '../../src/store/change-webhook';
import { endDeliveriesOf } from '../../src/store/end-deliveries';
import { countingOf } from '../../src/store/webhook-health';
import { useFixture, useReceiver } from '../support/use';

const policy = { timeoutMs: 10_000, retryDelaysMs: [60_000] };

describe('a webhook that was enabled after an attempt had begun', () => {
  const fixture = useFixture();
  const receiver = useReceiver();

  /** A delivery that has failed, its webhook disabled by that, and enabled again. */
  async function enabledAfter(status: number) {
    receiver.respondWith(status);
    const { planned, webhook, project } = await fixture.planned(receiver.url, {
      policy: { autoDisableAfter: 1 },
    });
    const { deliveryId } = planned;
    /** As the delivery's activity in that run; answers its result, or the failure's type. */
    const attempt = (runId: string): Promise<unknown> =>
      new MockActivityEnvironment({ workflowExecution: { workflowId: 'delivery', runId } })
        .run(async () => (await fixture.activities().attemptDelivery(deliveryId, policy)).result)
        .catch((error: unknown) => (error as { type: string }).type);
    if (status !== 410) {
      expect(await attempt('run-1')).toBe('AttemptFailed');
      await fixture.store.deliveries.hasten(deliveryId);
    }
    expect(await attempt('run-1')).toBe('DeliveryFailed');
    expect((await fixture.health(webhook)).isActive).toBe(false);
    const { store } = fixture;
    await changeWebhook(store, project, webhook._id, { isActive: true });
    // As if whoever made the attempts had been stopped before it counted them.
    await store.webhooks.model.updateOne({ _id: webhook._id }, { countedAttempts: [] });
    const expectEnabled = async () =>
      expect(await fixture.health(webhook)).toMatchObject({ isActive: true, failureCount: 0 });
    return { deliveryId, webhook, attempt, expectEnabled };
  }

  it.each([410, 500])('is not disabled by its %d, counted late for a workflow', async (status) => {
    const { deliveryId, webhook, attempt, expectEnabled } = await enabledAfter(status);
    const { deliveries } = fixture.store;
    await deliveries.model.updateOne({ _id: deliveryId }, { $unset: { healthCounted: '' } });
    await deliveries.beginReplay(webhook.projectId, deliveryId);
    expect(await attempt('run-2')).toBe('AttemptDeferred');
    await expectEnabled();
    // What fails since then does.
    receiver.respondWith(410);
    expect(await attempt('run-2')).toBe('DeliveryFailed');
    expect((await fixture.health(webhook)).disabledReason).toBe('gone');
  });

  it.each([410, 500])('is not disabled by its %d, settled late by a courier', async (status) => {
    const { deliveryId, webhook, expectEnabled } = await enabledAfter(status);
    const { deliveries, webhooks } = fixture.store;
    const { attempts } = await fixture.delivery(deliveryId);
    await webhooks.model.collection.bulkWrite([countingOf(webhook._id, attempts) as never]);
    await deliveries.model.updateOne({ _id: deliveryId }, { followUp: true });
    expect(await followSettled(fixture.dependencies, deliveryId)).toBe(true);
    await expectEnabled();
  });

  it('has nothing ended, if it is noted only then that something is to be', async () => {
    const { planned, webhook } = await fixture.planned(receiver.url);
    const { store } = fixture;
    await store.endings.noteIfNone(webhook, 'webhook_disabled');
    await endDeliveriesOf(store, webhook._id);
    expect((await fixture.delivery(planned.deliveryId)).status).toBe('pending');
    expect(await store.endings.find(webhook._id)).toBeNull();
  });
});
