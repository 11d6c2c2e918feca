import type { PipelineStage } from 'mongoose';
import type { DeliveryStatus } from '../contracts/delivery';
import { HOUR_MS, MINUTE_MS } from '../domain/durations';
import { BUCKET_GROWTH, type Tally } from '../domain/tally';
import type { StatsUnit } from './counted-hours';
import { firstIdAt, idsWithin } from './paging';
import type { Store } from './store';

/** Whose deliveries are counted: a webhook's, or a whole project's. */
export type StatsOwner = { projectId: string } | { webhookId: string };

/** A range of creation times. */
export interface TimeRange {
  since: Date;
  until: Date;
}

export const latest = (a: Date, b: Date): Date => (a > b ? a : b);
export const earliest = (a: Date, b: Date): Date => (a < b ? a : b);

/** Milliseconds for MongoDB; a month of a very busy project may take longer, and is then refused. */
const MAX_TIME_MS = 20_000;

/** How many deliveries, or attempts, look the same. */
export interface CountedRow {
  _id: {
    /** Beginning of the hour, or minute, in which the delivery was created. */
    at: Date;
    webhookId?: string;
    /** null: another row counts the delivery. */
    status: DeliveryStatus | null;
    /** null: the delivery has no attempt. */
    outcome: 'succeeded' | 'failed' | null;
    /** The first digit; null: there is none. */
    statusCode: number | null;
    /** null: there was no answer to time. */
    bucket: number | null;
  };
  count: number;
  /** The latest end of any. */
  completedAt: Date | null;
  /** The earliest expiry of any. */
  expiresAt: Date;
}

export function addRow(tally: Tally, { _id, count }: CountedRow): void {
  const { status, outcome, statusCode, bucket } = _id;
  if (status !== null) tally.countDeliveries(status, count);
  if (outcome !== null) tally.countAttempts({ outcome, statusCode, bucket }, count);
}

/** The first stage, which MongoDB answers from an index that ends in `_id`. */
export function matchRanges(
  resource: 'delivery' | 'event',
  of: StatsOwner,
  ranges: readonly TimeRange[],
): PipelineStage.Match {
  const each = ranges.map((range) => ({ ...of, _id: idsWithin(resource, range) }));
  return { $match: each.length === 1 ? each[0]! : { $or: each } };
}

/** 0 for 0 ms; since 0 has no logarithm, 1 is added first. */
const bucket = { $floor: { $log: [{ $add: ['$attempts.durationMs', 1] }, BUCKET_GROWTH] } };

/**
 * Counts deliveries with all their attempts (a delivery keeps its last 50), whenever they were made, by the hour
 * or minute in which the delivery was created.
 * @throws an error that `isTooSlow` recognises
 */
export async function countDeliveries(
  { deliveries }: Store,
  of: StatsOwner,
  ranges: readonly TimeRange[],
  { unit, byWebhook = false }: { unit: StatsUnit; byWebhook?: boolean },
): Promise<CountedRow[]> {
  if (ranges.length === 0) return [];
  // null sorts before numbers.
  const hasAttempt = { $gt: ['$nth', null] };
  const hasAnswer = { $gt: ['$attempts.statusCode', null] };
  return deliveries.model
    .aggregate<CountedRow>([
      matchRanges('delivery', of, ranges),
      // First of all: the headers and bodies of attempts make up most of a delivery.
      {
        $project: {
          at: { $dateTrunc: { date: '$createdAt', unit } },
          ...(byWebhook && { webhookId: 1, completedAt: 1, expiresAt: 1 }),
          status: 1,
          'attempts.durationMs': 1,
          'attempts.outcome': 1,
          'attempts.statusCode': 1,
        },
      },
      {
        $unwind: { path: '$attempts', includeArrayIndex: 'nth', preserveNullAndEmptyArrays: true },
      },
      {
        $group: {
          _id: {
            at: '$at',
            ...(byWebhook && { webhookId: '$webhookId' }),
            status: { $cond: [{ $lte: ['$nth', 0] }, '$status', null] },
            outcome: { $cond: [hasAttempt, '$attempts.outcome', null] },
            statusCode: {
              $cond: [hasAnswer, { $floor: { $divide: ['$attempts.statusCode', 100] } }, null],
            },
            bucket: { $cond: [hasAnswer, bucket, null] },
          },
          count: { $sum: 1 },
          ...(byWebhook && {
            completedAt: { $max: '$completedAt' },
            expiresAt: { $min: '$expiresAt' },
          }),
        },
      },
    ])
    .option({ maxTimeMS: MAX_TIME_MS });
}

/** Six hex digits of an id from that position, as a number: MongoDB reads hex only as an object id's seconds. */
const hexOf = (from: number) => ({
  $divide: [
    {
      $toLong: {
        $toDate: {
          $toObjectId: { $concat: ['00', { $substrCP: ['$_id', from, 6] }, '0'.repeat(16)] },
        },
      },
    },
    1000,
  ],
});

const EVENT_HEX_AT = firstIdAt('event', new Date(0)).indexOf('_') + 1;

/** When an event was accepted, from its id alone (`timeOf`): an index contains that. */
const acceptedAt = {
  $toDate: {
    $toLong: { $add: [{ $multiply: [hexOf(EVENT_HEX_AT), 2 ** 24] }, hexOf(EVENT_HEX_AT + 6)] },
  },
};

export async function countEvents(
  { events }: Store,
  projectId: string,
  ranges: readonly TimeRange[],
  unit: StatsUnit,
): Promise<{ _id: Date; count: number }[]> {
  if (ranges.length === 0) return [];
  return events.model
    .aggregate<{ _id: Date; count: number }>([
      matchRanges('event', { projectId }, ranges),
      { $group: { _id: { $dateTrunc: { date: acceptedAt, unit } }, count: { $sum: 1 } } },
    ])
    .option({ maxTimeMS: MAX_TIME_MS });
}

/** The hour or minute that begins then. */
export const rangeFrom = (begin: Date, unit: StatsUnit): TimeRange => ({
  since: begin,
  until: new Date(begin.getTime() + (unit === 'hour' ? HOUR_MS : MINUTE_MS)),
});

export function minutesOf({ since, until }: TimeRange): Date[] {
  const minutes: Date[] = [];
  for (let at = since.getTime(); at < until.getTime(); at += MINUTE_MS) minutes.push(new Date(at));
  return minutes;
}

/** Ranges in order, with adjoining ones merged. */
export function joined(ranges: readonly TimeRange[]): TimeRange[] {
  const all: TimeRange[] = [];
  for (const { since, until } of ranges.toSorted((a, b) => Number(a.since) - Number(b.since))) {
    const last = all.at(-1);
    if (last && Number(last.until) === Number(since)) last.until = until;
    else all.push({ since, until });
  }
  return all;
}
