import { mongo } from 'mongoose';
import type { Attempt } from '../contracts/delivery';
import { isStoreUnavailable, isTooSlow } from './errors';

/** Whether a write failed because of what it writes: MongoDB can be reached, and repeating it changes nothing. */
export function isRefused(error: unknown): boolean {
  if (error instanceof mongo.BSON.BSONError) return true;
  if (!(error instanceof mongo.MongoServerError)) return false;
  return !isStoreUnavailable(error) && !isTooSlow(error);
}

/** Everything of an attempt that decides, without what receivers and customers have written. */
export function withoutWords<
  T extends Pick<
    Attempt,
    'requestHeaders' | 'responseHeaders' | 'responseBody' | 'responseBodyCut' | 'errorMessage'
  >,
>(attempt: T): T {
  const {
    responseHeaders: _headers,
    responseBody: _body,
    responseBodyCut: _cut,
    errorMessage: _message,
    ...made
  } = attempt;
  return { ...made, requestHeaders: {} } as T;
}
