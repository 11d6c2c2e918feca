import { setTimeout as sleep } from 'node:timers/promises';
import type { CourierShift } from '../../src/contracts/activities';
import { deleteLeftOver } from '../../src/store/delete-project';
import { superseded } from '../again-in';
import { Attempts } from './attempts';
import { BACKLOG_FROM, Hand } from './hand';
import { Lease } from './lease';
import type { Shared, ShiftParts } from './parts';
import { Settling } from './settling';
import { Taking } from './taking';
import { View } from './view';

/** Between two checks for new events: right after many were found, which come by one read then; */
const FULL_POLL_MS = 12;
/** right after some; */
const BUSY_POLL_MS = 4;
/** then longer by this share of the time since, as there may be thousands of couriers with an event now and then; */
const QUIET_SHARE = 1 / 10;
/** and at most. */
const QUIET_POLL_MS = 50;
/** How many events found at once count as many. */
const MANY = 5;
/** Between two checks of how long what is in hand has waited. */
const SWEEP_MS = 50;
/** How long a shift continues with nothing to do; what is due within that time is waited for. */
const LINGER_MS = 3000;
const PULSE_MS = 1000;
/** Pause after a read that failed. */
const FAILED_MS = 500;

/**
 * One shift of a courier. What it takes stays unchanged in MongoDB until it is settled, so that the next
 * shift finds it again after a crash. It streams: nothing waits for the slowest.
 */
export class Shift {
  /** After this a shift ends as soon as it has nothing in hand, so that its workflow can continue as new. */
  static readonly lengthMs: number = 10 * 60 * 1000;
  /** A busy project never has nothing in hand: for this part of each further length, two seconds, nothing is taken. */
  private static readonly pause = 1 / 300;
  /** After so many lengths nothing more is taken, since something has hung at every pause. */
  private static readonly longest = 6;
  private readonly shared: Shared;
  private readonly attempts: Attempts;
  private readonly settling: Settling;
  private readonly taking: Taking;
  /** By the monotonic clock. */
  private readonly beganAt = performance.now();
  private busyAt = performance.now();
  private sweptAt = -Infinity;
  private hasFollowedLeft = false;

  private constructor(parts: ShiftParts, lease: Lease) {
    const hand = new Hand();
    const view = new View(parts.deps.store, parts.projectId, hand);
    this.shared = { ...parts, lease, hand, view };
    this.settling = new Settling(this.shared);
    this.attempts = new Attempts(this.shared, this.settling);
    this.taking = new Taking(this.shared, this.attempts);
  }

  /**
   * Works off the project's queue until nothing is due soon, or it is stopped.
   * @throws ApplicationFailure if Temporal has replaced this execution, whose task has reached a process that was
   * suspended
   */
  static async work(parts: ShiftParts): Promise<CourierShift> {
    const lease = await Lease.begin(parts.deps.store, parts.projectId, parts.scheduledAt);
    if (!lease) throw superseded();
    return new Shift(parts, lease).work();
  }

  /** Heartbeats run separately from the work, since a part of it, such as costly filters, may take long. */
  private async work(): Promise<CourierShift> {
    const pulse = setInterval(() => this.pulse(), PULSE_MS);
    try {
      return await this.workOff();
    } finally {
      clearInterval(pulse);
      // However it ends: the places of what it watches belong to all couriers.
      this.attempts.runs.stop();
    }
  }

  private async workOff(): Promise<CourierShift> {
    const { attempts, shared } = this;
    const { hand, lease, stopped } = shared;
    let nextDueMs: number | null;
    for (;;) {
      // Not known: what it was before has passed.
      nextDueMs = 0;
      const lengths = (performance.now() - this.beganAt) / Shift.lengthMs;
      if (stopped.aborted || (lengths > 1 && hand.isEmpty)) break;
      const isPausing = lengths > 1 && lengths % 1 < Shift.pause;
      const found = await this.look(isPausing || lengths > Shift.longest);
      if (lease.isSuperseded) return { nextDueMs: 0 };
      if (shared.view.isGone) {
        await deleteLeftOver(shared.deps.store, shared.projectId);
        return { nextDueMs: null };
      }
      await attempts.runs.check().catch(() => {});
      if (found + hand.taken.size + hand.beingPlanned.length > 0) this.busyAt = performance.now();
      attempts.pumpAll();
      if (performance.now() - this.sweptAt >= SWEEP_MS) {
        this.sweptAt = performance.now();
        hand.sweep(attempts.hasPlace);
      }
      this.settling.flush();
      const quietMs = performance.now() - this.busyAt;
      if (quietMs > LINGER_MS && hand.isEmpty && !this.settling.isFollowing) {
        // Not known while MongoDB can't be read.
        nextDueMs = await this.taking.untilDueMs().catch(() => 0);
        if (nextDueMs === null || nextDueMs > LINGER_MS) break;
      }
      if (found < BACKLOG_FROM) await sleep(this.pauseMs(found));
    }
    await this.finish();
    return { nextDueMs };
  }

  private pauseMs(found: number): number {
    if (found >= MANY) return FULL_POLL_MS;
    const quietMs = performance.now() - this.taking.foundAt;
    return Math.min(QUIET_POLL_MS, BUSY_POLL_MS + quietMs * QUIET_SHARE);
  }

  /** To Temporal, even while MongoDB is unavailable; and to MongoDB. */
  private pulse(): void {
    const { sending, ended } = this.attempts;
    const { lease, hand, onPulse } = this.shared;
    void lease.renew().catch(() => {});
    onPulse({ sending, waiting: hand.taken.size - sending, ...ended });
  }

  /**
   * Looks for what may be sent.
   * @returns how much was found
   */
  private async look(isOver: boolean): Promise<number> {
    const { deps, projectId, lease } = this.shared;
    try {
      await lease.renew();
      if (lease.isSuperseded) return 0;
      if (!this.hasFollowedLeft) await this.settling.followLeft();
      this.hasFollowedLeft = true;
      return await this.taking.take(isOver);
    } catch (error) {
      deps.log.warn({ err: error, projectId }, 'courier waits for MongoDB');
      this.busyAt = performance.now();
      await sleep(FAILED_MS);
      return 0;
    }
  }

  /**
   * Lets work in progress finish, and writes it. Reconcile follows up the failures that are left; those of webhooks
   * that are gone only if that fails here: the next shift would send to them until then.
   */
  private async finish(): Promise<void> {
    const { attempts, settling } = this;
    const { hand, lease } = this.shared;
    attempts.runs.stop();
    const isUnderWay = (): boolean =>
      attempts.sending > 0 || hand.outbox.size > 0 || settling.isUnderWay || settling.isDisabling;
    while (isUnderWay() && !lease.isSuperseded) {
      settling.flush();
      await sleep(BUSY_POLL_MS);
    }
    await lease.end();
  }
}
