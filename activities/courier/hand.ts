import { LARGEST_BODY } from '../../src/contracts/delivery';
import { attemptsDeferred } from '../../src/metrics';
import {
  kindOf,
  queueFor,
  type DeliveryRecord,
  type QueueKind,
} from '../../src/store/delivery-record';
import { queuedAs } from '../../src/store/delivery-states';
import type { EventRecord } from '../../src/store/event-record';
import { roundOf, type Item, type Lane } from './lane';
import { Outbox, type Entry } from './outbox';

/** Maximum number of deliveries in hand. */
const MAX_TAKEN = 2000;
/**
 * Maximum number of deliveries in hand that MongoDB doesn't have, beyond which no further event is taken: what has
 * its result before `UNANSWERED_MS` is written once, for a fifth of the cost.
 */
const MAX_UNSTORED = 400;
/** Events or due deliveries that are taken at once where there is a backlog: the next look follows without a pause. */
export const BACKLOG_FROM = 100;
/** Maximum number of characters in the bodies in hand. */
const MAX_BODIES = 64 * 1024 * 1024;
/** Deliveries of an event, while none is known, and the weight of the latest event in their average. */
const FIRST_GUESS = 20;
const LATEST_SHARE = 0.1;
/** Maximum number of one webhook's deliveries that wait in hand; the others wait in MongoDB. */
const MAX_WAITING = 200;
/** After this a delivery without an answer is shown as pending. */
const UNANSWERED_MS = 250;
/** After this a delivery that still waits for its turn goes back into MongoDB's queue. */
const IN_HAND_MS = 2000;
/** The same where only places for attempts are missing: with one event for thousands, each delivery gets one soon. */
const IN_HAND_FOR_PLACE_MS = 10_000;

/**
 * What a shift has in hand: deliveries by webhook, their events, and what is still to be written about them.
 * All of it is in MongoDB too, until it is settled.
 */
export class Hand {
  readonly lanes = new Map<string, Lane>();
  readonly outbox = new Outbox();
  /** Deliveries in hand, by `roundOf`, until their result is written. */
  readonly taken = new Map<string, Item>();
  /** Their events, with the number of deliveries of each, and the characters in these events' bodies. */
  private readonly bodies = new Map<EventRecord, number>();
  private bodySize = 0;
  /** Events in hand, with the number of their deliveries that MongoDB doesn't have yet. */
  readonly planning = new Map<string, number>();
  /** Events whose filters are being judged. */
  beingPlanned: readonly EventRecord[] = [];
  /** Maximum number of events that are planned together: twice as many as there was time for. */
  mostPlanned = Infinity;
  /** Deliveries in hand that MongoDB doesn't have yet. */
  private unstored = 0;
  /** Deliveries of an event, on average. */
  private perEvent = FIRST_GUESS;

  /** How many stored deliveries may be taken if each is of another event, of the largest size. */
  get room(): number {
    return this.roomBeside([]);
  }

  /** The same, if these events are taken as well. */
  roomBeside(events: readonly EventRecord[]): number {
    const others = [...this.beingPlanned, ...events];
    const size = others.reduce((sum, { body }) => sum + (body?.length ?? 0), this.bodySize);
    const bodies = Math.floor((MAX_BODIES - size) / LARGEST_BODY);
    return Math.max(0, Math.min(MAX_TAKEN - this.taken.size, bodies));
  }

  /**
   * How many deliveries that MongoDB doesn't have may be taken; those of one event are taken together. What is not to
   * be sent, since its webhook is paused or disabled, waits only to be written.
   */
  get newRoom(): number {
    const taken = Math.max(this.taken.size, this.outbox.size);
    return Math.min(MAX_TAKEN - taken, MAX_UNSTORED - this.unstored);
  }

  /** How many further events may be planned: half of the room for bodies is left to what is due. */
  get eventRoom(): number {
    if (this.beingPlanned.length > 0) return 0;
    const byNumber = Math.max(0, Math.ceil(this.newRoom / Math.max(1, this.perEvent)));
    return Math.min(byNumber, Math.ceil(this.room / 2), this.mostPlanned);
  }

  get isEmpty(): boolean {
    return this.taken.size + this.outbox.size + this.beingPlanned.length === 0;
  }

  /** Takes an event with its deliveries, which MongoDB doesn't have. */
  takeEvent(event: EventRecord, planned: readonly DeliveryRecord[]): void {
    // Some of their webhooks may have been deleted since.
    const deliveries = planned.filter(({ webhookId }) => this.lanes.has(webhookId));
    const open = deliveries.filter(({ status }) => status === 'pending');
    this.planning.set(event._id, open.length);
    this.perEvent += (deliveries.length - this.perEvent) * LATEST_SHARE;
    for (const delivery of deliveries) {
      if (delivery.status === 'pending') continue;
      const lane = this.lanes.get(delivery.webhookId)!;
      const done = delivery.status === 'held' ? lane.queueing('ordered', event._id) : () => {};
      this.outbox.add({ insert: delivery, done });
    }
    if (open.length === 0) this.markPlanned(event._id);
    for (const delivery of open) this.take(delivery, event, { isStored: false });
  }

  /**
   * Takes a delivery that is due; one that may not be sent goes into MongoDB's queue at once.
   * @param taken.from the queue that it comes from: nothing is ahead of it
   */
  take(
    delivery: DeliveryRecord,
    event: EventRecord,
    { isStored, from }: { isStored: boolean; from?: string },
  ): void {
    const lane = this.lanes.get(delivery.webhookId)!;
    this.forgetBefore(lane, delivery);
    const queuedIn = from ?? queueFor(delivery);
    const body = event.body!;
    const item: Item = { delivery, event, body, isStored, queuedIn, takenAt: performance.now() };
    this.taken.set(roundOf(delivery), item);
    const others = this.bodies.get(event) ?? 0;
    if (others === 0) this.bodySize += body.length;
    this.bodies.set(event, others + 1);
    if (!isStored) this.unstored += 1;
    const kept = lane.kept(delivery);
    const isBehind = from === undefined && lane.queued.has('ordered');
    const isFull = from === undefined && lane.waiting.length >= MAX_WAITING;
    if (kept) this.queue(lane, item, kept);
    else if (isBehind && lane.isDrained && lane.behind.length < MAX_WAITING) lane.behind.push(item);
    else if (isBehind || isFull) {
      this.putBack(lane, lane.behind);
      this.queue(lane, item, null);
    } else lane.waiting.push(item);
  }

  /** Its result is written, or it is found in MongoDB again. */
  remove(delivery: DeliveryRecord): void {
    const round = roundOf(delivery);
    const item = this.taken.get(round);
    if (!item) return;
    this.taken.delete(round);
    const { event, body } = item;
    const others = this.bodies.get(event)! - 1;
    if (others > 0) {
      this.bodies.set(event, others);
      return;
    }
    this.bodies.delete(event);
    this.bodySize -= body.length;
  }

  /** Called after the last of the ordered queue. */
  takeBehind(lane: Lane): void {
    lane.waiting.push(...lane.behind);
    lane.behind = [];
  }

  /** Takes out of the line what may no longer be sent, after a change of its webhook. */
  recheck(lane: Lane): void {
    if (lane.webhook.isActive && !lane.webhook.isPaused) return;
    const kept = lane.holding.filter(({ delivery }) => lane.kept(delivery) !== null);
    this.putBack(lane, kept);
  }

  /** Puts back what is in hand of one of a webhook's queues: something before it has gone back. */
  putBackOf(lane: Lane, kind: QueueKind): void {
    const queued = lane.holding.filter(({ queuedIn }) => kindOf(queuedIn) === kind);
    this.putBack(lane, queued);
  }

  /**
   * Shows what has not been answered for a while as pending, and puts back what has waited in hand for long.
   * @param hasPlace the project has a free place: whatever waits for one is slow, or a retry
   */
  sweep(hasPlace: boolean): void {
    const at = performance.now();
    for (const item of this.taken.values()) {
      if (!item.isStored && at - item.takenAt > UNANSWERED_MS) this.store(item, item.delivery);
    }
    for (const lane of this.lanes.values()) {
      if (!lane.isHolding) continue;
      const keptMs = lane.waitsForPlace && !hasPlace ? IN_HAND_FOR_PLACE_MS : IN_HAND_MS;
      const { holding } = lane;
      const late = holding.findIndex(({ takenAt }) => at - takenAt > keptMs);
      // With all that came after it, which must not be sent before it.
      if (late >= 0) this.putBack(lane, holding.slice(late));
    }
  }

  /** Stored express deliveries that wait for their turn, and already did at that time. */
  waitingSince(at: number): DeliveryRecord[] {
    const lanes = [...this.lanes.values()].filter(({ isHolding }) => isHolding);
    return lanes.flatMap(({ holding }) =>
      holding.flatMap(({ delivery, isStored, takenAt }) =>
        isStored && delivery.isExpress && takenAt < at ? delivery : [],
      ),
    );
  }

  /** Drops those of them that wait. */
  forget(outdated: ReadonlySet<DeliveryRecord>): void {
    const isLeft = ({ delivery }: Item): boolean => !outdated.has(delivery);
    for (const lane of this.lanes.values()) {
      for (const item of lane.holding) if (!isLeft(item)) this.remove(item.delivery);
      lane.waiting = lane.waiting.filter(isLeft);
      lane.behind = lane.behind.filter(isLeft);
    }
  }

  /** Drops what still waits of a round before, if it was cancelled and replayed since: both would be sent. */
  private forgetBefore(lane: Lane, { _id, replays }: DeliveryRecord): void {
    if (replays === 0) return;
    const before = lane.holding.find((item) => item.isStored && item.delivery._id === _id);
    if (before) this.forget(new Set([before.delivery]));
  }

  /** Inserts a delivery, and marks its event as planned with the last of them. */
  store(item: Item, delivery: DeliveryRecord, rest: Partial<Entry> = {}): void {
    item.isStored = true;
    this.unstored -= 1;
    this.outbox.add({ insert: delivery, done: () => {}, ...rest });
    this.settled(delivery.eventId);
  }

  /** Drops a delivery that was not sent: it is found in MongoDB again. */
  letGo(item: Item): void {
    const done = (): void => this.remove(item.delivery);
    if (item.isStored) done();
    else this.store(item, item.delivery, { done });
  }

  /** Lets the other webhooks come first the next time. */
  moveToEnd(lane: Lane): void {
    const { _id } = lane.webhook;
    this.lanes.delete(_id);
    this.lanes.set(_id, lane);
  }

  /** Drops a deleted webhook; its stored deliveries are ended elsewhere. */
  drop(lane: Lane): void {
    for (const { delivery, isStored } of lane.holding) {
      this.remove(delivery);
      if (isStored) continue;
      this.unstored -= 1;
      this.settled(delivery.eventId);
    }
    lane.waiting = [];
    lane.behind = [];
    this.lanes.delete(lane.webhook._id);
  }

  private putBack(lane: Lane, items: readonly Item[]): void {
    if (items.length === 0) return;
    const back = new Set(items);
    lane.waiting = lane.waiting.filter((item) => !back.has(item));
    lane.behind = lane.behind.filter((item) => !back.has(item));
    for (const item of back) this.queue(lane, item, lane.kept(item.delivery));
  }

  /** Puts a delivery into MongoDB's queue, or ends it as skipped. */
  private queue(lane: Lane, item: Item, kept: 'held' | 'skipped' | null): void {
    const { delivery, queuedIn } = item;
    // A delivery for a workflow has not left the queue yet.
    if (kept !== 'skipped' && !delivery.isExpress) {
      lane.queued.add(kindOf(queuedIn));
      this.remove(delivery);
      return;
    }
    if (kept === null) attemptsDeferred.inc({ reason: lane.reason });
    const settled =
      kept === 'skipped' ? () => {} : lane.queueing(kindOf(queuedIn), delivery.eventId);
    const done = (): void => {
      this.remove(delivery);
      settled();
    };
    if (item.isStored) {
      this.outbox.add({ queue: { delivery, as: kept ?? lane.reason, queuedIn }, done });
      return;
    }
    // Unchanged, it ends in the settlement, which finds its webhook disabled.
    const change = kept === 'skipped' ? {} : queuedAs(kept ?? lane.reason, queuedIn);
    this.store(item, { ...delivery, ...change }, { done });
  }

  /** One more of an event's deliveries is stored, or need not be. */
  private settled(eventId: string): void {
    const left = (this.planning.get(eventId) ?? 1) - 1;
    this.planning.set(eventId, left);
    if (left === 0) this.markPlanned(eventId);
  }

  private markPlanned(eventId: string): void {
    this.outbox.add({ plannedEventId: eventId, done: () => this.planning.delete(eventId) });
  }
}
