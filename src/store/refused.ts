import { mongo } from 'mongoose';
import type { Attempt } from '../contracts/delivery';
import { isStoreUnavailable, isTooSlow } from './errors';

/**
 * Of failures that have nothing to do with what is written: who writes has no permission or must log in again, the
 * time was up, writes are blocked, a hosted cluster's quota or the disk is full.
 */
const ELSEWHERE_CODES = [13, 18, 24, 64, 79, 100, 262, 371, 391, 8000, 11_601, 14_031];

/** Whether a write failed because of what it writes: MongoDB can be reached, and repeating it changes nothing. */
export function isRefused(error: unknown): boolean {
  if (error instanceof mongo.BSON.BSONError) return true;
  if (!(error instanceof mongo.MongoServerError)) return false;
  const isElsewhere = ELSEWHERE_CODES.includes(Number(error.code));
  return !isElsewhere && !isStoreUnavailable(error) && !isTooSlow(error);
}

/** All of an attempt that decides: without what receivers and customers have written. */
export function withoutWords<
  T extends Pick<Attempt, 'requestHeaders' | 'responseHeaders' | 'responseBody' | 'errorMessage'>,
>(attempt: T): T {
  const {
    responseHeaders: _headers,
    responseBody: _body,
    errorMessage: _message,
    ...made
  } = attempt;
  return { ...made, requestHeaders: {} } as T;
}
