import { DELIVERY_STATUSES, type DeliveryStatus } from '../contracts/delivery';

/** The class of an attempt's HTTP status; `other`: HTTP has none for it; `none`: there was no answer. */
export const STATUS_CLASSES = ['2xx', '3xx', '4xx', '5xx', 'other', 'none'] as const;
export type StatusClass = (typeof STATUS_CLASSES)[number];

type Outcome = 'succeeded' | 'failed';

/** Milliseconds; null: there was no answer. */
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
  statusClasses: Record<StatusClass, number>;
  latencyMs: Latency;
}

/**
 * Durations are counted in buckets, each 5 % wider than the previous one: memory is bounded however many
 * attempts there are, and a percentile is accurate to 5 %. (`$percentile` needs MongoDB 7.)
 */
export const BUCKET_GROWTH = 1.05;

/** The duration that a bucket represents: its middle. */
function durationOf(bucket: number): number {
  return Math.round(BUCKET_GROWTH ** (bucket + 0.5) - 1);
}

/** A tally as it is stored; what is zero is left out. */
export interface StoredTally {
  /** Events accepted; only in a project's. */
  events?: number;
  /** Deliveries. */
  statuses: Partial<Record<DeliveryStatus, number>>;
  /** Attempts. */
  outcomes: Partial<Record<Outcome, number>>;
  classes: Partial<Record<StatusClass, number>>;
  /** Of attempts that were answered, by the bucket's number. */
  durations: Record<string, number>;
}

function classOf(firstDigit: number | null): StatusClass {
  if (firstDigit === null) return 'none';
  const name = `${firstDigit}xx` as StatusClass;
  return STATUS_CLASSES.includes(name) ? name : 'other';
}

const plus = <K extends PropertyKey>(
  counts: Partial<Record<K, number>>,
  key: K,
  n: number,
): void => {
  counts[key] = (counts[key] ?? 0) + n;
};

/** Counts of deliveries with their attempts, and of events. */
export class Tally {
  private readonly counts: StoredTally = { statuses: {}, outcomes: {}, classes: {}, durations: {} };

  get events(): number {
    return this.counts.events ?? 0;
  }

  get total(): number {
    return Object.values(this.counts.statuses).reduce((sum, count) => sum + count, 0);
  }

  countEvents(count: number): void {
    this.counts.events = this.events + count;
  }

  countDeliveries(status: DeliveryStatus, count: number): void {
    plus(this.counts.statuses, status, count);
  }

  /** @param statusCode its first digit; null, as is the bucket then: there was no answer */
  countAttempts(
    {
      outcome,
      statusCode,
      bucket,
    }: { outcome: Outcome; statusCode: number | null; bucket: number | null },
    count: number,
  ): void {
    plus(this.counts.outcomes, outcome, count);
    plus(this.counts.classes, classOf(statusCode), count);
    if (bucket !== null) plus(this.counts.durations, String(bucket), count);
  }

  add({ events, statuses, outcomes, classes, durations }: StoredTally): void {
    const { counts } = this;
    if (events !== undefined) this.countEvents(events);
    for (const key in statuses)
      plus<string>(counts.statuses, key, statuses[key as DeliveryStatus]!);
    for (const key in outcomes) plus<string>(counts.outcomes, key, outcomes[key as Outcome]!);
    for (const key in classes) plus<string>(counts.classes, key, classes[key as StatusClass]!);
    for (const key in durations) plus(counts.durations, key, durations[key]!);
  }

  stored(): StoredTally {
    return this.counts;
  }

  stats(): Stats {
    const { statuses, outcomes, classes, durations } = this.counts;
    const deliveries = Object.fromEntries(
      DELIVERY_STATUSES.map((status) => [status, statuses[status] ?? 0]),
    ) as Record<DeliveryStatus, number>;
    const ended = deliveries.succeeded + deliveries.failed;
    const [succeeded, failed] = [outcomes.succeeded ?? 0, outcomes.failed ?? 0];
    const attempts = { total: succeeded + failed, succeeded, failed };
    return {
      deliveries: { total: this.total, ...deliveries },
      successRate: ended === 0 ? null : deliveries.succeeded / ended,
      attempts,
      statusClasses: Object.fromEntries(
        STATUS_CLASSES.map((name) => [name, classes[name] ?? 0]),
      ) as Stats['statusClasses'],
      latencyMs: latencyOf(durations),
    };
  }
}

const PERCENTILES = [
  ['p50', 0.5],
  ['p90', 0.9],
  ['p99', 0.99],
] as const;

/** The durations of the nearest ranks. */
function latencyOf(durations: StoredTally['durations']): Latency {
  const total = Object.values(durations).reduce((sum, count) => sum + count, 0);
  const latency: Latency = { p50: null, p90: null, p99: null };
  let passed = 0;
  let next = 0;
  // Integer keys of an object are in their numeric order.
  for (const bucket in durations) {
    passed += durations[bucket]!;
    for (; next < PERCENTILES.length; next += 1) {
      const [name, fraction] = PERCENTILES[next]!;
      if (passed < Math.ceil(total * fraction)) break;
      latency[name] = durationOf(Number(bucket));
    }
  }
  return latency;
}
