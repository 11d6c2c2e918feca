import type { AnyBulkWriteOperation, ClientSession } from 'mongoose';
import {
  UNENDED_STATUSES,
  type Attempt,
  type DeferralReason,
  type EndReason,
} from '../contracts/delivery';
import { deliveriesEnded } from '../metrics';
import { clock } from '../clock';
import { keptBack } from '../domain/kept-back';
import type { DeliveryRecord } from './delivery-record';
import {
  decisionOf,
  endedNow,
  endedWith,
  logged,
  queuedAs,
  withoutAnswer,
  type Judgement,
} from './delivery-states';
import { isDuplicateKey } from './errors';
import { onlyIf } from './only-if';
import type { Store } from './store';
import { countingOf, type CountedAttempts } from './webhook-health';
import type { WebhookRecord } from './webhook-record';

/** What a courier writes, many at a time. */

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
  /** What is stored for the first time. */
  inserts: readonly DeliveryRecord[];
  records: readonly RecordedAttempt[];
  queued: readonly QueuedDelivery[];
  health: readonly CountedAttempts[];
}

/**
 * Writes all or nothing, unless the shift has been superseded. An attempt of a delivery that was cancelled
 * meanwhile is logged and decides nothing, but one that was ended with its webhook still succeeds. If repeated,
 * since its commit was not answered, it is written once.
 * @param at.number of the settlement in its shift, from 1
 * @returns false: superseded, and nothing was written
 */
export async function settle(
  store: Store,
  projectId: string,
  at: { shift: number; number: number },
  settlement: Settlement,
): Promise<boolean> {
  const { inserts, records, queued, health } = settlement;
  let ended: readonly EndReason[] = [];
  const write = async (session: ClientSession, missing: readonly DeliveryRecord[]) => {
    const continued = await store.couriers.settle(projectId, at, session);
    if (!continued || continued.isWritten) return continued !== null;
    const { now } = continued;
    // First, since attempts of workflows count in the same webhooks: a conflict aborts all that is written before.
    if (health.length > 0) {
      await store.webhooks.model.collection.bulkWrite(health.map(countingOf) as never[], {
        session,
        ordered: false,
      });
    }
    const { model } = store.deliveries;
    const endOf = await endedMeanwhile(store, missing, records, session);
    const ends = missing.map(endOf);
    const stored = missing.map((delivery, n) => asEnded(delivery, ends[n]!));
    if (stored.length > 0) {
      await model.collection.insertMany(stored as never[], { session, ordered: false });
    }
    const endsAfter = records.map((record) => (isFollowed(record) ? endOf(record.delivery) : null));
    ended = [...ends, ...endsAfter].filter((reason) => reason !== null);
    const changes = [
      ...records.map((record, n) => recordOf(record, endsAfter[n]!)),
      ...queued.map(queueing),
    ];
    if (changes.length > 0) {
      await model.collection.bulkWrite(changes as never[], { session, ordered: true });
    }
    await store.recounts.noteLate(missing, now, session);
    await store.recounts.noteLateAttempts(records, now, session);
    return true;
  };
  let missing = inserts;
  for (;;) {
    try {
      const isWritten = await store.transaction((session) => write(session, missing));
      if (isWritten) count(settlement, ended);
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
 * Whose webhooks have been disabled or deleted since they were taken in hand, as of this transaction: when the
 * webhook's deliveries were ended, MongoDB did not have these yet. The attempts that are counted in the same
 * transaction make it conflict with such a change at the same moment.
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
  // Nothing, where all succeed.
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
    return keptBack(webhook, delivery) === 'skipped' ? 'webhook_disabled' : null;
  };
}

function asEnded(delivery: DeliveryRecord, reason: EndReason | null): DeliveryRecord {
  if (reason === null) return delivery;
  const { queuedIn: _queue, ...rest } = delivery;
  return { ...rest, ...endedWith(reason), completedAt: clock.now() };
}

function count({ inserts, records }: Settlement, ended: readonly EndReason[]): void {
  for (const reason of ended) deliveriesEnded.inc({ status: endedWith(reason).status });
  for (const status of [
    ...inserts.filter(({ attemptCount }) => attemptCount > 0).map((delivery) => delivery.status),
    ...records.map(({ result }) => result.status),
  ]) {
    if (status !== 'pending') deliveriesEnded.inc({ status });
  }
}

/**
 * Guarded by the number of attempts, so that each is logged once.
 * @param endReason no other attempt follows, since its webhook is disabled or deleted
 */
function recordOf(
  { delivery, attempt, result }: RecordedAttempt,
  endReason: EndReason | null,
): AnyBulkWriteOperation {
  const { status } = result;
  const isOfThisRound = { $eq: ['$replays', delivery.replays] };
  const isPending = { $eq: ['$status', 'pending'] };
  // Ended with its webhook, which nobody asked for: a replay would send it twice.
  const mayStillSucceed = status === 'succeeded' && { $gt: ['$endReason', null] };
  const decides = { $and: [{ $or: [isPending, mayStillSucceed] }, isOfThisRound] };
  const sent = { $literal: withoutAnswer(attempt) };
  const entry = {
    $mergeObjects: [
      { $cond: [{ $eq: ['$expunged', true] }, sent, { $literal: attempt }] },
      // Cancelled and replayed meanwhile: it takes nothing from the schedule of the new round.
      { $cond: [isOfThisRound, {}, { superseded: { $literal: true } }] },
    ],
  };
  const decision = {
    ...decisionOf(result),
    ...(status === 'failed' && { followUp: true }),
    ...(endReason && { ...endedWith(endReason), ...endedNow }),
  };
  return {
    updateOne: {
      filter: { _id: delivery._id, attemptCount: delivery.attemptCount },
      update: [{ $set: { ...logged(attempt, entry), ...onlyIf(decides, decision) } }],
    },
  };
}

/** Unless it was cancelled meanwhile, or even replayed. */
function queueing({
  delivery: { _id, attemptCount, replays },
  as,
  queuedIn,
}: QueuedDelivery): AnyBulkWriteOperation {
  const change =
    as === 'skipped' ? { ...endedWith('webhook_disabled'), ...endedNow } : queuedAs(as, queuedIn);
  return {
    updateOne: {
      filter: { _id, attemptCount, replays, status: { $in: UNENDED_STATUSES } },
      update: [{ $set: change }],
    },
  };
}
