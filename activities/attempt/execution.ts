import { activityInfo } from '@temporalio/activity';
import { elapsedSince, moment } from '../../src/clock';
import type { ActivityDependencies } from '../dependencies';

/**
 * Milliseconds between two beats of the pulse, and without a beat after which the process counts as
 * suspended.
 */
const BEAT_MS = 500;
const STILL_MS = 2000;
/** For this long after it wakes, a process receives tasks that came while it was suspended. */
const WAKING_MS = 10_000;
/** How long before its start-to-close timeout, as measured here, an execution may be over for Temporal. */
const MARGIN_MS = 2000;

/** Notices when this process is suspended (SIGSTOP, a suspended machine, a blocked event loop). */
export class Pulse {
  private lastBeat = moment();
  private wokeAt = -Infinity;

  constructor() {
    setInterval(() => this.beat(), BEAT_MS).unref();
  }

  /** @returns when it last woke, by the monotonic clock */
  beat(): number {
    if (elapsedSince(this.lastBeat) > STILL_MS) this.wokeAt = performance.now();
    this.lastBeat = moment();
    return this.wokeAt;
  }

  /** Whether it has been suspended since then, by the monotonic clock: its measurements are meaningless then. */
  hasStoodStillSince(at: number): boolean {
    return this.beat() > at;
  }
}

/** The current execution of an activity: whether Temporal still waits for it. */
export class Execution {
  private readonly began = moment();

  constructor(
    private readonly engine: Pick<ActivityDependencies['engine'], 'isUnderWay'>,
    private readonly pulse: Pulse,
    private readonly deliveryId: string,
  ) {}

  hasStoodStill(): boolean {
    return this.pulse.hasStoodStillSince(this.began[0]);
  }

  /**
   * Whether it is past its start-to-close timeout, or another one has replaced it. Clocks only raise a suspicion;
   * Temporal knows, except about one within a workflow task, which is given up on suspicion.
   */
  async isGivenUp(): Promise<boolean> {
    const { startToCloseTimeoutMs, activityId, attempt, workflowExecution, isLocal } =
      activityInfo();
    const isDoubtful =
      this.pulse.beat() > this.began[0] - WAKING_MS ||
      elapsedSince(this.began) > startToCloseTimeoutMs - MARGIN_MS;
    if (!isDoubtful || isLocal) return isDoubtful;
    const { runId } = workflowExecution!;
    const isUnderWay = this.engine.isUnderWay(this.deliveryId, { runId, activityId, attempt });
    return !(await isUnderWay.catch(() => false));
  }
}
