import { MockActivityEnvironment } from '@temporalio/testing';
import type { ActivityDependencies } from '../../activities/dependencies';
import { deleteWebhook } from '../../src/store/delete-webhook';
import type { WebhookRecord } from '../../src/store/webhook-record';
import { intercept } from '../support/intercept';
import { useFixture, useReceiver } from '../support/use';

const policy = { timeoutMs: 10_000, retryDelaysMs: [] };

/** A webhook and a delivery for it. */
interface Scene {
  id: string;
  webhook: WebhookRecord;
}

describe('an attempt that has waited', () => {
  const fixture = useFixture();
  const receiver = useReceiver();

  beforeEach(() => receiver.requests.splice(0));

  const scene = async (): Promise<Scene> => {
    const fields = { policy: { ratePerSecond: 1 } };
    const { planned, webhook } = await fixture.planned(receiver.url, fields);
    return { id: planned.deliveryId, webhook };
  };
  /** Its result; where it fails, the failure's type. */
  const attempt = (id: string, store: ActivityDependencies['store']): Promise<unknown> =>
    new MockActivityEnvironment({ workflowExecution: { workflowId: 'delivery', runId: 'run' } })
      .run(async () => {
        const activities = fixture.activities({ store });
        return (await activities.attemptDelivery(id, policy, 'first')).result;
      })
      .catch((error: unknown) => (error as { type: string }).type);

  /** The delivery's attempt, which waits for the slot after another one's; `change` comes in that wait. */
  const waitingForSlot = (
    { id }: Scene,
    change: () => Promise<unknown> = async () => {},
  ): Promise<unknown> => {
    const { store } = fixture;
    const webhooks = intercept(store.webhooks, 'takeSlot', async () => {
      await change();
      return 1;
    });
    return attempt(id, intercept(store, 'webhooks', webhooks));
  };

  it('for its slot, is made', async () => {
    expect(await waitingForSlot(await scene())).toBe('succeeded');
    expect(receiver.requests).toHaveLength(1);
  });

  it.each([
    [
      'whose webhook was paused meanwhile, is held',
      ({ webhook: { projectId, _id } }: Scene) =>
        fixture.store.webhooks.update(projectId, _id, { isPaused: true }),
      'held',
    ],
    [
      'whose webhook was disabled meanwhile, is skipped',
      ({ webhook: { projectId, _id } }: Scene) =>
        fixture.store.webhooks.update(projectId, _id, { isActive: false }),
      'skipped',
    ],
    [
      'whose webhook was deleted meanwhile, is cancelled',
      ({ webhook: { projectId, _id } }: Scene) => deleteWebhook(fixture.store, projectId, _id),
      'cancelled',
    ],
    [
      'and was cancelled meanwhile, is not made',
      ({ id }: Scene) => fixture.store.deliveries.cancel(id),
      'cancelled',
    ],
  ] as const)('for its slot, %s', async (_what, change, result) => {
    const about = await scene();
    expect(await waitingForSlot(about, () => change(about))).toBe(result);
    expect(receiver.requests).toHaveLength(0);
    expect((await fixture.delivery(about.id)).status).toBe(result);
  });

  it('for its slot, and was taken over meanwhile, leaves it to the other', async () => {
    const about = await scene();
    const { rounds } = fixture.store;
    const other = { runId: 'other', isReset: true, isForced: false, scheduledAt: new Date() };
    expect(await waitingForSlot(about, () => rounds.open(about.id, other))).toBe('AttemptDeferred');
    expect(receiver.requests).toHaveLength(0);
    expect(await fixture.delivery(about.id)).toMatchObject({ status: 'pending', runId: 'other' });
  });

  it('for its time, whose webhook was paused meanwhile, is held', async () => {
    const { id, webhook } = await scene();
    const { store } = fixture;
    await store.deliveries.model.updateOne({ _id: id }, { runId: 'run' });
    const rounds = intercept(store.rounds, 'open', async (...args) => {
      const opened = await store.rounds.open(...args);
      await store.webhooks.update(webhook.projectId, webhook._id, { isPaused: true });
      return opened && { ...opened, nextAttemptAt: new Date(opened.openedAt!.getTime() + 900) };
    });
    expect(await attempt(id, intercept(store, 'rounds', rounds))).toBe('held');
    expect(receiver.requests).toHaveLength(0);
  });
});
