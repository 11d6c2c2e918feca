import { setTimeout as sleep } from 'node:timers/promises';
import { moment } from '../../src/clock';
import { expungeEvent } from '../../src/store/expunge';
import type { DeliveryRecord } from '../../src/store/delivery-record';
import { listToFollowUp, noteFollowedUp } from '../../src/store/queue';
import { mailWarning } from '../../src/store/owner-mails';
import { settle, type Settlement } from '../../src/store/settlement';
import type { ActivityDependencies } from '../dependencies';
import { followFailure } from '../attempt/after-failure';
import type { Lease } from './lease';
import type { Outbox } from './outbox';
import type { View } from './view';

/** Pause after a write that failed. */
const FAILED_MS = 500;
/** Between the beginnings of two settlements: what ends meanwhile shares the second. */
const SETTLE_EVERY_MS = 50;

/** Failures that can't be followed up, after which the others are left, too, for later. */
const MAX_LEFT = 500;

/** Writes the results of a shift's work in the background, one settlement after the other. */
export class Settling {
  isUnderWay = false;
  /** Failures are being followed up, which takes longer than writing them. */
  isFollowing = false;
  /** There are more of them. */
  private isMore = false;
  /** Webhooks whose owners may have to be warned. */
  private readonly failing = new Set<string>();
  /** By the monotonic clock. */
  private beganAt = -Infinity;
  /** Of the last settlement in this shift. */
  private number = 0;

  constructor(
    private readonly deps: ActivityDependencies,
    private readonly view: View,
    private readonly lease: Lease,
    private readonly outbox: Outbox,
  ) {}

  /** Writes what there is. */
  flush(): void {
    if (this.isUnderWay || this.outbox.size === 0 || this.lease.isSuperseded) return;
    this.isUnderWay = true;
    void this.writeAll().finally(() => {
      this.isUnderWay = false;
      this.flush();
    });
  }

  private async writeAll(): Promise<void> {
    const { lease, outbox } = this;
    while (outbox.size > 0) {
      const waitMs = this.beganAt + SETTLE_EVERY_MS - performance.now();
      if (waitMs > 0 && !outbox.isFull) await sleep(waitMs);
      const { entries, settlement, plannedEventIds } = outbox.peek();
      await this.write(settlement);
      if (lease.isSuperseded) return;
      outbox.remove(entries.length);
      await this.markPlanned(plannedEventIds);
      for (const { done } of entries) done();
      const failing = settlement.health.filter(({ attempts }) =>
        attempts.some(({ outcome }) => outcome === 'failed'),
      );
      if (failing.length > 0) this.followUp(failing.map(({ webhookId }) => webhookId));
    }
  }

  /** Until it is known to be written, always the same under its number; or until the shift is superseded. */
  private async write(settlement: Settlement): Promise<void> {
    const { deps, lease } = this;
    const { projectId } = this.view;
    this.number += 1;
    const at = { shift: lease.shift, number: this.number };
    while (!lease.isSuperseded) {
      const askedAt = moment();
      this.beganAt = performance.now();
      try {
        lease.renewed(askedAt, await settle(deps.store, projectId, at, settlement));
        return;
      } catch (error) {
        deps.log.warn({ err: error, projectId }, 'courier could not write yet');
        await sleep(FAILED_MS);
      }
    }
  }

  /**
   * Until it succeeds: till then its successor would find the events, and their deliveries. Within the transaction
   * it would cost twice as much.
   */
  private async markPlanned(eventIds: readonly string[]): Promise<void> {
    const { deps, lease } = this;
    const { store } = deps;
    const { projectId } = this.view;
    while (eventIds.length > 0 && !lease.isSuperseded) {
      try {
        const expunged = await store.events.markPlanned(eventIds);
        // Before their deliveries were stored: what receivers have answered since goes, too.
        for (const id of expunged) await expungeEvent(store, projectId, id);
        if (expunged.length > 0) await store.events.markFannedOut(...expunged);
        return;
      } catch (error) {
        deps.log.warn({ err: error, projectId }, 'courier could not write yet');
        await sleep(FAILED_MS);
      }
    }
  }

  /**
   * Warns owners of failing webhooks, and follows up all permanently failed deliveries, of this shift or an earlier
   * one, in the background.
   */
  followUp(failing: readonly string[] = []): void {
    for (const id of failing) this.failing.add(id);
    this.isMore = true;
    if (this.isFollowing) return;
    this.isFollowing = true;
    void this.followAll().finally(() => {
      this.isFollowing = false;
      if (this.isMore && !this.lease.isSuperseded) this.followUp();
    });
  }

  private async followAll(): Promise<void> {
    const { deps, lease } = this;
    const { projectId, project } = this.view;
    const left: string[] = [];
    while (this.isMore && !lease.isSuperseded) {
      this.isMore = false;
      try {
        for (const delivery of await listToFollowUp(deps.store, projectId, left)) {
          if (!(await this.follow(delivery))) left.push(delivery._id);
          if (left.length < MAX_LEFT) this.isMore = true;
        }
        for (const id of this.failing) {
          if (deps.mailer) await mailWarning(deps.store, deps, project, id);
          this.failing.delete(id);
        }
      } catch (error) {
        // Housekeeping has it done by the next shift.
        deps.log.warn({ err: error, projectId }, 'failures left to be followed up later');
      }
    }
  }

  /** @returns false if it is left for later, which holds up no other */
  private async follow(delivery: DeliveryRecord): Promise<boolean> {
    const { deps } = this;
    const { projectId, project } = this.view;
    try {
      const event = await deps.store.events.find(delivery.eventId);
      const webhook = await deps.store.webhooks.get(projectId, delivery.webhookId);
      const attempt = delivery.attempts.at(-1);
      if (event && webhook && attempt) {
        const subject = { delivery, event, body: event.body ?? '', webhook, project };
        await followFailure(deps, subject, attempt);
      }
      await noteFollowedUp(deps.store, delivery._id);
      return true;
    } catch (error) {
      deps.log.warn(
        { err: error, deliveryId: delivery._id },
        'failure left to be followed up later',
      );
      return false;
    }
  }
}
