import type { Logger } from 'pino';
import type { Dispatch } from '../../contracts/delivery';
import { TokenBucket } from '../../domain/token-bucket';
import type { EventRecord } from '../../store/event-record';
import type { ProjectRecord } from '../../store/projects';
import type { Engine } from '../../temporal/engine';
import { CourierCalls } from '../../temporal/courier-calls';
import { runOrLeave } from '../../temporal/run-or-leave';

/** What is told of an event to set it going. */
type Accepted = Pick<EventRecord, '_id' | 'projectId' | 'type' | 'isExpress'>;

/**
 * Events of a project that wait here for their fan-outs to be started: batches are accepted faster than
 * Temporal starts them. Those beyond wait in MongoDB alone.
 */
const MAX_STARTING = 5000;

/** How events are driven (docs/adr/0025): decided once, as they are accepted, and set going afterwards. */
export class Dispatcher {
  private readonly bucket: TokenBucket;
  private readonly couriers: CourierCalls;
  /** By project: events whose fan-outs are being started. */
  private readonly starting = new Map<string, number>();

  /**
   * @param defaultDispatch of projects that name none
   * @param workflowsPerSecond events that `auto` gives to workflows in a second
   */
  constructor(
    private readonly engine: Engine,
    private readonly log: Logger,
    private readonly defaultDispatch: Dispatch,
    workflowsPerSecond: number,
  ) {
    this.bucket = new TokenBucket(workflowsPerSecond, performance.now());
    this.couriers = new CourierCalls(engine, log);
  }

  /** Whether an event of the project that is accepted now goes by its courier. */
  isExpress({ dispatch }: ProjectRecord): boolean {
    const how = dispatch ?? this.defaultDispatch;
    return how === 'express' || (how === 'auto' && !this.bucket.take(performance.now()));
  }

  /** Tells the project's courier that something of it may go. */
  wakeCourier(projectId: string): void {
    this.couriers.call(projectId);
  }

  /**
   * Sets stored events going. Fan-outs start one after another, up to the first that can't be started:
   * when Temporal is unavailable each takes seconds to find out. The events are safe already, and
   * reconcile starts what is left. It never rejects.
   * @param events of one project
   */
  async start(events: readonly Accepted[]): Promise<void> {
    const fanOuts = events.filter(({ isExpress }) => !isExpress);
    const express = events.filter(({ isExpress }) => isExpress);
    for (const projectId of new Set(express.map((event) => event.projectId))) {
      this.wakeCourier(projectId);
    }
    const [first] = fanOuts;
    if (!first) return;
    const { projectId } = first;
    const starting = this.starting.get(projectId) ?? 0;
    if (starting + fanOuts.length > MAX_STARTING) {
      const left = fanOuts.length;
      this.log.warn({ projectId, starting, left }, 'too many fan-outs at once left to reconcile');
      return;
    }
    this.starting.set(projectId, starting + fanOuts.length);
    await this.startAll(fanOuts);
    const others = this.starting.get(projectId)! - fanOuts.length;
    if (others > 0) this.starting.set(projectId, others);
    else this.starting.delete(projectId);
  }

  private async startAll(fanOuts: readonly Accepted[]): Promise<void> {
    for (const [started, event] of fanOuts.entries()) {
      const about = { eventId: event._id, left: fanOuts.length - started };
      const isStarted = await runOrLeave(this.log, about, 'fan-out left to reconcile', () =>
        this.engine.startFanOut(event),
      );
      if (!isStarted) return;
    }
  }
}
