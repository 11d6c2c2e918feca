import { LRUCache } from 'lru-cache';
import type { DeferralReason } from '../src/contracts/delivery';

/** Which share of a worker's places attempts that aren't the first may take: the rest is kept for those. */
const RETRIES_SHARE = 0.75;
/** How long an attempt takes where none of its webhook has ended yet; a guess. */
const FIRST_GUESS_MS = 1000;
/** How much of the average the latest attempt makes up. */
const LATEST_SHARE = 0.3;
/** Waits shorter than this are not worth the way back through Temporal. */
const MIN_WAIT_MS = 1000;
/** How far ahead turns are given; a line that is longer asks again, at random, so that it's no herd. */
const MAX_WAIT_MS = 600_000;
/** Webhooks that are remembered. What is forgotten makes only a guess worse, or a line be passed. */
const REMEMBERED = 10_000;

interface WebhookState {
  running: number;
  averageMs: number;
  /** Until when turns have been given away. */
  givenUntil: number;
}

/** The place of one attempt. */
export interface Place {
  /** Gives it back. */
  leave: () => void;
}

/** Not now: come again after that. */
export interface Wait {
  reason: DeferralReason;
  waitMs: number;
}

/**
 * The places for attempts of one worker process: a webhook whose receiver hangs takes only its share,
 * and retries leave some to first attempts. Whoever gets none is told when its turn may come, and gives
 * its slot back to Temporal meanwhile.
 */
export class Places {
  private running = 0;
  private readonly webhooks = new LRUCache<string, WebhookState>({ max: REMEMBERED });

  /**
   * @param total attempts that this worker runs at a time
   * @param perWebhook those of them that one webhook may have
   */
  constructor(
    private readonly total: number,
    private readonly perWebhook: number,
  ) {}

  take(webhookId: string, isFirst: boolean): Place | Wait {
    const webhook = this.stateOf(webhookId);
    const spacingMs = webhook.averageMs / this.perWebhook;
    if (webhook.running >= this.perWebhook) return this.wait('webhook_busy', webhookId, spacingMs);
    if (!isFirst && this.running >= this.total * RETRIES_SHARE) {
      return this.wait('workers_busy', webhookId, spacingMs);
    }
    const startedAt = Date.now();
    webhook.running += 1;
    this.running += 1;
    return {
      leave: () => {
        webhook.running -= 1;
        this.running -= 1;
        const tookMs = Date.now() - startedAt;
        webhook.averageMs += (tookMs - webhook.averageMs) * LATEST_SHARE;
      },
    };
  }

  /**
   * When to come again, behind those who were told before.
   * @param spacingMs between two of the webhook's turns
   */
  wait(reason: DeferralReason, webhookId: string, spacingMs: number): Wait {
    const webhook = this.stateOf(webhookId);
    const now = Date.now();
    const turn = Math.max(webhook.givenUntil, now) + spacingMs;
    if (turn > now + MAX_WAIT_MS) {
      return { reason, waitMs: Math.round(MAX_WAIT_MS * (0.5 + Math.random() / 2)) };
    }
    webhook.givenUntil = turn;
    return { reason, waitMs: Math.round(Math.max(turn - now, MIN_WAIT_MS)) };
  }

  private stateOf(webhookId: string): WebhookState {
    let state = this.webhooks.get(webhookId);
    if (!state) {
      state = { running: 0, averageMs: FIRST_GUESS_MS, givenUntil: 0 };
      this.webhooks.set(webhookId, state);
    }
    return state;
  }
}
