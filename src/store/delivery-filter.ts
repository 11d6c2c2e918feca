import type { QueryFilter } from 'mongoose';
import {
  DELIVERY_STATUSES,
  type AttemptErrorCode,
  type DeliveryStatus,
} from '../contracts/delivery';
import { isSuccess } from '../domain/outcome';
import { classOf, LAST_COUNTING, type DeliveryRecord } from './delivery-record';

export interface DeliveryFilter {
  webhookId?: string;
  eventId?: string;
  statuses?: readonly DeliveryStatus[];
  eventType?: string;
  /** The last attempt's status code, as ranges that include both ends, or its error code: one of these. */
  lastAttempt?: { statusCodes: readonly StatusCodes[]; errorCodes: readonly AttemptErrorCode[] };
}

/** One status code, or all of a class. */
export type StatusCodes = readonly [from: number, to: number];

/**
 * The condition on a delivery's last attempt that counts. Failures have an index (`failedWith`); successes, which are
 * nearly all of the rest, have none and are examined one by one.
 */
function byLastAttempt({ statusCodes, errorCodes }: NonNullable<DeliveryFilter['lastAttempt']>): {
  filter?: QueryFilter<DeliveryRecord>;
  where?: QueryFilter<DeliveryRecord>;
} {
  const codes = statusCodes.map(([from, to]) => (from === to ? from : classOf(from)));
  const failures = { failedWith: { $in: [...errorCodes, ...codes] } };
  const successes = statusCodes.filter(([from]) => isSuccess(from));
  if (successes.length === 0) return { filter: failures };
  const code = { $let: { vars: { last: LAST_COUNTING }, in: '$$last.statusCode' } };
  const isOne = successes.map(([from, to]) => ({
    $expr: { $and: [{ $gte: [code, from] }, { $lte: [code, to] }] },
  }));
  return { where: { $or: [failures, ...isOne] } };
}

/** The index for what failed in some way. An event has few deliveries: all of them are examined. */
function failuresIndex({ eventId, webhookId, eventType }: DeliveryFilter): string {
  if (eventId !== undefined) return 'eventId_1__id_-1_status_1_eventType_1';
  const owner = webhookId === undefined ? 'projectId' : 'webhookId';
  return `${owner}_1_failedWith_1_status_1${eventType === undefined ? '' : '_eventType_1'}__id_-1`;
}

/**
 * A project's list by that filter.
 * @returns the condition that an index serves, the index if MongoDB might take another, and what is checked one by one
 */
export function listQueryOf(
  projectId: string,
  { statuses, lastAttempt, ...rest }: DeliveryFilter,
): { query: QueryFilter<DeliveryRecord>; hint?: string; where?: QueryFilter<DeliveryRecord> } {
  const ended = lastAttempt && byLastAttempt(lastAttempt);
  // In the indexes with more than a status, the status comes first: without one, each is looked up.
  const isOfAny = rest.eventType !== undefined || ended?.filter !== undefined;
  const among = statuses ?? (isOfAny ? DELIVERY_STATUSES : undefined);
  return {
    query: { projectId, ...rest, ...(among && { status: { $in: [...among] } }), ...ended?.filter },
    ...(ended?.where && { where: ended.where }),
    ...(ended?.filter && { hint: failuresIndex(rest) }),
  };
}
