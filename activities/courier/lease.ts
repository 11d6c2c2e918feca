import { setTimeout as sleep } from 'node:timers/promises';
import { elapsedSince, moment, type Moment } from '../../src/clock';
import type { Store } from '../../src/store/store';

/**
 * How often a shift renews its lease, and how long it may send after that: less than Temporal waits before
 * another one takes over (heartbeatTimeout).
 */
const RENEW_MS = 1000;
const LEASE_MS = 4000;

/** The right of one shift to send and to decide, until another one has begun. */
export class Lease {
  isSuperseded = false;
  /** By its own shift. */
  hasEnded = false;
  private renewedAt: Moment;

  private constructor(
    private readonly store: Store,
    private readonly projectId: string,
    readonly shift: number,
    readonly beganAt: Date,
    askedAt: Moment,
  ) {
    this.renewedAt = askedAt;
  }

  /**
   * Begins a shift, and waits until the previous one, if it has not ended cleanly, sends no more.
   * @param scheduledAt when Temporal scheduled its execution
   * @returns null: a later execution has begun one
   */
  static async begin(store: Store, projectId: string, scheduledAt: Date): Promise<Lease | null> {
    const askedAt = moment();
    const begun = await store.couriers.begin(projectId, scheduledAt);
    if (!begun) return null;
    const { shift, now, formerRenewedMsAgo } = begun;
    // A time in the future, after MongoDB's clock was set back, counts as now.
    const leftMs = formerRenewedMsAgo === null ? 0 : LEASE_MS - Math.max(0, formerRenewedMsAgo);
    const lease = new Lease(store, projectId, shift, now, askedAt);
    if (leftMs > 0) {
      await sleep(leftMs);
      await lease.renew();
    }
    return lease;
  }

  /** Renews the lease if that is due, and learns whether it is still held. */
  async renew(): Promise<void> {
    if (elapsedSince(this.renewedAt) < RENEW_MS) return;
    const askedAt = moment();
    this.renewed(askedAt, await this.store.couriers.renew(this.projectId, this.shift));
  }

  /**
   * Processes the answer to a write that is guarded by the shift.
   * @param askedAt when it was sent
   * @param isHeld false: another shift has begun
   */
  renewed(askedAt: Moment, isHeld: boolean): void {
    if (!isHeld) {
      this.isSuperseded = true;
      return;
    }
    if (askedAt[0] > this.renewedAt[0]) this.renewedAt = askedAt;
  }

  maySend(): boolean {
    return !this.isSuperseded && elapsedSince(this.renewedAt) < LEASE_MS;
  }

  /** Ends the shift cleanly: nothing of it is in progress. */
  async end(): Promise<void> {
    this.hasEnded = true;
    if (!this.isSuperseded) await this.store.couriers.end(this.projectId, this.shift);
  }
}
