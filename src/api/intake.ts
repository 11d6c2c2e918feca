import type { FieldProblem } from '../contracts/errors';
import type { Payload } from '../domain/json-text';
import { eventsAccepted } from '../metrics';
import { getProfile } from '../profiles';
import type { EventRecord } from '../store/events';
import { newEvent, type NewEvent } from '../store/new-event';
import type { ProjectRecord } from '../store/projects';
import type { Store } from '../store/store';
import type { Dispatcher } from './dispatcher';
import { ApiError, invalid } from './errors';
import { EventCatalog, unknownType, type FoundTypes } from './event-catalog';
import type { Idempotency } from './idempotency';

/** One event's limit (contract, section 5), and room for its envelope. */
const MAX_BODY_BYTES = 257 * 1024;

/**
 * Milliseconds for checking a batch; 500 events take a tenth of it. Nothing else runs meanwhile, and a
 * project's own schema may be slow.
 */
const CHECK_TIMEOUT_MS = 2000;

/** An event as a caller posts it. */
export interface PostedEvent {
  type: string;
  data: Payload;
  /** ISO 8601 with a zone. */
  createdAt?: string;
}

/** With spaces, which a caller's keys don't have: one event's key is another one than a batch's. */
const keyInBatch = (key: string, index: number): string => `batch ${index} ${key}`;

const keyConflict = (): ApiError =>
  new ApiError(
    'idempotency_conflict',
    'this Idempotency-Key was used for another body; use a new key for a new request',
  );

/** The door that every event comes in by: checked, serialised once, stored, its fan-out started. */
export class Intake {
  /** The event types that it checks by. */
  readonly catalog: EventCatalog;

  constructor(
    private readonly store: Store,
    readonly dispatcher: Dispatcher,
    private readonly retentionDays: number,
  ) {
    this.catalog = new EventCatalog(store.eventTypes, store.catalogTypes);
  }

  /**
   * The event to store, checked against its type's schema.
   * @param types what `catalog` has found of the type
   * @param at where the event stands in the request's body, for naming fields: `events.3`
   * @throws ApiError 422 naming each wrong field
   */
  prepare(
    project: ProjectRecord,
    types: FoundTypes,
    { type, data, createdAt }: PostedEvent,
    at: readonly string[] = [],
  ): NewEvent {
    const eventType = types.get(type);
    if (!eventType) {
      const field = [...at, 'type'].join('.');
      const message = unknownType(getProfile(project.profile), type, types.all ?? []);
      throw invalid([{ field, message }]);
    }
    const problems = eventType.problems(data, [...at, 'data']);
    if (problems.length > 0) throw invalid(problems);
    const isExpress = this.dispatcher.isExpress(project);
    const event = newEvent(project, { type, data, createdAt }, this.retentionDays, isExpress);
    if (Buffer.byteLength(event.body) > MAX_BODY_BYTES) {
      throw new ApiError('payload_too_large', `${at.join('.') || 'the event'} is over 256 KiB`);
    }
    return event;
  }

  /**
   * The event that was accepted under this key, whatever this request would be told now; none: it is new.
   * @throws ApiError 409 when the key was used for another body
   */
  async repeated(
    project: ProjectRecord,
    { key, requestHash }: Idempotency,
  ): Promise<EventRecord[]> {
    return this.repeatedUnder(project, [key], requestHash);
  }

  /** The same for a batch of `count` events. */
  async repeatedBatch(
    project: ProjectRecord,
    { key, requestHash }: Idempotency,
    count: number,
  ): Promise<EventRecord[]> {
    const others = Array.from({ length: count - 1 }, (_, index) => keyInBatch(key, index + 1));
    return this.repeatedUnder(project, [keyInBatch(key, 0), ...others], requestHash);
  }

  /**
   * Stores one event; once this returns, it can't be lost.
   * @throws ApiError 409 when the key was used for another body
   */
  async accept(
    event: NewEvent,
    idempotency?: Idempotency,
  ): Promise<{ event: EventRecord; duplicate: boolean }> {
    const requestHash = idempotency?.requestHash;
    const accepted = await this.store.events.insert({
      ...event,
      ...(idempotency && { idempotencyKey: idempotency.key, requestHash }),
    });
    if (accepted.duplicate && accepted.event.requestHash !== requestHash) throw keyConflict();
    if (!accepted.duplicate) eventsAccepted.inc();
    if (accepted.event.fannedOutAt === null) await this.dispatcher.start([accepted.event]);
    return accepted;
  }

  /**
   * Stores a batch, all of it or nothing. Its fan-outs start one after another behind the answer: what
   * a crash cuts off there is left to reconcile.
   * @returns the batch as stored, by this request or by an equal one before it
   * @throws ApiError 409 when the key was used for another body
   */
  async acceptAll(
    events: readonly NewEvent[],
    idempotency?: Idempotency,
  ): Promise<{ events: EventRecord[]; duplicate: boolean }> {
    const requestHash = idempotency?.requestHash;
    const accepted = await this.store.insertBatch(
      events.map((event, index) => ({
        ...event,
        ...(idempotency && { idempotencyKey: keyInBatch(idempotency.key, index), requestHash }),
      })),
    );
    if (accepted.duplicate && accepted.events[0]?.requestHash !== requestHash) throw keyConflict();
    if (!accepted.duplicate) eventsAccepted.inc(accepted.events.length);
    this.startAll(accepted.events);
    return accepted;
  }

  /**
   * Stores what a provider reported with the events that it became, and fans those out as a batch's:
   * reports that are stored already change nothing.
   */
  async acceptReports(reports: Parameters<Store['insertReports']>[0]): Promise<void> {
    const stored = await this.store.insertReports(reports);
    eventsAccepted.inc(stored.length);
    this.startAll(stored);
  }

  /** Sets stored events going behind the answer, and holds nothing of them but ids and types. */
  startAll(events: readonly EventRecord[]): void {
    void this.dispatcher.start(
      events
        .filter(({ fannedOutAt }) => fannedOutAt === null)
        .map(({ _id, projectId, type, isExpress }) => ({ _id, projectId, type, isExpress })),
    );
  }

  private async repeatedUnder(
    { _id: projectId }: ProjectRecord,
    keys: readonly [string, ...string[]],
    requestHash: string,
  ): Promise<EventRecord[]> {
    // Nearly all keys are new. One that this misses is found when its event is inserted.
    if (!(await this.store.events.hasKey(projectId, keys[0]))) return [];
    const found = await this.store.events.listByKeys(projectId, keys);
    if (found.some((event) => event.requestHash !== requestHash)) throw keyConflict();
    this.startAll(found);
    return found;
  }
}

/** Prepares many events and tells all that is wrong with all of them at once. */
export function prepareAll<T>(
  items: readonly T[],
  prepare: (item: T, index: number) => NewEvent,
): NewEvent[] {
  const problems: FieldProblem[] = [];
  const deadline = performance.now() + CHECK_TIMEOUT_MS;
  const prepared = items.flatMap((item, index) => {
    if (performance.now() > deadline) {
      const message = 'take too long to check by their schemas; send fewer at once';
      throw invalid([{ field: 'events', message }]);
    }
    try {
      return [prepare(item, index)];
    } catch (error) {
      if (!(error instanceof ApiError) || !error.details) throw error;
      problems.push(...error.details);
      return [];
    }
  });
  if (problems.length > 0) throw invalid(problems);
  return prepared;
}
