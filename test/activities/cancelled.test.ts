import { MockActivityEnvironment } from '@temporalio/testing';
import type { Activities, RoundResult } from '../../src/contracts/activities';
import { useFixture, useReceiver } from '../support/use';

const policy = { timeoutMs: 10_000, retryDelaysMs: [] };

describe('a cancelled delivery', () => {
  const fixture = useFixture();
  const receiver = useReceiver();
  let activities: Activities;

  beforeAll(async () => {
    activities = fixture.activities();
  });
  beforeEach(() => receiver.requests.splice(0));

  /** As an activity of that run. */
  const inRun = <T>(runId: string, work: () => Promise<T>): Promise<T> =>
    new MockActivityEnvironment({ workflowExecution: { workflowId: 'delivery', runId } }).run(work);
  const attempt = async (id: string, runId: string): Promise<RoundResult> =>
    (await inRun(runId, () => activities.attemptDelivery(id, policy))).result;
  const planned = async (): Promise<string> =>
    (await fixture.planned(receiver.url)).planned.deliveryId;

  it('is not sent when its first run comes after the cancel', async () => {
    const id = await planned();
    await fixture.store.deliveries.cancel(id);
    expect(await attempt(id, 'run-1')).toBe('cancelled');
    expect(receiver.requests).toHaveLength(0);
    expect(await fixture.delivery(id)).toMatchObject({ status: 'cancelled', replays: 0 });
  });

  it('is sent when an operator resets the run that cancelled it', async () => {
    const id = await planned();
    await inRun('run-1', () => activities.cancelDelivery(id));
    expect((await fixture.delivery(id)).status).toBe('cancelled');
    expect(await attempt(id, 'run-2')).toBe('succeeded');
    expect(receiver.requests).toHaveLength(1);
    expect(await fixture.delivery(id)).toMatchObject({ status: 'succeeded', replays: 1 });
  });

  it('is sent when an operator resets the run that found its webhook paused', async () => {
    const { planned: delivery, webhook } = await fixture.planned(receiver.url);
    const id = delivery.deliveryId;
    const { projectId, _id } = webhook;
    await fixture.store.webhooks.update(projectId, _id, { isPaused: true });
    expect(await attempt(id, 'run-1')).toBe('held');
    await fixture.store.deliveries.cancel(id);
    await fixture.store.webhooks.update(projectId, _id, { isPaused: false });
    expect(await attempt(id, 'run-2')).toBe('succeeded');
    expect(receiver.requests).toHaveLength(1);
  });
});
