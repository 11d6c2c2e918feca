import { MockActivityEnvironment } from '@temporalio/testing';
import { Fixture } from '../support/fixture';
import { intercept } from '../support/intercept';
import { Receiver } from '../support/receiver';

const policy = { timeoutMs: 1000, retryDelaysMs: [] };
const unseen = async (): Promise<null> => null;

// What a node of MongoDB may answer for a moment that has just ceased to be the primary.
describe('what is not seen for a moment', () => {
  let fixture: Fixture;
  let receiver: Receiver;

  beforeAll(async () => {
    [fixture, receiver] = await Promise.all([Fixture.open(), Receiver.start()]);
  });
  afterAll(() => Promise.all([fixture.close(), receiver.close()]));

  /** The store as such a node would show it. */
  const storeWithout = (what: 'webhooks' | 'events' | 'projects') => {
    const { store } = fixture;
    if (what === 'events') return intercept(store, what, intercept(store[what], 'find', unseen));
    if (what === 'projects') return intercept(store, what, intercept(store[what], 'get', unseen));
    return intercept(store, what, intercept(store[what], 'get', unseen));
  };
  const inRun = <T>(work: () => Promise<T>): Promise<T> =>
    new MockActivityEnvironment({
      workflowExecution: { workflowId: 'delivery', runId: 'run' },
    }).run(work);

  it.each(['webhooks', 'events', 'projects'] as const)(
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
    const activities = fixture.activities({ store: storeWithout('events') });
    expect((await inRun(() => activities.planDeliveries(event._id))).deliveries).toHaveLength(1);
  });
});
