import { setTimeout as sleep } from 'node:timers/promises';
import type { AttemptPolicy } from '../../src/contracts/activities';
import type { Attempt } from '../../src/contracts/delivery';
import type { ProjectRecord } from '../../src/store/projects';
import type { ActivityDependencies } from '..';
import { exchange, logged, type Exchange } from '../attempt/exchange';
import { judge } from '../attempt/judge';
import { tell } from '../attempt/tell';
import type { Place, Places } from '../places';
import type { Hand } from './hand';
import type { Item, Lane } from './lane';
import type { Lease } from './lease';

/** A slot of the rate limit this near is slept to. */
const NEAR_SLOT_MS = 1000;

/** Sends what a shift has in hand, as many at a time as its webhooks' limits and the places let go. */
export class Attempts {
  sending = 0;
  readonly ended = { delivered: 0, failed: 0 };
  /** As it was read last. */
  project!: ProjectRecord;

  /**
   * @param places shared with the other couriers of this process
   * @param runId of the courier's workflow, as its attempts are logged under it
   * @param isStopping nothing more is sent
   * @param onEnd told each time there is something to write
   */
  constructor(
    private readonly deps: ActivityDependencies,
    private readonly places: Places,
    private readonly runId: string,
    private readonly lease: Lease,
    private readonly hand: Hand,
    private readonly isStopping: () => boolean,
    private readonly onEnd: () => void,
  ) {}

  /** Sends what may go now. */
  pump(lane: Lane): void {
    while (lane.waiting.length > 0 && !lane.isTakingSlot) {
      if (!this.lease.maySend() || this.isStopping()) return;
      if (performance.now() < lane.blockedUntil) return;
      const item = lane.waiting[0]!;
      const { projectId, webhookId, attemptCount, roundStart } = item.delivery;
      const place = this.places.take(projectId, webhookId, attemptCount === roundStart);
      if ('waitMs' in place) {
        lane.reason = place.reason;
        return;
      }
      lane.waiting.shift();
      void this.make(lane, item, place);
    }
  }

  private async make(lane: Lane, item: Item, place: Place): Promise<void> {
    const { webhook, policy } = lane;
    lane.sending += 1;
    this.sending += 1;
    let wasMade = false;
    try {
      if (policy.ratePerSecond !== null && !(await this.takeSlot(lane, policy.ratePerSecond))) {
        lane.waiting.unshift(item);
        return;
      }
      if (!this.lease.maySend()) {
        this.hand.letGo(item);
        return;
      }
      wasMade = true;
      const { delivery, event, body } = item;
      const subject = { delivery, event, body, webhook, project: this.project };
      const own = { ...policy, retryDelaysMs: delivery.isPing ? [] : policy.retryDelaysMs };
      this.record(lane, item, await exchange(this.deps, subject, own), own);
    } catch (error) {
      this.deps.log.error({ err: error, deliveryId: item.delivery._id }, 'attempt lost');
      this.hand.letGo(item);
    } finally {
      place.leave(wasMade);
      lane.sending -= 1;
      this.sending -= 1;
      this.pump(lane);
      this.onEnd();
    }
  }

  /** Waits for the webhook's next slot, if it comes soon. */
  private async takeSlot(lane: Lane, ratePerSecond: number): Promise<boolean> {
    const { webhooks } = this.deps.store;
    const spacingMs = Math.ceil(1000 / ratePerSecond);
    lane.isTakingSlot = true;
    try {
      const slotMs = await webhooks.takeSlot(lane.webhook._id, spacingMs, NEAR_SLOT_MS);
      if (slotMs === null) {
        lane.reason = 'rate_limit';
        lane.blockedUntil = performance.now() + Math.min(spacingMs, NEAR_SLOT_MS);
        return false;
      }
      if (slotMs > 0) await sleep(slotMs);
      return true;
    } finally {
      lane.isTakingSlot = false;
    }
  }

  private record(lane: Lane, item: Item, sent: Exchange, policy: AttemptPolicy): void {
    const { delivery } = item;
    const attempt: Attempt = {
      number: delivery.attemptCount + 1,
      ...logged(sent, this.runId, policy),
    };
    const result = judge(sent.answer, delivery, policy);
    tell(this.deps, delivery, attempt);
    this.ended[result.status === 'succeeded' ? 'delivered' : 'failed'] += 1;
    const counted = { webhookId: lane.webhook._id, attempt };
    const done = (): void => {
      this.hand.taken.delete(delivery._id);
    };
    if (item.isStored) {
      this.hand.outbox.add({ record: { delivery, attempt, result }, counted, done });
      return;
    }
    const { status, nextDelayMs } = result;
    const now = this.lease.now();
    const after = {
      attempts: [attempt],
      attemptCount: attempt.number,
      status,
      nextAttemptAt: nextDelayMs === null ? null : new Date(now.getTime() + nextDelayMs),
      completedAt: status === 'pending' ? null : now,
      ...(status === 'failed' && { followUp: true }),
    };
    this.hand.store(item, { ...delivery, ...after }, { done, counted });
  }
}
