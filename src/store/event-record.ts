import { Schema } from 'mongoose';

export interface EventRecord {
  _id: string;
  projectId: string;
  type: string;
  /** When it happened, as the caller says; if the caller doesn't say, when it was accepted. */
  createdAt: Date;
  acceptedAt: Date;
  /**
   * The envelope, serialised once: these bytes are sent on every attempt, retry and replay. null: expunged.
   */
  body: string | null;
  idempotencyKey?: string;
  /** SHA-256 of the request, to distinguish a repeated request from another one under the same key. */
  requestHash?: string;
  /**
   * The same with all digits of the numbers that a double rounds; '' if it has none. Missing in what earlier
   * versions stored, and then not compared.
   */
  requestNumbers?: string;
  /** Driven by its project's courier, not by a workflow of its own; decided when it was accepted. */
  isExpress?: boolean;
  /** A sample that was requested, not something that happened. */
  test?: boolean;
  /**
   * It is for this webhook alone, whatever that is subscribed to: its delivery was stored with it, and no
   * other is planned.
   */
  onlyWebhookId?: string;
  /** It is about this webhook, which doesn't receive it: an operational event is never about its receiver. */
  aboutWebhookId?: string;
  /** When all its deliveries had been started; null until then, and that is what reconcile looks for. */
  fannedOutAt: Date | null;
  /** When its payload was permanently deleted. */
  expungedAt: Date | null;
  expiresAt: Date;
}

export type BareEvent = Omit<EventRecord, 'body'>;

export const eventSchema = new Schema<EventRecord>({
  _id: String,
  projectId: { type: String, required: true },
  type: { type: String, required: true },
  createdAt: { type: Date, required: true },
  acceptedAt: { type: Date, required: true },
  body: { type: String, default: null },
  idempotencyKey: String,
  requestHash: String,
  requestNumbers: String,
  isExpress: Boolean,
  test: Boolean,
  onlyWebhookId: String,
  aboutWebhookId: String,
  fannedOutAt: { type: Date, default: null },
  expungedAt: { type: Date, default: null },
  expiresAt: { type: Date, required: true },
});
eventSchema.index({ projectId: 1, _id: -1 });
eventSchema.index({ projectId: 1, type: 1, _id: -1 });
eventSchema.index(
  { projectId: 1, idempotencyKey: 1 },
  { unique: true, partialFilterExpression: { idempotencyKey: { $type: 'string' } } },
);
// For reconcile.
eventSchema.index(
  { projectId: 1, acceptedAt: 1, _id: 1 },
  { name: 'unplanned', partialFilterExpression: { isExpress: null, fannedOutAt: null } },
);
// For couriers, in the order of acceptance.
eventSchema.index(
  { projectId: 1, _id: 1 },
  { name: 'express', partialFilterExpression: { isExpress: true, fannedOutAt: null } },
);
// No TTL index: MongoDB would not see that one of its deliveries has not ended (remove-expired.ts).
eventSchema.index(
  { expiresAt: 1 },
  { partialFilterExpression: { fannedOutAt: { $type: 'date' } } },
);
