import type { ErrorRequestHandler, Response } from 'express';
import type { Logger } from 'pino';
import { ERRORS } from '../../contracts/errors';
import { causeOf } from '../../reachability';
import { SealedError } from '../../store/cipher';
import { isStoreUnavailable, isTooSlow } from '../../store/errors';
import { changedBy } from './auth';
import { wrongCoding } from './encoding';
import { ApiError, errorAnswer, invalid, refusal } from './errors';

/** Routes for which MongoDB counts a time range; one that takes too long is refused. */
export async function counted<T>(counting: Promise<T>): Promise<T> {
  try {
    return await counting;
  } catch (error) {
    if (!isTooSlow(error)) throw error;
    const message = 'begins a range with too many deliveries to count; use a shorter one';
    throw invalid([{ field: 'since', message }]);
  }
}

interface BodyError {
  type?: string;
  status?: number;
  /** Bytes. */
  limit?: number;
}

const inUnits = (bytes: number): string =>
  bytes < 2 ** 20 ? `${bytes / 2 ** 10} KiB` : `${bytes / 2 ** 20} MiB`;

/** Errors of express.raw, by their `type`. */
const BODY_ERRORS: Record<string, (error: BodyError) => ApiError> = {
  'entity.too.large': ({ limit = 0 }) => refusal('payload_too_large', { limit: inUnits(limit) }),
  // For a body that is empty; others are refused earlier.
  'encoding.unsupported': wrongCoding,
};

/** What the platform can do about a secret that can't be decrypted; settings are not a customer's concern. */
const RESTORE_KEY =
  ' (a provider’s key: set it again), or have the operator restore the encryption key (POSTHORN_ENCRYPTION_KEY, POSTHORN_FORMER_ENCRYPTION_KEYS)';

function toApiError(error: unknown, res: Response): ApiError | undefined {
  if (error instanceof ApiError) return error;
  if (isTooSlow(error)) {
    return refusal('too_slow');
  }
  if (isStoreUnavailable(error)) {
    return refusal('unavailable');
  }
  if (error instanceof SealedError) {
    const orElse = changedBy(res) === 'platform' ? RESTORE_KEY : '';
    return refusal('secret_unreadable', { orElse });
  }
  const { type, status } = error as BodyError;
  const body = type === undefined ? undefined : BODY_ERRORS[type];
  if (body) return body(error as BodyError);
  // Aborted or wrongly sized bodies, malformed percent-encodings.
  if (status === 400) return refusal('bad_request');
  return undefined;
}

/** A failure as it is shown to the caller; an unknown one is a bug, and is logged. */
export function shownError(error: unknown, res: Response, log: Logger): ApiError {
  const known = toApiError(error, res);
  if (!known) log.error({ err: error, requestId: res.req.id }, 'unexpected error');
  return known ?? refusal('internal_error');
}

/** The one place where failures become answers; an unknown one is answered with 500. */
export function errorHandler(log: Logger): ErrorRequestHandler {
  return (error: unknown, req, res, next) => {
    if (res.headersSent) {
      next(error);
      return;
    }
    const shown = shownError(error, res, log);
    const { code, message } = shown;
    // Those too that come before what is never cached.
    res.set('Cache-Control', 'no-store');
    if (code === 'unavailable' || code === 'too_slow') {
      res.set('Retry-After', '5');
      // Instead of "failed with status code 503", which is all that the log would say.
      res.locals.unavailable = error instanceof ApiError ? message : `MongoDB: ${causeOf(error)}`;
    }
    if (shown.retryAfterSeconds) res.set('Retry-After', String(shown.retryAfterSeconds));
    if (code === 'unauthorized') res.set('WWW-Authenticate', 'Bearer');
    res.status(ERRORS[code].status).json(errorAnswer(shown, req.id as string));
  };
}
