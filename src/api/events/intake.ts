import { eventsAccepted } from '../../metrics';
import { getProfile } from '../../profiles';
import type { EventRecord } from '../../store/event-record';
import { insertBatch } from '../../store/insert-batch';
import { insertReports, type NewReport } from '../../store/insert-reports';
import { newEvent, type NewEvent } from '../../store/new-event';
import type { ProjectRecord } from '../../store/projects';
import type { Store } from '../../store/store';
import type { Dispatcher } from './dispatcher';
import type { Checks } from './checks';
import { ApiError, refusal, refused } from '../http/errors';
import { EventCatalog, MAX_SUGGESTIONS, unknownType, type FoundTypes } from './event-catalog';
import type { Idempotency } from './idempotency';
import type { PostedEvent } from './posted-event';
import { isFine, Problems, type Found } from '../http/problems';

/** One event's limit (docs/contract.md, 5.5), and room for its envelope. */
const MAX_BODY_BYTES = 257 * 1024;

/** With spaces, which a caller's keys don't have: one event's key is another one than a batch's. */
const keyInBatch = (key: string, index: number): string => `batch ${index} ${key}`;

/** The door that every event comes in by: checked, serialised once, stored, its fan-out started. */
export class Intake {
  /** The event types that it checks by. */
  readonly catalog: EventCatalog;

  constructor(
    private readonly store: Store,
    readonly dispatcher: Dispatcher,
    private readonly retentionDays: number,
    readonly checks: Checks,
  ) {
    this.catalog = new EventCatalog(store.eventTypes, store.catalogTypes);
  }

  /**
   * What is wrong with each event by its type's schema.
   * @param types what `catalog` has found of their types
   * @param at where each stands in the request's body, for naming fields: `events.3`
   */
  async check(
    project: ProjectRecord,
    types: FoundTypes,
    posted: readonly PostedEvent[],
    at: (index: number) => readonly string[] = () => [],
  ): Promise<Found[]> {
    const known = posted.map(({ type }) => types.get(type));
    const checks = posted.flatMap(({ data: { text } }, index) => {
      const eventType = known[index];
      return eventType ? [{ rule: eventType.rule, text, at: [...at(index), 'data'] }] : [];
    });
    const found = checks.length > 0 ? await this.checks.checkData(project._id, checks) : [];
    let next = 0;
    let suggestions = MAX_SUGGESTIONS;
    return posted.map(({ type }, index) => {
      if (known[index]) return found[next++]!;
      const field = [...at(index), 'type'].join('.');
      const all = suggestions-- > 0 ? (types.all ?? []) : [];
      const message = unknownType(getProfile(project.profile), type, all);
      return { problems: [{ field, message }], more: 0 };
    });
  }

  /**
   * The event to store of one that `check` has found nothing in.
   * @throws ApiError 413
   */
  build(project: ProjectRecord, posted: PostedEvent, at: readonly string[] = []): NewEvent {
    const isExpress = this.dispatcher.isExpress(project);
    const event = newEvent(project, posted, this.retentionDays, isExpress);
    if (Buffer.byteLength(event.body) > MAX_BODY_BYTES) {
      throw new ApiError('payload_too_large', `${at.join('.') || 'the event'} is over 256 KiB`);
    }
    return event;
  }

  /**
   * The events to store, all of them checked.
   * @param at as for `check`
   * @throws ApiError 422 naming each wrong field of all of them
   */
  async prepare(
    project: ProjectRecord,
    posted: readonly PostedEvent[],
    at: (index: number) => readonly string[] = () => [],
  ): Promise<NewEvent[]> {
    const types = await this.catalog.find(
      project,
      posted.map(({ type }) => type),
    );
    const wrong = new Problems();
    for (const found of await this.check(project, types, posted, at)) wrong.addAll(found);
    if (!isFine(wrong)) throw refused(wrong);
    return posted.map((event, index) => this.build(project, event, at(index)));
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
    if (accepted.duplicate && accepted.event.requestHash !== requestHash)
      throw refusal('idempotency_conflict');
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
    const accepted = await insertBatch(
      this.store,
      events.map((event, index) => ({
        ...event,
        ...(idempotency && { idempotencyKey: keyInBatch(idempotency.key, index), requestHash }),
      })),
    );
    if (accepted.duplicate && accepted.events[0]?.requestHash !== requestHash)
      throw refusal('idempotency_conflict');
    if (!accepted.duplicate) eventsAccepted.inc(accepted.events.length);
    this.startAll(accepted.events);
    return accepted;
  }

  /**
   * Stores what a provider reported with the events that it became, and fans those out as a batch's:
   * reports that are stored already change nothing.
   */
  async acceptReports(reports: readonly NewReport[]): Promise<void> {
    const stored = await insertReports(this.store, reports);
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
    if (found.some((event) => event.requestHash !== requestHash))
      throw refusal('idempotency_conflict');
    this.startAll(found);
    return found;
  }
}
