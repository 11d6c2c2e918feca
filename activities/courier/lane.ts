import type { DeferralReason, DeliveryPolicy } from '../../src/contracts/delivery';
import type { DeliveryRecord } from '../../src/store/delivery-record';
import type { EventRecord } from '../../src/store/events';
import type { WebhookRecord } from '../../src/store/webhooks';

/** A delivery that a courier has in its hands. */
export interface Item {
  delivery: DeliveryRecord;
  /** MongoDB has it; else it is inserted with what comes of it. */
  isStored: boolean;
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
  /** Something of it waits in MongoDB's queue: what is new joins behind. */
  hasQueued = false;
  /** Entries on their way into that queue. */
  unsettled = 0;
  /** By the monotonic clock: its rate limit lets nothing go before. */
  blockedUntil = 0;
  isTakingSlot = false;
  /** What kept the last one back. */
  reason: DeferralReason = 'webhook_busy';

  constructor(
    public webhook: WebhookRecord,
    public policy: DeliveryPolicy,
  ) {}

  /** What becomes of a delivery at present; null: it goes. */
  kept({ test, replays }: DeliveryRecord): 'held' | 'skipped' | null {
    // A test goes out all the same, and so does what somebody has asked for since.
    if (!this.webhook.isActive && !test && replays === 0) return 'skipped';
    return this.webhook.isPaused ? 'held' : null;
  }
}
