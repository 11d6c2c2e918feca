import { Schema, type QueryFilter } from 'mongoose';
import type { DeliveryPolicy, SigningScheme } from '../contracts/delivery';
import type { StopSigns } from '../domain/changed-by';
import type { WarningPercent } from '../domain/failure-warning';
import type { HealthSigns } from '../domain/webhook-health';
import type { Sealed } from './cipher';
import { BY_CLOCK } from './timestamps';

export type DisabledReason = NonNullable<StopSigns['disabledReason']>;

/** A sealed secret; once another one has superseded it, with the end of the rotation's overlap. */
export interface WebhookSecret extends Sealed {
  expiresAt?: Date;
}

export interface WebhookRecord extends HealthSigns {
  projectId: string;
  /** The caller's own id, unique in its project. */
  externalId?: string | null;
  name: string;
  description: string | null;
  url: string;
  /** Subscribed types, including `*` and families such as `email.*`, as they were given. */
  events: string[];
  signing: SigningScheme[];
  /** The webhook's own policy; what is missing is the project's, then the profile's. */
  policy: Partial<DeliveryPolicy>;
  /** Its own headers, by `openHeaders` (webhook-headers.ts); null: none. */
  headers: Sealed | null;
  /**
   * Which envelopes it receives, as JSON: MongoDB would interpret a query's `$` and dots. null: all.
   */
  filter: string | null;
  /** Newest first; more than one during a rotation's overlap, and until reconcile has cleaned up after it. */
  secrets: WebhookSecret[];
  /** Failed attempts that the health fields have counted, so that a repeated record counts once. */
  countedAttempts: string[];
  /** When it was enabled, if it had been disabled: what failed before that says nothing about it. */
  enabledAt?: Date;
  /** When the failures began that `failureCount` counts. */
  failuresBeganAt?: Date[];
  /** Percentages of the threshold at which its owner has been warned since its last success. */
  warnings: WarningPercent[];
  /** When its rate limit allows the next attempt. */
  nextSlotAt: Date | null;
  createdAt: Date;
  updatedAt: Date;
}

export type NewWebhook = Pick<
  WebhookRecord,
  | '_id'
  | 'projectId'
  | 'name'
  | 'description'
  | 'url'
  | 'events'
  | 'signing'
  | 'policy'
  | 'headers'
  | 'secrets'
> &
  Partial<Pick<WebhookRecord, 'externalId' | 'filter'>>;

/** Leaves out what only the health fields need. */
export const WITHOUT_COUNTED = { countedAttempts: 0, failuresBeganAt: 0 } as const;
type Counted = keyof typeof WITHOUT_COUNTED;

/** What an attempt needs of a webhook. */
export type AttemptedWebhook = Omit<WebhookRecord, Counted>;

const isCustomers = (what: 'disabled' | 'paused'): QueryFilter<WebhookRecord> => ({
  [`${what}By`]: 'customer',
  $expr: { $eq: [`$${what}ByAt`, `$${what}At`] },
});

/** What a customer may not undo. */
export const DISABLED_BY_PLATFORM: QueryFilter<WebhookRecord> = {
  isActive: false,
  $or: [{ disabledBy: 'platform' }, { disabledReason: 'manual', $nor: [isCustomers('disabled')] }],
};
export const PAUSED_BY_PLATFORM: QueryFilter<WebhookRecord> = {
  isPaused: true,
  $nor: [isCustomers('paused')],
};
/** What a customer may neither delete nor create anew. */
export const STOPPED_BY_PLATFORM: QueryFilter<WebhookRecord> = {
  $or: [DISABLED_BY_PLATFORM, PAUSED_BY_PLATFORM],
};

/** A webhook as shown in lists. */
export type ShownWebhook = Omit<WebhookRecord, 'secrets' | Counted>;

export const webhookSchema = new Schema<WebhookRecord>(
  {
    _id: String,
    projectId: { type: String, required: true },
    externalId: { type: String, default: null },
    name: { type: String, required: true },
    description: { type: String, default: null },
    url: { type: String, required: true, immutable: true },
    events: { type: [String], required: true },
    isActive: { type: Boolean, default: true },
    isPaused: { type: Boolean, default: false },
    disabledReason: { type: String, default: null },
    enabledAt: Date,
    disabledBy: String,
    disabledByAt: Date,
    pausedBy: String,
    pausedByAt: Date,
    failureCount: { type: Number, default: 0 },
    lastSuccessAt: { type: Date, default: null },
    lastFailedAt: { type: Date, default: null },
    failingSince: Date,
    disabledAt: Date,
    pausedAt: Date,
    lastStatus: { type: Schema.Types.Mixed, default: null },
    signing: { type: [String], required: true },
    policy: { type: Schema.Types.Mixed, default: {} },
    headers: { type: Schema.Types.Mixed, default: null },
    filter: { type: String, default: null },
    secrets: {
      type: [{ _id: false, keyId: String, box: String, expiresAt: Date }],
      required: true,
    },
    countedAttempts: { type: [String], default: [] },
    failuresBeganAt: { type: [Date], default: undefined },
    warnings: { type: [Number], default: [] },
    nextSlotAt: { type: Date, default: null },
  },
  { timestamps: BY_CLOCK, minimize: false },
);
webhookSchema.index({ projectId: 1, _id: -1 });
// For fan-outs: one scan per pattern, each in the order of the page.
webhookSchema.index({ projectId: 1, events: 1, _id: 1 });
webhookSchema.index({ projectId: 1, updatedAt: 1 });
webhookSchema.index(
  { projectId: 1, externalId: 1 },
  { unique: true, partialFilterExpression: { externalId: { $type: 'string' } } },
);
webhookSchema.index({ 'secrets.expiresAt': 1 }, { sparse: true });
// For `findUnreadable`.
webhookSchema.index({ 'secrets.keyId': 1 });
webhookSchema.index({ 'headers.keyId': 1 });
