import { MockActivityEnvironment } from '@temporalio/testing';
import { intercept } from '../support/intercept';
import { useFixture, useReceiver } from '../support/use';

const policy = { timeoutMs: 10_000, retryDelaysMs: [] };

// What a node of MongoDB may answer for a moment that has just ceased to be the primary.
describe('what is not seen for a moment', () => {
  const fixture = useFixture();
  const receiver = useReceiver();

  /** The store as such a node would show it. */
  const storeWithout = (part: 'webhook' | 'event' | 'project') => {
    const { store } = fixture;
    const findWithParts: typeof store.deliveries.findWithParts = async (id) => {
      const found = await store.deliveries.findWithParts(id);
      return found && { ...found, [part]: null };
    };
    const deliveries = intercept(store.deliveries, 'findWithParts', findWithParts);
    return intercept(store, 'deliveries', deliveries);
  };
  const inRun = <T>(work: () => Promise<T>): Promise<T> =>
    new MockActivityEnvironment({
      workflowExecution: { workflowId: 'delivery', runId: 'run' },
    }).run(work);

  it.each(['webhook', 'event', 'project'] as const)(
    'of a delivery’s %s does not end it',
    async (what) => {
      const { planned } = await fixture.planned(receiver.url);
      const id = planned.deliveryId;
      const activities = fixture.activities({ store: storeWithout(what) });
      await expect(inRun(() => activities.attemptDelivery(id, policy))).rejects.toMatchObject({
        type: 'AttemptLost',
      });
      expect(await fixture.delivery(id)).toMatchObject({ status: 'pending', attemptCount: 0 });
      const seen = fixture.activities();
      expect(await inRun(() => seen.attemptDelivery(id, policy))).toEqual({
        result: 'succeeded',
        runId: 'run',
      });
    },
  );

  it('of an event does not keep it from being fanned out', async () => {
    const project = await fixture.project();
    await fixture.webhook(project, receiver.url);
    const event = await fixture.event(project);
    const { store } = fixture;
    const { model } = store.events;
    const asked: unknown[] = [];
    // Only the linearizable read sees it.
    const findById = jest.spyOn(model, 'findById').mockImplementation(((id: string) => {
      asked.push(id);
      const isFirst = asked.length === 1;
      return model.findOne({ _id: isFirst ? 'unseen' : id });
    }) as never);
    const plan = await inRun(() => fixture.activities().planDeliveries(event._id));
    findById.mockRestore();
    expect(asked).toEqual([event._id, event._id]);
    expect(plan.deliveries).toHaveLength(1);
  });
});
