import { z } from 'zod';
import type { ZodOpenApiOperationObject, ZodOpenApiResponseObject } from 'zod-openapi';
import { ERROR_STATUS, type ErrorCode } from '../../contracts/errors';
import { errorSchema, type ErrorAnswer } from '../schemas/error';
import { EXAMPLE, reference } from '../schemas/fields';

/* How the documented operations are put together; `paths/` says what there is. */

const JSON_TYPE = 'application/json';

/** What a request is told that is refused, by code: an example of each. */
const MESSAGES: Record<ErrorCode, string> = {
  bad_request: 'the request could not be read',
  malformed_json: 'the body is not valid JSON at line 1, column 8',
  unauthorized: 'this key is unknown or was revoked',
  forbidden:
    'a key of role reader may not do this: it takes a key of role owner or sender, or the admin key',
  plan_not_allowed: 'the plan "hobby" has no webhooks; they need another plan',
  not_found: 'the webhook was not found',
  method_not_allowed: 'there is no PUT here; there is GET, POST',
  idempotency_conflict:
    'this Idempotency-Key was used for another body; use a new key for a new request',
  delivery_in_progress: 'this delivery has not ended yet',
  delivery_ended: 'this delivery has ended: succeeded; replay it',
  delivery_held: 'its webhook is paused; resume the webhook',
  event_expunged: "the payload of this delivery's event was deleted",
  replay_ended: 'this replay has ended: completed',
  webhook_deleted: 'the webhook of this delivery was deleted',
  secret_limit_reached: '10 secrets of this webhook are live; wait for an overlap to end',
  external_id_taken: `this externalId is that of ${EXAMPLE.projectId}`,
  payload_too_large: 'the body is larger than 256 KiB (5 MiB for a batch)',
  unsupported_media_type: 'send the body as Content-Type: application/json',
  validation_failed: 'name is required',
  url_immutable: 'a webhook keeps its url; make a new webhook instead',
  webhook_limit_reached: 'this project holds its 100 webhooks',
  key_limit_reached:
    'this project has its 200 keys; delete one that is no longer used, by its lastUsedAt, or let new ones expire',
  replay_limit_reached:
    '200 replays of this project run or are paused; cancel one, or wait for one to end',
  rate_limited: 'too many requests with this key; see Retry-After',
  internal_error: 'something went wrong here; the request id finds it in the log',
  unavailable:
    'the database is unavailable and this was not accepted; try again. What was cut off midway may be stored all the same: with its Idempotency-Key it is not stored twice',
};

const DETAILS: Partial<Record<ErrorCode, ErrorAnswer['error']['details']>> = {
  validation_failed: [{ field: 'name', message: 'is required' }],
  plan_not_allowed: [{ field: 'plan', message: 'is "hobby"' }],
  webhook_limit_reached: [{ field: 'policy.maxWebhooks', message: 'is 100' }],
  external_id_taken: [{ field: 'externalId', message: `is that of ${EXAMPLE.projectId}` }],
  url_immutable: [{ field: 'url', message: 'cannot be changed' }],
};

const STATUS_TEXT: Record<number, string> = {
  400: 'The request cannot be read.',
  401: 'There is no key, or it is not known.',
  403: 'The key may not do this.',
  404: 'There is no such thing in this project.',
  409: 'It does not go with the present state.',
  413: 'The body is too large.',
  415: 'The body is not JSON.',
  422: 'Something in the request is wrong; `details` names the fields.',
  429: 'Too many requests with this key, or with the keys of its project: in a minute, or at a time; or too much of their answers is not read; or its project has used up its time for schemas, filters and large bodies.',
  500: 'A bug in Posthorn.',
  503: 'The database is unavailable, and this was not accepted. What was cut off midway may be stored all the same: with its `Idempotency-Key` an event is not stored twice.',
};

const requestIdHeader = {
  'X-Request-Id': {
    description: 'Names the request in the log.',
    required: true,
    schema: { type: 'string' as const },
  },
};

/** Equal refusals are one component. */
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
          codes.map((code) => [
            code,
            {
              value: {
                success: false,
                error: {
                  code,
                  message: MESSAGES[code],
                  ...(DETAILS[code] && { details: DETAILS[code] }),
                  requestId: EXAMPLE.requestId,
                },
              } satisfies ErrorAnswer,
            },
          ]),
        ),
      },
    },
  };
  refusals.set(name, made);
  return made;
}

function refusalsByStatus(codes: readonly ErrorCode[]): Record<string, ZodOpenApiResponseObject> {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of codes) {
    const status = ERROR_STATUS[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return Object.fromEntries(
    [...byStatus].map(([status, ofStatus]) => [status, refusal(status, ofStatus)]),
  );
}

/** What every route behind a key may refuse with. */
const BEHIND_KEY: readonly ErrorCode[] = [
  'bad_request',
  'unauthorized',
  'forbidden',
  'not_found',
  'validation_failed',
  'rate_limited',
  'internal_error',
  'unavailable',
];
const WITH_BODY: readonly ErrorCode[] = [
  'malformed_json',
  'payload_too_large',
  'unsupported_media_type',
];

export interface Answer {
  description: string;
  schema: z.ZodType;
  example: unknown;
  /** Operations that take the answer's id, or what the expression says, as their `id`. */
  links?: Record<string, string>;
}

/** An answer's `data`, in the envelope of `/v1`. */
export function data<S extends z.ZodType>(
  description: string,
  schema: S,
  example: z.infer<S>,
  links?: Answer['links'],
): Answer {
  return {
    description,
    schema: z.object({ success: z.literal(true), data: schema }),
    example: { success: true, data: example },
    links,
  };
}

/** A page of a list. */
export function page<S extends z.ZodType>(plural: string, item: S, example: z.infer<S>): Answer {
  return data(
    'A page, newest first.',
    z.object({
      [plural]: z.array(item),
      nextCursor: z.string().nullable().describe('Of the next page; null on the last one.'),
    }),
    { [plural]: [example], nextCursor: null },
  );
}

/** What a deletion answers. */
export const deleted = <S extends z.ZodType>(
  name: string,
  schema: S,
  example: z.infer<S>,
): Answer =>
  data('It is deleted.', z.object({ [name]: schema, deleted: z.literal(true) }), {
    [name]: example,
    deleted: true,
  });

export interface OperationSpec {
  operationId: string;
  tag: string;
  summary: string;
  description?: string;
  path?: z.ZodType<unknown, Record<string, unknown>>;
  query?: z.ZodType<unknown, Record<string, unknown>>;
  /** Besides `x-project-id`, which all take. */
  headers?: z.ZodRawShape;
  /** `required`: whatever the schema says of an empty one. */
  body?: { schema: z.ZodType; examples: Record<string, unknown>; required?: true };
  answers: Record<number, Answer>;
  /** Besides those that all routes behind a key have. */
  errors?: readonly ErrorCode[];
  /** Whether `?token=` does as well as the header. */
  tokenInQuery?: true;
}

const projectHeader = {
  'x-project-id': reference('project')
    .optional()
    .describe(
      'The project, by its id or as `ext:` and its `externalId`. A project’s key has its own; the admin key needs this header.',
    ),
};

/** An operation behind a key. */
export function operation(spec: OperationSpec): ZodOpenApiOperationObject {
  const errors = [...BEHIND_KEY, ...(spec.body ? WITH_BODY : []), ...(spec.errors ?? [])];
  return {
    ...head(spec),
    security: [{ key: [] }, ...(spec.tokenInQuery ? [{ token: [] }] : [])],
    requestParams: {
      ...(spec.path && { path: spec.path }),
      ...(spec.query && { query: spec.query }),
      header: z.object({ ...projectHeader, ...spec.headers }),
    },
    ...(spec.body && {
      requestBody: {
        // None at all is taken for an empty one.
        required: spec.body.required ?? !spec.body.schema.safeParse({}).success,
        content: {
          [JSON_TYPE]: { schema: spec.body.schema, examples: named(spec.body.examples) },
        },
      },
    }),
    responses: {
      ...answersByStatus(spec.answers),
      ...refusalsByStatus(errors),
    },
  };
}

/** An operation of the service itself, which anybody may use where `security` says nothing else. */
export function serviceOperation(
  spec: Pick<OperationSpec, 'operationId' | 'tag' | 'summary' | 'description' | 'errors'> & {
    responses: Record<string, ZodOpenApiResponseObject>;
    security?: Record<string, string[]>[];
  },
): ZodOpenApiOperationObject {
  return {
    ...head(spec),
    security: spec.security ?? [],
    responses: { ...spec.responses, ...refusalsByStatus(spec.errors ?? []) },
  };
}

const head = ({
  operationId,
  tag,
  summary,
  description,
}: Pick<OperationSpec, 'operationId' | 'tag' | 'summary' | 'description'>) => ({
  operationId,
  tags: [tag],
  summary,
  ...(description !== undefined && { description }),
});

const named = (examples: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(examples).map(([name, value]) => [name, { value }]));

export function answersByStatus(
  answers: Record<number, Answer>,
): Record<string, ZodOpenApiResponseObject> {
  return Object.fromEntries(
    Object.entries(answers).map(([status, { description, schema, example, links }]) => [
      status,
      {
        description,
        headers: requestIdHeader,
        content: { [JSON_TYPE]: { schema, example } },
        ...(links && {
          links: Object.fromEntries(
            Object.entries(links).map(([operationId, from]) => [
              operationId,
              { operationId, parameters: { id: `$response.body#/${from}` } },
            ]),
          ),
        }),
      },
    ]),
  );
}
