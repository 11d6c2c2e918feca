import type { ErrorRequestHandler } from 'express';
import type { Logger } from 'pino';
import { ERROR_STATUS, type ErrorCode } from '../../contracts/errors';
import { causeOf } from '../../reachability';
import { isStoreUnavailable, isTooSlow } from '../../store/errors';
import { ApiError, invalid } from './errors';
import type { ErrorAnswer } from '../schemas/error';

/** What MongoDB counts of a range of time; one that takes it too long is refused. */
export async function counted<T>(counting: Promise<T>): Promise<T> {
  try {
    return await counting;
  } catch (error) {
    if (!isTooSlow(error)) throw error;
    const message = 'begins a range with too many deliveries to count; ask for a shorter one';
    throw invalid([{ field: 'since', message }]);
  }
}

/** Errors of express.raw, by their `type`. */
const BODY_ERRORS: Record<string, [ErrorCode, string]> = {
  'entity.too.large': ['payload_too_large', 'the body is larger than 256 KiB (5 MiB for a batch)'],
  'encoding.unsupported': [
    'unsupported_media_type',
    'the Content-Encoding must be gzip, deflate, br or none',
  ],
};

function toApiError(error: unknown): ApiError | undefined {
  if (error instanceof ApiError) return error;
  if (isTooSlow(error)) {
    return new ApiError(
      'unavailable',
      'the database took too long over this and gave it up; try again, with a shorter range of time (since, until) where there is one',
    );
  }
  if (isStoreUnavailable(error)) {
    return new ApiError(
      'unavailable',
      'the database is unavailable and this was not accepted; try again. What was cut off midway may be stored all the same: with its Idempotency-Key it is not stored twice',
    );
  }
  const { type, status } = error as { type?: string; status?: number };
  const body = type === undefined ? undefined : BODY_ERRORS[type];
  if (body) return new ApiError(...body);
  // Aborted or wrongly sized bodies, malformed percent-encodings.
  if (status === 400) return new ApiError('bad_request', 'the request could not be read');
  return undefined;
}

/** The one place where failures become answers; what it doesn't know is a bug, logged and told as 500. */
export function errorHandler(log: Logger): ErrorRequestHandler {
  return (error: unknown, req, res, next) => {
    if (res.headersSent) {
      next(error);
      return;
    }
    const known = toApiError(error);
    if (!known) log.error({ err: error, requestId: req.id }, 'unexpected error');
    const { code, message, details }: Pick<ApiError, 'code' | 'message' | 'details'> = known ?? {
      code: 'internal_error',
      message: 'something went wrong here; the request id finds it in the log',
    };
    if (code === 'unavailable') {
      res.set('Retry-After', '5');
      // In place of "failed with status code 503", which is all that the log would say.
      res.locals.unavailable = error instanceof ApiError ? message : `MongoDB: ${causeOf(error)}`;
    }
    if (known?.retryAfterSeconds) res.set('Retry-After', String(known.retryAfterSeconds));
    if (code === 'unauthorized') res.set('WWW-Authenticate', 'Bearer');
    res.status(ERROR_STATUS[code]).json({
      success: false,
      error: { code, message, ...(details && { details }), requestId: req.id as string },
    } satisfies ErrorAnswer);
  };
}
