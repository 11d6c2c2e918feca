import { LRUCache } from 'lru-cache';
import type { DeferralReason } from '../src/contracts/delivery';
import { isOperators, isOverload, isSuccess } from '../src/domain/outcome';
import type { Exchange } from './attempt/exchange';
import { ConcurrencyLimit, START_LIMIT } from '../src/domain/concurrency-limit';

/**
 * The share of a worker's places that retries and attempts to slow webhooks may take together: the rest is
 * kept for first attempts to the others, however many projects behave badly.
 */
const UNHURRIED_SHARE = 0.75;
/** A webhook whose attempts take this long, on average or by the longest running one, is slow. */
const SLOW_MS = 2000;
/**
 * How many places a project may have for each that is still free: four fifths of all if alone, and fewer the
 * more projects are busy, so that some stay free for others (a "dynamic threshold").
 */
const PLACES_PER_FREE = 4;
/** A webhook that accepted its last attempt sooner, with none running longer, answers quickly. */
const QUICK_MS = 250;
/** Estimated duration of an attempt while none of its webhook has ended yet. */
const FIRST_GUESS_MS = 1000;
/** The weight of the latest attempt in the average. */
const LATEST_SHARE = 0.3;
/** The number of webhooks that are remembered. Forgetting one only makes an estimate worse. */
const REMEMBERED = 10_000;

interface WebhookState {
  /** When each of its running attempts began, oldest first. */
  running: Set<{ startedAt: number }>;
  averageMs: number;
  /** Its last attempt was accepted quickly. */
  wasQuick: boolean;
  limit: ConcurrencyLimit;
}

/**
 * What became of an attempt's place. `accepted`: by its receiver; `overload`: it failed in a way that shows that
 * the receiver has too much to do; `made`: otherwise; `refused`: the worker that was to make it had no place;
 * `unmade`: there was none after all, or it failed on the operator's side.
 */
export type PlaceEnd = 'accepted' | 'made' | 'overload' | 'refused' | 'unmade';

/** For an attempt whose exchange, if there was one, ended like this. */
export function placeEndOf(sent: Exchange | undefined): PlaceEnd {
  if (!sent) return 'unmade';
  const { answer } = sent;
  if (answer.kind === 'error' && isOperators(answer)) return 'unmade';
  if (answer.kind === 'response' && isSuccess(answer.statusCode)) return 'accepted';
  return isOverload(answer) ? 'overload' : 'made';
}

/** The place of one attempt. */
export interface Place {
  leave: (end: PlaceEnd) => void;
}

/**
 * The places for attempts of one worker process: a webhook takes as many as its receiver can take, a
 * project leaves the others theirs, and retries and slow webhooks leave some to fast first attempts
 * (docs/adr/0011). A refusal says why.
 */
export class Places {
  private running = 0;
  /** Of these, retries and attempts to slow webhooks. */
  private unhurried = 0;
  /** Running attempts by project. */
  private readonly projects = new Map<string, number>();
  private readonly webhooks = new LRUCache<string, WebhookState>({ max: REMEMBERED });

  /**
   * @param total attempts that this worker runs at a time
   * @param maxPerWebhook the maximum for one webhook
   * @param startPerWebhook what a webhook has before anything is known of its receiver
   */
  constructor(
    private readonly total: number,
    private readonly maxPerWebhook: number,
    private readonly startPerWebhook = START_LIMIT,
  ) {}

  /** How many places a webhook may have now. */
  limitOf(webhookId: string): number {
    return this.stateOf(webhookId).limit.value;
  }

  /** Whether a project may have a further place, at least for a first attempt to a quick webhook. */
  hasFreeFor(projectId: string): boolean {
    return this.ofProject(projectId) < (this.total - this.running) * PLACES_PER_FREE;
  }

  /** Whether it is a first attempt to a webhook that is not slow, for which there is nearly always a place. */
  isHurried(webhookId: string, isFirst: boolean): boolean {
    const { running, averageMs } = this.stateOf(webhookId);
    // A hanging one is recognised before its first attempt has ended.
    const [oldest] = running;
    const hasRunMs = oldest === undefined ? 0 : performance.now() - oldest.startedAt;
    return isFirst && Math.max(averageMs, hasRunMs) < SLOW_MS;
  }

  /** How many attempts of a project that are not hurried may begin now. */
  unhurriedRoomFor(projectId: string): number {
    // Each of them leaves one fewer free.
    const room = this.freeFor(false) * PLACES_PER_FREE - this.ofProject(projectId);
    return Math.max(0, Math.ceil(room / (PLACES_PER_FREE + 1)));
  }

  take(projectId: string, webhookId: string, isFirst: boolean): Place | DeferralReason {
    const webhook = this.stateOf(webhookId);
    const startedAt = performance.now();
    if (webhook.running.size >= webhook.limit.value) return 'webhook_busy';
    const isHurried = this.isHurried(webhookId, isFirst);
    const free = this.freeFor(isHurried);
    if (this.ofProject(projectId) >= free * PLACES_PER_FREE) {
      return free < 1 ? 'workers_busy' : 'project_busy';
    }
    const attempt = { startedAt };
    webhook.running.add(attempt);
    const count = (change: 1 | -1): void => {
      const ofProject = this.ofProject(projectId) + change;
      if (ofProject > 0) this.projects.set(projectId, ofProject);
      else this.projects.delete(projectId);
      this.running += change;
      if (!isHurried) this.unhurried += change;
    };
    count(1);
    return {
      leave: (end) => {
        const running = webhook.running.size;
        count(-1);
        webhook.running.delete(attempt);
        if (end === 'unmade') return;
        const tookMs = performance.now() - startedAt;
        webhook.limit.learn(tookMs, running, end === 'overload' || end === 'refused');
        if (end === 'refused') return;
        webhook.wasQuick = end === 'accepted' && tookMs < QUICK_MS;
        webhook.averageMs += (tookMs - webhook.averageMs) * LATEST_SHARE;
      },
    };
  }

  /** Whether an attempt to that webhook can be expected to succeed soon. */
  isQuick(webhookId: string): boolean {
    const { running, wasQuick } = this.stateOf(webhookId);
    const [oldest] = running;
    const hangs = oldest !== undefined && performance.now() - oldest.startedAt >= QUICK_MS;
    return wasQuick && !hangs;
  }

  private freeFor(isHurried: boolean): number {
    const free = this.total - this.running;
    return isHurried ? free : Math.min(free, this.total * UNHURRIED_SHARE - this.unhurried);
  }

  private ofProject(projectId: string): number {
    return this.projects.get(projectId) ?? 0;
  }

  private stateOf(webhookId: string): WebhookState {
    let state = this.webhooks.get(webhookId);
    if (!state) {
      const limit = new ConcurrencyLimit(this.maxPerWebhook, this.startPerWebhook);
      state = { running: new Set(), averageMs: FIRST_GUESS_MS, wasQuick: false, limit };
      this.webhooks.set(webhookId, state);
    }
    return state;
  }
}
