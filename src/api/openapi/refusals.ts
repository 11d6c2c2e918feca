import type { ZodOpenApiResponseObject } from 'zod-openapi';
import { ERRORS, type ErrorCode } from '../../contracts/errors';
import { errorAnswer, exampleOf } from '../http/errors';
import { errorSchema } from '../schemas/error';
import { EXAMPLE } from '../schemas/fields';

/* How refusals are documented. */

export const JSON_TYPE = 'application/json';

const STATUS_TEXT: Record<number, string> = {
  400: 'The request could not be read.',
  401: 'The key is missing or unknown.',
  403: 'The key may not do this.',
  404: 'There is no such resource in this project.',
  409: 'Not possible in the current state.',
  413: 'The body is too large.',
  415: 'The body is not sent as JSON, or its `Content-Encoding` is neither gzip nor deflate.',
  422: 'Something in the request is wrong; `details` names the fields.',
  429: 'Too many requests with this key, or with all keys of its project, per minute or at a time; or too many unread answers; or its project has used up its CPU time for schemas, filters and large bodies.',
  500: 'A bug in Posthorn.',
  503: 'The database is unavailable or too slow, or Posthorn is not ready (`setup` has not run). The request is not confirmed, but may have been stored; retry with the same `Idempotency-Key`, which `POST /v1/events` and `/v1/events/batch` recognise.',
};

export const requestIdHeader = {
  'X-Request-Id': {
    description: 'Identifies the request in the log.',
    required: true,
    schema: { type: 'string' as const },
  },
};

/** Equal error responses are one component. */
const refusals = new Map<string, ZodOpenApiResponseObject>();

function refusal(status: number, codes: readonly ErrorCode[]): ZodOpenApiResponseObject {
  const name = codes.join('_or_');
  const made = refusals.get(name) ?? {
    id: name,
    description: `${STATUS_TEXT[status]!} ${codes.map((code) => `\`${code}\``).join(', ')}.`,
    headers: {
      ...requestIdHeader,
      ...((status === 429 || status === 503) && {
        'Retry-After': {
          description: 'Seconds to wait.',
          required: status === 429,
          schema: { type: 'string' as const },
        },
      }),
      ...(status === 401 && {
        'WWW-Authenticate': { required: true, schema: { type: 'string' as const } },
      }),
    },
    content: {
      [JSON_TYPE]: {
        schema: errorSchema,
        examples: Object.fromEntries(
          codes.map((code) => [code, { value: errorAnswer(exampleOf(code), EXAMPLE.requestId) }]),
        ),
      },
    },
  };
  refusals.set(name, made);
  return made;
}

/** The responses for those codes, by status. */
export function refusalsByStatus(
  codes: readonly ErrorCode[],
): Record<string, ZodOpenApiResponseObject> {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of codes) {
    const status = ERRORS[code].status;
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return Object.fromEntries(
    [...byStatus].map(([status, ofStatus]) => [status, refusal(status, ofStatus)]),
  );
}
