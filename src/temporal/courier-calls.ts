import { LRUCache } from 'lru-cache';
import type { Logger } from 'pino';
import type { Couriers } from '../store/couriers';
import type { Engine } from './engine';
import { runOrLeave } from './run-or-leave';

/** Minimum interval in which one process tells a project's courier about new work. */
const INTERVAL_MS = 1000;

/** Projects whose last signals are remembered. */
const REMEMBERED = 10_000;

/** Tells couriers about new work, in a way that costs the engine almost nothing. */
export class CourierCalls {
  /** The projects told within the interval, and whether there was something new since. */
  private readonly told = new Map<string, { isNew: boolean }>();
  private readonly calls = new Set<Promise<unknown>>();
  /** The shift that was the latest before the project's courier was last signalled. */
  private readonly signalled = new LRUCache<string, number>({ max: REMEMBERED });

  constructor(
    private readonly engine: Pick<Engine, 'wakeCourier'>,
    private readonly couriers: Pick<Couriers, 'shiftOf'>,
    private readonly log: Logger,
  ) {}

  /** Returns at once: what can't be told is left to reconcile. */
  call(projectId: string): void {
    const told = this.told.get(projectId);
    if (told) told.isNew = true;
    else this.tell(projectId);
  }

  /** Tells what has not been told yet; resolves when that has arrived, or is left to reconcile. */
  async drained(): Promise<void> {
    for (const [projectId, { isNew }] of this.told) if (isNew) this.tell(projectId);
    await Promise.all(this.calls);
  }

  private tell(projectId: string): void {
    const state = { isNew: false };
    this.told.set(projectId, state);
    const call = runOrLeave(this.log, { projectId }, 'courier left to reconcile', () =>
      this.signal(projectId),
    ).finally(() => this.calls.delete(call));
    this.calls.add(call);
    // A courier may have ended just before the last event: none waits longer than this.
    setTimeout(() => {
      if (this.told.get(projectId) !== state) return;
      this.told.delete(projectId);
      if (state.isNew) this.tell(projectId);
    }, INTERVAL_MS).unref();
  }

  /**
   * Another shift follows a signal, and finds what was stored before it began. Until then no other signal is needed:
   * one that is paused, or waits for a worker, would only collect them, and Temporal takes ten thousand.
   */
  private async signal(projectId: string): Promise<void> {
    const shift = await this.couriers.shiftOf(projectId);
    if (this.signalled.get(projectId) === shift) return;
    await this.engine.wakeCourier(projectId);
    this.signalled.set(projectId, shift);
  }
}
