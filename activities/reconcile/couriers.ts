import type { ReconcileReport } from '../../src/contracts/activities';
import { courierWorkflowId } from '../../src/contracts/temporal';
import { isPausedInTemporal } from '../../src/temporal/described';
import type { Run } from './run';

/** A woken courier has this long to start. */
const WAKE_MS = 10_000;

/** Wakes the couriers of projects that have work for them, but no courier at work. */
export class Couriers {
  /** When, by the monotonic clock. */
  private readonly woken = new Map<string, number>();

  constructor(private readonly run: Run) {}

  /**
   * Keeps looking for such projects.
   * @param list returns ids of projects after a given one, in order
   */
  async work(
    kind: keyof ReconcileReport,
    list: (afterId: string, limit: number) => Promise<string[]>,
    everyMs: number,
  ): Promise<void> {
    const { run } = this;
    do {
      for await (const projectIds of run.pages(list)) await this.wakeAll(kind, projectIds);
      run.tell();
    } while (!run.isOnce && (await run.pause(everyMs)));
  }

  async wakeAll(kind: keyof ReconcileReport, projectIds: readonly string[]): Promise<void> {
    const { run } = this;
    for (const some of run.some(projectIds)) {
      const outcomes = await Promise.all(
        some.map((projectId) => run.fix(kind, projectId, () => this.wake(projectId))),
      );
      if (outcomes.includes('failed') && !(await run.isTemporalUsable())) return;
    }
  }

  /** @returns false if it is at work, or about to be, or paused by an operator */
  private async wake(projectId: string): Promise<boolean> {
    const { store, engine } = this.run.deps;
    const wokenAt = this.woken.get(projectId);
    if (wokenAt !== undefined && performance.now() - wokenAt < WAKE_MS) return false;
    if (await store.couriers.isAtWork(projectId)) return false;
    const workflowId = courierWorkflowId(projectId);
    const activity = await engine.find(workflowId);
    const isPaused = isPausedInTemporal(activity);
    if (activity === 'failing') this.run.noteFailing('couriers', workflowId);
    if (!isPaused) await engine.wakeCourier(projectId);
    this.woken.set(projectId, performance.now());
    return !isPaused;
  }
}
