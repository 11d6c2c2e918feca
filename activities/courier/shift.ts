import { setTimeout as sleep } from 'node:timers/promises';
import type { CourierShift } from '../../src/contracts/activities';
import { listDue, nextDueAt, takeQueued } from '../../src/store/queue';
import { QUEUE_KINDS, queueOf, type DeliveryRecord } from '../../src/store/delivery-record';
import type { EventRecord } from '../../src/store/event-record';
import { cancelOrphan } from '../../src/store/cancel-orphan';
import { expungeEvent } from '../../src/store/expunge';
import type { ActivityDependencies } from '../dependencies';
import type { Places } from '../concurrency';
import { Arrivals } from './arrivals';
import { Attempts } from './attempts';
import { Hand } from './hand';
import type { Lane } from './lane';
import { Lease } from './lease';
import { CLOCK_MARGIN_MS } from '../plan-deliveries';
import { planExpress } from './plan';
import { Settling } from './settling';
import { View } from './view';

/**
 * Between two checks for new events: right after many were found, which come by one read then, after some, and later
 * on.
 */
const FULL_POLL_MS = 12;
const BUSY_POLL_MS = 4;
const QUIET_POLL_MS = 50;
/** Events found at once that are many. */
const MANY = 5;
/** Between two checks for what is due, and of how long what is in hand has waited. */
const DUE_POLL_MS = 50;
const BUSY_FOR_MS = 1000;
/** How long a shift continues with nothing to do; what is due within that time is waited for. */
const LINGER_MS = 3000;
/** After this a shift ends as soon as it has nothing in hand, so that its workflow can continue as new. */
const SHIFT_MS = 10 * 60 * 1000;
const PULSE_MS = 1000;
const DUE_AT_ONCE = 200;
/** Pause after a read that failed. */
const FAILED_MS = 500;

/** The dependencies of a shift. */
export interface ShiftParts {
  deps: ActivityDependencies;
  places: Places;
  projectId: string;
  /** Of the courier's workflow. */
  runId: string;
  /** Called each second with what the shift has in hand and what has ended. */
  onPulse: (counts: Record<string, number>) => void;
  stopped: AbortSignal;
}

/**
 * One shift of a courier. What it takes stays unchanged in MongoDB until it is settled, so that the next
 * shift finds it again after a crash. It streams: nothing waits for the slowest.
 */
export class Shift {
  private readonly hand: Hand;
  private readonly view: View;
  private readonly attempts: Attempts;
  private readonly settling: Settling;
  private readonly arrivals: Arrivals;
  /** By the monotonic clock. */
  private readonly beganAt = performance.now();
  private busyAt = performance.now();
  private foundAt = performance.now();
  private dueAt = -Infinity;
  private sweptAt = -Infinity;
  /** The failures left by an earlier shift have been followed up. */
  private isFollowed = false;

  private constructor(
    private readonly parts: ShiftParts,
    private readonly lease: Lease,
  ) {
    const { deps, places, projectId, runId, stopped } = parts;
    this.hand = new Hand(projectId, lease);
    this.view = new View(deps.store, projectId, lease, this.hand);
    this.settling = new Settling(deps, this.view, lease, this.hand.outbox);
    this.arrivals = new Arrivals(deps.store, projectId);
    this.attempts = new Attempts(
      deps,
      places,
      runId,
      lease,
      this.hand,
      this.view,
      () => stopped.aborted,
      () => this.settling.flush(),
    );
  }

  /** Works off the project's queue until nothing is due soon, or it is stopped. */
  static async work(parts: ShiftParts): Promise<CourierShift> {
    const lease = await Lease.begin(parts.deps.store, parts.projectId);
    return new Shift(parts, lease).work();
  }

  /** Heartbeats run separately from the work, since a part of it, such as costly filters, may take long. */
  private async work(): Promise<CourierShift> {
    const pulse = setInterval(() => this.pulse(), PULSE_MS);
    try {
      return await this.workOff();
    } finally {
      clearInterval(pulse);
    }
  }

  private async workOff(): Promise<CourierShift> {
    const { hand, lease, attempts, parts } = this;
    let nextDueMs: number | null = 0;
    for (;;) {
      const isOver = performance.now() - this.beganAt > SHIFT_MS;
      if (parts.stopped.aborted || (isOver && hand.isEmpty)) break;
      const found = await this.look(isOver);
      if (lease.isSuperseded) return { nextDueMs: 0 };
      if (this.view.isGone) return { nextDueMs: null };
      await attempts.runs.check().catch(() => {});
      if (found > 0) this.foundAt = performance.now();
      if (found > 0 || hand.taken.size > 0) this.busyAt = performance.now();
      if (performance.now() - this.sweptAt >= DUE_POLL_MS) {
        this.sweptAt = performance.now();
        hand.sweep();
      }
      for (const lane of hand.lanes.values()) attempts.pump(lane);
      this.settling.flush();
      const quietMs = performance.now() - this.busyAt;
      if (quietMs > LINGER_MS && hand.isEmpty) {
        nextDueMs = await this.untilDueMs();
        if (nextDueMs === null || nextDueMs > LINGER_MS) break;
      }
      if (found < DUE_AT_ONCE) await sleep(this.pauseMs(found));
    }
    await this.finish();
    return { nextDueMs: parts.stopped.aborted ? 0 : nextDueMs };
  }

  private pauseMs(found: number): number {
    if (found >= MANY) return FULL_POLL_MS;
    return performance.now() - this.foundAt < BUSY_FOR_MS ? BUSY_POLL_MS : QUIET_POLL_MS;
  }

  /** To Temporal, even while MongoDB is unavailable; and to MongoDB. */
  private pulse(): void {
    const { sending, ended } = this.attempts;
    void this.lease.renew().catch(() => {});
    this.parts.onPulse({ sending, waiting: this.hand.taken.size - sending, ...ended });
  }

  /**
   * Looks for what may be sent.
   * @returns how much was found
   */
  private async look(isOver: boolean): Promise<number> {
    const { deps, projectId } = this.parts;
    try {
      await this.lease.renew();
      return this.lease.isSuperseded ? 0 : await this.take(isOver);
    } catch (error) {
      deps.log.warn({ err: error, projectId }, 'courier waits for MongoDB');
      await sleep(FAILED_MS);
      return 0;
    }
  }

  private async take(isOver: boolean): Promise<number> {
    const { hand, lease } = this;
    const { deps, projectId } = this.parts;
    const room = isOver ? 0 : hand.room;
    const eventRoom = isOver ? 0 : hand.eventRoom;
    const [events, fresh] = await Promise.all([
      eventRoom > 0 ? this.arrivals.list(hand.planning.keys(), eventRoom) : [],
      room > 0 ? this.listFreshlyDue(room) : [],
    ]);
    const found = events.length + fresh.length;
    // After the events, so that a webhook that is older than one of them is known.
    await this.view.refresh(found > 0);
    if (this.view.isGone) return 0;
    if (!this.isFollowed) void this.settling.followUp();
    this.isFollowed = true;
    await this.takeStored(fresh);
    const planned = await planExpress(deps, events, {
      projectId,
      webhooks: [...hand.lanes.values()].map(({ webhook }) => webhook),
      now: lease.now(),
      // An earlier shift may have begun with what was accepted before this one.
      isFresh: ({ acceptedAt }) => acceptedAt.getTime() > lease.beganAt.getTime() + CLOCK_MARGIN_MS,
    });
    for (const { event, deliveries } of planned) hand.takeEvent(event, deliveries);
    if (isOver) return found;
    for (const lane of hand.lanes.values()) {
      if (lane.queued.size > 0) await this.refill(lane);
    }
    return found;
  }

  /** Stored deliveries that are due, if it is time to look for them. */
  private async listFreshlyDue(room: number): Promise<DeliveryRecord[]> {
    const at = performance.now();
    if (at - this.dueAt < DUE_POLL_MS) return [];
    const { deps, projectId } = this.parts;
    // As it was before the read, which may still find what is settled meanwhile.
    const taken = new Set(this.hand.taken.keys());
    const limit = DUE_AT_ONCE + taken.size;
    const due = await listDue(deps.store, projectId, this.lease.now(), limit);
    // There may be more.
    if (due.length < limit) this.dueAt = at;
    return due.filter(({ _id }) => !taken.has(_id)).slice(0, room);
  }

  /**
   * Takes stored deliveries, with their events and webhooks.
   * @param from the queue they come from
   */
  private async takeStored(deliveries: readonly DeliveryRecord[], from?: string): Promise<void> {
    if (deliveries.length === 0) return;
    const { hand, parts } = this;
    const { store } = parts.deps;
    const events = await store.events.model
      .find({ _id: { $in: deliveries.map(({ eventId }) => eventId) } })
      .lean<EventRecord[]>();
    const byId = new Map(events.map((event) => [event._id, event]));
    for (const delivery of deliveries) {
      const event = byId.get(delivery.eventId);
      if (!event || !hand.lanes.has(delivery.webhookId)) await cancelOrphan(store, delivery);
      else if (event.body === null) {
        await expungeEvent(store, parts.projectId, event._id);
      } else {
        const { body } = event;
        hand.take(delivery, event, { body, isStored: true, ...(from !== undefined && { from }) });
      }
    }
  }

  /** Takes the next of a webhook's queues as soon as there is room: new deliveries before replays. */
  private async refill(lane: Lane): Promise<void> {
    const { hand, parts } = this;
    for (const kind of QUEUE_KINDS) {
      if (!lane.queued.has(kind) || lane.untilQueuedMs() !== 0) continue;
      const { ratePerSecond } = lane.policy;
      if (ratePerSecond !== null && !lane.hasSlot) {
        void this.attempts.takeSlot(lane, ratePerSecond);
        return;
      }
      const limitNow = parts.places.limitOf(lane.webhook._id);
      const free = 2 * (limitNow - lane.sending) - lane.waiting.length;
      const limit = ratePerSecond === null ? free : Math.min(free, Math.ceil(ratePerSecond / 4));
      if (limit < 1) return;
      const queue = queueOf(parts.projectId, kind);
      const inHand = [...lane.waiting.map(({ delivery }) => delivery._id), ...lane.leaving];
      const { store } = parts.deps;
      // A bulk replay is queued in its own order.
      const order = kind === 'replay' ? 'oldest_first' : lane.policy.backlogOrder;
      const entering = lane.firstEntering(kind);
      if (kind === 'ordered') lane.isDrained = false;
      const { queued, isAll } = await takeQueued(store, queue, lane.webhook._id, {
        taken: inHand,
        order,
        // What is going back into the queue may come before what is there.
        before: order === 'oldest_first' ? entering : null,
        limit,
      });
      if (ratePerSecond === null && queued.length > 0) this.foundAt = performance.now();
      await this.takeStored(
        queued.filter(({ _id }) => !hand.taken.has(_id)),
        queue,
      );
      // Only now: had that failed, new ones would go before what is neither in the queue nor in hand.
      if (isAll && entering === null) lane.queued.delete(kind);
      if (kind === 'ordered') lane.isDrained = isAll;
      if (lane.queued.has(kind)) return;
      if (kind === 'ordered') hand.takeBehind(lane);
    }
  }

  /** Milliseconds until something in the project may be sent; null: nothing is scheduled. */
  private async untilDueMs(): Promise<number | null> {
    const { deps, projectId } = this.parts;
    const next = await nextDueAt(deps.store, projectId);
    const waits = [...this.hand.lanes.values()].map((lane) => lane.untilQueuedMs());
    if (next) waits.push(Math.max(0, next.getTime() - this.lease.now().getTime()));
    const known = waits.filter((wait) => wait !== null);
    return known.length === 0 ? null : Math.min(...known);
  }

  /** Lets work in progress finish, and writes it. */
  private async finish(): Promise<void> {
    const { attempts, hand, lease, settling } = this;
    attempts.runs.stop();
    const isUnderWay = (): boolean =>
      attempts.sending > 0 || hand.outbox.size > 0 || settling.isUnderWay;
    while (isUnderWay() && !lease.isSuperseded) {
      settling.flush();
      await sleep(BUSY_POLL_MS);
    }
    await lease.end();
  }
}
