import type { DeferralReason, DeliveryPolicy } from '../../src/contracts/delivery';
import { keptBack } from '../../src/domain/kept-back';
import type { DeliveryRecord, QueueKind } from '../../src/store/delivery-record';
import type { EventRecord } from '../../src/store/event-record';
import type { WebhookRecord } from '../../src/store/webhook-record';

/** A delivery that a courier has in its hands. */
export interface Item {
  delivery: DeliveryRecord;
  /** MongoDB has it; else it is inserted with what comes of it. */
  isStored: boolean;
  /** The queue that it goes back to when it may not go now. */
  queuedIn: string;
  event: EventRecord;
  body: string;
  /** When it was taken, by the monotonic clock. */
  takenAt: number;
}

/** What a courier knows of one webhook. */
export class Lane {
  /** In the order in which they go. */
  waiting: Item[] = [];
  sending = 0;
  /** The queues of MongoDB that something of it waits in. Behind the ordered one joins what is new. */
  readonly queued = new Set<QueueKind>();
  /** Of those, what workflows run, on its way out of the queue. */
  readonly leaving = new Set<string>();
  /** Entries on their way into that queue. */
  unsettled = 0;
  /** By the monotonic clock: its rate limit lets nothing go before. */
  blockedUntil = 0;
  isTakingSlot = false;
  /** A slot of its rate limit has been taken, and its time has come. */
  hasSlot = false;
  /** How often, one after the other, what was let go found no place. */
  refusals = 0;
  /** What kept the last one back. */
  reason: DeferralReason = 'webhook_busy';

  constructor(
    public webhook: WebhookRecord,
    public policy: DeliveryPolicy,
  ) {}

  /**
   * Notes that something of it is on its way into one of its queues.
   * @returns to be called when it is there
   */
  queueing(kind: QueueKind): () => void {
    this.queued.add(kind);
    this.unsettled += 1;
    return () => {
      this.unsettled -= 1;
    };
  }

  /** Milliseconds until something of its queues may go; null: nothing, while it stands as it does. */
  untilQueuedMs(): number | null {
    if (this.queued.size === 0 || this.webhook.isPaused) return null;
    return Math.max(0, this.blockedUntil - performance.now());
  }

  /** What becomes of a delivery at present; null: it goes. */
  kept(delivery: DeliveryRecord): 'held' | 'skipped' | null {
    return keptBack(this.webhook, delivery);
  }
}
