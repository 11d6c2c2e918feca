import { setTimeout as sleep } from 'node:timers/promises';
import type { CourierShift } from '../../src/contracts/activities';
import type { Attempt } from '../../src/contracts/delivery';
import { getProfile } from '../../src/profiles';
import { effectivePolicy } from '../../src/profiles/policy';
import {
  listAccepted,
  listDue,
  listQueueing,
  listToFollowUp,
  nextDueAt,
  noteFollowedUp,
  settle,
  takeQueued,
} from '../../src/store/courier-queue';
import type { DeliveryRecord } from '../../src/store/delivery-record';
import type { EventRecord } from '../../src/store/events';
import { expungeEvent } from '../../src/store/expunge';
import { OwnerMails } from '../../src/store/owner-mails';
import type { ProjectRecord } from '../../src/store/projects';
import type { ActivityDependencies } from '..';
import { exchange, logged, type Exchange } from '../attempt/exchange';
import { followFailure } from '../attempt/failed-delivery';
import { judge } from '../attempt/judge';
import { tell } from '../attempt/tell';
import type { Places } from '../places';
import { Lane, type Item } from './lane';
import { Outbox, type Entry } from './outbox';
import { planExpress } from './plan';

/** Between two looks for new work: right after some was found, and later on. */
const BUSY_POLL_MS = 8;
const QUIET_POLL_MS = 50;
const BUSY_FOR_MS = 1000;
/** How long a shift goes on with nothing to do, and what is due within that is waited for. */
const LINGER_MS = 3000;
/** After this a shift ends as soon as it has nothing in its hands, so that its workflow can go on anew. */
const SHIFT_MS = 10 * 60 * 1000;
/**
 * How often a shift says that it goes on, and for how long it may send after that: less than Temporal
 * waits before another one takes over (heartbeatTimeout).
 */
const RENEW_MS = 1000;
const LEASE_MS = 4000;
/** How old what is known of webhooks may be while nothing new comes. */
const REFRESH_MS = 250;
/** How often MongoDB's queue is looked at for what the API has put there. */
const QUEUE_CHECK_MS = 5000;
/** Deliveries in hand, at most, and events and due deliveries taken at a time. */
const MAX_TAKEN = 2000;
const EVENTS_AT_ONCE = 200;
const DUE_AT_ONCE = 200;
/** Deliveries of one webhook that wait in hand; the others wait in MongoDB. */
const MAX_WAITING = 200;
/** After this a delivery without an answer is shown as pending. */
const UNANSWERED_MS = 250;
/** After this one that still waits for its turn goes back into MongoDB's queue. */
const IN_HAND_MS = 2000;
/** Pause after a write or a read that failed. */
const FAILED_MS = 500;
/** A slot of the rate limit this near is slept to. */
const NEAR_SLOT_MS = 1000;

/**
 * One shift of a courier. What it takes stays in MongoDB as it is until it is settled, so that whoever comes
 * after a crash finds it again. It streams: nothing waits for the slowest.
 */
export class Shift {
  private readonly lanes = new Map<string, Lane>();
  /** Deliveries in hand, until what became of them is written. */
  private readonly taken = new Map<string, Item>();
  /** Events in hand: how many of their deliveries MongoDB doesn't have yet. */
  private readonly planning = new Map<string, number>();
  private readonly outbox = new Outbox();
  private project!: ProjectRecord;
  private number = 0;
  private beganAt!: Date;
  private isSuperseded = false;
  private isFlushing = false;
  private sending = 0;
  private done = { delivered: 0, failed: 0 };
  /** By the monotonic clock. */
  private renewedAt = 0;
  private pulsedAt = 0;
  private refreshedAt = 0;
  private queueCheckedAt = 0;
  private busyAt = 0;
  /** MongoDB's time less this process's. */
  private clockOffsetMs = 0;

  /**
   * @param places shared with the other couriers of this process
   * @param runId of the courier's workflow, as its attempts are logged under it
   * @param onPulse told each time the shift says that it goes on
   */
  constructor(
    private readonly deps: ActivityDependencies,
    private readonly places: Places,
    private readonly projectId: string,
    private readonly runId: string,
    private readonly onPulse: (counts: Record<string, number>) => void,
    private readonly stopped: AbortSignal,
  ) {}

  async work(): Promise<CourierShift> {
    const { store } = this.deps;
    const startedAt = performance.now();
    this.renewedAt = startedAt;
    const { shift, now, formerRenewedMsAgo } = await store.couriers.begin(this.projectId);
    this.number = shift;
    this.beganAt = now;
    this.clockOffsetMs = now.getTime() - Date.now();
    if (formerRenewedMsAgo !== null && formerRenewedMsAgo < LEASE_MS) {
      // The former one may still be sending; by then it has found out, or may send no more.
      await sleep(LEASE_MS - formerRenewedMsAgo);
    }
    this.busyAt = performance.now();
    let nextDueMs: number | null = 0;
    while (!this.isSuperseded) {
      const isOver = this.stopped.aborted || performance.now() - startedAt > SHIFT_MS;
      if (this.stopped.aborted || (isOver && this.taken.size === 0)) break;
      let found = 0;
      this.pulse();
      try {
        await this.renew();
        if (this.isSuperseded) return { nextDueMs: 0 };
        found = await this.take(isOver);
        if (!this.project) return { nextDueMs: null };
      } catch (error) {
        this.deps.log.warn({ err: error, projectId: this.projectId }, 'courier waits for MongoDB');
        await sleep(FAILED_MS);
      }
      const at = performance.now();
      if (found > 0 || this.taken.size > 0) this.busyAt = at;
      this.sweep(at);
      for (const lane of this.lanes.values()) this.pump(lane);
      this.flush();
      if (at - this.busyAt > LINGER_MS && this.taken.size === 0 && this.outbox.size === 0) {
        nextDueMs = await this.untilDueMs();
        if (nextDueMs === null || nextDueMs > LINGER_MS) break;
      }
      const isBusy = at - this.busyAt < BUSY_FOR_MS;
      if (found < EVENTS_AT_ONCE) await sleep(isBusy ? BUSY_POLL_MS : QUIET_POLL_MS);
    }
    if (this.stopped.aborted) nextDueMs = 0;
    await this.finish();
    return { nextDueMs };
  }

  /** Says that the shift goes on, and learns whether it does. */
  private async renew(): Promise<void> {
    const at = performance.now();
    if (at - this.renewedAt < RENEW_MS && this.refreshedAt > 0) return;
    const now = await this.deps.store.couriers.renew(this.projectId, this.number);
    this.onRenewed(at, now);
  }

  /** To Temporal, that the shift is alive, also while MongoDB is not. */
  private pulse(): void {
    const at = performance.now();
    if (at - this.pulsedAt < RENEW_MS) return;
    this.pulsedAt = at;
    this.onPulse({
      sending: this.sending,
      waiting: this.taken.size - this.sending,
      ...this.done,
    });
  }

  private onRenewed(askedAt: number, now: Date | null): void {
    if (!now) {
      this.isSuperseded = true;
      return;
    }
    this.renewedAt = askedAt;
    this.clockOffsetMs = now.getTime() - Date.now();
  }

  private maySend(): boolean {
    return !this.isSuperseded && performance.now() - this.renewedAt < LEASE_MS;
  }

  private now(): Date {
    return new Date(Date.now() + this.clockOffsetMs);
  }

  /** @returns how much was found */
  private async take(isOver: boolean): Promise<number> {
    const { store } = this.deps;
    const room = isOver ? 0 : MAX_TAKEN - this.taken.size;
    // As it is before the reads: what is settled during them is still found as it was.
    const planning = new Set(this.planning.keys());
    const taken = new Set(this.taken.keys());
    const [events, due] =
      room <= 0
        ? [[], []]
        : await Promise.all([
            listAccepted(store, this.projectId, planning, EVENTS_AT_ONCE),
            listDue(store, this.projectId, this.now(), DUE_AT_ONCE + taken.size),
          ]);
    const fresh = due.filter(({ _id }) => !taken.has(_id)).slice(0, room);
    const found = events.length + fresh.length;
    // After the events, so that a webhook that is older than one of them is known.
    if (found > 0 || performance.now() - this.refreshedAt > REFRESH_MS) await this.refresh();
    if (!this.project) return 0;
    if (fresh.length > 0) await this.takeStored(fresh);
    await this.plan(events);
    for (const lane of this.lanes.values()) await this.refill(lane);
    return found;
  }

  /** Reads project and webhooks anew, and puts back what may not go any more. */
  private async refresh(): Promise<void> {
    const { store } = this.deps;
    const at = performance.now();
    const [project, webhooks] = await Promise.all([
      store.projects.get(this.projectId),
      store.webhooks.listAll(this.projectId),
    ]);
    this.project = project!;
    if (!project) return;
    const profile = getProfile(project.profile);
    for (const webhook of webhooks) {
      const policy = effectivePolicy(profile, project.policy, webhook.policy);
      const lane = this.lanes.get(webhook._id);
      if (lane) Object.assign(lane, { webhook, policy });
      else this.lanes.set(webhook._id, new Lane(webhook, policy));
    }
    const ids = new Set(webhooks.map(({ _id }) => _id));
    for (const [id, lane] of this.lanes) {
      if (ids.has(id)) continue;
      for (const item of lane.waiting) this.letGo(item);
      this.lanes.delete(id);
    }
    for (const lane of this.lanes.values()) {
      const { state } = lane;
      if (state !== 'open')
        this.putBack(lane, (item) => item.delivery.test !== true || state === 'held', state);
    }
    if (this.refreshedAt === 0 || at - this.queueCheckedAt > QUEUE_CHECK_MS) {
      this.queueCheckedAt = at;
      for (const id of await listQueueing(store, this.projectId)) {
        const lane = this.lanes.get(id);
        if (lane) lane.hasQueued = true;
      }
    }
    if (this.refreshedAt === 0) void this.followUp();
    this.refreshedAt = at;
  }

  private async plan(events: readonly EventRecord[]): Promise<void> {
    if (events.length === 0) return;
    const planned = await planExpress(this.deps, events, {
      projectId: this.projectId,
      webhooks: [...this.lanes.values()].map(({ webhook }) => webhook),
      now: this.now(),
      // What was accepted before this shift, another one may have begun with.
      isFresh: (event) => event.acceptedAt > this.beganAt,
    });
    for (const { event, deliveries } of planned) {
      const open = deliveries.filter(({ status }) => status === 'pending');
      this.planning.set(event._id, open.length);
      for (const delivery of deliveries) {
        if (delivery.status !== 'pending') this.outbox.add({ insert: delivery, done: () => {} });
      }
      if (open.length === 0) this.markPlanned(event._id);
      for (const delivery of open) {
        const item: Item = {
          delivery,
          isStored: false,
          event,
          body: event.body!,
          takenAt: performance.now(),
          isSending: false,
        };
        this.taken.set(delivery._id, item);
        const lane = this.lanes.get(delivery.webhookId)!;
        if (lane.hasQueued || lane.waiting.length >= MAX_WAITING) this.queue(lane, item);
        else lane.waiting.push(item);
      }
    }
  }

  /** Takes deliveries that are stored, with what they are made of. */
  private async takeStored(
    deliveries: readonly DeliveryRecord[],
    isFromQueue = false,
  ): Promise<void> {
    const { store } = this.deps;
    const events = await store.events.model
      .find({ _id: { $in: deliveries.map(({ eventId }) => eventId) } })
      .lean<EventRecord[]>();
    const byId = new Map(events.map((event) => [event._id, event]));
    for (const delivery of deliveries) {
      const event = byId.get(delivery.eventId);
      const lane = this.lanes.get(delivery.webhookId);
      if (!event || !lane) {
        await store.cancelOrphan(delivery);
        continue;
      }
      if (event.body === null) {
        await expungeEvent(store, this.projectId, event._id, this.now());
        continue;
      }
      const item: Item = {
        delivery,
        isStored: true,
        event,
        body: event.body,
        takenAt: performance.now(),
        isSending: false,
      };
      this.taken.set(delivery._id, item);
      const { state } = lane;
      if (state === 'held' || (state === 'skipped' && delivery.test !== true)) {
        this.queue(lane, item, state);
      } else if (!isFromQueue && (lane.hasQueued || lane.waiting.length >= MAX_WAITING)) {
        this.queue(lane, item);
      } else {
        lane.waiting.push(item);
      }
    }
  }

  /** Takes the next of a webhook's queue as soon as there is room for them. */
  private async refill(lane: Lane): Promise<void> {
    if (!lane.hasQueued || lane.state === 'held' || performance.now() < lane.blockedUntil) return;
    // What is on its way back into the queue may be ahead of what is there.
    if (lane.unsettled > 0) return;
    const { ratePerSecond } = lane.policy;
    const free = 2 * (this.deps.maxAttemptsPerWebhook - lane.sending) - lane.waiting.length;
    const limit = ratePerSecond === null ? free : Math.min(free, Math.ceil(ratePerSecond / 4));
    if (limit < 1 || (ratePerSecond !== null && lane.waiting.length > 0)) return;
    const queued = await takeQueued(this.deps.store, this.projectId, lane.webhook._id, limit);
    if (queued.length < limit && lane.unsettled === 0) lane.hasQueued = false;
    if (queued.length === 0) return;
    this.busyAt = performance.now();
    await this.takeStored(
      queued.filter(({ _id }) => !this.taken.has(_id)),
      true,
    );
  }

  /** Shows what has not been answered for a while, and puts back what has waited in hand for long. */
  private sweep(at: number): void {
    for (const item of this.taken.values()) {
      if (!item.isStored && at - item.takenAt > UNANSWERED_MS) this.store(item, item.delivery);
    }
    for (const lane of this.lanes.values()) {
      this.putBack(lane, ({ takenAt }) => at - takenAt > IN_HAND_MS);
    }
  }

  private putBack(lane: Lane, isToGo: (item: Item) => boolean, as?: 'held' | 'skipped'): void {
    const back = lane.waiting.filter(isToGo);
    if (back.length === 0) return;
    lane.waiting = lane.waiting.filter((item) => !back.includes(item));
    for (const item of back) this.queue(lane, item, as);
  }

  /** Puts a delivery into MongoDB's queue, or ends it as skipped. */
  private queue(lane: Lane, item: Item, as?: 'held' | 'skipped'): void {
    const { delivery } = item;
    const reason = as ?? lane.reason;
    if (as !== 'skipped') {
      lane.hasQueued = true;
      lane.unsettled += 1;
    }
    const done = (): void => {
      this.taken.delete(delivery._id);
      if (as !== 'skipped') lane.unsettled -= 1;
    };
    if (item.isStored) {
      this.outbox.add({ queue: { delivery, as: reason }, done });
      return;
    }
    const at = this.now();
    const waits = { nextAttemptAt: null, queuedIn: this.projectId };
    const change =
      reason === 'skipped'
        ? {
            status: 'skipped' as const,
            nextAttemptAt: null,
            completedAt: at,
            endReason: 'webhook_disabled' as const,
          }
        : reason === 'held'
          ? { status: 'held' as const, ...waits }
          : { deferredFor: reason, ...waits };
    this.store(item, { ...delivery, ...change }, done);
  }

  /** Inserts a delivery, and notes its event as planned with the last of them. */
  private store(
    item: Item,
    delivery: DeliveryRecord,
    done: Entry['done'] = () => {},
    counted?: Entry['counted'],
  ): void {
    item.isStored = true;
    this.outbox.add({
      insert: { ...delivery, isExpress: true },
      done,
      ...(counted && { counted }),
    });
    const { eventId } = delivery;
    const left = (this.planning.get(eventId) ?? 1) - 1;
    this.planning.set(eventId, left);
    if (left === 0) this.markPlanned(eventId);
  }

  private markPlanned(eventId: string): void {
    this.outbox.add({ plannedEventId: eventId, done: () => this.planning.delete(eventId) });
  }

  /** Forgets a delivery that waits: it stays as it is in MongoDB, and is found there again. */
  private letGo(item: Item): void {
    this.taken.delete(item.delivery._id);
    if (item.isStored) return;
    const { eventId } = item.delivery;
    const left = (this.planning.get(eventId) ?? 1) - 1;
    this.planning.set(eventId, left);
    if (left === 0) this.markPlanned(eventId);
  }

  /** Sends what may go now. */
  private pump(lane: Lane): void {
    while (lane.waiting.length > 0 && !lane.isTakingSlot) {
      if (!this.maySend() || this.stopped.aborted || performance.now() < lane.blockedUntil) return;
      const [item] = lane.waiting;
      const { attemptCount, roundStart } = item!.delivery;
      const place = this.places.take(this.projectId, lane.webhook._id, attemptCount === roundStart);
      if ('waitMs' in place) {
        lane.reason = place.reason;
        return;
      }
      lane.waiting.shift();
      void this.attempt(lane, item!, place);
    }
  }

  private async attempt(
    lane: Lane,
    item: Item,
    place: { leave: (wasMade: boolean) => void },
  ): Promise<void> {
    const { webhook, policy } = lane;
    lane.sending += 1;
    this.sending += 1;
    item.isSending = true;
    let wasMade = false;
    try {
      if (policy.ratePerSecond !== null && !(await this.takeSlot(lane, policy.ratePerSecond))) {
        item.isSending = false;
        lane.waiting.unshift(item);
        return;
      }
      if (!this.maySend()) {
        this.letGo(item);
        return;
      }
      wasMade = true;
      const { delivery, event, body } = item;
      const subject = { delivery, event, body, webhook, project: this.project };
      const retryDelaysMs = delivery.isPing ? [] : policy.retryDelaysMs;
      const sent = await exchange(this.deps, subject, { ...policy, retryDelaysMs });
      this.record(lane, item, sent, { ...policy, retryDelaysMs });
    } catch (error) {
      this.deps.log.error({ err: error, deliveryId: item.delivery._id }, 'attempt lost');
      this.letGo(item);
    } finally {
      place.leave(wasMade);
      lane.sending -= 1;
      this.sending -= 1;
      this.pump(lane);
      this.flush();
    }
  }

  /** Waits for the webhook's next slot, if it comes soon. */
  private async takeSlot(lane: Lane, ratePerSecond: number): Promise<boolean> {
    const spacingMs = Math.ceil(1000 / ratePerSecond);
    lane.isTakingSlot = true;
    try {
      const now = Date.now();
      const slot = await this.deps.store.webhooks.takeSlot(
        lane.webhook._id,
        spacingMs,
        now,
        NEAR_SLOT_MS,
      );
      if (slot === null) {
        lane.reason = 'rate_limit';
        lane.blockedUntil = performance.now() + Math.min(spacingMs, NEAR_SLOT_MS);
        return false;
      }
      if (slot > now) await sleep(slot - now);
      return true;
    } finally {
      lane.isTakingSlot = false;
    }
  }

  private record(
    lane: Lane,
    item: Item,
    sent: Exchange,
    policy: { timeoutMs: number; retryDelaysMs: readonly number[] },
  ): void {
    const { delivery } = item;
    const attempt: Attempt = {
      number: delivery.attemptCount + 1,
      ...logged(sent, this.runId, policy),
    };
    const result = judge(sent.answer, delivery, policy);
    tell(this.deps, delivery, attempt);
    this.done[result.status === 'succeeded' ? 'delivered' : 'failed'] += 1;
    const counted = { webhookId: lane.webhook._id, attempt };
    const done = (): void => {
      this.taken.delete(delivery._id);
    };
    if (item.isStored) {
      this.outbox.add({ record: { delivery, attempt, result }, counted, done });
      return;
    }
    const now = this.now();
    const isOver = result.status !== 'pending';
    this.store(
      item,
      {
        ...delivery,
        attempts: [attempt],
        attemptCount: attempt.number,
        status: result.status,
        nextAttemptAt:
          result.nextDelayMs === null ? null : new Date(now.getTime() + result.nextDelayMs),
        completedAt: isOver ? now : null,
        ...(result.status === 'failed' && { followUp: true }),
      },
      done,
      counted,
    );
  }

  /** Writes what there is, behind everything else, one settlement after the other. */
  private flush(): void {
    if (this.isFlushing || this.outbox.size === 0) return;
    this.isFlushing = true;
    void this.flushAll().finally(() => {
      this.isFlushing = false;
      if (this.outbox.size > 0 && !this.isSuperseded) this.flush();
    });
  }

  private async flushAll(): Promise<void> {
    const { store, log } = this.deps;
    while (this.outbox.size > 0 && !this.isSuperseded) {
      const { entries, settlement } = this.outbox.peek();
      const at = performance.now();
      try {
        this.onRenewed(at, await settle(store, this.projectId, this.number, settlement));
      } catch (error) {
        log.warn({ err: error, projectId: this.projectId }, 'courier could not write yet');
        await sleep(FAILED_MS);
        continue;
      }
      if (this.isSuperseded) return;
      this.outbox.remove(entries.length);
      for (const { done } of entries) done();
      const failing = settlement.health.filter(({ attempts }) =>
        attempts.some(({ outcome }) => outcome === 'failed'),
      );
      if (failing.length > 0) await this.followUp(failing.map(({ webhookId }) => webhookId));
    }
  }

  /** Warns owners of failing webhooks, and follows up the deliveries that have failed for good. */
  private async followUp(failing: readonly string[] = []): Promise<void> {
    const { deps, projectId, project } = this;
    try {
      if (deps.mailer) {
        const mails = new OwnerMails(deps.store, deps.retentionDays);
        for (const webhookId of failing) await mails.warn(project, webhookId);
      }
      for (const delivery of await listToFollowUp(deps.store, projectId)) {
        const event = await deps.store.events.find(delivery.eventId);
        const webhook = await deps.store.webhooks.get(projectId, delivery.webhookId);
        const attempt = delivery.attempts.at(-1);
        if (event && webhook && attempt) {
          const subject = { delivery, event, body: event.body ?? '', webhook, project };
          await followFailure(deps, subject, attempt);
        }
        await noteFollowedUp(deps.store, delivery._id);
      }
    } catch (error) {
      deps.log.warn({ err: error, projectId }, 'failures left to be followed up later');
    }
  }

  private async untilDueMs(): Promise<number | null> {
    const next = await nextDueAt(this.deps.store, this.projectId);
    return next && Math.max(0, next.getTime() - this.now().getTime());
  }

  /** Lets what is under way end, and writes it. */
  private async finish(): Promise<void> {
    while (this.sending > 0 && !this.isSuperseded) {
      this.pulse();
      await this.renew().catch(() => {});
      await sleep(BUSY_POLL_MS);
    }
    while ((this.outbox.size > 0 || this.isFlushing) && !this.isSuperseded) {
      this.pulse();
      this.flush();
      await sleep(BUSY_POLL_MS);
    }
    if (!this.isSuperseded) await this.deps.store.couriers.end(this.projectId, this.number);
  }
}
