import type { RequestHandler } from 'express';
import {
  ERRORS,
  type ErrorCode,
  type ErrorDefinition,
  type FieldProblem,
  type Given,
} from '../../contracts/errors';
import { placeOfJsonError } from '../../domain/json-error';
import type { ErrorAnswer } from '../schemas/error';
import type { Found } from './problems';

/** An error that is shown to the caller. */
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

/** The body of a refusal. */
export const errorAnswer = (
  { code, message, details }: ApiError,
  requestId: string,
): ErrorAnswer => ({
  success: false,
  error: { code, message, ...(details && { details }), requestId },
});

/**
 * A refusal in the words of the table.
 * @param given for the `{name}`s of the code's message
 * @param details where they are the case's own
 */
export function refusal<Code extends ErrorCode>(
  code: Code,
  ...[given, details]: keyof Given<Code> extends never
    ? []
    : [given: Given<Code>, details?: readonly FieldProblem[]]
): ApiError {
  return inWords(code, given ?? {}, details);
}

/** One as the OpenAPI document shows it. */
export function exampleOf(code: ErrorCode): ApiError {
  const { example = {} }: ErrorDefinition = ERRORS[code];
  return inWords(code, example);
}

function inWords(
  code: ErrorCode,
  given: Readonly<Record<string, string | number>>,
  details?: readonly FieldProblem[],
): ApiError {
  const definition: ErrorDefinition = ERRORS[code];
  const fill = (text: string): string =>
    text.replaceAll(/\{(\w+)\}/g, (_all, name: string) => String(given[name]));
  const usual = definition.details?.map((one) => ({ ...one, message: fill(one.message) }));
  return new ApiError(code, fill(definition.message), details ?? usual);
}

/** 422 that names the fields. */
export function invalid(details: readonly FieldProblem[]): ApiError {
  return refused({ problems: details, more: 0 });
}

/** 422 that names the fields, and says how many more there are. */
export function refused({ problems, more }: Readonly<Found>): ApiError {
  const named = problems.map(({ field, message }) => `${field} ${message}`);
  if (more > 0) named.push(Number.isFinite(more) ? `and ${more} more` : 'and more');
  return refusal('validation_failed', { problems: named.join('; ') }, problems);
}

export function notFound(what: string): ApiError {
  return refusal('not_found', { what });
}

/** 429 that says when to retry. */
export function rateLimited(waitMs: number, message: string): ApiError {
  const seconds = Math.max(1, Math.ceil(waitMs / 1000));
  return new ApiError('rate_limited', message, undefined, seconds);
}

/** 503 until `setup` has run. */
export function notReady(why: string): ApiError {
  return new ApiError('unavailable', `Posthorn is not ready yet: ${why}`);
}

/** 400 that says where a text stops being JSON. */
export function malformedJson(text: string): ApiError {
  return refusal('malformed_json', { place: placeOfJsonError(text) });
}

/** 403 that says which roles are sufficient. */
export function wrongRole(role: string, roles: readonly string[]): ApiError {
  const needed = roles.length === 0 ? '' : `a key with the role ${roles.join(' or ')}, or `;
  return refusal('forbidden', { role, keys: `${needed}the admin key` });
}

/** Where `?token=KEY` begins, even if the `?` was encoded or replaced. */
const KEY_IN_URL = /[?&;#]|%3f|%26|%3b|%23|token(=|%3d)|phk_/i;

/** More of it would tell nothing: strangers choose how long it is, and each refusal logs it. */
const MAX_PATH_LENGTH = 200;

/** A request's URL as it may be logged and shown: without the query, which may contain a key. */
export function withoutKeys(url: string): string {
  const path = url.split(KEY_IN_URL, 1)[0]!;
  return path.length > MAX_PATH_LENGTH ? `${path.slice(0, MAX_PATH_LENGTH)}…` : path;
}

export const unknownRoute: RequestHandler = (req) => {
  throw new ApiError('not_found', `there is no ${req.method} ${withoutKeys(req.originalUrl)}`);
};
