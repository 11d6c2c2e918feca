import { setTimeout as sleep } from 'node:timers/promises';
import { moment } from '../../src/clock';
import { attemptsReduced } from '../../src/metrics';
import { expungeEvent } from '../../src/store/expunge';
import { mailWarning } from '../../src/store/owner-mails';
import { listUnfollowedGone } from '../../src/store/queue';
import { isRefused } from '../../src/store/refused';
import { settle, type Settlement, type SettlementAt } from '../../src/store/settlement';
import { followSettled } from '../attempt/after-failure';
import { attemptOf, lessOf, settlementOf, type Entry } from './outbox';
import type { Shared } from './parts';

/** Pause after a write that failed. */
const FAILED_MS = 500;
/** Between the beginnings of two settlements: what ends meanwhile shares the second. */
const SETTLE_EVERY_MS = 50;

/**
 * How often in a row a warning may fail before it is left to its webhook's next failure, and what follows a 410 before
 * it is left to reconcile.
 */
const MOST_TRIES = 20;

/** Failures that wait to be followed up, beyond which they are left to reconcile. */
const MAX_FAILED = 1000;

/** A delivery that was answered 410 in one of its rounds, and what to do once that is followed up. */
interface Gone {
  id: string;
  followed: () => void;
}

/** Writes the results of a shift's work in the background, one settlement after the other. */
export class Settling {
  isUnderWay = false;
  /** Failures are being followed up, which takes longer than writing them. */
  isFollowing = false;
  /** Deliveries whose failure is to be followed up: until then it is in MongoDB, where reconcile finds it. */
  private readonly failed = new Set<string>();
  /** Followed up first, and however many there are, since nothing is sent to their webhooks until then. */
  private readonly gone = new Set<Gone>();
  /** Webhooks whose owners may have to be warned. */
  private readonly failing = new Set<string>();
  /** How often that has failed, by webhook, and what follows a 410. */
  private readonly tries = new Map<string | Gone, number>();
  /** By the monotonic clock. */
  private beganAt = -Infinity;
  /** Of the last settlement in this shift. */
  private number = 0;

  constructor(private readonly shared: Shared) {}

  flush(): void {
    const { hand, lease } = this.shared;
    if (this.isUnderWay || hand.outbox.size === 0 || lease.isSuperseded) return;
    this.isUnderWay = true;
    void this.writeAll().finally(() => {
      this.isUnderWay = false;
      this.flush();
    });
  }

  private async writeAll(): Promise<void> {
    const { lease, hand } = this.shared;
    const { outbox } = hand;
    while (outbox.size > 0) {
      const waitMs = this.beganAt + SETTLE_EVERY_MS - performance.now();
      if (waitMs > 0 && !outbox.isFull) await sleep(waitMs);
      const entries = outbox.peek();
      await this.write(entries);
      if (lease.isSuperseded) return;
      outbox.remove(entries.length);
      await this.markPlanned(entries.flatMap(({ plannedEventId }) => plannedEventId ?? []));
      for (const { done } of entries) done();
      this.followUp(entries);
    }
  }

  /** Tries until they are known to be written; separately if MongoDB refuses them together. */
  private async write(entries: readonly Entry[]): Promise<void> {
    const settlement = settlementOf(entries);
    while (!this.shared.lease.isSuperseded) {
      const refusal = await this.writeAs(settlement);
      if (refusal === null) return;
      if (entries.length > 1) {
        const half = Math.ceil(entries.length / 2);
        await this.write(entries.slice(0, half));
        return this.write(entries.slice(half));
      }
      if (await this.writeLess(settlement, refusal)) return;
      await sleep(FAILED_MS);
    }
  }

  /** Writes less of a single entry, so that it is not sent again, and holds up no other. */
  private async writeLess(settlement: Settlement, refusal: Error): Promise<boolean> {
    for (const less of lessOf(settlement)) {
      if ((await this.writeAs(less)) !== null) continue;
      if (this.shared.lease.isSuperseded) return true;
      const [delivery] = [...settlement.inserts, ...settlement.records.map((one) => one.delivery)];
      this.shared.deps.log.error(
        { err: refusal, deliveryId: delivery?._id },
        'an attempt could not be stored whole',
      );
      attemptsReduced.inc();
      return true;
    }
    return false;
  }

  /**
   * Repeats it under the same number until MongoDB has answered, or the shift is superseded.
   * @returns why MongoDB refuses it; null: it does not
   */
  private async writeAs(settlement: Settlement): Promise<Error | null> {
    const { deps, lease, projectId } = this.shared;
    this.number += 1;
    const at: SettlementAt = { shift: lease.shift, number: this.number };
    while (!lease.isSuperseded) {
      const askedAt = moment();
      this.beganAt = performance.now();
      try {
        lease.renewed(askedAt, await settle(deps.store, projectId, at, settlement));
        return null;
      } catch (error) {
        deps.log.warn({ err: error, projectId }, 'courier could not write yet');
        if (isRefused(error)) return error as Error;
        await sleep(FAILED_MS);
      }
    }
    return null;
  }

  /**
   * Tries until it succeeds: before that, the shift's successor would find the events, and their deliveries. Within
   * the transaction it would cost twice as much.
   */
  private async markPlanned(eventIds: readonly string[]): Promise<void> {
    const { deps, lease, projectId } = this.shared;
    const { store } = deps;
    while (eventIds.length > 0 && !lease.isSuperseded) {
      try {
        const expunged = await store.events.markPlanned(eventIds);
        // Expunged before their deliveries were stored: what receivers have answered since is deleted, too.
        for (const id of expunged) await expungeEvent(store, projectId, id);
        if (expunged.length > 0) await store.events.markFannedOut(...expunged);
        return;
      } catch (error) {
        deps.log.warn({ err: error, projectId }, 'courier could not write yet');
        await sleep(FAILED_MS);
      }
    }
  }

  /** Warns owners of failing webhooks, and follows up permanently failed deliveries, in the background. */
  private followUp(entries: readonly Entry[]): void {
    for (const entry of entries) {
      const { insert, record, whenFollowed } = entry;
      const delivery = insert ?? record?.delivery;
      if (!delivery || attemptOf(entry)?.outcome !== 'failed') continue;
      const { _id, webhookId } = delivery;
      this.failing.add(webhookId);
      if ((insert ?? record!.result).status !== 'failed') continue;
      if (whenFollowed) this.gone.add({ id: _id, followed: whenFollowed });
      else if (this.failed.size < MAX_FAILED) this.failed.add(_id);
    }
    void this.followAll();
  }

  private async followAll(): Promise<void> {
    if (this.isFollowing) return;
    this.isFollowing = true;
    const { deps, lease, view } = this.shared;
    await this.followGone();
    await this.each(this.failed, (id) => followSettled(deps, id));
    await this.each(this.failing, async (id) => {
      if (!deps.mailer) return;
      await mailWarning(deps.store, view.project, id).catch(async (error: unknown) => {
        // Reconcile would not find it.
        if (this.isTriedAgain(id)) {
          this.failing.add(id);
          await sleep(FAILED_MS);
        }
        throw error;
      });
      this.tries.delete(id);
    });
    this.isFollowing = false;
    const left = this.gone.size + this.failed.size + this.failing.size;
    if (left > 0 && !lease.isSuperseded) void this.followAll();
  }

  /** Follows up what an earlier shift has left that was answered 410: this one would send to its webhook. */
  async followLeft(): Promise<void> {
    const { deps, projectId } = this.shared;
    for (const id of await listUnfollowedGone(deps.store, projectId)) {
      this.gone.add({ id, followed: () => {} });
    }
    while (this.gone.size > 0) await this.followGone();
  }

  /** Attempts were answered 410 whose webhooks are not disabled yet. */
  get isDisabling(): boolean {
    return this.gone.size > 0;
  }

  private async followGone(): Promise<void> {
    let hasFailed = false;
    for (const one of this.gone) {
      const { id, followed } = one;
      const isDone = await this.follow(id, () => followSettled(this.shared.deps, id));
      if (!isDone && this.isTriedAgain(one)) {
        hasFailed = true;
        continue;
      }
      this.tries.delete(one);
      this.gone.delete(one);
      followed();
    }
    if (hasFailed) await sleep(FAILED_MS);
  }

  /** Whether what has failed is tried again, after a pause. */
  private isTriedAgain(what: string | Gone): boolean {
    const { lease, stopped } = this.shared;
    const tries = (this.tries.get(what) ?? 0) + 1;
    const isAgain = !lease.hasEnded && !stopped.aborted && tries < MOST_TRIES;
    if (isAgain) this.tries.set(what, tries);
    else this.tries.delete(what);
    return isAgain;
  }

  private async each(ids: Set<string>, follow: (id: string) => Promise<unknown>): Promise<void> {
    const some = [...ids];
    ids.clear();
    for (const id of some) {
      await this.follow(id, () => follow(id));
      await this.followGone();
    }
  }

  /** One that fails holds up no other. @returns false: it has failed */
  private async follow(id: string, follow: () => Promise<unknown>): Promise<boolean> {
    const { deps, lease, projectId } = this.shared;
    if (lease.isSuperseded) return true;
    try {
      await follow();
      return true;
    } catch (err) {
      deps.log.warn({ err, projectId, id }, 'failure left to be followed up later');
      return false;
    }
  }
}
