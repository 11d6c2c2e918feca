import { Schema } from 'mongoose';
import {
  DELIVERY_STATUSES,
  TERMINAL_STATUSES,
  type Attempt,
  type DeferralReason,
  type DeliveryStatus,
  type EndReason,
} from '../contracts/delivery';

export interface DeliveryRecord {
  _id: string;
  eventId: string;
  webhookId: string;
  projectId: string;
  eventType: string;
  status: DeliveryStatus;
  /** The last 50; their numbers go on counting. */
  attempts: Attempt[];
  attemptCount: number;
  /** `attemptCount` when the current round (first delivery, or a replay) began. */
  roundStart: number;
  /** The last failed attempt that the webhook's health has counted. */
  healthCounted?: number;
  nextAttemptAt: Date | null;
  /** Why the attempt of `nextAttemptAt` was put off; an attempt that is made clears it. */
  deferredFor: DeferralReason | null;
  /** Why it was skipped, or cancelled for its webhook's sake. */
  endReason?: EndReason | null;
  replays: number;
  /** The Temporal run that counts: the last one that opened a round, or recorded or ended anything. */
  runId: string | null;
  /**
   * Set while Posthorn itself has asked Temporal for a new run that has not shown up yet. A run that
   * shows up unasked is an operator's reset, and counted as a replay.
   */
  runRequested: boolean;
  /**
   * The execution that may decide: when Temporal scheduled it. Missing while nobody but the first one of
   * all can be at work.
   */
  execution?: Date;
  /** When it began, by MongoDB's clock. */
  openedAt?: Date;
  /** Its project's courier drives it, no workflow of its own. */
  isExpress?: boolean;
  /**
   * Of one that may not go now, whenever that is due: the queue (`queueOf`) that its project's courier lets
   * it go from, in the order of events, when its webhook is resumed, or has room again (`deferredFor`).
   */
  queuedIn?: string;
  /** The courier has let it go: its webhook's rate limit has been asked. An attempt that is made clears it. */
  hasTurn?: boolean;
  /** Of an express one that failed: what follows from that has still to be done. */
  followUp?: boolean;
  /** Of a test event. */
  test?: boolean;
  /** The test ping of a new webhook: attempted once, and no matter for the webhook's health. */
  isPing?: boolean;
  /** Its event's payload was deleted: nothing can be sent any more, and what was answered is gone. */
  expunged?: boolean;
  createdAt: Date;
  completedAt: Date | null;
  expiresAt: Date;
}

/** `ordered`: what new deliveries of the same webhook join behind; `replay`: what they do not wait for. */
export const QUEUE_KINDS = ['ordered', 'replay'] as const;
export type QueueKind = (typeof QUEUE_KINDS)[number];

const REPLAY = '/replay';

/** What `queuedIn` says of a project's deliveries in that queue. */
export const queueOf = (projectId: string, kind: QueueKind = 'ordered'): string =>
  kind === 'replay' ? `${projectId}${REPLAY}` : projectId;

export const kindOf = (queue: string): QueueKind => (queue.endsWith(REPLAY) ? 'replay' : 'ordered');
export const projectOfQueue = (queue: string): string => queue.replace(REPLAY, '');

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
    roundStart: { type: Number, default: 0 },
    healthCounted: Number,
    nextAttemptAt: { type: Date, default: null },
    deferredFor: { type: String, default: null },
    endReason: { type: String, default: null },
    replays: { type: Number, default: 0 },
    runId: { type: String, default: null },
    runRequested: { type: Boolean, default: false },
    execution: Date,
    openedAt: Date,
    isExpress: Boolean,
    queuedIn: String,
    hasTurn: Boolean,
    followUp: Boolean,
    test: Boolean,
    isPing: Boolean,
    expunged: Boolean,
    createdAt: { type: Date, required: true },
    completedAt: { type: Date, default: null },
    expiresAt: { type: Date, required: true },
  },
  { timestamps: false, minimize: false },
);
deliverySchema.index({ eventId: 1, webhookId: 1 }, { unique: true });
// Of lists (Deliveries.list), each with its filters before the order of the page.
deliverySchema.index({ projectId: 1, _id: -1 });
deliverySchema.index({ projectId: 1, status: 1, _id: -1 });
deliverySchema.index({ projectId: 1, status: 1, eventType: 1, _id: -1 });
deliverySchema.index({ webhookId: 1, _id: -1 });
deliverySchema.index({ webhookId: 1, status: 1, _id: -1 });
deliverySchema.index({ webhookId: 1, status: 1, eventType: 1, _id: -1 });
// An event has one type and few deliveries: their other filters are looked at in the index.
deliverySchema.index({ eventId: 1, _id: -1, status: 1, eventType: 1 });
// What reconcile looks for.
deliverySchema.index(
  { projectId: 1, nextAttemptAt: 1, _id: 1 },
  { name: 'due', partialFilterExpression: { isExpress: null, status: 'pending' } },
);
// What earlier versions have held is in no queue.
deliverySchema.index(
  { queuedIn: 1 },
  { name: 'held', partialFilterExpression: { status: 'held' } },
);
// The couriers' queue: what is due, what may not go now, and failures to follow up.
deliverySchema.index(
  { projectId: 1, nextAttemptAt: 1 },
  { name: 'express', partialFilterExpression: { isExpress: true, status: 'pending' } },
);
// By `$exists`: of a partial index by `$type` MongoDB makes no use where a query names the value.
deliverySchema.index(
  { queuedIn: 1, webhookId: 1, eventId: 1, _id: 1 },
  { name: 'queue', partialFilterExpression: { queuedIn: { $exists: true } } },
);
deliverySchema.index(
  { projectId: 1, followUp: 1 },
  { partialFilterExpression: { followUp: true } },
);
// What has not ended does not expire, whether reconcile, workers and Temporal are there or not.
deliverySchema.index(
  { expiresAt: 1 },
  { expireAfterSeconds: 0, partialFilterExpression: { status: { $in: TERMINAL_STATUSES } } },
);
