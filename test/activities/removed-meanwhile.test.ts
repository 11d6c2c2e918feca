import { newId } from '../../src/contracts/ids';
import { insertBatch } from '../../src/store/insert-batch';
import { useFixture } from '../support/use';

/* An event with the same Idempotency-Key that is removed between the refused insert and the look for it. */
describe('an event whose Idempotency-Key becomes free as it is stored', () => {
  const fixture = useFixture();
  afterEach(() => jest.restoreAllMocks());

  /** An event that is stored with the key, and another one that is not yet. */
  async function sameKey() {
    const { events } = fixture.store;
    const stored = await fixture.event(await fixture.project());
    await events.model.updateOne({ _id: stored._id }, { idempotencyKey: 'key' });
    const { fannedOutAt: _not, expungedAt: _nor, ...rest } = stored;
    const event = { ...rest, body: stored.body!, _id: newId('event'), idempotencyKey: 'key' };
    const remove = () => events.model.deleteOne({ _id: stored._id });
    return { events, event, remove };
  }

  it('is stored, singly', async () => {
    const { events, event, remove } = await sameKey();
    const findOne = events.model.findOne.bind(events.model);
    jest.spyOn(events.model, 'findOne').mockImplementationOnce(((...args: never[]) => {
      const query = findOne(...args);
      const exec = query.exec.bind(query);
      query.exec = async () => {
        await remove();
        return exec();
      };
      return query;
    }) as never);
    const { event: made, duplicate } = await events.insert(event);
    expect([made._id, duplicate]).toEqual([event._id, false]);
  });

  it('is stored, in a batch', async () => {
    const { events, event, remove } = await sameKey();
    const listByKeys = events.listByKeys.bind(events);
    jest.spyOn(events, 'listByKeys').mockImplementationOnce(async (...args) => {
      await remove();
      return listByKeys(...args);
    });
    const { events: made, duplicate } = await insertBatch(fixture.store, [event]);
    expect([made.map(({ _id }) => _id), duplicate]).toEqual([[event._id], false]);
  });
});
