import { mongo } from 'mongoose';
import { newId } from '../../../src/contracts/ids';
import { GroupedInserts } from '../../../src/store/grouped-inserts';
import { deliveryWith, makeWebhook, postEvent } from '../../support/deliveries';
import { eventually } from '../../support/eventually';
import { profileOf } from '../../support/profiler';
import { emailSent } from '../../support/samples';
import { useReceiver, useStack } from '../../support/use';

const event = { type: 'email.sent', data: emailSent };

describe('accepting an event', () => {
  const stack = useStack();
  const receiver = useReceiver();
  afterEach(() => jest.restoreAllMocks());

  it('waits for MongoDB’s journal on a majority, and not for Temporal, alone and in a batch', async () => {
    const { client } = await stack.project();
    const { db } = stack.store.events.model.db;
    let goOn = (): void => {};
    const gate = new Promise<void>((resolve) => (goOn = resolve));
    const start = stack.engine.startFanOut.bind(stack.engine);
    jest.spyOn(stack.engine, 'startFanOut').mockImplementation((of) => gate.then(() => start(of)));
    await makeWebhook(client, receiver.url);
    const post = async (): Promise<void> => {
      expect((await client.post('/v1/events', event)).status).toBe(202);
      const batch = { events: [event, event] };
      expect((await client.post('/v1/events/batch', batch)).status).toBe(202);
    };
    const { profiled } = await profileOf(db!, post, { op: 'insert', ninserted: 1 });
    expect(
      await stack.temporal(({ workflow }) => workflow.count("WorkflowType = 'fanOutEvent'")),
    ).toMatchObject({ count: 0 });
    expect(profiled[0]!.command).toMatchObject({
      insert: 'events',
      writeConcern: { w: 'majority', j: true },
    });
    // A transaction's is that of its commit, which is the connection's.
    expect(stack.store.events.model.db.getClient().writeConcern).toMatchObject({
      w: 'majority',
      journal: true,
    });
    goOn();
    await receiver.waitFor(3);
  });

  it('answers concurrent posts as if each had come alone', async () => {
    const { id: projectId, client } = await stack.project();
    const other = await stack.project();
    const posts = [
      ...Array.from({ length: 8 }, () =>
        client.post('/v1/events', event, { 'idempotency-key': 'a' }),
      ),
      client.post(
        '/v1/events',
        { ...event, data: { ...emailSent, subject: 'B' } },
        { 'idempotency-key': 'a' },
      ),
      ...Array.from({ length: 8 }, () => client.post('/v1/events', event)),
      client.post('/v1/events', { type: 'email.sent', data: { no: 1 } }),
      // Keys are a project's own.
      other.client.post('/v1/events', event, { 'idempotency-key': 'a' }),
    ];
    const answers = await Promise.all(posts);
    const keyed = answers.slice(0, 9);
    const [first] = keyed.filter(({ status }) => status === 202);
    const same = keyed.filter(({ status }) => status === 202);
    // The other body came first, or the eight.
    expect([1, 8]).toContain(same.length);
    expect(keyed.filter(({ status }) => status === 409)).toHaveLength(9 - same.length);
    expect(same.filter(({ body }) => !body.data.duplicate)).toHaveLength(1);
    expect(new Set(same.map(({ body }) => body.data.id))).toEqual(new Set([first!.body.data.id]));
    expect(answers.slice(9).map(({ status }) => status)).toEqual([...Array(8).fill(202), 422, 202]);
    expect(await stack.store.events.model.countDocuments({ projectId })).toBe(9);
  });

  it('stores what a schema would: the same members, with nothing undefined', async () => {
    const { client } = await stack.project();
    const { body } = await client.post('/v1/events', event);
    const stored = await stack.store.events.model.collection.findOne({ _id: body.data.id });
    expect(stored).toEqual({
      _id: body.data.id,
      projectId: expect.any(String),
      type: 'email.sent',
      createdAt: expect.any(Date),
      acceptedAt: expect.any(Date),
      expiresAt: expect.any(Date),
      body: expect.any(String),
      fannedOutAt: stored!.fannedOutAt,
      expungedAt: null,
    });
  });

  it('starts it before long, with nobody waiting for it', async () => {
    const { client } = await stack.project();
    await makeWebhook(client, receiver.url);
    await deliveryWith(client, await postEvent(client), { status: 'succeeded' });
  });
});

describe('documents that are inserted together', () => {
  const stack = useStack({}, { worker: false });

  interface Row {
    _id: string;
    unique?: number;
    bad?: Record<string, number>;
  }
  const collection = () => stack.store.events.model.db.collection<Row>('rows');
  beforeAll(async () => {
    await collection().createIndex({ unique: 1 }, { unique: true, sparse: true });
  });

  it('are stored or refused one by one, and by one command', async () => {
    const groups: number[] = [];
    const inserts = new GroupedInserts<Row>((rows) => {
      groups.push(rows.length);
      return collection().insertMany(rows, { ordered: false });
    });
    const insert = (row: Omit<Row, '_id'>): Promise<void> =>
      inserts.insert({ _id: newId('event'), ...row });
    const ends = await Promise.allSettled([1, 2, 1, 3].map((unique) => insert({ unique })));
    expect(ends.map(({ status }) => status)).toEqual([
      'fulfilled',
      'fulfilled',
      'rejected',
      'fulfilled',
    ]);
    expect(groups).toEqual([4]);
    const [refused] = ends.flatMap((end) =>
      end.status === 'rejected' ? [end.reason as unknown] : [],
    );
    expect(refused).toBeInstanceOf(mongo.MongoServerError);
    expect(refused).toMatchObject({ code: 11_000 });

    const written = await Promise.allSettled([
      insert({}),
      insert({ bad: { 'a\0b': 1 } }),
      insert({}),
    ]);
    expect(written.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    await eventually(
      'all others are there',
      async () => (await collection().countDocuments()) === 5,
    );
  });

  it('all fail if the command does', async () => {
    const failed = new mongo.MongoNetworkError('gone');
    const inserts = new GroupedInserts<Row>(() => Promise.reject(failed));
    const ends = await Promise.allSettled(['a', 'b'].map((_id) => inserts.insert({ _id })));
    expect(ends).toEqual([1, 2].map(() => ({ status: 'rejected', reason: failed })));
  });
});
