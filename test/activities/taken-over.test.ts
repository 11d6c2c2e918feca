import { MockActivityEnvironment } from '@temporalio/testing';
import type { RoundEnd } from '../../src/contracts/activities';
import type { DeliveryRecord } from '../../src/store/delivery-record';
import { intercept } from '../support/intercept';
import { useFixture, useFreshReceiver, useReceiver } from '../support/use';

const policy = { timeoutMs: 10_000, retryDelaysMs: [] };

describe('the workflow of a delivery that a courier has taken over', () => {
  const fixture = useFixture();
  const receiver = useReceiver();

  const takeOver = (_id: string, fields: Partial<DeliveryRecord> = {}): Promise<unknown> =>
    fixture.store.deliveries.model.updateOne({ _id }, { $set: { isExpress: true, ...fields } });
  const attempt = (id: string, store = fixture.store): Promise<RoundEnd> =>
    new MockActivityEnvironment({
      workflowExecution: { workflowId: 'delivery', runId: 'run' },
    }).run(() => fixture.activities({ store }).attemptDelivery(id, policy, 'first'));

  it.each([
    ['ends, and sends nothing', 'queued', 'pending'],
    ['ends as that has', 'succeeded', 'succeeded'],
  ] as const)('%s', async (_what, result, status) => {
    const { planned } = await fixture.planned(receiver.url);
    await takeOver(planned.deliveryId, { status });
    expect((await attempt(planned.deliveryId)).result).toBe(result);
    expect(receiver.requests).toHaveLength(0);
    expect(await fixture.delivery(planned.deliveryId)).toMatchObject({ runId: null, status });
  });

  it('counts no failure of the courier’s, which has counted it', async () => {
    const { planned, webhook } = await fixture.planned(receiver.url);
    const made = { runId: 'courier', startedAt: new Date(), durationMs: 1, requestHeaders: {} };
    const attempts = [{ ...made, number: 1, outcome: 'failed' as const, statusCode: 500 }];
    await takeOver(planned.deliveryId, { attempts, attemptCount: 1 });
    expect((await attempt(planned.deliveryId)).result).toBe('queued');
    expect(await fixture.health(webhook)).toMatchObject({ failureCount: 0 });
  });

  it('sends nothing if that happens as it begins', async () => {
    const { planned } = await fixture.planned(receiver.url);
    const { store } = fixture;
    await store.deliveries.model.updateOne(
      { _id: planned.deliveryId },
      { $set: { queuedIn: planned.projectId } },
    );
    const rounds = intercept(store.rounds, 'open', async (...given) => {
      await takeOver(planned.deliveryId);
      return store.rounds.open(...given);
    });
    const begun = attempt(planned.deliveryId, intercept(store, 'rounds', rounds));
    await expect(begun).rejects.toMatchObject({ type: 'AttemptDeferred' });
    expect(receiver.requests).toHaveLength(0);
  });
});

describe('an attempt that Temporal gives up while its request is made', () => {
  const fixture = useFixture();
  const receiver = useFreshReceiver();

  const attempt = (id: string): Promise<RoundEnd> => {
    const isUnderWay = async (): Promise<boolean> => receiver.requests.length === 0;
    const engine = { ...fixture.dependencies.engine, isUnderWay };
    return new MockActivityEnvironment({
      workflowExecution: { workflowId: 'delivery', runId: 'run' },
      // So near its end that Temporal is asked.
      startToCloseTimeoutMs: 1,
    }).run(() => fixture.activities({ engine }).attemptDelivery(id, policy, 'first'));
  };

  it('has delivered if it was accepted', async () => {
    const { planned } = await fixture.planned(receiver.url);
    expect((await attempt(planned.deliveryId)).result).toBe('succeeded');
    expect(await fixture.delivery(planned.deliveryId)).toMatchObject({ status: 'succeeded' });
  });

  it('decides nothing if it failed', async () => {
    receiver.respondWith(500);
    const { planned } = await fixture.planned(receiver.url);
    const lost = attempt(planned.deliveryId);
    await expect(lost).rejects.toMatchObject({ type: 'AttemptDeferred' });
    const { status, attempts } = await fixture.delivery(planned.deliveryId);
    expect({ status, attempts }).toMatchObject({
      status: 'pending',
      attempts: [{ statusCode: 500, superseded: true }],
    });
  });
});
