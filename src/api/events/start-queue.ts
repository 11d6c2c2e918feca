import type { Logger } from 'pino';
import type { EventRecord } from '../../store/event-record';
import { runOrLeave } from '../../temporal/run-or-leave';

/** What is needed to start an event's fan-out. */
export type Startable = Pick<EventRecord, '_id' | 'projectId' | 'type'>;

/** Concurrent starts of a process: with more, Temporal gets slow for everything else. */
const AT_A_TIME = 8;
/**
 * How long an event waits here; then it is left to reconcile, which starts older ones
 * (activities/reconcile/lost.ts). So neither starts what the other is about to, and at SIGTERM this is soon empty.
 */
const WAIT_MS = 2000;
/** Waiting events of a project, and of all. Further ones wait only in MongoDB, as do those that waited too long. */
const MAX_OF_PROJECT = 5000;
const MAX_WAITING = 20_000;
/** Between two lines of the log about what was left. */
const TELL_MS = 1000;

interface Waiting {
  event: Startable;
  /** By the monotonic clock. */
  until: number;
}

/**
 * Accepted events whose fan-outs are to be started: after their answers, since events are accepted faster than
 * Temporal starts workflows. Projects take turns. Nothing is lost with it: reconcile finds what is not started.
 */
export class StartQueue {
  /** By project, in the order of their turns; none is empty. */
  private readonly waiting = new Map<string, Waiting[]>();
  private count = 0;
  private readonly lanes = new Set<Promise<void>>();
  private left = 0;
  private toldAt = -Infinity;

  constructor(
    private readonly start: (event: Startable) => Promise<unknown>,
    private readonly log: Logger,
    private readonly waitMs = WAIT_MS,
  ) {}

  add(event: Startable): void {
    const own = this.waiting.get(event.projectId) ?? [];
    if (own.length >= MAX_OF_PROJECT || this.count >= MAX_WAITING) {
      this.leave();
      return;
    }
    own.push({ event, until: performance.now() + this.waitMs });
    this.waiting.set(event.projectId, own);
    this.count += 1;
    if (this.lanes.size === AT_A_TIME) return;
    const lane = this.work().finally(() => this.lanes.delete(lane));
    this.lanes.add(lane);
  }

  /** Resolves when all have been started, or left to reconcile. */
  async drained(): Promise<void> {
    while (this.lanes.size > 0) await Promise.all(this.lanes);
  }

  private async work(): Promise<void> {
    for (let next = this.take(); next; next = this.take()) {
      const { event, until } = next;
      if (performance.now() > until) this.leave();
      else {
        await runOrLeave(this.log, { eventId: event._id }, 'fan-out left to reconcile', () =>
          this.start(event),
        );
      }
    }
  }

  /** The next one, of the project whose turn it is. */
  private take(): Waiting | undefined {
    const [project] = this.waiting;
    if (!project) return undefined;
    const [projectId, own] = project;
    const next = own.shift();
    this.count -= 1;
    this.waiting.delete(projectId);
    if (own.length > 0) this.waiting.set(projectId, own);
    return next;
  }

  private leave(): void {
    this.left += 1;
    const at = performance.now();
    if (at - this.toldAt < TELL_MS) return;
    this.log.warn({ count: this.left, waiting: this.count }, 'fan-outs left to reconcile');
    this.left = 0;
    this.toldAt = at;
  }
}
