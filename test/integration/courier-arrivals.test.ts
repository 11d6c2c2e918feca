import { Arrivals } from '../../activities/courier/arrivals';
import { ID_PREFIXES } from '../../src/contracts/ids';
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
