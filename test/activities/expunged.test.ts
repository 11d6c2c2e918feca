import { MockActivityEnvironment } from '@temporalio/testing';
import type { Activities, RoundEnd } from '../../src/contracts/activities';
import { TERMINAL_STATUSES } from '../../src/contracts/delivery';
import { expungeEvent } from '../../src/store/expunge';
import { useFixture, useReceiver } from '../support/use';

const policy = { timeoutMs: 10_000, retryDelaysMs: [] };

describe('a delivery whose payload was deleted', () => {
  const fixture = useFixture();
  const receiver = useReceiver();
  let activities: Activities;

  beforeAll(async () => {
    activities = fixture.activities();
  });

  const reset = async (id: string): Promise<string> => {
    const workflowExecution = { workflowId: 'delivery', runId: 'run-2' };
    const { result } = await new MockActivityEnvironment({ workflowExecution }).run(
      (): Promise<RoundEnd> => activities.attemptDelivery(id, policy, 'reset'),
    );
    return result;
  };

  it.each(TERMINAL_STATUSES)(
    'and that has %s stays so when an operator resets it',
    async (status) => {
      const { planned, event } = await fixture.planned(receiver.url);
      const { deliveries } = fixture.store;
      const ended = { status, nextAttemptAt: null, completedAt: new Date(), runId: 'run-1' };
      await deliveries.model.updateOne({ _id: planned.deliveryId }, { $set: ended });
      await expungeEvent(fixture.store, event.projectId, event._id);
      const before = await fixture.delivery(planned.deliveryId);
      expect(await reset(planned.deliveryId)).toBe(status);
      expect(await fixture.delivery(planned.deliveryId)).toEqual(before);
      expect(receiver.requests).toHaveLength(0);
    },
  );

  it.each([
    ['is of a workflow is to be told', undefined],
    ['has no workflow is not', true],
  ])('and that %s', async (_which, isExpress) => {
    const { planned, event } = await fixture.planned(receiver.url);
    const id = planned.deliveryId;
    await fixture.store.deliveries.model.updateOne(
      { _id: id },
      { ...(isExpress && { isExpress }) },
    );
    const expunged = await expungeEvent(fixture.store, event.projectId, event._id);
    expect(expunged!.cancelled).toEqual(isExpress ? [] : [id]);
    expect((await fixture.delivery(id)).status).toBe('cancelled');
  });

  it('and that was planned meanwhile is cancelled', async () => {
    const { planned, event } = await fixture.planned(receiver.url);
    const { events } = fixture.store;
    await events.model.updateOne({ _id: event._id }, { $set: { body: null } });
    expect(await reset(planned.deliveryId)).toBe('cancelled');
    expect(await fixture.delivery(planned.deliveryId)).toMatchObject({
      status: 'cancelled',
      replays: 0,
      expunged: true,
    });
  });

  it('while its reset is about to open the round is not replayed', async () => {
    const { planned, event } = await fixture.planned(receiver.url);
    const id = planned.deliveryId;
    await fixture.store.deliveries.cancel(id);
    await expungeEvent(fixture.store, event.projectId, event._id);
    const opening = { runId: 'run-2', isReset: true, isForced: false, scheduledAt: new Date() };
    expect(await fixture.store.rounds.open(id, opening)).toMatchObject({
      status: 'cancelled',
      replays: 0,
    });
  });
});
