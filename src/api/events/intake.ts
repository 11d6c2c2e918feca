import { clock } from '../../clock';
import { LARGEST_BODY } from '../../contracts/delivery';
import { mapInParts } from '../../in-parts';
import { eventsAccepted } from '../../metrics';
import { getProfile } from '../../profiles';
import type { BareEvent } from '../../store/event-record';
import { insertBatch } from '../../store/insert-batch';
import { insertReports, type NewReport } from '../../store/insert-reports';
import { newEvent, workspaceOf, type NewEvent } from '../../store/new-event';
import type { ProjectRecord } from '../../store/projects';
import type { Store } from '../../store/store';
import type { Dispatcher } from './dispatcher';
import { orRefused, type Checks } from './checks';
import { BODY_LIMIT } from '../http/body';
import { ApiError, refusal, refused } from '../http/errors';
import { EventCatalog, MAX_SUGGESTIONS, unknownType } from './event-catalog';
import type { PostedEvent } from './posted-event';
import { isOfRequest, keyInBatch, type Fingerprint } from './idempotency';
import { isFine, Problems, type Found } from '../http/problems';

export interface Posting {
  /** The body. */
  bytes: Uint8Array;
  /** The Idempotency-Key. */
  key: string | undefined;
  isBatch: boolean;
}

/** An event as stored, without its payload, and whether it was so before this request. */
export interface Accepted {
  event: BareEvent;
  duplicate: boolean;
}

/** A provider's report, and the event that it becomes; else why it becomes none. */
export interface PostedReport {
  record: Omit<NewReport['record'], 'eventId' | 'reason'>;
  becomes: PostedEvent | string;
}

/** The entry of every event: checked, serialised once, stored, its fan-out started. */
export class Intake {
  /** The event types for its checks. */
  readonly catalog: EventCatalog;

  constructor(
    private readonly store: Store,
    readonly dispatcher: Dispatcher,
    readonly checks: Checks,
  ) {
    this.catalog = new EventCatalog(store.eventTypes, store.catalogTypes, checks);
  }

  /**
   * Takes a posted event, or a batch, all of it or nothing; once this returns, it can't be lost. Fan-outs start
   * after the answer: what a crash cuts off there is left to reconcile.
   * @returns the events as stored, in order, by this request or by an equal one before it under its key
   * @throws ApiError 422 naming each wrong field in any of them; 409 when the key was used for another body; as
   *   `Checks.readEvents`
   */
  async accept(project: ProjectRecord, { bytes, key, isBatch }: Posting): Promise<Accepted[]> {
    const { fingerprint, count, events } = await this.checks.readEvents(project._id, {
      bytes,
      isBatch,
      profile: project.profile,
      workspaces: [workspaceOf(project), project._id],
      now: clock.now(),
      wantsFingerprint: key !== undefined,
    });
    const keyOf = (index: number): string => (isBatch ? keyInBatch(key!, index) : key!);
    const at = (index: number): string[] => (isBatch ? ['events', String(index)] : []);
    let built: NewEvent[];
    try {
      built = await this.checked(project, orRefused(events), at);
    } catch (error) {
      // One that was accepted before gets the same answer as then, whatever it would be told now. Any other
      // repeated one is found when it is inserted: nearly all keys are new.
      if (!fingerprint || !(error instanceof ApiError)) throw error;
      const keys = Array.from({ length: count }, (_, index) => keyOf(index));
      const first = await this.repeated(project._id, keys, fingerprint);
      if (first.length === 0) throw error;
      return first.map((event) => ({ event, duplicate: true }));
    }
    if (fingerprint) {
      built = built.map((event, index) => ({
        ...event,
        idempotencyKey: keyOf(index),
        ...fingerprint,
      }));
    }
    const accepted = await this.insert(built, isBatch, fingerprint);
    eventsAccepted.inc(accepted.filter(({ duplicate }) => !duplicate).length);
    this.startAll(accepted.map(({ event }) => event));
    return accepted;
  }

  /**
   * The events to store for posted ones.
   * @throws ApiError 422, 413, 429
   */
  private async checked(
    project: ProjectRecord,
    posted: readonly PostedEvent[],
    at: (index: number) => readonly string[],
  ): Promise<NewEvent[]> {
    const wrong = new Problems();
    for (const found of await this.check(project, posted, at)) wrong.addAll(found);
    if (!isFine(wrong)) throw refused(wrong);
    return posted.map((event, index) => this.build(project, event, at(index)));
  }

  /**
   * Stores what a provider reported in one request with the events that it becomes, and fans those out as
   * a batch's: reports that are stored already change nothing, and what is wrong with one costs none of
   * the others.
   */
  async acceptReports(project: ProjectRecord, reports: readonly PostedReport[]): Promise<void> {
    const posted = reports.flatMap(({ becomes }) => (typeof becomes === 'string' ? [] : becomes));
    const found = await this.check(project, posted);
    let next = 0;
    const toStore = ({ record, becomes }: PostedReport): NewReport => {
      const event =
        typeof becomes === 'string' ? becomes : this.buildOrSay(project, becomes, found[next++]!);
      return typeof event === 'string'
        ? { record: { ...record, eventId: null, reason: event }, event: null }
        : { record: { ...record, eventId: event._id }, event };
    };
    // The first event is made long before the last one.
    const stored = await this.store.horizon.during(async () =>
      insertReports(this.store, await mapInParts(reports, toStore)),
    );
    eventsAccepted.inc(stored.length);
    this.startAll(stored);
  }

  /**
   * The event to store for one that nothing is wrong with.
   * @param at its path in the request's body
   * @throws ApiError 413
   */
  build(project: ProjectRecord, posted: PostedEvent, at: readonly string[] = []): NewEvent {
    const isExpress = this.dispatcher.isExpress(project);
    const event = newEvent(project, posted, this.store.defaults.retentionDays, isExpress);
    const isTooLarge =
      Buffer.byteLength(posted.data.text) > BODY_LIMIT ||
      Buffer.byteLength(event.body) > LARGEST_BODY;
    if (isTooLarge) {
      throw new ApiError('payload_too_large', `${at.join('.') || 'the event'} is over 256 KiB`);
    }
    return event;
  }

  /**
   * If a batch was accepted before, those of its events that have expired since are stored anew, as they would be
   * alone.
   */
  private async insert(
    built: readonly NewEvent[],
    isBatch: boolean,
    fingerprint: Fingerprint | null,
  ): Promise<Accepted[]> {
    const { events, duplicate } = await this.insertAll(built, isBatch);
    const accepted = events.map((event) => ({ event, duplicate }));
    if (!duplicate) return accepted;
    if (!events.every((event) => isOfRequest(event, fingerprint!))) {
      throw refusal('idempotency_conflict');
    }
    const byKey = new Map(accepted.map((one) => [one.event.idempotencyKey, one]));
    const missing = built.filter(({ idempotencyKey }) => !byKey.has(idempotencyKey));
    if (missing.length === 0) return accepted;
    for (const one of await this.insert(missing, isBatch, fingerprint)) {
      byKey.set(one.event.idempotencyKey, one);
    }
    return built.flatMap(({ idempotencyKey }) => byKey.get(idempotencyKey) ?? []);
  }

  private async insertAll(
    built: readonly NewEvent[],
    isBatch: boolean,
  ): Promise<{ events: BareEvent[]; duplicate: boolean }> {
    if (isBatch) return insertBatch(this.store, built);
    const { event, duplicate } = await this.store.events.insert(built[0]!);
    return { events: [event], duplicate };
  }

  /** Starts stored events after the answer; only their ids and types are kept in memory. */
  startAll(events: readonly BareEvent[]): void {
    this.dispatcher.start(
      events
        .filter(({ fannedOutAt }) => fannedOutAt === null)
        .map(({ _id, projectId, type, isExpress }) => ({ _id, projectId, type, isExpress })),
    );
  }

  /**
   * What is wrong with each event by its type's schema.
   * @param at the path of each in the request's body, for naming fields: `events.3`
   */
  private async check(
    project: ProjectRecord,
    posted: readonly PostedEvent[],
    at: (index: number) => readonly string[] = () => [],
  ): Promise<Found[]> {
    const types = await this.catalog.rules(
      project,
      posted.map(({ type }) => type),
    );
    const rules = posted.map(({ type }) => types.get(type));
    const checks = posted.flatMap(({ data: { text } }, index) => {
      const rule = rules[index];
      return rule ? [{ rule, text, at: [...at(index), 'data'] }] : [];
    });
    const found = checks.length > 0 ? await this.checks.checkData(project._id, checks) : [];
    let next = 0;
    let suggestions = MAX_SUGGESTIONS;
    return posted.map(({ type }, index) => {
      if (rules[index]) return found[next++]!;
      const field = [...at(index), 'type'].join('.');
      const all = suggestions-- > 0 ? (types.all ?? []) : [];
      const message = unknownType(getProfile(project.profile), type, all, 'platform');
      return { problems: [{ field, message }], more: 0 };
    });
  }

  /** The event to store, or why there is none. */
  private buildOrSay(project: ProjectRecord, posted: PostedEvent, found: Found): NewEvent | string {
    if (!isFine(found)) return refused(found).message;
    try {
      return this.build(project, posted);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return error.message;
    }
  }

  /** The events that were accepted under these keys; none: some or all are new, or have expired. */
  private async repeated(
    projectId: string,
    keys: readonly string[],
    fingerprint: Fingerprint,
  ): Promise<BareEvent[]> {
    if (!(await this.store.events.hasKey(projectId, keys[0]!))) return [];
    const found = await this.store.events.listByKeys(projectId, keys);
    if (!found.every((event) => isOfRequest(event, fingerprint))) {
      throw refusal('idempotency_conflict');
    }
    if (found.length < keys.length) return [];
    this.startAll(found);
    return found;
  }
}
