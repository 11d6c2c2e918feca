import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import type { ReconcileReport } from '../../src/contracts/activities';
import { clock } from '../../src/clock';
import { AHEAD_MS } from '../../src/domain/kept-back';
import { reconcileMended, workflowsFailing } from '../../src/metrics';
import type { ActivityDependencies } from '../dependencies';

/** How long a run continues; the next one follows at once, and continues where it has ended. */
const BUDGET_MS = 5 * 60 * 1000;
/** Interval of heartbeats, even while there is nothing to do. */
const BEAT_MS = 2000;
/** How long Temporal's state is not checked again. */
const STATE_MS = 1000;
/** Projects listed together. */
const PAGE = 200;
/** What is done at the same time. */
const TOGETHER = 20;
/** Ids listed in one message. */
const TOLD = 5;

/** The result of checking one item. */
export type Outcome = 'fixed' | 'in progress' | 'failed';

/**
 * One run of reconcile; its parts ask before each step whether to continue. It ends in the middle of its work
 * if its workflow is terminated or its worker stops.
 */
export class Run {
  readonly report: ReconcileReport = {
    events: 0,
    deliveries: 0,
    replays: 0,
    drains: 0,
    failures: 0,
  };
  readonly stopped: AbortSignal;
  private readonly failed = new AbortController();
  private readonly context = Context.current();
  private readonly beganAt = clock.now();
  private readonly beating = setInterval(() => this.context.heartbeat(), BEAT_MS);
  /** By the monotonic clock. */
  private readonly endsAt = performance.now() + BUDGET_MS;
  private state = { isUsable: true, askedAt: -Infinity };
  private asking: Promise<boolean> | undefined;
  /** Since the last log line about it. */
  private fixed = new Map<string, number>();
  private failing = new Map<string, string[]>();

  /**
   * @param isOnce it ends when everything has been checked once; otherwise it keeps checking
   * @param ownGraceMs how overdue something must be to be checked; default: by its kind
   */
  constructor(
    readonly deps: ActivityDependencies,
    readonly isOnce: boolean,
    private readonly ownGraceMs?: number,
  ) {
    this.stopped = AbortSignal.any([this.context.cancellationSignal, this.failed.signal]);
    // More tasks than ten, beyond which Node warns, wait side by side.
    setMaxListeners(0, this.stopped);
  }

  /** Asked before each step; also heartbeats to Temporal. */
  goesOn(): boolean {
    this.context.heartbeat();
    return !this.stopped.aborted && performance.now() < this.endsAt;
  }

  /**
   * Ids of projects, some at a time, while the run continues.
   * @param list returns those after a given one, in order
   */
  async *pages(
    list: (afterId: string, limit: number) => Promise<string[]>,
  ): AsyncGenerator<string[], void> {
    for (let after: string | undefined = ''; after !== undefined && this.goesOn();) {
      const ids: string[] = await list(after, PAGE);
      yield ids;
      after = ids.length < PAGE ? undefined : ids.at(-1);
    }
  }

  /** All of these, some at a time, while the run continues. */
  *some<T>(all: readonly T[]): Generator<T[], void> {
    for (let at = 0; at < all.length && this.goesOn(); at += TOGETHER) {
      yield all.slice(at, at + TOGETHER);
    }
  }

  /** Now; a single pass only covers what there was at its beginning. */
  now(): Date {
    return this.isOnce ? this.beganAt : clock.now();
  }

  /** What is older than this is checked. */
  before(graceMs: number): Date {
    return new Date(this.now().getTime() - this.graceMs(graceMs));
  }

  /** What is later than this is from before MongoDB's clock was set back. */
  ahead(): Date {
    return new Date(clock.now().getTime() + AHEAD_MS);
  }

  graceMs(graceMs: number): number {
    return this.ownGraceMs ?? graceMs;
  }

  /** Waits for concurrent work; if some of it fails, the rest stops, and the error is thrown. */
  async together(...works: Promise<unknown>[]): Promise<void> {
    const stopAll = (error: unknown): never => {
      this.failed.abort();
      throw error;
    };
    const settled = await Promise.allSettled(works.map((work) => work.catch(stopAll)));
    for (const each of settled) if (each.status === 'rejected') throw each.reason;
  }

  /** Waits between two checks. @returns whether to continue */
  async pause(forMs: number): Promise<boolean> {
    const ms = Math.min(forMs, Math.max(0, this.endsAt - performance.now()));
    await sleep(ms, undefined, { signal: this.stopped }).catch(() => {});
    return this.goesOn();
  }

  /**
   * Starts one item. A failure doesn't affect the others.
   * @param start returns whether there was something to start
   */
  async fix(
    kind: keyof ReconcileReport,
    id: string,
    start: () => Promise<boolean>,
  ): Promise<Outcome> {
    try {
      if (!(await start())) return 'in progress';
      this.report[kind] += 1;
      this.fixed.set(kind, (this.fixed.get(kind) ?? 0) + 1);
      reconcileMended.inc({ kind });
      return 'fixed';
    } catch (error) {
      this.deps.log.warn({ err: error, kind, id }, 'reconcile could not start it');
      return 'failed';
    }
  }

  /** Whether Temporal accepts work; checked when something could not be started. */
  async isTemporalUsable(): Promise<boolean> {
    if (performance.now() - this.state.askedAt < STATE_MS) return this.state.isUsable;
    this.asking ??= this.deps.engine.state().then((state) => {
      this.asking = undefined;
      this.state = { isUsable: state === 'ok', askedAt: performance.now() };
      if (state !== 'ok') this.deps.log.warn({ state }, 'reconcile waits for Temporal');
      return this.state.isUsable;
    });
    return this.asking;
  }

  /** Records a running workflow whose tasks keep failing. */
  noteFailing(kind: keyof ReconcileReport | 'couriers', workflowId: string): void {
    workflowsFailing.inc({ kind });
    const ids = this.failing.get(kind);
    if (ids) ids.push(workflowId);
    else this.failing.set(kind, [workflowId]);
  }

  /** Logs what was started or found failing since the last time. */
  tell(): void {
    const { log } = this.deps;
    for (const [kind, count] of this.fixed) {
      log.warn({ kind, count }, 'reconcile started what was lost');
    }
    for (const [kind, ids] of this.failing) {
      const told = { kind, count: ids.length, workflowIds: ids.slice(0, TOLD) };
      log.warn(told, 'workflows run, but their tasks keep failing');
    }
    this.fixed.clear();
    this.failing.clear();
  }

  end(): void {
    clearInterval(this.beating);
    this.tell();
  }
}
