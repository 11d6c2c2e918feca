import { MAX_READ_MS } from './time-limit';
import type { WebhookRecord } from './webhook-record';
import type { Webhooks } from './webhooks';

const FIELDS = {
  projectId: 1,
  name: 1,
  url: 1,
  externalId: 1,
  isActive: 1,
  isPaused: 1,
  createdAt: 1,
} as const;
/** What a search compares and shows of a webhook. */
export type NamedWebhook = Pick<WebhookRecord, '_id' | keyof typeof FIELDS>;

/** How many MongoDB returns at a time. */
const BATCH = 500;

/**
 * Reads a project's webhooks, newest first. The cursor is closed when the caller stops.
 * @param before only those that are older than this one
 */
export async function* scanNames(
  { collection }: Webhooks,
  projectId: string,
  before?: string,
): AsyncGenerator<NamedWebhook> {
  const older = before !== undefined && { _id: { $lt: before } };
  yield* collection.find<NamedWebhook>(
    { projectId, ...older },
    { projection: FIELDS, sort: { _id: -1 }, batchSize: BATCH, maxTimeMS: MAX_READ_MS },
  );
}
