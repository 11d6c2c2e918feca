import type { ErrorRequestHandler, RequestHandler, Response } from 'express';
import type { Logger } from 'pino';
import { ERROR_STATUS, type ErrorCode, type FieldProblem } from '../contracts/errors';
import { placeOfJsonError } from '../domain/json-error';
import { causeOf } from '../reachability';
import { isStoreUnavailable, isTooSlow } from '../store/errors';
import type { ErrorAnswer } from './schemas/error';

/** A refusal that the caller is told about. */
export class ApiError extends Error {
  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly details?: readonly FieldProblem[],
  ) {
    super(message);
    this.name = 'ApiError';
  }
}

/** 422 that names the fields. */
export function invalid(details: readonly FieldProblem[]): ApiError {
  const named = details.map(({ field, message }) => `${field} ${message}`).join('; ');
  return new ApiError('validation_failed', named, details);
}

export function notFound(what: string): ApiError {
  return new ApiError('not_found', `${what} was not found`);
}

/** 429 that says when to come again. */
export function rateLimited(res: Response, waitMs: number, message: string): ApiError {
  res.set('Retry-After', String(Math.max(1, Math.ceil(waitMs / 1000))));
  return new ApiError('rate_limited', message);
}

/** 503 until `setup` has run. */
export function notReady(why: string): ApiError {
  return new ApiError('unavailable', `Posthorn takes no work yet: ${why}`);
}

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

/** 400 that says where a text ceases to be JSON. */
export function malformedJson(text: string): ApiError {
  return new ApiError('malformed_json', `the body is not valid JSON${placeOfJsonError(text)}`);
}

/** 403 that says which roles would do. */
export function wrongRole(role: string, roles: readonly string[]): ApiError {
  const needed = roles.length === 0 ? '' : `a key of role ${roles.join(' or ')}, or `;
  return new ApiError(
    'forbidden',
    `a key of role ${role} may not do this: it takes ${needed}the admin key`,
  );
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
    if (code === 'unauthorized') res.set('WWW-Authenticate', 'Bearer');
    res.status(ERROR_STATUS[code]).json({
      success: false,
      error: { code, message, ...(details && { details }), requestId: req.id as string },
    } satisfies ErrorAnswer);
  };
}

/** Where `?token=KEY` begins, also where the `?` was encoded, or written as something else. */
const KEY_IN_URL = /[?&;#]|%3f|%26|%3b|%23|token(=|%3d)|phk_/i;

/** A request's address as it may be logged and answered: up to the query, in which there may be a key. */
export function withoutKeys(url: string): string {
  return url.split(KEY_IN_URL, 1)[0]!;
}

export const unknownRoute: RequestHandler = (req) => {
  throw new ApiError('not_found', `there is no ${req.method} ${withoutKeys(req.originalUrl)}`);
};
