import { setTimeout as sleep } from 'node:timers/promises';
import { clock, moment } from '../../src/clock';
import type { AttemptPolicy } from '../../src/contracts/activities';
import type { Attempt } from '../../src/contracts/delivery';
import { isGone } from '../../src/domain/outcome';
import {
  failedWith,
  isBeforeFirst,
  kindOf,
  type DeliveryRecord,
} from '../../src/store/delivery-record';
import { release } from '../../src/store/queue';
import { timingOf, toPlanned } from '../../src/store/planned-delivery';
import { exchange, isUnanswered, judged, logged, type Exchange } from '../attempt/exchange';
import { tell } from '../attempt/tell';
import { placeEndOf, type Place, type PlaceEnd } from '../concurrency';
import { NEAR_SLOT_MS, spacingOf, takeNearSlot } from '../rate-slot';
import type { Item, Lane } from './lane';
import type { Shared } from './parts';
import { Runs } from './runs';
import type { Settling } from './settling';

/** Pause of a webhook after a released delivery found no place, doubled each time. */
const FIRST_REFUSAL_MS = 1000;
const MAX_REFUSAL_MS = 30_000;
/** Pause of a webhook after an attempt that failed here, and not at the receiver. */
const LOST_MS = 1000;

/** What is signed in one turn of the event loop: bytes of bodies, for each secret and scheme. */
const SIGNED_AT_ONCE = 1024 * 1024;

/** Sends what a shift has in hand, as many at a time as its webhooks' limits and the places allow. */
export class Attempts {
  sending = 0;
  readonly ended = { delivered: 0, failed: 0 };
  readonly runs: Runs;
  /** Webhooks with something in hand that waits for a place, in the order of their turns. */
  readonly inLine = new Set<Lane>();
  /** Deliveries whose attempt was under way while this process stood still, and is made again. */
  private readonly repeated = new Set<string>();
  /** What has been signed in this turn of the event loop, and webhooks that wait for the next. */
  private signed = 0;
  private unsigned = new Set<Lane>();

  constructor(
    private readonly shared: Shared,
    private readonly settling: Settling,
  ) {
    this.runs = new Runs(shared.deps.store);
  }

  /** Sends what may be sent now: first of the webhooks that wait for a place. */
  pumpAll(): void {
    const { hand } = this.shared;
    // Those that get none go to its end again.
    const inLine = [...this.inLine];
    for (const lane of inLine) {
      if (!this.hasPlace) break;
      this.pump(lane);
    }
    for (const lane of hand.lanes.values()) if (!this.inLine.has(lane)) this.pump(lane);
  }

  /** Sends what may be sent now of one webhook. */
  pump(lane: Lane): void {
    const { hand, places } = this.shared;
    // It keeps its turn, even if one of its own attempts has just ended.
    if (this.inLine.has(lane) && (!this.hasPlace || hand.outbox.isCrowded)) return;
    this.inLine.delete(lane);
    while (this.mayGo(lane)) {
      if (this.signed >= SIGNED_AT_ONCE) {
        this.unsigned.add(lane);
        return;
      }
      if (!lane.hasSlot) {
        void this.takeSlot(lane);
        return;
      }
      const item = lane.waiting[0]!;
      if (lane.mustWait(item)) return;
      const { projectId, webhookId } = item.delivery;
      const place = places.take(projectId, webhookId, isBeforeFirst(item.delivery));
      if (typeof place === 'string') {
        lane.reason = place;
        if (lane.waitsForPlace) this.inLine.add(lane);
        return;
      }
      lane.useSlot();
      lane.waiting.shift();
      this.countSigned(lane, item);
      void this.make(lane, item, place);
    }
  }

  private countSigned({ webhook }: Lane, { body }: Item): void {
    if (this.signed === 0) {
      setImmediate(() => {
        this.signed = 0;
        const lanes = this.unsigned;
        this.unsigned = new Set();
        for (const lane of lanes) this.pump(lane);
      });
    }
    this.signed += Math.max(1, body.length * webhook.secrets.length * webhook.signing.length);
  }

  private mayGo(lane: Lane): boolean {
    if (lane.waiting.length === 0 || lane.blockedMs > 0) return false;
    const { hand, lease, stopped, view } = this.shared;
    if (hand.outbox.isCrowded || stopped.aborted || view.isGone) return false;
    if (lane.goneAt > view.refreshedAt) return false;
    return lease.maySend();
  }

  private async make(lane: Lane, item: Item, place: Place): Promise<void> {
    const { deps, hand } = this.shared;
    lane.sending += 1;
    this.sending += 1;
    let end: PlaceEnd = 'unmade';
    try {
      end = item.delivery.isExpress ? await this.send(lane, item) : await this.letRun(lane, item);
    } catch (error) {
      deps.log.error({ err: error, deliveryId: item.delivery._id }, 'attempt lost');
      hand.letGo(item);
      // It is found again at once, and may fail again.
      lane.block(LOST_MS);
    } finally {
      place.leave(end);
      lane.sending -= 1;
      this.sending -= 1;
      this.givePlaces();
      this.pump(lane);
      this.settling.flush();
    }
  }

  /** Whether there may be a place for something of the project. */
  get hasPlace(): boolean {
    const { places, projectId } = this.shared;
    return places.hasFreeFor(projectId);
  }

  /**
   * Gives free places to the webhooks that wait for one, until one of them may have none. There may be thousands:
   * the others are looked at when all are.
   */
  private givePlaces(): void {
    while (this.hasPlace) {
      const [lane] = this.inLine;
      if (!lane) return;
      this.pump(lane);
      if (this.inLine.has(lane)) return;
    }
  }

  private async send(lane: Lane, item: Item): Promise<PlaceEnd> {
    const { deps, hand, lease, pulse, view } = this.shared;
    const { webhook, policy } = lane;
    const { delivery, event, body } = item;
    const subject = { delivery, event, body, webhook, project: view.project };
    const own = timingOf(delivery, policy);
    const beganAt = performance.now();
    const sent = await exchange(deps, subject, own, () => lease.maySend());
    // Not twice in a row: where a process stands still each time, nothing would ever be decided.
    const isRepeated = this.repeated.delete(delivery._id);
    if (!isRepeated && isUnanswered(sent) && pulse.hasStoodStillSince(beganAt)) {
      this.repeated.add(delivery._id);
      deps.log.warn({ deliveryId: delivery._id }, 'attempt made while suspended; sent again');
      hand.letGo(item);
      return 'unmade';
    }
    this.record(lane, item, sent, own);
    return placeEndOf(sent);
  }

  /** Lets its workflow run it, and waits until that has made an attempt. */
  private async letRun(lane: Lane, item: Item): Promise<PlaceEnd> {
    const { hand } = this.shared;
    const { _id } = item.delivery;
    if (kindOf(item.queuedIn) === 'ordered') lane.unbegun.add(_id);
    const hasBegun = (): void => {
      if (lane.unbegun.delete(_id)) this.pump(lane);
    };
    const releasedAt = performance.now();
    const released = await this.start(lane, item);
    this.pump(lane);
    const end = released ? await this.runs.ended(released, hasBegun) : 'unknown';
    lane.unbegun.delete(_id);
    hand.remove(item.delivery);
    if (end === 'refused' || end === 'held') {
      // What is new goes behind it, and so does what is in hand.
      const kind = kindOf(item.queuedIn);
      lane.queued.add(kind);
      lane.hasReturned = true;
      hand.putBackOf(lane, kind);
    }
    if (end === 'made') lane.refusals = 0;
    if (end !== 'refused') return end === 'made' ? end : 'unmade';
    // Many are released together: if they find no place, that is one refusal.
    if (releasedAt < lane.refusedAt) return 'unmade';
    lane.refusedAt = performance.now();
    lane.refusals += 1;
    lane.block(Math.min(FIRST_REFUSAL_MS * 2 ** (lane.refusals - 1), MAX_REFUSAL_MS));
    return 'refused';
  }

  /** @returns the released delivery; null if it has left the queue, or its workflow could not be started */
  private async start(lane: Lane, { delivery, queuedIn }: Item): Promise<DeliveryRecord | null> {
    const { engine, store, log } = this.shared.deps;
    lane.leaving.add(delivery._id);
    const decidedAt = moment();
    try {
      const released = await release(store, delivery);
      if (!released) return null;
      const planned = toPlanned(released, lane.webhook, this.shared.view.project);
      const decided = { at: decidedAt, runId: released.runId };
      const urgency = kindOf(queuedIn) === 'replay' ? 'bulk' : 'live';
      // One may be running: an earlier one that waits, or reconcile's, if this process was suspended.
      const found = await engine.findRun(delivery._id);
      if (found === null) await engine.runAgain(planned, null, urgency, decided);
      else if (found === 'ended' || !(await engine.signalDelivery(delivery._id, 'wake'))) {
        await engine.runAgain(planned, 'ended', urgency, decided);
      }
      return released;
    } catch (error) {
      log.warn({ err: error, deliveryId: delivery._id }, 'queued delivery left to reconcile');
      lane.block(FIRST_REFUSAL_MS);
      return null;
    } finally {
      lane.leaving.delete(delivery._id);
    }
  }

  /** Waits for the webhook's next slot, if it comes soon, and sends what waits for it. */
  async takeSlot(lane: Lane): Promise<void> {
    const { log, store } = this.shared.deps;
    const { ratePerSecond } = lane.policy;
    if (lane.isTakingSlot || ratePerSecond === null) return;
    lane.isTakingSlot = true;
    try {
      const slotMs = await takeNearSlot(store, lane.webhook._id, ratePerSecond);
      if (slotMs === null) {
        lane.reason = 'rate_limit';
        lane.block(Math.min(spacingOf(ratePerSecond), NEAR_SLOT_MS));
        return;
      }
      if (slotMs > 0) await sleep(slotMs);
      lane.slotAt = performance.now();
    } catch (error) {
      log.warn({ err: error, webhookId: lane.webhook._id }, 'no slot could be taken');
      lane.block(NEAR_SLOT_MS);
    } finally {
      lane.isTakingSlot = false;
    }
    this.pump(lane);
  }

  private record(lane: Lane, item: Item, sent: Exchange, policy: AttemptPolicy): void {
    const { deps, hand, runId } = this.shared;
    const { delivery } = item;
    const attempt: Attempt = { number: delivery.attemptCount + 1, ...logged(sent, runId, policy) };
    const result = judged(sent, delivery, policy);
    tell(deps, delivery, attempt);
    // Nothing that waits may be sent before it is disabled.
    if (isGone(attempt.statusCode)) lane.gone += 1;
    this.ended[result.status === 'succeeded' ? 'delivered' : 'failed'] += 1;
    const done = (): void => hand.remove(delivery);
    const whenFollowed = (): void => {
      lane.goneAt = performance.now();
      lane.gone -= 1;
    };
    const about = { done, ...(isGone(attempt.statusCode) && { whenFollowed }) };
    if (item.isStored) {
      hand.outbox.add({ record: { delivery, attempt, result }, ...about });
      return;
    }
    const { status, nextDelayMs } = result;
    const now = clock.now();
    const failure = failedWith(attempt);
    const isFailed = status === 'failed';
    const after = {
      attempts: [{ ...attempt, ...(isFailed && { failedRound: delivery.replays }) }],
      attemptCount: attempt.number,
      ...(failure && { failedWith: failure }),
      status,
      nextAttemptAt: nextDelayMs === null ? null : new Date(now.getTime() + nextDelayMs),
      completedAt: status === 'pending' ? null : now,
      ...(status === 'pending' && { roundPolicy: policy }),
      ...(isFailed && { followUp: true }),
    };
    hand.store(item, { ...delivery, ...after }, about);
  }
}
