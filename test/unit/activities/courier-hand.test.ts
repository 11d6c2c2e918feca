import { pino } from 'pino';
import { BACKLOG_FROM, Hand } from '../../../activities/courier/hand';
import { Lane } from '../../../activities/courier/lane';
import { planExpress } from '../../../activities/courier/plan';
import { newId } from '../../../src/contracts/ids';
import type { DeliveryRecord } from '../../../src/store/delivery-record';
import type { EventRecord } from '../../../src/store/event-record';
import type { Store } from '../../../src/store/store';
import type { WebhookRecord } from '../../../src/store/webhook-record';
import type { TenantCpu } from '../../../src/tenant-cpu/tenant-cpu';

const LARGEST = 'x'.repeat(256 * 1024);

const eventWith = (body: string, type = 'email.sent'): EventRecord =>
  ({
    _id: newId('event'),
    projectId: 'prj_1',
    type,
    body,
    acceptedAt: new Date(),
    expiresAt: new Date(Date.now() + 60_000),
  }) as EventRecord;

const webhookWith = (_id: string): WebhookRecord =>
  ({ _id, projectId: 'prj_1', isActive: true, isPaused: false, createdAt: new Date(0) }) as never;

describe('what a courier has in hand', () => {
  /** Takes a stored delivery of that event. */
  function take(hand: Hand, event: EventRecord): DeliveryRecord {
    if (!hand.lanes.has('wh_1')) {
      hand.lanes.set('wh_1', new Lane(webhookWith('wh_1'), { ratePerSecond: null } as never));
    }
    const _id = newId('delivery');
    const delivery = { _id, webhookId: 'wh_1', eventId: event._id, replays: 0 } as DeliveryRecord;
    hand.take(delivery, event, { isStored: true, from: 'prj_1' });
    return delivery;
  }

  it('is bounded by the size of the bodies, and by their number where they are small', () => {
    const hand = new Hand();
    const small = new Hand();
    const deliveries: DeliveryRecord[] = [];
    while (hand.room > 0) deliveries.push(take(hand, eventWith(LARGEST)));
    while (small.room > 0) take(small, eventWith('{}'));
    expect(hand.taken.size * LARGEST.length).toBeLessThanOrEqual(64 * 1024 * 1024);
    expect(hand.taken.size).toBeGreaterThan(200);
    expect(hand.eventRoom).toBe(0);
    expect(small.taken.size).toBe(2000);

    hand.remove(deliveries[0]!);
    expect([hand.room, hand.eventRoom]).toEqual([1, 1]);
    expect(hand.roomBeside([eventWith(LARGEST)])).toBe(0);
    for (const delivery of deliveries) hand.remove(delivery);
    expect(hand.room).toBe(new Hand().room);
  });

  it('leaves room for as many events at once as a backlog has', () => {
    const hand = new Hand();
    for (let n = 0; n < 100; n += 1) hand.takeEvent(eventWith('{}'), []);
    expect(hand.taken.size).toBe(0);
    expect(hand.eventRoom).toBeGreaterThanOrEqual(BACKLOG_FROM);
    expect(hand.eventRoom).toBeLessThan(new Hand().room);
  });

  it('counts the body that deliveries of one event share once', () => {
    const hand = new Hand();
    const event = eventWith(LARGEST);
    const first = take(hand, event);
    const { room } = hand;
    for (let n = 0; n < 1000; n += 1) take(hand, event);
    expect(hand.room).toBe(room);
    hand.remove(first);
    expect(hand.room).toBe(room);
  });

  it('is of one round of a delivery, if that is replayed while it waits for its turn', () => {
    const hand = new Hand();
    const event = eventWith('{}');
    const others = [take(hand, event), take(hand, event)];
    const lane = hand.lanes.get('wh_1')!;
    const replayed = { ...others.shift()!, replays: 1 };
    hand.take(replayed, event, { isStored: true });
    expect(lane.holding.map(({ delivery }) => delivery)).toEqual([...others, replayed]);
    expect(hand.taken.size).toBe(2);
  });
});

describe('what a courier plans at once', () => {
  const store = { events: { model: { distinct: async () => [] } } } as unknown as Store;
  const deps = { store, tenantCpu: {} as TenantCpu, log: pino({ level: 'silent' }) };
  const many = Array.from({ length: 5000 }, (_, n) => webhookWith(`wh_${n}`));
  const plan = async (events: EventRecord[], room: number) => {
    const about = { room, isFresh: () => true };
    const subscribersOf = (type: string) => (type === 'email.sent' ? many : many.slice(0, 1));
    return planExpress(deps, events, { ...about, subscribersOf });
  };

  it('ends with the first event that leaves no room, however few webhooks those before it had', async () => {
    const events = [
      ...Array.from({ length: 3 }, () => eventWith('{}', 'email.opened')),
      ...Array.from({ length: 100 }, () => eventWith('{}')),
    ];
    // However long this machine takes.
    jest.spyOn(performance, 'now').mockReturnValue(0);
    const planned = await plan(events, 400);
    jest.restoreAllMocks();
    expect(planned.map(({ event }) => event)).toEqual(events.slice(0, 4));
    expect(planned.map(({ deliveries }) => deliveries.length)).toEqual([1, 1, 1, 5000]);
  });

  it('is no more than the filters of a tenth of a second let through', async () => {
    let atMs = 0;
    jest.spyOn(performance, 'now').mockImplementation(() => atMs);
    const run = async () => {
      atMs += 60;
      return { end: 'done', output: [true] };
    };
    const about = { room: 400, isFresh: () => true };
    const filtered = { ...many[0]!, filter: { 'data.subject': { $regex: '.' } } };
    const planned = await planExpress(
      { ...deps, tenantCpu: { run } as never },
      Array.from({ length: 10 }, () => eventWith('{}')),
      { ...about, subscribersOf: () => [filtered as never] },
    );
    jest.restoreAllMocks();
    expect(planned.map(({ deliveries }) => deliveries.length)).toEqual([1, 1]);
  });

  it('is one event at least, or it would never be planned', async () => {
    const events = [eventWith('{}'), eventWith('{}')];
    expect(await plan(events, 0)).toHaveLength(1);
  });
});
