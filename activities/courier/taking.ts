import { setTimeout as sleep } from 'node:timers/promises';
import { clock } from '../../src/clock';
import { END_OF_TIME } from '../../src/store/backlog';
import { cancelOrphan } from '../../src/store/cancel-orphan';
import {
  isBeforeFirst,
  QUEUE_KINDS,
  queueOf,
  type DeliveryRecord,
} from '../../src/store/delivery-record';
import type { EventRecord } from '../../src/store/event-record';
import { expungeEvent } from '../../src/store/expunge';
import { listDue, listOutdated, takeQueued } from '../../src/store/queue';
import { CLOCK_MARGIN_MS } from '../plan-deliveries';
import { Arrivals } from './arrivals';
import type { Attempts } from './attempts';
import { roundOf, type Lane } from './lane';
import type { Shared } from './parts';
import { planExpress, TOGETHER_MS, withoutDeleted, type PlannedEvent } from './plan';

const DUE_POLL_MS = 50;
/** Between two comparisons of what waits in hand with MongoDB. */
const RECHECK_MS = 250;
/** Both are longer by this for each delivery that was read and is in hand already: there may be thousands. */
const KNOWN_MS = 0.25;
const DUE_AT_ONCE = 200;
/** How long a look waits for what is being planned; the next one does, too. */
const PLANNING_MS = 25;
/** Webhooks whose queues are read at the same time. */
const REFILLED_TOGETHER = 16;
/** How long queues are read before the shift looks for new events, and writes results. */
const REFILL_MS = 50;

/** Takes what may be sent out of MongoDB into a shift's hand. */
export class Taking {
  /** When something was found last, by the monotonic clock. */
  foundAt = -Infinity;
  private readonly arrivals: Arrivals;
  /** Of `Hand.beingPlanned`. */
  private planning: Promise<PromiseSettledResult<PlannedEvent[]>[]> | undefined;
  /** When those were read, by the monotonic clock. */
  private readAt = -Infinity;
  /** By the monotonic clock, like the next one. */
  private nextDueLook = -Infinity;
  private nextRecheck = -Infinity;
  /** Places for what is not hurried that are meant for what is being read from queues. */
  private promised = 0;
  /** The webhook for which some of that was taken last. */
  private fromQueue: Lane | undefined;

  constructor(
    private readonly shared: Shared,
    private readonly attempts: Attempts,
  ) {
    this.arrivals = new Arrivals(shared.deps.store, shared.projectId);
  }

  /**
   * Takes what may be sent.
   * @param isOver nothing new, since the shift ends
   * @returns how much was found
   */
  async take(isOver: boolean): Promise<number> {
    const { hand, view } = this.shared;
    const room = isOver ? 0 : hand.room;
    const eventRoom = isOver ? 0 : hand.eventRoom;
    const at = performance.now();
    const [events, fresh] = await Promise.all([
      eventRoom > 0 ? this.arrivals.list(hand.planning.keys(), eventRoom) : [],
      room > 0 ? this.listFreshlyDue(room) : [],
    ]);
    const found = events.length + fresh.length;
    if (found > 0) this.foundAt = performance.now();
    // After the events, so that a webhook that is older than one of them is known.
    await view.refresh(found > 0);
    if (view.isGone) return 0;
    await this.takeStored(fresh.slice(0, hand.roomBeside(events)));
    await this.dropOutdated();
    if (events.length > 0) this.plan(events, at);
    await this.takePlanned();
    if (isOver) return found;
    await this.refillAll();
    return found;
  }

  private plan(events: readonly EventRecord[], readAt: number): void {
    const { deps, hand, lease, view } = this.shared;
    const now = clock.now();
    const planning = planExpress(deps, events, {
      room: hand.newRoom,
      subscribersOf: (type) => view.subscriptions.of(type),
      // An earlier shift may have begun with what was accepted before this one, or before MongoDB's clock was set back.
      isFresh: ({ acceptedAt }) =>
        acceptedAt.getTime() > lease.beganAt.getTime() + CLOCK_MARGIN_MS &&
        acceptedAt.getTime() <= now.getTime() + CLOCK_MARGIN_MS,
    });
    hand.beingPlanned = events;
    this.readAt = readAt;
    this.planning = Promise.allSettled([planning]);
  }

  /**
   * Takes what has been planned so far. Filters may take seconds: until then the looks go on, so that what happens
   * to webhooks meanwhile applies to this as well.
   */
  private async takePlanned(): Promise<void> {
    const { deps, hand } = this.shared;
    if (!this.planning) return;
    const [end] = await Promise.race([this.planning, sleep(PLANNING_MS, [])]);
    if (!end) return;
    const { length } = hand.beingPlanned;
    this.planning = undefined;
    hand.beingPlanned = [];
    if (end.status === 'rejected') throw end.reason;
    const isLate = performance.now() - this.readAt > TOGETHER_MS;
    const planned = isLate ? await withoutDeleted(deps.store, end.value) : end.value;
    hand.mostPlanned = 2 * (isLate && planned.length < length ? planned.length : hand.mostPlanned);
    for (const { event, deliveries } of planned) {
      hand.takeEvent(event, deliveries);
      this.arrivals.took(event._id);
    }
  }

  /**
   * Refills webhooks from their queues while the project has free places and the hand has room, and sends what was
   * taken at once: what waited in hand would only go back. They take turns, since there may be thousands.
   */
  private async refillAll(): Promise<void> {
    const { hand, places, projectId } = this.shared;
    const until = performance.now() + REFILL_MS;
    const lanes = [...hand.lanes.values()].filter(({ queued }) => queued.size > 0);
    while (lanes.length > 0 && performance.now() < until) {
      if (hand.room < 1 || !places.hasFreeFor(projectId)) return;
      this.promised = 0;
      const some = lanes.splice(0, REFILLED_TOGETHER);
      // All of them, whatever fails: the next look must not meet one that still takes something.
      const most = Math.ceil(hand.room / some.length);
      const ends = await Promise.allSettled(some.map((lane) => this.refill(lane, most)));
      for (const lane of some) this.attempts.pump(lane);
      for (const end of ends) if (end.status === 'rejected') throw end.reason;
    }
  }

  /** Takes out of hand what has been cancelled, even if it was replayed since, while it waits for its turn. */
  private async dropOutdated(): Promise<void> {
    const { deps, hand } = this.shared;
    const at = performance.now();
    if (at < this.nextRecheck) return;
    const waiting = hand.waitingSince(at - RECHECK_MS);
    this.nextRecheck = at + RECHECK_MS + waiting.length * KNOWN_MS;
    if (waiting.length === 0) return;
    const outdated = await listOutdated(deps.store, waiting);
    if (outdated.size > 0) hand.forget(outdated);
  }

  /** Stored deliveries that are due, if it is time to look for them. */
  private async listFreshlyDue(room: number): Promise<DeliveryRecord[]> {
    const at = performance.now();
    if (at < this.nextDueLook) return [];
    // As it was before the read, which may still find what is settled meanwhile.
    const { deps, hand, projectId } = this.shared;
    const taken = new Set(hand.taken.keys());
    const limit = DUE_AT_ONCE + taken.size;
    const due = await listDue(deps.store, projectId, clock.now(), limit);
    const fresh = due.filter((delivery) => !taken.has(roundOf(delivery)));
    const known = due.length - fresh.length;
    // Otherwise there may be more.
    if (due.length < limit) this.nextDueLook = at + DUE_POLL_MS + known * KNOWN_MS;
    return fresh.slice(0, room);
  }

  /**
   * Takes stored deliveries, with their events and webhooks.
   * @param from the queue they come from
   */
  private async takeStored(deliveries: readonly DeliveryRecord[], from?: string): Promise<void> {
    if (deliveries.length === 0) return;
    const { deps, hand, projectId } = this.shared;
    const { store } = deps;
    const events = await store.events.model
      .find({ _id: { $in: deliveries.map(({ eventId }) => eventId) } })
      .lean<EventRecord[]>();
    const byId = new Map(events.map((event) => [event._id, event]));
    for (const delivery of deliveries) {
      const event = byId.get(delivery.eventId);
      if (!event || !hand.lanes.has(delivery.webhookId)) await cancelOrphan(store, delivery);
      else if (event.body === null) await expungeEvent(store, projectId, event._id);
      else hand.take(delivery, event, { isStored: true, from });
    }
  }

  /**
   * Takes the next of a webhook's queues as soon as there is room: new deliveries before replays.
   * @param most its share of the hand's room
   */
  private async refill(lane: Lane, most: number): Promise<void> {
    const { deps, hand, projectId, view } = this.shared;
    const takesOver = (view.project.dispatch ?? deps.store.defaults.dispatch) !== 'workflow';
    for (const kind of QUEUE_KINDS) {
      if (!lane.queued.has(kind) || lane.untilQueuedMs() !== 0) continue;
      if (!lane.hasSlot) {
        void this.attempts.takeSlot(lane);
        return;
      }
      const limits = this.limitsOf(lane, most);
      if (limits.limit < 1) return;
      hand.moveToEnd(lane);
      const queue = queueOf(projectId, kind);
      const inHand = [...lane.waiting.map(({ delivery }) => delivery._id), ...lane.leaving];
      // A bulk replay is queued in its own order.
      const order = kind === 'replay' ? 'oldest_first' : lane.policy.backlogOrder;
      const entering = lane.firstEntering(kind);
      if (kind === 'ordered') lane.isDrained = false;
      lane.hasReturned = false;
      const { queued, next } = await takeQueued(deps.store, queue, lane.webhook._id, {
        taken: inHand,
        order,
        // What is going back into the queue may come before what is there.
        before: order === 'oldest_first' ? entering : null,
        ...limits,
        takesOver,
      });
      if (lane.policy.ratePerSecond === null && queued.length > 0) this.foundAt = performance.now();
      const fresh = queued.filter((delivery) => !hand.taken.has(roundOf(delivery)));
      await this.takeStored(fresh, queue);
      if (lane.hasReturned) hand.putBackOf(lane, kind);
      // Only now: had that failed, new ones would go before what is neither in the queue nor in hand.
      const isTaken = fresh.length === queued.length && !lane.hasReturned;
      const isAll = next === null;
      const isEmptied = isAll && entering === null && isTaken;
      lane.isRetryQueued = next !== null && !isBeforeFirst(next);
      if (isEmptied) lane.queued.delete(kind);
      if (isEmptied && kind === 'ordered') lane.emptied();
      if (kind === 'ordered') lane.isDrained = isAll;
      if (lane.queued.has(kind)) return;
      if (kind === 'ordered') hand.takeBehind(lane);
    }
  }

  /**
   * How many of what a webhook has queued may be taken, and how many retries: what would only wait for a place stays
   * where it is.
   */
  private limitsOf(lane: Lane, most: number): { limit: number; maxRetries?: number } {
    const { places, projectId } = this.shared;
    const { webhook, policy, sending, waiting } = lane;
    const free = 2 * (places.limitOf(webhook._id) - sending) - waiting.length;
    const limit = Math.min(free, most, Math.ceil((policy.ratePerSecond ?? Infinity) / 4));
    const { inLine } = this.attempts;
    const room = (): number => Math.max(0, places.unhurriedRoomFor(projectId) - this.promised);
    if (places.isHurried(webhook._id, lane.isFirstNext)) {
      // A retry at the head has its turn at the next look.
      return { limit, maxRetries: inLine.size === 0 ? room() : 0 };
    }
    // What is new and waits for a place comes first, but one from the queues may be among it.
    if (this.fromQueue && inLine.has(this.fromQueue)) return { limit: 0 };
    const given = Math.max(0, Math.min(limit, inLine.size === 0 ? room() : 1 - this.promised));
    this.promised += given;
    if (given > 0) this.fromQueue = lane;
    return { limit: given };
  }

  /** Milliseconds until something in the project may be sent; null: nothing is scheduled. */
  async untilDueMs(): Promise<number | null> {
    const { deps, hand, projectId } = this.shared;
    // What waits in the queue has no time.
    const next = await deps.store.deliveries.dueExpress.first(projectId, END_OF_TIME);
    const waits = [...hand.lanes.values()].map((lane) => lane.untilQueuedMs());
    if (next) waits.push(Math.max(0, next.nextAttemptAt!.getTime() - clock.now().getTime()));
    const known = waits.filter((wait) => wait !== null);
    return known.length === 0 ? null : Math.min(...known);
  }
}
