import type { RequestHandler } from 'express';
import type { ErrorCode, FieldProblem } from '../../contracts/errors';
import { placeOfJsonError } from '../../domain/json-error';
import type { Found } from './problems';

/** A refusal that the caller is told about. */
export class ApiError extends Error {
  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly details?: readonly FieldProblem[],
    readonly retryAfterSeconds?: number,
  ) {
    super(message);
    this.name = 'ApiError';
  }
}

/** 422 that names the fields. */
export function invalid(details: readonly FieldProblem[]): ApiError {
  return refused({ problems: details, more: 0 });
}

/** 422 that names the fields, and says how many more there are. */
export function refused({ problems, more }: Readonly<Found>): ApiError {
  const named = problems.map(({ field, message }) => `${field} ${message}`);
  if (more > 0) named.push(Number.isFinite(more) ? `and ${more} more` : 'and more');
  return new ApiError('validation_failed', named.join('; '), problems);
}

export function notFound(what: string): ApiError {
  return new ApiError('not_found', `${what} was not found`);
}

/** 429 that says when to come again. */
export function rateLimited(waitMs: number, message: string): ApiError {
  const seconds = Math.max(1, Math.ceil(waitMs / 1000));
  return new ApiError('rate_limited', message, undefined, seconds);
}

/** 503 until `setup` has run. */
export function notReady(why: string): ApiError {
  return new ApiError('unavailable', `Posthorn takes no work yet: ${why}`);
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

/** Where `?token=KEY` begins, also where the `?` was encoded, or written as something else. */
const KEY_IN_URL = /[?&;#]|%3f|%26|%3b|%23|token(=|%3d)|phk_/i;

/** A request's address as it may be logged and answered: up to the query, in which there may be a key. */
export function withoutKeys(url: string): string {
  return url.split(KEY_IN_URL, 1)[0]!;
}

export const unknownRoute: RequestHandler = (req) => {
  throw new ApiError('not_found', `there is no ${req.method} ${withoutKeys(req.originalUrl)}`);
};
