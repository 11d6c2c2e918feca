import type { BacklogOrder } from '../../src/contracts/delivery';
import { newId } from '../../src/contracts/ids';
import { QUEUE_KINDS, queueOf, type DeliveryRecord } from '../../src/store/delivery-record';
import { endSome, noteLeft } from '../../src/store/end-deliveries';
import {
  listQueueing,
  listQueues,
  listUnfollowedGone,
  queueHeld,
  surveyQueues,
  takeQueued,
} from '../../src/store/queue';
import { countQueuedReplays, hasUnsent } from '../../src/store/replay-selection';
import { Fixture } from '../support/fixture';
import { profileOf } from '../support/profiler';

const QUEUED = 10_000;
const LIMIT = 20;

describe('what it costs MongoDB to look into a long queue', () => {
  let fixture: Fixture;
  let projectId: string;
  let webhookId: string;
  let like: Omit<DeliveryRecord, '_id'>;
  const take = (
    queue: string,
    taken: string[],
    order: BacklogOrder,
    before: string | null = null,
  ) => {
    const which = { taken, order, before, limit: LIMIT, takesOver: true };
    return takeQueued(fixture.store, queue, webhookId, which);
  };

  beforeAll(async () => {
    fixture = await Fixture.open();
    const { planned } = await fixture.planned('http://127.0.0.1:9/');
    ({ projectId, webhookId } = planned);
    const { _id, ...rest } = await fixture.delivery(planned.deliveryId);
    like = rest;
    const bulkReplay = {
      id: newId('replay'),
      status: 'failed',
      completedAt: null,
      roundStart: 0,
    } as const;
    const queued = (kind: (typeof QUEUE_KINDS)[number]): DeliveryRecord[] =>
      Array.from({ length: QUEUED }, () => ({
        ...like,
        _id: newId('delivery'),
        eventId: newId('event'),
        status: kind === 'ordered' ? 'held' : 'pending',
        nextAttemptAt: null,
        queuedIn: queueOf(projectId, kind),
        ...(kind === 'replay' && { bulkReplay }),
      }));
    for (const kind of QUEUE_KINDS) {
      await fixture.store.deliveries.model.collection.insertMany(queued(kind) as never[]);
    }
    const unfollowed = queued('ordered').map(({ queuedIn: _queue, ...delivery }, n) => ({
      ...delivery,
      status: 'failed',
      isExpress: true,
      followUp: true,
      completedAt: new Date(),
      attempts: [{ number: 1, outcome: 'failed', statusCode: n === 0 ? 410 : 500 }],
    }));
    await fixture.store.deliveries.model.collection.insertMany(unfollowed as never[]);
  });
  afterAll(() => fixture.close());

  it.each<[string, (queue: string) => Promise<unknown>]>([
    ['which webhooks have something', () => listQueueing(fixture.store, projectId, 'ordered')],
    ['whether one has', () => listQueueing(fixture.store, projectId, 'ordered', [webhookId])],
    [
      'which projects have',
      async () => {
        const queues = await listQueues(fixture.store);
        expect(queues).toEqual(QUEUE_KINDS.map((kind) => queueOf(projectId, kind)).toSorted());
        const others = Array.from({ length: LIMIT }, () => queueOf(newId('project')));
        const { open } = await surveyQueues(fixture.store, [...queues, ...others]);
        expect(open).toEqual([projectId]);
      },
    ],
    ['what is next', (queue) => take(queue, [], 'oldest_first')],
    ['what is after that', (queue) => take(queue, ['x'], 'oldest_first')],
    ['what is before one', (queue) => take(queue, [], 'oldest_first', newId('event'))],
    ['what is newest', (queue) => take(queue, [], 'newest_first')],
    ['what is held in no queue', () => queueHeld(fixture.store)],
    [
      'whether some of a bulk replay does',
      () => hasUnsent(fixture.store, { _id: newId('replay') }),
    ],
    [
      'which failures were answered 410',
      async () => expect(await listUnfollowedGone(fixture.store, projectId)).toHaveLength(1),
    ],
    ['how many replays wait', () => countQueuedReplays(fixture.store, projectId, LIMIT)],
  ])('%s: no more than is asked for', async (_what, look) => {
    const db = fixture.store.deliveries.model.db.db!;
    const ofDeliveries = { ns: /\.deliveries$/ };
    const { profiled } = await profileOf(db, () => look(queueOf(projectId)), ofDeliveries);
    expect(profiled.length).toBeGreaterThan(0);
    for (const { keysExamined = 0, docsExamined = 0 } of profiled) {
      expect(Math.max(keysExamined, docsExamined)).toBeLessThanOrEqual(2 * LIMIT);
    }
  });

  async function makeDisabled() {
    const { webhooks } = fixture.store;
    const [at, before, since] = [0, -1, 1].map((ms) => new Date(Date.now() - 60_000 + ms));
    const disabled = newId('webhook');
    const stopped = { isActive: false, isPaused: true, disabledAt: at! };
    const webhook = (await webhooks.get(projectId, webhookId))!;
    await webhooks.model.collection.insertOne({ ...webhook, ...stopped, _id: disabled } as never);
    return { disabled, at: at!, before: before!, since: since! };
  }
  const held = (id: string, ofWebhook: string, replayRequestedAt: Date) => ({
    ...like,
    _id: newId('delivery'),
    eventId: newId('event'),
    webhookId: ofWebhook,
    status: 'held',
    replays: 1,
    replayRequestedAt,
    nextAttemptAt: null,
    queuedIn: queueOf(projectId, 'replay'),
    bulkReplay: { id, status: 'failed', completedAt: null, roundStart: 0 },
  });
  const many = (make: () => object) => Array.from({ length: QUEUED }, make) as never[];

  it('what ends with a disabled webhook: a part at a time, however much was replayed since', async () => {
    const { deliveries, endings } = fixture.store;
    const { disabled, before, since } = await makeDisabled();
    const { collection, db } = deliveries.model;
    const first = held(newId('replay'), disabled, before);
    await collection.insertOne(first as never);
    await collection.insertMany(many(() => held(newId('replay'), disabled, since)));
    const last = held(newId('replay'), disabled, before);
    await collection.insertOne(last as never);
    await endings.note({ _id: disabled, projectId }, 'webhook_disabled');
    const { profiled } = await profileOf(db.db!, async () => {
      // As those who take turns do, with what they have read before.
      const ending = (await endings.find(disabled))!;
      while (await endSome(fixture.store, ending));
    });
    expect(profiled.length).toBeGreaterThan(0);
    for (const { keysExamined = 0, docsExamined = 0 } of profiled) {
      expect(Math.max(keysExamined, docsExamined)).toBeLessThan(QUEUED / 2);
    }
    const skipped = await deliveries.model.distinct('_id', {
      webhookId: disabled,
      status: 'skipped',
    });
    expect(skipped.toSorted()).toEqual([first._id, last._id]);
    expect(await endings.find(disabled)).toBeNull();
  });

  it('what is left of a disabled webhook: nothing of others, and of what was replayed since', async () => {
    const { deliveries, endings, replays } = fixture.store;
    const { disabled, at, before, since } = await makeDisabled();
    const other = newId('webhook');
    const [earlier, later] = [newId('replay'), newId('replay')];
    const status = 'running';
    const requested = { _id: earlier, projectId, status, createdAt: before };
    await replays.model.collection.insertOne(requested as never);
    const { collection, db } = deliveries.model;
    await collection.insertMany(many(() => held(later, disabled, since)));
    await collection.insertMany(many(() => held(earlier, other, before)));
    const about = { _id: disabled, projectId, disabledAt: at };
    const { profiled } = await profileOf(db.db!, () => noteLeft(fixture.store, about));
    for (const { keysExamined = 0, docsExamined = 0 } of profiled) {
      expect(Math.max(keysExamined, docsExamined)).toBeLessThanOrEqual(2 * LIMIT);
    }
    expect(await endings.find(disabled)).toBeNull();
    await collection.insertOne(held(earlier, disabled, before) as never);
    await noteLeft(fixture.store, about);
    expect(await endings.find(disabled)).not.toBeNull();
  });
});
