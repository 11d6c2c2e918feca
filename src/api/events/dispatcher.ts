import type { Logger } from 'pino';
import type { Dispatch } from '../../contracts/delivery';
import { TokenBucket } from '../../domain/token-bucket';
import type { EventRecord } from '../../store/event-record';
import type { ProjectRecord } from '../../store/projects';
import type { Engine } from '../../temporal/engine';
import { CourierCalls } from '../../temporal/courier-calls';
import { runOrLeave } from '../../temporal/run-or-leave';

/** What is needed to start an event's fan-out. */
type Accepted = Pick<EventRecord, '_id' | 'projectId' | 'type' | 'isExpress'>;

/**
 * Events of a project that wait in memory for their fan-outs: batches are accepted faster than Temporal
 * starts them. Further ones wait only in MongoDB.
 */
const MAX_STARTING = 5000;

/** How events are driven (docs/adr/0025): decided once, when they are accepted, and started afterwards. */
export class Dispatcher {
  private readonly bucket: TokenBucket;
  private readonly couriers: CourierCalls;
  /** By project: events whose fan-outs are being started. */
  private readonly starting = new Map<string, number>();

  /**
   * @param defaultDispatch of projects without their own
   * @param workflowsPerSecond events per second that `auto` gives to workflows
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

  /** Whether an event accepted now is driven by the project's courier. */
  isExpress({ dispatch }: ProjectRecord): boolean {
    const how = dispatch ?? this.defaultDispatch;
    return how === 'express' || (how === 'auto' && !this.bucket.take(performance.now()));
  }

  /** Tells the project's courier that there is something to send. */
  wakeCourier(projectId: string): void {
    this.couriers.call(projectId);
  }

  /**
   * Starts stored events. Fan-outs start one after another, up to the first failure, since each takes seconds
   * to fail when Temporal is unavailable. The events are safe already, and reconcile starts the rest. It
   * never rejects.
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
