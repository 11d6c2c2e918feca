import { setTimeout as sleep } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import type { ReconcileReport } from '../../src/contracts/activities';
import { clock } from '../../src/clock';
import { reconcileMended, workflowsFailing } from '../../src/metrics';
import type { ActivityDependencies } from '../dependencies';

/** How long a run goes on; the next one follows at once, and goes on where it has ended. */
const BUDGET_MS = 5 * 60 * 1000;
/** So often Temporal hears that the run is alive, also while there is nothing to do. */
const BEAT_MS = 2000;
/** How long it is not asked again whether Temporal can be used. */
const STATE_MS = 1000;
/** Ids told of in one message. */
const TOLD = 5;

export interface RunOptions {
  /** It ends when all has been looked at once; else it looks again and again. */
  isOnce: boolean;
  /** How far behind something must be to be looked at; else as long as what is looked for says. */
  graceMs?: number | undefined;
}

/** What came of one thing that was looked at. */
export type Outcome = 'fixed' | 'under way' | 'failed';

/**
 * One run of reconcile, as long as it may go on: whoever works in it asks before each step. It ends in the
 * midst of its work when its workflow is terminated, or its worker is told to stop.
 */
export class Run {
  readonly report: ReconcileReport = { events: 0, deliveries: 0, replays: 0, drains: 0 };
  readonly stopped: AbortSignal;
  private readonly failed = new AbortController();
  private readonly context = Context.current();
  private readonly beganAt = clock.now();
  private readonly beating = setInterval(() => this.context.heartbeat(), BEAT_MS);
  /** By the monotonic clock. */
  private readonly endsAt = performance.now() + BUDGET_MS;
  private state = { isUsable: true, askedAt: -Infinity };
  private asking: Promise<boolean> | undefined;
  /** Since that was told last. */
  private fixed = new Map<string, number>();
  private failing = new Map<string, string[]>();

  constructor(
    readonly deps: ActivityDependencies,
    private readonly options: RunOptions,
  ) {
    this.stopped = AbortSignal.any([this.context.cancellationSignal, this.failed.signal]);
  }

  get isOnce(): boolean {
    return this.options.isOnce;
  }

  /** Asked before each step, which tells Temporal that the run is alive, too. */
  goesOn(): boolean {
    this.context.heartbeat();
    return !this.stopped.aborted && performance.now() < this.endsAt;
  }

  /** Now; what is done once is about what there was at its beginning. */
  now(): Date {
    return this.isOnce ? this.beganAt : clock.now();
  }

  /** What is from before this time is looked at. */
  before(graceMs: number): Date {
    return new Date(this.now().getTime() - this.graceMs(graceMs));
  }

  graceMs(graceMs: number): number {
    return this.options.graceMs ?? graceMs;
  }

  /** Waits for what goes on at the same time; where some of it fails, the rest stops, and then that is told. */
  async together(...works: Promise<unknown>[]): Promise<void> {
    const stopAll = (error: unknown): never => {
      this.failed.abort();
      throw error;
    };
    const settled = await Promise.allSettled(works.map((work) => work.catch(stopAll)));
    for (const each of settled) if (each.status === 'rejected') throw each.reason;
  }

  /** Waits between two looks. @returns whether it goes on then */
  async pause(forMs: number): Promise<boolean> {
    const ms = Math.min(forMs, Math.max(0, this.endsAt - performance.now()));
    await sleep(ms, undefined, { signal: this.stopped }).catch(() => {});
    return this.goesOn();
  }

  /**
   * Starts one thing. That it can't be keeps none of the others from it.
   * @param start answers whether there was something to start
   */
  async fix(
    kind: keyof ReconcileReport,
    id: string,
    start: () => Promise<boolean>,
  ): Promise<Outcome> {
    try {
      if (!(await start())) return 'under way';
      this.report[kind] += 1;
      this.fixed.set(kind, (this.fixed.get(kind) ?? 0) + 1);
      reconcileMended.inc({ kind });
      return 'fixed';
    } catch (error) {
      this.deps.log.warn({ err: error, kind, id }, 'reconcile could not start it');
      return 'failed';
    }
  }

  /** Whether Temporal takes work, which is asked when something could not be started. */
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

  /** Notes a workflow that runs, but whose tasks fail again and again. */
  noteFailing(kind: keyof ReconcileReport | 'couriers', workflowId: string): void {
    workflowsFailing.inc({ kind });
    const ids = this.failing.get(kind);
    if (ids) ids.push(workflowId);
    else this.failing.set(kind, [workflowId]);
  }

  /** Logs what was started, and found failing, since the last time. */
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
