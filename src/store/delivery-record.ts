import { Schema } from 'mongoose';
import type { AttemptPolicy } from '../contracts/activities';
import {
  DELIVERY_STATUSES,
  TERMINAL_STATUSES,
  UNENDED_STATUSES,
  type Attempt,
  type DeferralReason,
  type DeliveryStatus,
  type EndReason,
} from '../contracts/delivery';
import { GONE } from '../domain/outcome';

export interface DeliveryRecord {
  _id: string;
  eventId: string;
  webhookId: string;
  projectId: string;
  eventType: string;
  status: DeliveryStatus;
  /** The last 50 (`logWith`); their numbers keep counting. */
  attempts: Attempt[];
  attemptCount: number;
  /** How its last attempt failed (`failedWith`), for the lists' filters; missing: it did not fail. */
  failedWith?: (number | string)[];
  /** `attemptCount` when the current round (first delivery, or a replay) began. */
  roundStart: number;
  /** What the rest of the round is timed by; missing: none of its attempts has failed. */
  roundPolicy?: AttemptPolicy;
  /** The last failed attempt that has been counted in the webhook's health, and followed up. */
  healthCounted?: number;
  nextAttemptAt: Date | null;
  /** Why the next attempt was deferred; an attempt that is made clears it. */
  deferredFor: DeferralReason | null;
  /** Why it was skipped, or cancelled because of its webhook. */
  endReason?: EndReason | null;
  replays: number;
  /** When the replay that began its current round was requested: single, in bulk, or by an operator's reset. */
  replayRequestedAt?: Date;
  /** The Temporal run that counts: the last one that began a round, or recorded or ended something. */
  runId: string | null;
  /**
   * Set while Posthorn has requested a new run from Temporal that has not appeared yet. A run that appears
   * without a request is an operator's reset, and is counted as a replay.
   */
  runRequested: boolean;
  /**
   * When Temporal scheduled the execution that may decide. Missing while only the very first one can be at work.
   */
  execution?: Date;
  /**
   * When it began, by MongoDB's clock. Missing: none has begun since it was planned or replayed, except the very
   * first one.
   */
  openedAt?: Date;
  /** Driven by its project's courier, not by a workflow of its own. */
  isExpress?: boolean;
  /**
   * If it may not be sent now, even when it is due: the queue (`queueOf`) from which its project's courier
   * releases it, in the order of events, when its webhook is resumed or has room again (`deferredFor`).
   */
  queuedIn?: string;
  /**
   * Until the first attempt, the bulk replay that began its round, and how it had ended before: while it is queued it
   * may be taken back.
   */
  bulkReplay?: Pick<DeliveryRecord, 'status' | 'completedAt' | 'endReason' | 'roundStart'> & {
    id: string;
  };
  /** The bulk replays that have taken it back, and do not count it until they come to it again. */
  takenBackBy?: string[];
  /** The courier has released it, within its webhook's rate limit. An attempt that is made clears it. */
  hasTurn?: boolean;
  /** An express delivery failed, or was answered 410, and that still has to be followed up. */
  followUp?: boolean;
  test?: boolean;
  /** The test ping of a new webhook: attempted once. */
  isPing?: boolean;
  /** Its event's payload was deleted: nothing more can be sent, and the answers were deleted too. */
  expunged?: boolean;
  createdAt: Date;
  completedAt: Date | null;
  expiresAt: Date;
}

/** An attempt as lists show it. */
export type AttemptSummary = Pick<
  Attempt,
  'number' | 'startedAt' | 'durationMs' | 'outcome' | 'statusCode' | 'errorCode'
>;

export type ListedDelivery = Omit<DeliveryRecord, 'attempts'> & {
  lastAttempt: AttemptSummary | null;
};

/** `5xx` for 503. */
export const classOf = (statusCode: number): string => `${Math.floor(statusCode / 100)}xx`;

/**
 * How an attempt failed, as lists are filtered by it: the status code and its class, `[503, '5xx']`, or the error
 * code. undefined: it succeeded. Kept only for failures, so that what succeeds at once costs no index entry.
 */
export function failedWith({
  outcome,
  statusCode,
  errorCode,
}: Pick<Attempt, 'outcome' | 'statusCode' | 'errorCode'>): (number | string)[] | undefined {
  if (outcome === 'succeeded') return undefined;
  if (statusCode === undefined) return [errorCode ?? 'unknown'];
  return [statusCode, classOf(statusCode)];
}

/** `lastCounting` for a stored delivery, in a pipeline. */
export const LAST_COUNTING = {
  $last: { $filter: { input: '$attempts', as: 'one', cond: { $ne: ['$$one.superseded', true] } } },
};

const STATUS_CLASS = {
  $concat: [{ $toString: { $floor: { $divide: ['$$last.statusCode', 100] } } }, 'xx'],
};
/** The same for a stored delivery, in a pipeline's `$set`. */
export const FAILED_WITH = {
  $let: {
    vars: { last: LAST_COUNTING },
    in: {
      $cond: [
        { $ne: ['$$last.outcome', 'failed'] },
        '$$REMOVE',
        {
          $cond: [
            { $gt: ['$$last.statusCode', null] },
            ['$$last.statusCode', STATUS_CLASS],
            [{ $ifNull: ['$$last.errorCode', 'unknown'] }],
          ],
        },
      ],
    },
  },
};

/** `ordered`: new deliveries of the same webhook join behind it; `replay`: they don't wait for it. */
export const QUEUE_KINDS = ['ordered', 'replay'] as const;
export type QueueKind = (typeof QUEUE_KINDS)[number];

const REPLAY = '/replay';

/** The value of `queuedIn` for a project's deliveries in that queue. */
export const queueOf = (projectId: string, kind: QueueKind = 'ordered'): string =>
  kind === 'replay' ? `${projectId}${REPLAY}` : projectId;

/**
 * The queue of a delivery that may not be sent now: until its first attempt, what is replayed in bulk stays in its
 * own queue.
 */
export const queueFor = (
  delivery: Pick<DeliveryRecord, 'projectId' | 'bulkReplay' | 'attemptCount' | 'roundStart'>,
): string => {
  // A superseded attempt is counted, and leaves it in its bulk replay.
  const isUnsent = delivery.bulkReplay && isBeforeFirst(delivery);
  return queueOf(delivery.projectId, isUnsent ? 'replay' : 'ordered');
};

/** Whether its next attempt is the first of its round, and not a retry. */
export const isBeforeFirst = ({
  attemptCount,
  roundStart,
}: Pick<DeliveryRecord, 'attemptCount' | 'roundStart'>): boolean => attemptCount === roundStart;

export const kindOf = (queue: string): QueueKind => (queue.endsWith(REPLAY) ? 'replay' : 'ordered');

/** Answered 410, which nobody has followed up. */
export const UNFOLLOWED_GONE = { followUp: true, 'attempts.statusCode': GONE };

export const deliverySchema = new Schema<DeliveryRecord>(
  {
    _id: String,
    eventId: { type: String, required: true },
    webhookId: { type: String, required: true },
    projectId: { type: String, required: true },
    eventType: { type: String, required: true },
    status: { type: String, enum: DELIVERY_STATUSES, required: true },
    attempts: { type: Schema.Types.Mixed, default: [] },
    attemptCount: { type: Number, default: 0 },
    failedWith: { type: Schema.Types.Mixed },
    roundStart: { type: Number, default: 0 },
    roundPolicy: { type: Schema.Types.Mixed },
    healthCounted: Number,
    nextAttemptAt: { type: Date, default: null },
    deferredFor: { type: String, default: null },
    endReason: { type: String, default: null },
    replays: { type: Number, default: 0 },
    replayRequestedAt: Date,
    runId: { type: String, default: null },
    runRequested: { type: Boolean, default: false },
    execution: Date,
    openedAt: Date,
    isExpress: Boolean,
    queuedIn: String,
    bulkReplay: { type: Schema.Types.Mixed },
    takenBackBy: { type: [String], default: undefined },
    hasTurn: Boolean,
    followUp: Boolean,
    test: Boolean,
    isPing: Boolean,
    expunged: Boolean,
    createdAt: { type: Date, required: true },
    completedAt: { type: Date, default: null },
    expiresAt: { type: Date, required: true },
  },
  { minimize: false },
);
deliverySchema.index({ eventId: 1, webhookId: 1 }, { unique: true });
// For lists (Deliveries.list), each with its filters before the order of the page.
deliverySchema.index({ projectId: 1, _id: -1 });
deliverySchema.index({ projectId: 1, status: 1, _id: -1 });
deliverySchema.index({ projectId: 1, status: 1, eventType: 1, _id: -1 });
deliverySchema.index({ webhookId: 1, _id: -1 });
deliverySchema.index({ webhookId: 1, status: 1, _id: -1 });
deliverySchema.index({ webhookId: 1, status: 1, eventType: 1, _id: -1 });
// The same, by how the last attempt failed: only failures have entries.
const IF_FAILED = { partialFilterExpression: { failedWith: { $exists: true } } };
for (const owner of ['projectId', 'webhookId'] as const) {
  deliverySchema.index({ [owner]: 1, failedWith: 1, status: 1, _id: -1 }, IF_FAILED);
  deliverySchema.index({ [owner]: 1, failedWith: 1, status: 1, eventType: 1, _id: -1 }, IF_FAILED);
}
// An event has one type and few deliveries: their other filters are checked in the index.
deliverySchema.index({ eventId: 1, _id: -1, status: 1, eventType: 1 });
// For reconcile.
deliverySchema.index(
  { projectId: 1, nextAttemptAt: 1, _id: 1 },
  { name: 'due', partialFilterExpression: { isExpress: null, status: 'pending' } },
);
// What earlier versions held is not in a queue.
deliverySchema.index(
  { queuedIn: 1 },
  { name: 'held', partialFilterExpression: { status: 'held' } },
);
// The couriers' queue: what is due, what may not be sent now, and failures to follow up.
deliverySchema.index(
  { projectId: 1, nextAttemptAt: 1 },
  { name: 'express', partialFilterExpression: { isExpress: true, status: 'pending' } },
);
// By `$exists`: MongoDB doesn't use a partial index by `$type` for a query that names the value.
deliverySchema.index(
  { queuedIn: 1, webhookId: 1, eventId: 1, _id: 1 },
  { name: 'queue', partialFilterExpression: { queuedIn: { $exists: true } } },
);
const OF_BULK_REPLAYS = {
  'bulkReplay.id': { $exists: true },
  status: { $in: UNENDED_STATUSES },
} as const;
// What a bulk replay has queued and nobody has attempted since, in its order.
deliverySchema.index(
  { 'bulkReplay.id': 1, _id: 1 },
  { name: 'bulk', partialFilterExpression: OF_BULK_REPLAYS },
);
// The same for one webhook.
deliverySchema.index(
  { 'bulkReplay.id': 1, webhookId: 1 },
  { name: 'bulkOfWebhook', partialFilterExpression: OF_BULK_REPLAYS },
);
// What ended before it was attempted, until its bulk replay counts that.
deliverySchema.index(
  { 'bulkReplay.id': 1 },
  {
    name: 'bulkEnded',
    partialFilterExpression: {
      'bulkReplay.id': { $exists: true },
      status: { $in: TERMINAL_STATUSES },
    },
  },
);
deliverySchema.index(
  { followUp: 1, projectId: 1, completedAt: 1, _id: 1 },
  { name: 'unfollowed', partialFilterExpression: { followUp: true } },
);
// Those a shift begins with: few among the failures, of which there may be very many.
deliverySchema.index(
  { projectId: 1 },
  { name: 'unfollowedGone', partialFilterExpression: UNFOLLOWED_GONE },
);
// What has not ended does not expire, whether or not reconcile, workers and Temporal are running.
deliverySchema.index(
  { expiresAt: 1 },
  { expireAfterSeconds: 0, partialFilterExpression: { status: { $in: TERMINAL_STATUSES } } },
);
