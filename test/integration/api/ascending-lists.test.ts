import mongoose from 'mongoose';
import { newId, timeOf } from '../../../src/contracts/ids';
import { toPayload } from '../../../src/domain/json-text';
import { Horizon } from '../../../src/store/horizon';
import { insertBatch } from '../../../src/store/insert-batch';
import { insertReports, type NewReport } from '../../../src/store/insert-reports';
import { newEvent, type NewEvent } from '../../../src/store/new-event';
import type { Store } from '../../../src/store/store';
import type { ApiClient } from '../../support/api-client';
import { connectedStore } from '../../support/connected-store';
import { eventually } from '../../support/eventually';
import { emailSent } from '../../support/samples';
import { useStack } from '../../support/use';
import { idAt, insertDelivery } from './insert';

const reportOf = ({ _id, projectId, expiresAt }: NewEvent): NewReport['record'] => ({
  _id: newId('report'),
  projectId,
  provider: 'generic',
  type: 'opened',
  payload: '{}',
  verified: false,
  receivedAt: new Date(),
  eventId: _id,
  expiresAt,
});

/** Something that is waited for until a test lets it go on. */
function gate(): { opened: Promise<void>; open: () => void } {
  let open!: () => void;
  return { opened: new Promise((resolve) => (open = resolve)), open: () => open() };
}

describe('a list in ascending order', () => {
  const stack = useStack({}, { worker: false });

  const post = async (client: ApiClient): Promise<string> =>
    (await client.post('/v1/events', { type: 'email.sent', data: emailSent })).body.data.id;

  /** As a client does that pulls: what has come since its last cursor. */
  const follower = (client: ApiClient, plural: 'events' | 'deliveries') => {
    const seen: string[] = [];
    return async (): Promise<string[]> => {
      const cursor = seen.length > 0 ? `&cursor=${seen.at(-1)}` : '';
      const { body } = await client.get(`/v1/${plural}?order=asc&limit=2${cursor}`);
      seen.push(...body.data[plural].map(({ id }: { id: string }) => id));
      return seen;
    };
  };

  it('is oldest first, page by page, and goes on with the last item’s id', async () => {
    const { client } = await stack.project();
    const made: string[] = [];
    for (let n = 0; n < 5; n += 1) made.push(await post(client));
    const follow = follower(client, 'events');
    await eventually('all are seen', async () => (await follow()).length === 5);
    const later = await post(client);
    await eventually('the next one is seen', async () => (await follow()).length === 6);
    expect(await follow()).toEqual([...made, later]);
    const desc = await client.get('/v1/events?order=desc');
    expect(desc.body.data).toEqual((await client.get('/v1/events')).body.data);
    const asc = await client.get('/v1/events?order=asc');
    expect(asc.body.data).toEqual({
      events: desc.body.data.events.toReversed(),
      nextCursor: null,
    });
  });

  it.each(['this process', 'another process'])(
    'ends before what a transaction of %s will store, however long that is open',
    async (whose) => {
      const { id, client } = await stack.project();
      const store =
        whose === 'this process'
          ? stack.store
          : await connectedStore(stack.config.mongodbUrl, stack.config);
      const project = (await stack.store.projects.get(id))!;
      const before = await post(client);
      const follow = follower(client, 'events');
      await eventually('the first is seen', async () => (await follow()).length === 1);
      const [begun, mayEnd] = [gate(), gate()];
      const event = newEvent(project, { type: 'email.sent', data: toPayload(emailSent) }, 1);
      const stored = store.transaction(async (session) => {
        await store.events.insertAll([event], session);
        begun.open();
        await mayEnd.opened;
      });
      await begun.opened;
      // Accepted after the open one, by a process that knows nothing of it.
      const after = await post(client);
      // Longer than a list lags behind without an open transaction.
      const until = Date.now() + 4000;
      await eventually('no other is seen', async () => {
        expect(await follow()).toEqual([before]);
        return Date.now() > until;
      });
      expect((await client.get('/v1/events')).body.data.events).toHaveLength(2);
      mayEnd.open();
      await stored;
      await eventually('all are seen', async () => (await follow()).length === 3);
      expect(await follow()).toEqual([before, event._id, after]);
      if (store !== stack.store) await store.close();
    },
  );

  it.each<[string, (store: Store, event: NewEvent) => Promise<unknown>]>([
    ['an event', (store, event) => store.events.insert(event)],
    ['a batch', (store, event) => insertBatch(store, [event])],
    ['reports', (store, event) => insertReports(store, [{ record: reportOf(event), event }])],
  ])(
    'ends before %s that was made long before its write, as in a process that was suspended',
    async (_what, write) => {
      const { id, client } = await stack.project();
      const project = (await stack.store.projects.get(id))!;
      const made = newEvent(project, { type: 'email.sent', data: toPayload(emailSent) }, 1);
      const event = { ...made, _id: idAt('event', new Date(Date.now() - 10_000)) };
      const [begun, mayEnd] = [gate(), gate()];
      const { collection } = stack.store.events;
      const insertMany = collection.insertMany.bind(collection);
      jest.spyOn(collection, 'insertMany').mockImplementationOnce(async (...given) => {
        begun.open();
        await mayEnd.opened;
        return insertMany(...given);
      });
      const stored = write(stack.store, event);
      await begun.opened;
      await eventually('it is waited for', async () => {
        return (await stack.store.horizon.completeBefore()) <= timeOf(event._id);
      });
      const after = await post(client);
      const follow = follower(client, 'events');
      expect(await follow()).toEqual([]);
      mayEnd.open();
      await stored;
      await eventually('both are seen', async () => (await follow()).length === 2);
      expect(await follow()).toEqual([event._id, after]);
    },
  );

  it('ends before the deliveries of the first event that a courier has not planned', async () => {
    const { id: projectId, client } = await stack.project({ dispatch: 'express' });
    const early = await insertDelivery(stack, { projectId });
    const waiting = await post(client);
    const late = await insertDelivery(stack, { projectId });
    await eventually('the events are complete', async () => {
      const { body } = await client.get('/v1/events?order=asc');
      return body.data.events.length === 1;
    });
    // The delivery of another project tells how far lists have come by now.
    const other = await stack.project();
    await insertDelivery(stack, { projectId: other.id });
    const follow = follower(client, 'deliveries');
    const followOther = follower(other.client, 'deliveries');
    await eventually('that one is seen', async () => (await followOther()).length === 1);
    expect(await follow()).toEqual([early]);
    await stack.store.events.markFannedOut(waiting);
    await eventually('both are seen', async () => (await follow()).length === 2);
    expect(await follow()).toEqual([early, late]);
  });

  it('does not wait for a process that ended while it declared how far it had come', async () => {
    const connection = mongoose.createConnection(stack.config.mongodbUrl);
    const horizon = new Horizon(connection);
    const { model } = horizon;
    const updateOne = model.updateOne.bind(model);
    let goOn!: () => void;
    const held = new Promise<void>((resolve) => (goOn = resolve));
    const update = jest.spyOn(model, 'updateOne').mockImplementation((async (
      ...given: Parameters<typeof updateOne>
    ) => {
      await held;
      return updateOne(...given);
    }) as never);
    const writers = await stack.store.horizon.model.countDocuments();
    const started = horizon.start();
    const closed = horizon.close();
    goOn();
    await Promise.all([started, closed]);
    expect(await stack.store.horizon.model.countDocuments()).toBe(writers);
    update.mockRestore();
    await connection.close();
  });

  it('does not wait for ever for a process that has died', async () => {
    const connection = mongoose.createConnection(stack.config.mongodbUrl);
    const horizon = new Horizon(connection);
    const silence = jest.replaceProperty(Horizon, 'deadMs', 3000);
    const longAgo = new Date(Date.now() - 1_000_000);
    const dead = { _id: 'dead', completeBefore: longAgo, renewedAt: longAgo };
    await stack.store.horizon.model.create(dead);
    // That one is silent may also mean that MongoDB was unavailable.
    expect(await horizon.completeBefore()).toEqual(longAgo);
    await eventually('it is ignored', async () => (await horizon.completeBefore()) > longAgo);
    silence.restore();
    await stack.store.horizon.model.deleteOne({ _id: 'dead' });
    await horizon.close();
    await connection.close();
  });
});
