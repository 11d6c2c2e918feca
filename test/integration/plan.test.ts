import type { DeliveryRecord } from '../../src/store/delivery-record';
import { newDelivery } from '../../src/store/new-delivery';
import { profileOf } from '../support/profiler';
import { useFixture } from '../support/use';

describe('the plan of an event’s deliveries', () => {
  const fixture = useFixture();

  /** Three deliveries to be planned. */
  async function three(): Promise<DeliveryRecord[]> {
    const project = await fixture.project();
    const event = await fixture.event(project);
    const { acceptedAt: at } = event;
    const webhooks = await Promise.all(
      [1, 2, 3].map(() => fixture.webhook(project, 'http://127.0.0.1:9/')),
    );
    return webhooks.map((webhook) => newDelivery(event, webhook, { at }));
  }
  const refuse = (validator: Record<string, unknown>) =>
    fixture.store.deliveries.model.db.db!.command({ collMod: 'deliveries', validator });

  it('is found by its index when it is overdue, and so is each project that has something', async () => {
    const { deliveries } = fixture.store;
    const planned = await three();
    await deliveries.plan(planned);
    const [{ projectId }] = planned as [DeliveryRecord];
    const others = [await three(), await three()].flat();
    await deliveries.plan(others);
    const { db } = deliveries.model.db;
    const before = new Date(Date.now() + 1000);
    const look = async () => ({
      projectIds: await deliveries.due.listProjects('', before, 10),
      found: await deliveries.due.list(projectId, { after: null, before }, 10),
    });
    const { answer, profiled } = await profileOf(db!, look, { 'command.find': 'deliveries' });
    const { projectIds, found } = answer;
    expect(projectIds).toEqual(
      [...new Set([...planned, ...others].map((each) => each.projectId))].toSorted(),
    );
    expect(found.map(({ _id }) => _id).toSorted()).toEqual(
      planned.map(({ _id }) => _id).toSorted(),
    );
    for (const { execStats, keysExamined } of profiled) {
      expect(JSON.stringify(execStats)).toContain('"indexName":"due"');
      expect(keysExamined).toBeLessThanOrEqual(planned.length + 1);
    }
  });

  it('made again, answers what the first one made', async () => {
    const { deliveries } = fixture.store;
    const planned = await three();
    const first = await deliveries.plan(planned);
    const again = planned.map((delivery) => ({ ...delivery, _id: `${delivery._id}-again` }));
    expect(await deliveries.plan(again)).toEqual(first);
  });

  it('is not taken for made when one of it is there already, and another one was refused', async () => {
    const { deliveries } = fixture.store;
    const [there, refused, fine] = await three();
    await deliveries.plan([there!]);
    await refuse({ _id: { $ne: refused!._id } });
    await expect(deliveries.plan([there!, refused!, fine!])).rejects.toThrow();
    await expect(deliveries.plan([refused!, there!, fine!])).rejects.toThrow();
    await refuse({});
    expect(await deliveries.plan([there!, refused!, fine!])).toHaveLength(3);
  });
});
