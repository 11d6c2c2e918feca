import { Error as MongooseError, mongo } from 'mongoose';

const DUPLICATE_KEY = 11_000;

/**
 * Whether a write was refused by a unique index, and by nothing else: a write of many that met another
 * refusal beside it has not stored what it was to store.
 */
export function isDuplicateKey(error: unknown): boolean {
  if (error instanceof mongo.MongoBulkWriteError) {
    const refusals = [error.writeErrors].flat();
    return (
      refusals.length > 0 &&
      refusals.every(({ code }) => code === DUPLICATE_KEY) &&
      error.result.getWriteConcernError() === undefined
    );
  }
  return error instanceof mongo.MongoServerError && error.code === DUPLICATE_KEY;
}

/** The node is no primary now, or stops: reads are not retried for long by the driver. */
const NOT_PRIMARY_CODES = [91, 189, 10_107, 11_600, 11_602, 13_435, 13_436];

/** A socket that the other side has just closed: the driver lets what the system says through. */
const SOCKET_ERRORS = ['EPIPE', 'ECONNRESET'];

/** What the driver, or the server, says of a failure that the same call may not meet again. */
const { RetryableWriteError, TransientTransactionError, UnknownTransactionCommitResult } =
  mongo.MongoErrorLabel;
const PASSING_LABELS = [
  RetryableWriteError,
  TransientTransactionError,
  UnknownTransactionCommitResult,
];

/** Whether MongoDB could not be reached or had no primary, so that the same call may succeed later. */
export function isStoreUnavailable(error: unknown): boolean {
  return (
    error instanceof mongo.MongoServerSelectionError ||
    error instanceof mongo.MongoNetworkError ||
    error instanceof mongo.MongoNotConnectedError ||
    (error instanceof Error && error.name === 'MongooseServerSelectionError') ||
    (error instanceof Error && error.name === 'MongoWaitQueueTimeoutError') ||
    (error instanceof mongo.MongoServerError && NOT_PRIMARY_CODES.includes(Number(error.code))) ||
    (error instanceof mongo.MongoError &&
      PASSING_LABELS.some((label) => error.hasErrorLabel(label))) ||
    // While the first connection is not made, mongoose keeps calls back and then gives them up.
    (error instanceof MongooseError && error.message.includes('buffering timed out')) ||
    SOCKET_ERRORS.includes((error as NodeJS.ErrnoException | null)?.code ?? '') ||
    // An insert of many wraps what ended it.
    (error instanceof mongo.MongoBulkWriteError && isStoreUnavailable(error.errorResponse))
  );
}

/** Whether MongoDB gave a query up after its `maxTimeMS`. */
export function isTooSlow(error: unknown): boolean {
  return error instanceof mongo.MongoServerError && error.code === 50;
}
