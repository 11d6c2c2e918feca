import type { Logger } from 'pino';
import type { Dispatch } from '../../contracts/delivery';
import { TokenBucket } from '../../domain/token-bucket';
import type { EventRecord } from '../../store/event-record';
import type { ProjectRecord } from '../../store/projects';
import type { Store } from '../../store/store';
import type { Engine } from '../../temporal/engine';
import { CourierCalls } from '../../temporal/courier-calls';
import { StartQueue, type Startable } from './start-queue';

/** What is needed to drive an event. */
type Accepted = Startable & Pick<EventRecord, 'isExpress'>;

/** How events are dispatched (docs/adr/0025): decided once, when they are accepted, and started afterwards. */
export class Dispatcher {
  private readonly bucket: TokenBucket;
  readonly couriers: CourierCalls;
  private readonly starts: StartQueue;

  /**
   * @param defaultDispatch of projects without their own
   * @param workflowsPerSecond deliveries per second that `auto` gives to workflows
   * @param startsWaitMs the maximum time that an event waits for its start
   */
  constructor(
    engine: Engine,
    { couriers }: Pick<Store, 'couriers'>,
    log: Logger,
    private readonly defaultDispatch: Dispatch,
    workflowsPerSecond: number,
    startsWaitMs?: number,
  ) {
    this.bucket = new TokenBucket(workflowsPerSecond);
    this.couriers = new CourierCalls(engine, couriers, log);
    this.starts = new StartQueue((event) => engine.startFanOut(event), log, startsWaitMs);
  }

  /**
   * Whether an event accepted now is dispatched by the project's courier. By `auto` it is unless there is room for a
   * workflow for each of the project's webhooks, all of which may get it.
   */
  isExpress({ dispatch, webhookCount }: ProjectRecord): boolean {
    const how = dispatch ?? this.defaultDispatch;
    const deliveries = Math.max(1, webhookCount);
    return (
      how === 'express' || (how === 'auto' && !this.bucket.take(performance.now(), deliveries))
    );
  }

  /** Starts stored events after the answer: they are safe already, whatever becomes of this process. */
  start(events: readonly Accepted[]): void {
    for (const event of events) if (!event.isExpress) this.starts.add(event);
    const express = events.filter(({ isExpress }) => isExpress);
    for (const projectId of new Set(express.map((event) => event.projectId))) {
      this.couriers.call(projectId);
    }
  }

  /** Resolves when what has been accepted is started, or left to reconcile: within seconds. */
  async drained(): Promise<void> {
    await Promise.all([this.starts.drained(), this.couriers.drained()]);
  }
}
