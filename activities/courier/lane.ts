import { clock } from '../../src/clock';
import type { DeferralReason, DeliveryPolicy } from '../../src/contracts/delivery';
import { keptBack } from '../../src/domain/kept-back';
import {
  isBeforeFirst,
  kindOf,
  type DeliveryRecord,
  type QueueKind,
} from '../../src/store/delivery-record';
import type { EventRecord } from '../../src/store/event-record';
import type { WebhookRecord } from '../../src/store/webhook-record';
import { spacingOf } from '../rate-slot';

/** A delivery that a courier has in hand. */
export interface Item {
  delivery: DeliveryRecord;
  /** MongoDB has it; otherwise it is inserted together with its result. */
  isStored: boolean;
  /** The queue that it goes back to if it may not be sent now. */
  queuedIn: string;
  event: EventRecord;
  body: string;
  /** When it was taken, by the monotonic clock. */
  takenAt: number;
}

/** A delivery in one of its rounds: it may be replayed while an attempt of the round before is in progress. */
export const roundOf = ({ _id, replays }: Pick<DeliveryRecord, '_id' | 'replays'>): string =>
  `${_id} ${replays}`;

/** What a courier knows about one webhook. */
export class Lane {
  /** How long deliveries wait in total for workflows ahead of them, until the queue is empty. */
  static readonly orderWaitMs: number = 10_000;
  /** In the order of sending. */
  waiting: Item[] = [];
  sending = 0;
  /** The MongoDB queues in which its deliveries wait. New ones join behind the ordered one. */
  readonly queued = new Set<QueueKind>();
  /** Deliveries for workflows that are leaving the queue. */
  readonly leaving = new Set<string>();
  /** Of the ordered queue: deliveries that workflows are to run, whose attempts have not begun yet. */
  readonly unbegun = new Set<string>();
  /** How long what the courier itself sends has waited for those, and since when it has been waiting. */
  private behindMs = 0;
  private behindSince: number | null = null;
  /** Nothing is left of the ordered queue but what is entering it. */
  isDrained = false;
  /** What came since then, and goes after the last of it. */
  behind: Item[] = [];
  /** What is entering those queues. */
  private readonly entering = new Set<{ kind: QueueKind; eventId: string }>();
  /** By the monotonic clock: nothing of it is sent before then. */
  private blockedUntil = 0;
  /** Its attempts that were answered 410 and are not followed up yet: until then nothing of it is sent. */
  gone = 0;
  /**
   * When the answer that its receiver is gone was followed up, by the monotonic clock: it is known here after the
   * next read.
   */
  goneAt = -Infinity;
  isTakingSlot = false;
  /** When the slot of its rate limit that has been taken was due, by the monotonic clock; null: there is none. */
  slotAt: number | null = null;
  /** How often in a row a released delivery found no place, and when that was seen last, by the monotonic clock. */
  refusals = 0;
  refusedAt = -Infinity;
  /** Such a delivery has gone back into its queue since that was last read. */
  hasReturned = false;
  /** Why the last one was held back. */
  reason: DeferralReason = 'webhook_busy';
  /** What its queues hold next is a retry, as far as is known. */
  isRetryQueued = false;

  constructor(
    public webhook: WebhookRecord,
    public policy: DeliveryPolicy,
  ) {}

  /** Whether its rate limit lets it send one now. */
  get hasSlot(): boolean {
    return this.policy.ratePerSecond === null || this.slotAt !== null;
  }

  /** Uses its slot. An old one, such as that of a webhook that was paused, is not used together with another. */
  useSlot(): void {
    const { ratePerSecond } = this.policy;
    if (ratePerSecond !== null) {
      const spacingMs = spacingOf(ratePerSecond);
      if (performance.now() - this.slotAt! >= spacingMs) this.block(spacingMs);
    }
    this.slotAt = null;
  }

  /** Something of it waits in hand: most of many webhooks have nothing. */
  get isHolding(): boolean {
    return this.waiting.length + this.behind.length > 0;
  }

  /** Whether what it sends next is a first attempt, as far as is known. */
  get isFirstNext(): boolean {
    const [head] = this.waiting;
    return head ? isBeforeFirst(head.delivery) : !this.isRetryQueued;
  }

  /** What waits in hand, in the order of sending. */
  get holding(): Item[] {
    return [...this.waiting, ...this.behind];
  }

  /**
   * Records that something of it is entering one of its queues.
   * @returns to be called when it is there
   */
  queueing(kind: QueueKind, eventId: string): () => void {
    this.queued.add(kind);
    const entry = { kind, eventId };
    this.entering.add(entry);
    return () => this.entering.delete(entry);
  }

  /** The first event of what is entering a queue; null: nothing is. */
  firstEntering(kind: QueueKind): string | null {
    let first: string | null = null;
    for (const entry of this.entering) {
      if (entry.kind === kind && (first === null || entry.eventId < first)) first = entry.eventId;
    }
    return first;
  }

  /**
   * Whether the order of events forbids sending it now: workflows are started one after the other, and what the
   * courier itself sends would overtake those whose attempts have not begun. Until the queue is empty it waits for
   * that only for a limited time in total: if workflows come faster than they begin, the queue would never be
   * empty.
   */
  mustWait({ delivery, queuedIn }: Item): boolean {
    if (!delivery.isExpress) return this.leaving.size > 0;
    const at = performance.now();
    const isBehind = this.unbegun.size > 0 && kindOf(queuedIn) === 'ordered';
    if (isBehind && this.behindSince === null) this.behindSince = at;
    if (!isBehind && this.behindSince !== null) {
      this.behindMs += at - this.behindSince;
      this.behindSince = null;
    }
    return isBehind && this.behindMs + (at - this.behindSince!) < Lane.orderWaitMs;
  }

  /** Nothing is left in its ordered queue. */
  emptied(): void {
    this.behindMs = 0;
    this.behindSince = null;
  }

  /** Its webhook could take more if more places were free for its project. */
  get waitsForPlace(): boolean {
    return this.reason === 'project_busy' || this.reason === 'workers_busy';
  }

  /** Sends nothing of it for that long, or longer if something else said so. */
  block(ms: number): void {
    this.blockedUntil = Math.max(this.blockedUntil, performance.now() + ms);
  }

  /** Milliseconds until something of it may be sent. */
  get blockedMs(): number {
    return this.gone > 0 ? Infinity : Math.max(0, this.blockedUntil - performance.now());
  }

  /** Milliseconds until something in its queues may be sent; null: nothing in its current state. */
  untilQueuedMs(): number | null {
    return this.queued.size === 0 || this.webhook.isPaused ? null : this.blockedMs;
  }

  /** What becomes of a delivery now; null: it is sent. */
  kept(delivery: DeliveryRecord): 'held' | 'skipped' | null {
    return keptBack(this.webhook, delivery, clock.now());
  }
}
