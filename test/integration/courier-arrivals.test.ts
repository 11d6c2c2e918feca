import { Arrivals } from '../../activities/courier/arrivals';
import { ID_PREFIXES } from '../../src/contracts/ids';
import { makeWebhook, postEvent } from '../support/deliveries';
import { eventually } from '../support/eventually';
import { useExpress } from '../support/express';
import { profileOf } from '../support/profiler';
import { useFixture } from '../support/use';

describe('the events that a courier finds', () => {
  const fixture = useFixture();

  it('are found again at its next look, before newer ones, if they were not taken', async () => {
    const { _id: projectId } = await fixture.project();
    const from = Date.now() - 60_000;
    const ids: string[] = [];
    // Each comes long after the one before it.
    for (let n = 0; n < 4; n += 1) {
      const acceptedAt = new Date(from + n * 1000);
      const time = acceptedAt.getTime().toString(16).padStart(12, '0');
      const _id = `${ID_PREFIXES.event}_${time}${'0'.repeat(20)}`;
      ids.push(_id);
      const event = { _id, projectId, type: 'email.sent', createdAt: acceptedAt, acceptedAt };
      const stored = { body: '{}', isExpress: true, expiresAt: new Date(from + 3_600_000) };
      await fixture.store.events.insert({ ...event, ...stored });
    }
    const arrivals = new Arrivals(fixture.store, projectId);
    const found = await arrivals.list([], 3);
    expect(found.map(({ _id }) => _id)).toEqual(ids.slice(0, 3));
    arrivals.took(ids[0]!);
    const next = await arrivals.list([ids[0]!], 10);
    expect(next.map(({ _id }) => _id)).toEqual(ids.slice(1));
  });
});

describe('a courier with a single event', () => {
  const { stack, receiver, client } = useExpress();

  it('looks for others less and less often', async () => {
    await makeWebhook(client, receiver.url);
    const { couriers, deliveries } = stack.store;
    // A busy machine has fewer looks in the time of a shift now and then, but not each time.
    await eventually('a shift looks on', async () => {
      const { profiled } = await profileOf(deliveries.model.db.db!, async () => {
        const id = await postEvent(client);
        const { projectId } = await eventually('it is stored', () => deliveries.find(id));
        await eventually(
          'its shift has ended',
          async () => !(await couriers.model.exists({ _id: projectId, renewedAt: { $ne: null } })),
        );
      });
      const looks = (collection: string): number =>
        profiled.filter(({ op, ns, command }) => {
          const { isExpress } = (command.filter ?? {}) as { isExpress?: boolean };
          return op === 'query' && ns.endsWith(`.${collection}`) && isExpress === true;
        }).length;
      // For what is due it looks at an even pace, as long as the shift lasts; for events every 4 ms at first.
      expect(looks('events') - looks('deliveries')).toBeLessThan(40);
      return looks('deliveries') > 20;
    });
  });
});
