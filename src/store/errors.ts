import { Error as MongooseError, mongo } from 'mongoose';

const DUPLICATE_KEY = 11_000;

/**
 * Whether a write was refused by a unique index, and by nothing else: a write of many that was also refused
 * for another reason has not stored what it should have.
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

/** The node is not a primary now, or is shutting down: the driver doesn't retry reads for long. */
const NOT_PRIMARY_CODES = [91, 189, 10_107, 11_600, 11_602, 13_435, 13_436];

/**
 * It writes nothing for now: the user has no permission or must log in again, the time was up, no majority
 * confirmed the write in time (MAX_CONFIRM_MS), writes are blocked, or a hosted cluster's quota or the disk is
 * full.
 */
const NOT_NOW_CODES = [13, 18, 24, 64, 79, 100, 262, 371, 391, 8000, 11_601, 14_031];

/** The other side has just closed the socket: the driver passes the system's error on. */
const SOCKET_ERRORS = ['EPIPE', 'ECONNRESET'];

/** Labels of the driver and the server for failures that may not happen again if the call is repeated. */
const { RetryableWriteError, TransientTransactionError, UnknownTransactionCommitResult } =
  mongo.MongoErrorLabel;
const PASSING_LABELS = [
  RetryableWriteError,
  TransientTransactionError,
  UnknownTransactionCommitResult,
];

/**
 * Whether MongoDB could not be reached, had no primary or accepts no writes, so that the same call may succeed
 * later.
 */
export function isStoreUnavailable(error: unknown): boolean {
  return (
    error instanceof mongo.MongoServerSelectionError ||
    error instanceof mongo.MongoNetworkError ||
    error instanceof mongo.MongoNotConnectedError ||
    (error instanceof Error && error.name === 'MongooseServerSelectionError') ||
    (error instanceof Error && error.name === 'MongoWaitQueueTimeoutError') ||
    (error instanceof mongo.MongoServerError &&
      [...NOT_PRIMARY_CODES, ...NOT_NOW_CODES].includes(Number(error.code))) ||
    (error instanceof mongo.MongoError &&
      PASSING_LABELS.some((label) => error.hasErrorLabel(label))) ||
    // Until the first connection is established, mongoose buffers calls and then gives them up.
    (error instanceof MongooseError && error.message.includes('buffering timed out')) ||
    SOCKET_ERRORS.includes((error as NodeJS.ErrnoException | null)?.code ?? '') ||
    // An insert of many wraps the error that ended it.
    (error instanceof mongo.MongoBulkWriteError && isStoreUnavailable(error.errorResponse))
  );
}

/** Whether MongoDB gave up a query after its `maxTimeMS`. A commit that it gave up is in doubt instead. */
export function isTooSlow(error: unknown): boolean {
  return (
    error instanceof mongo.MongoServerError &&
    error.code === 50 &&
    !error.hasErrorLabel(UnknownTransactionCommitResult)
  );
}
