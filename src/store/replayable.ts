import type { QueryFilter } from 'mongoose';
import { LIST_FIELDS, type Deliveries } from './deliveries';
import type { DeliveryRecord } from './delivery-record';
import { firstIdAt } from './paging';
import type { ReplayQuery, ReplayRecord } from './replays';

/** Milliseconds for counting what a bulk replay is about. */
const MAX_COUNT_MS = 20_000;

/**
 * Deliveries of a replay's query that had ended when it was asked for: what it makes fail again, or
 * what fails meanwhile, isn't replayed by it.
 */
function replayFilter(
  projectId: string,
  { webhookId, statuses, types, since, until }: ReplayQuery,
  endedBy: Date,
  cursor: string | null = null,
): QueryFilter<DeliveryRecord> {
  return {
    projectId,
    _id: {
      $gte: firstIdAt('delivery', since),
      $lt: firstIdAt('delivery', until),
      ...(cursor !== null && { $gt: cursor }),
    },
    status: { $in: statuses },
    completedAt: { $lte: endedBy },
    expunged: { $ne: true },
    ...(webhookId !== undefined && { webhookId }),
    ...(types && { eventType: { $in: types } }),
  };
}

/**
 * How many deliveries a bulk replay is about, by webhook.
 * @throws what `isTooSlow` tells
 */
export async function countForReplay(
  deliveries: Deliveries,
  projectId: string,
  query: ReplayQuery,
  endedBy: Date,
): Promise<Map<string, number>> {
  const counts = await deliveries.model
    .aggregate<{ _id: string; count: number }>([
      { $match: replayFilter(projectId, query, endedBy) },
      { $group: { _id: '$webhookId', count: { $sum: 1 } } },
    ])
    .option({ maxTimeMS: MAX_COUNT_MS });
  return new Map(counts.map(({ _id, count }) => [_id, count]));
}

/** The next deliveries of a bulk replay, oldest first. */
export async function listForReplay(
  deliveries: Deliveries,
  replay: ReplayRecord,
  limit: number,
): Promise<DeliveryRecord[]> {
  const { projectId, query, createdAt, cursor } = replay;
  return deliveries.model
    .find(replayFilter(projectId, query, createdAt, cursor), LIST_FIELDS)
    .sort({ _id: 1 })
    .limit(limit)
    .lean<DeliveryRecord[]>();
}
