import { LRUCache } from 'lru-cache';
import type { DeferralReason } from '../src/contracts/delivery';

/**
 * Which share of a worker's places retries and attempts to slow webhooks may take together: the rest is
 * kept for first attempts to the others, however many projects behave badly.
 */
const UNHURRIED_SHARE = 0.75;
/** How long a webhook's attempts take, on average or the one that runs longest, from which on it is slow. */
const SLOW_MS = 2000;
/**
 * How many places a project may have for each that is still free: alone four fifths of them, and the less
 * the more projects are busy, so that some are free for one that comes (a "dynamic threshold").
 */
const PLACES_PER_FREE = 4;
/** How long an attempt takes where none of its webhook has ended yet; a guess. */
const FIRST_GUESS_MS = 1000;
/** How much of the average the latest attempt makes up. */
const LATEST_SHARE = 0.3;
/** Webhooks that are remembered. What is forgotten makes only a guess worse. */
const REMEMBERED = 10_000;

interface WebhookState {
  /** When each of its running attempts began, the oldest first. */
  running: Set<{ startedAt: number }>;
  averageMs: number;
}

/** The place of one attempt. */
export interface Place {
  /**
   * Gives it back.
   * @param wasMade false when there was no attempt in it after all
   */
  leave: (wasMade: boolean) => void;
}

/**
 * The places for attempts of one worker process: a webhook whose receiver hangs takes only its share, a
 * project only as much as leaves others theirs, and what has waited already, or will take long, leaves
 * some to what is soon done (docs/adr/0011). Whoever gets none is told why.
 */
export class Places {
  private running = 0;
  /** Those of them that are retries, or to slow webhooks. */
  private unhurried = 0;
  /** Running attempts of each project that has any. */
  private readonly projects = new Map<string, number>();
  private readonly webhooks = new LRUCache<string, WebhookState>({ max: REMEMBERED });

  /**
   * @param total attempts that this worker runs at a time
   * @param perWebhook those of them that one webhook may have
   */
  constructor(
    private readonly total: number,
    private readonly perWebhook: number,
  ) {}

  take(projectId: string, webhookId: string, isFirst: boolean): Place | DeferralReason {
    const webhook = this.stateOf(webhookId);
    const startedAt = performance.now();
    // One that hangs is known to before its first attempt has ended.
    const [oldest] = webhook.running;
    const durationMs = Math.max(webhook.averageMs, startedAt - (oldest?.startedAt ?? startedAt));
    if (webhook.running.size >= this.perWebhook) return 'webhook_busy';
    const isHurried = isFirst && durationMs < SLOW_MS;
    const free = Math.min(
      this.total - this.running,
      isHurried ? Infinity : this.total * UNHURRIED_SHARE - this.unhurried,
    );
    if ((this.projects.get(projectId) ?? 0) >= free * PLACES_PER_FREE) {
      return free < 1 ? 'workers_busy' : 'project_busy';
    }
    const attempt = { startedAt };
    webhook.running.add(attempt);
    const count = (change: 1 | -1): void => {
      const ofProject = (this.projects.get(projectId) ?? 0) + change;
      if (ofProject > 0) this.projects.set(projectId, ofProject);
      else this.projects.delete(projectId);
      this.running += change;
      if (!isHurried) this.unhurried += change;
    };
    count(1);
    return {
      leave: (wasMade) => {
        count(-1);
        webhook.running.delete(attempt);
        if (!wasMade) return;
        const tookMs = performance.now() - startedAt;
        webhook.averageMs += (tookMs - webhook.averageMs) * LATEST_SHARE;
      },
    };
  }

  private stateOf(webhookId: string): WebhookState {
    let state = this.webhooks.get(webhookId);
    if (!state) {
      state = { running: new Set(), averageMs: FIRST_GUESS_MS };
      this.webhooks.set(webhookId, state);
    }
    return state;
  }
}
