import type { PipelineStage } from 'mongoose';
import { DELIVERY_STATUSES, type DeliveryStatus } from '../contracts/delivery';
import { HOUR_MS } from '../domain/durations';
import { firstIdAt } from './paging';
import type { Store } from './store';

/** Which deliveries are counted: those of a webhook, or of a whole project, created in a range of time. */
export interface StatsQuery {
  of: { projectId: string } | { webhookId: string };
  since: Date;
  until: Date;
}

/** Milliseconds; null: there was no attempt. */
export interface Latency {
  p50: number | null;
  p90: number | null;
  p99: number | null;
}

export interface Stats {
  deliveries: Record<DeliveryStatus | 'total', number>;
  /** The share that succeeded of those that succeeded or failed, 0–1; null: there are none. */
  successRate: number | null;
  attempts: { total: number; succeeded: number; failed: number };
  latencyMs: Latency;
}

export interface HourStats extends Stats {
  /** When it begins. */
  hour: Date;
}

/** Milliseconds for MongoDB; a month of a very busy project may take longer, and is then refused. */
const MAX_TIME_MS = 20_000;

/**
 * Durations are counted in buckets, each 5 % wider than the previous one: memory is bounded however many
 * attempts there are, and a percentile is accurate to 5 %. (`$percentile` needs MongoDB 7.)
 */
const BUCKET_GROWTH = 1.05;

/** The number of durations in each bucket, by the bucket's number. */
type Histogram = Map<number, number>;

/** The duration that a bucket represents: its middle. */
function durationOf(bucket: number): number {
  return Math.round(BUCKET_GROWTH ** (bucket + 0.5) - 1);
}

/** 0 for 0 ms; as 0 has no logarithm, that of one more is taken. */
const BUCKET = {
  $floor: { $log: [{ $add: ['$attempts.durationMs', 1] }, BUCKET_GROWTH] },
};

/** The first stage, which MongoDB answers from an index that ends in `_id`. */
export function statsMatch({ of, since, until }: StatsQuery): PipelineStage.Match {
  const range = { $gte: firstIdAt('delivery', since), $lt: firstIdAt('delivery', until) };
  return { $match: { ...of, _id: range } };
}

interface Counted {
  statuses: { _id: { hour: Date; status: DeliveryStatus }; count: number }[];
  attempts: {
    _id: { hour: Date; outcome: 'succeeded' | 'failed'; bucket: number };
    count: number;
  }[];
}

/** Counts for one hour, or in total. */
class Tally {
  private readonly statuses = new Map<DeliveryStatus, number>();
  private readonly attempts = { total: 0, succeeded: 0, failed: 0 };
  private readonly histogram: Histogram = new Map();

  countDeliveries(status: DeliveryStatus, count: number): void {
    this.statuses.set(status, (this.statuses.get(status) ?? 0) + count);
  }

  countAttempts(outcome: 'succeeded' | 'failed', bucket: number, count: number): void {
    this.attempts.total += count;
    this.attempts[outcome] += count;
    this.histogram.set(bucket, (this.histogram.get(bucket) ?? 0) + count);
  }

  stats(): Stats {
    const counts = DELIVERY_STATUSES.map((status) => [status, this.statuses.get(status) ?? 0]);
    const deliveries = Object.fromEntries(counts) as Record<DeliveryStatus, number>;
    const ended = deliveries.succeeded + deliveries.failed;
    const buckets = [...this.histogram].toSorted(([a], [b]) => a - b);
    return {
      deliveries: {
        total: Object.values(deliveries).reduce((sum, count) => sum + count, 0),
        ...deliveries,
      },
      successRate: ended === 0 ? null : deliveries.succeeded / ended,
      attempts: { ...this.attempts },
      latencyMs: {
        p50: percentile(buckets, this.attempts.total, 0.5),
        p90: percentile(buckets, this.attempts.total, 0.9),
        p99: percentile(buckets, this.attempts.total, 0.99),
      },
    };
  }
}

/** The nearest rank's duration. @param buckets with their counts, shortest first */
function percentile(
  buckets: readonly (readonly [number, number])[],
  total: number,
  fraction: number,
): number | null {
  let left = Math.ceil(total * fraction);
  for (const [bucket, count] of buckets) {
    left -= count;
    if (left <= 0) return durationOf(bucket);
  }
  return null;
}

/**
 * Counts deliveries and their attempts, in total and by the hour in which the delivery was created (with all
 * its attempts, whenever they were made). A delivery keeps its last 50 attempts, so those are counted.
 */
export async function deliveryStats(
  { deliveries }: Store,
  query: StatsQuery,
): Promise<Stats & { hours: HourStats[] }> {
  const hour = { $dateTrunc: { date: '$createdAt', unit: 'hour' } };
  const [counted] = await deliveries.model
    .aggregate<Counted>([
      statsMatch(query),
      // First of all: the headers and bodies of attempts make up most of a delivery.
      { $project: { hour, status: 1, 'attempts.durationMs': 1, 'attempts.outcome': 1 } },
      {
        $facet: {
          statuses: [{ $group: { _id: { hour: '$hour', status: '$status' }, count: { $sum: 1 } } }],
          attempts: [
            { $unwind: '$attempts' },
            {
              $group: {
                _id: { hour: '$hour', outcome: '$attempts.outcome', bucket: BUCKET },
                count: { $sum: 1 },
              },
            },
          ],
        },
      },
    ])
    .option({ maxTimeMS: MAX_TIME_MS });

  const all = new Tally();
  const hours = new Map<number, Tally>();
  const first = Math.floor(query.since.getTime() / HOUR_MS) * HOUR_MS;
  for (let at = first; at < query.until.getTime(); at += HOUR_MS) hours.set(at, new Tally());
  for (const { _id, count } of counted?.statuses ?? []) {
    for (const tally of [all, hours.get(_id.hour.getTime())]) {
      tally?.countDeliveries(_id.status, count);
    }
  }
  for (const { _id, count } of counted?.attempts ?? []) {
    for (const tally of [all, hours.get(_id.hour.getTime())]) {
      tally?.countAttempts(_id.outcome, _id.bucket, count);
    }
  }
  return {
    ...all.stats(),
    hours: [...hours].map(([at, tally]) => ({ hour: new Date(at), ...tally.stats() })),
  };
}
