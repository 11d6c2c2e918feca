import type { AnyBulkWriteOperation, ClientSession } from 'mongoose';
import {
  UNENDED_STATUSES,
  type Attempt,
  type DeferralReason,
  type DeliveryStatus,
  type EndReason,
} from '../contracts/delivery';
import { deliveriesEnded } from '../metrics';
import { clock } from '../clock';
import { keptBack } from '../domain/kept-back';
import { isGone, lastCounting } from '../domain/outcome';
import type { DeliveryRecord } from './delivery-record';
import {
  decidesOn,
  decisionOf,
  endedBecause,
  endedWith,
  logged,
  queuedAs,
  withoutAnswer,
  type Judgement,
} from './delivery-states';
import { isDuplicateKey } from './errors';
import { expiryOfEnded } from './retention';
import type { Store } from './store';
import { countingOf } from './webhook-health';
import type { WebhookRecord } from './webhook-record';

/* What a courier writes, many at a time. */

/** An attempt of a delivery that is stored already, and what it means for it. */
export interface RecordedAttempt {
  /** As it was before the attempt. */
  delivery: DeliveryRecord;
  attempt: Attempt;
  result: Judgement;
}

/** A pending delivery that may not be sent now, or not at all. */
export interface QueuedDelivery {
  delivery: DeliveryRecord;
  /** `held`: its webhook is paused; `skipped`: it is disabled. */
  as: 'held' | 'skipped' | DeferralReason;
  /** `queueOf` its project. */
  queuedIn: string;
}

/** Everything that a courier writes at once. */
export interface Settlement {
  inserts: readonly DeliveryRecord[];
  records: readonly RecordedAttempt[];
  queued: readonly QueuedDelivery[];
  /** Its attempts don't count in their webhooks' health, which MongoDB refuses to change. */
  isUncounted?: boolean;
}

/** A settlement's place in its shift. */
export interface SettlementAt {
  shift: number;
  /** From 1. */
  number: number;
  /** What it has ended, even if its commit was not answered. */
  ended?: readonly DeliveryStatus[];
}

/**
 * Writes all or nothing, unless the shift has been superseded. An attempt of a delivery that was cancelled, or even
 * replayed, meanwhile is logged and decides nothing, but one that was ended with its webhook still succeeds, and a 410
 * is followed up; where it was replayed, the attempt doesn't count in its webhook's health either. If repeated
 * because its commit was not answered, it is written once.
 * @returns false: superseded, and nothing was written
 */
export async function settle(
  store: Store,
  projectId: string,
  at: SettlementAt,
  settlement: Settlement,
): Promise<boolean> {
  const { inserts, records, queued, isUncounted } = settlement;
  const write = async (session: ClientSession, missing: readonly DeliveryRecord[]) => {
    const continued = await store.couriers.settle(projectId, at, session);
    if (!continued || continued.isWritten) return continued !== null;
    const { now } = continued;
    const { model } = store.deliveries;
    const endOf = await endedMeanwhile(store, missing, records, session);
    const ends = missing.map(endOf);
    const stored = missing.map((delivery, n) => asStored(delivery, ends[n]!));
    const stateOf = await statesOf(store, stored, [...records, ...queued], session);
    const recorded = records.flatMap((record) => {
      const state = stateOf(record);
      return state
        ? recordOf(record, state, isFollowed(record) ? endOf(record.delivery) : null)
        : [];
    });
    const made = [
      ...stored.flatMap((delivery) => delivery.attempts.map((attempt) => ({ delivery, attempt }))),
      ...recorded.filter(({ attempt }) => !attempt.superseded),
    ];
    const health = isUncounted ? [] : healthOf(made);
    // First, since attempts of workflows count in the same webhooks: a conflict aborts all that is written before.
    if (health.length > 0) {
      await store.webhooks.model.collection.bulkWrite(health as never[], {
        session,
        ordered: false,
      });
    }
    if (stored.length > 0) {
      await model.collection.insertMany(stored as never[], { session, ordered: false });
    }
    const kept = queued.filter((one) => {
      const state = stateOf(one);
      return state?.replays === one.delivery.replays && isOpen(state);
    });
    const changes = [...recorded.map(({ change }) => change), ...kept.map(queueing)];
    if (changes.length > 0) {
      await model.collection.bulkWrite(changes as never[], { session, ordered: true });
    }
    const changed = [
      // What was planned as skipped was never to be sent.
      ...stored.filter((one, n) => one.attemptCount > 0 || ends[n] !== null),
      ...recorded.flatMap(({ decision }) => decision ?? []),
      ...kept.flatMap(({ delivery: { _id }, as }) => (as === 'skipped' ? { _id, status: as } : [])),
    ];
    // Of one that is stored and attempted in the same settlement, the last.
    const ended = new Map(changed.map((one) => [one._id, one]));
    at.ended = [...ended.values()].flatMap((one) => (isOpen(one) ? [] : one.status));
    await store.recounts.noteLate(missing, now, session);
    await store.recounts.noteLateAttempts(records, now, session);
    return true;
  };
  let missing = inserts;
  for (;;) {
    try {
      const isWritten = await store.transaction((session) => write(session, missing));
      if (isWritten) for (const status of at.ended ?? []) deliveriesEnded.inc({ status });
      return isWritten;
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
      // Somebody else, such as an earlier shift, has stored some of them: those results count.
      const stored = await storedOf(store, missing);
      const left = missing.filter((delivery) => !stored.has(pairOf(delivery)));
      if (left.length === missing.length) throw error;
      missing = left;
    }
  }
}

const pairOf = ({ eventId, webhookId }: Pick<DeliveryRecord, 'eventId' | 'webhookId'>): string =>
  `${eventId} ${webhookId}`;

/** Which of their events' deliveries are stored, under whatever id. */
async function storedOf(
  { deliveries }: Store,
  missing: readonly DeliveryRecord[],
): Promise<Set<string>> {
  const eventIds = new Set(missing.map(({ eventId }) => eventId));
  const stored = await deliveries.model
    .find({ eventId: { $in: [...eventIds] } }, { eventId: 1, webhookId: 1 })
    .lean<DeliveryRecord[]>();
  return new Set(stored.map(pairOf));
}

const isOpen = ({ status }: Pick<DeliveryRecord, 'status'>): boolean =>
  UNENDED_STATUSES.includes(status);

/** Another attempt is to follow. */
const isFollowed = ({ result }: RecordedAttempt): boolean => result.status === 'pending';

/**
 * Finds those whose webhooks have been disabled or deleted since they were taken in hand, as of this transaction:
 * when the webhook's deliveries were ended, MongoDB did not have these yet. The attempts that are counted in the
 * same transaction make it conflict with such a change at the same moment.
 * @returns why one that would stay open ends instead; null: it stays open
 */
async function endedMeanwhile(
  { webhooks }: Store,
  inserts: readonly DeliveryRecord[],
  records: readonly RecordedAttempt[],
  session: ClientSession,
): Promise<(delivery: DeliveryRecord) => EndReason | null> {
  const open = [...inserts, ...records.filter(isFollowed).map(({ delivery }) => delivery)];
  const ids = new Set(open.filter(isOpen).map(({ webhookId }) => webhookId));
  // Nothing to look up if all succeed.
  if (ids.size === 0) return () => null;
  const found = await webhooks.model
    .find({ _id: { $in: [...ids] } }, { isActive: 1, isPaused: 1, disabledAt: 1 })
    .session(session)
    .lean<WebhookRecord[]>();
  const byId = new Map(found.map((webhook) => [webhook._id, webhook]));
  return (delivery) => {
    if (!isOpen(delivery)) return null;
    const webhook = byId.get(delivery.webhookId);
    if (!webhook) return 'webhook_deleted';
    return keptBack(webhook, delivery, clock.now()) === 'skipped' ? 'webhook_disabled' : null;
  };
}

/** As it is stored. What has ended is kept for a while, however late it ended. */
function asStored(delivery: DeliveryRecord, reason: EndReason | null): DeliveryRecord {
  const { queuedIn: _queue, ...rest } = delivery;
  const ended = reason && { ...rest, ...endedWith(reason), completedAt: clock.now() };
  const stored = ended ?? delivery;
  const { completedAt, expiresAt } = stored;
  return completedAt ? { ...stored, expiresAt: expiryOfEnded(completedAt, expiresAt) } : stored;
}

const STATE = { status: 1, attemptCount: 1, replays: 1, endReason: 1 } as const;
const NUMBERS = { 'attempts.number': 1, 'attempts.superseded': 1 } as const;
type State = Pick<DeliveryRecord, '_id' | 'attempts' | keyof typeof STATE>;

/**
 * The deliveries as they are in this transaction: it conflicts with whoever changes them meanwhile.
 * @param stored in this transaction, and perhaps not yet
 * @returns undefined: not stored, or somebody else has made an attempt in the same round
 */
async function statesOf(
  { deliveries }: Store,
  stored: readonly DeliveryRecord[],
  changed: readonly { delivery: DeliveryRecord }[],
  session: ClientSession,
): Promise<(changed: { delivery: DeliveryRecord }) => State | undefined> {
  if (changed.length === 0) return () => undefined;
  const ids = changed.map(({ delivery }) => delivery._id);
  const found = await deliveries.model
    .find({ _id: { $in: ids } }, { ...STATE, ...NUMBERS })
    .session(session)
    .lean<State[]>();
  const states: State[] = [...found, ...stored.map((delivery) => ({ ...delivery }))];
  const byId = new Map(states.map((state) => [state._id, state]));
  return ({ delivery: { _id, replays, roundStart, attempts } }) => {
    const state = byId.get(_id);
    if (!state || state.replays !== replays) return state;
    // Those of earlier rounds may be more than are kept.
    const lastOf = (all: State['attempts']): number | undefined =>
      lastCounting(all.filter(({ number }) => number > roundStart))?.number;
    return lastOf(state.attempts) === lastOf(attempts) ? state : undefined;
  };
}

/**
 * @param state as it is now, which this changes: several rounds' attempts of one delivery may be settled together
 * @param endReason no other attempt follows, since its webhook is disabled or deleted
 * @returns the attempt as it is logged, too, and what it makes of the delivery, if anything
 */
function recordOf(
  { delivery, attempt, result }: RecordedAttempt,
  state: State,
  endReason: EndReason | null,
) {
  const { _id } = state;
  const { status } = result;
  const isOfThisRound = state.replays === delivery.replays;
  const decides = isOfThisRound && decidesOn(state, result);
  state.attemptCount += 1;
  // Cancelled and replayed meanwhile: it takes nothing from the schedule of the new round.
  const made: Attempt = {
    ...attempt,
    number: state.attemptCount,
    ...(!isOfThisRound && { superseded: true }),
    ...(decides && status === 'failed' && { failedRound: state.replays }),
  };
  const isExpunged = { $eq: ['$expunged', true] };
  const entry = { $cond: [isExpunged, { $literal: withoutAnswer(made) }, { $literal: made }] };
  const decision = {
    ...decisionOf(result),
    ...(status === 'failed' && { followUp: true }),
    ...(endReason && endedBecause(endReason)),
  };
  const change = {
    updateOne: {
      filter: { _id },
      update: [
        {
          $set: {
            ...logged(made, entry, isOfThisRound),
            ...(decides && decision),
            ...(isGone(attempt.statusCode) && { followUp: true }),
          },
        },
      ],
    },
  };
  return { change, delivery, attempt: made, decision: decides ? { _id, ...decision } : null };
}

function healthOf(
  made: readonly { delivery: DeliveryRecord; attempt: Attempt }[],
): AnyBulkWriteOperation[] {
  const byWebhook = new Map<string, Attempt[]>();
  for (const { delivery, attempt } of made) {
    const attempts = byWebhook.get(delivery.webhookId);
    if (attempts) attempts.push(attempt);
    else byWebhook.set(delivery.webhookId, [attempt]);
  }
  return [...byWebhook].map((counted) => countingOf(...counted));
}

function queueing({ delivery: { _id }, as, queuedIn }: QueuedDelivery): AnyBulkWriteOperation {
  const change = as === 'skipped' ? endedBecause('webhook_disabled') : queuedAs(as, queuedIn);
  return { updateOne: { filter: { _id }, update: [{ $set: change }] } };
}
