import { z } from 'zod';
import type { ZodOpenApiOperationObject, ZodOpenApiResponseObject } from 'zod-openapi';
import type { ErrorCode } from '../../contracts/errors';
import { reference } from '../schemas/fields';
import { JSON_TYPE, refusalsByStatus, requestIdHeader } from './refusals';

/* How the documented operations are built; `paths/` lists them. */

/** The error codes that every route with a key may answer. */
const BEHIND_KEY: readonly ErrorCode[] = [
  'bad_request',
  'unauthorized',
  'forbidden',
  'not_found',
  'validation_failed',
  'rate_limited',
  'internal_error',
  'unavailable',
  'too_slow',
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
  /** Operations that take the answer's id, or the value of the expression, as their `id`. */
  links?: Record<string, string>;
}

/** An answer that isn't JSON. */
export interface TextAnswer {
  description: string;
  /** An example by content type. */
  texts: Record<string, string>;
  /** A description by header. */
  headers: Record<string, string>;
}

/** Links to operations that take the value of that expression as their `id`. */
export const linksTo = (from: string, operationIds: readonly string[]): Answer['links'] =>
  Object.fromEntries(operationIds.map((operationId) => [operationId, from]));

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
    'A page, newest first unless stated otherwise.',
    z.object({
      [plural]: z.array(item),
      nextCursor: z
        .string()
        .nullable()
        .describe('The cursor of the next page; null on the last one.'),
    }),
    { [plural]: [example], nextCursor: null },
  );
}

/** The answer to a deletion. */
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
  /** In addition to `x-project-id`, which all accept. */
  headers?: z.ZodRawShape;
  /** `required`: whatever the schema says about an empty body. */
  body?: { schema: z.ZodType; examples: Record<string, unknown>; required?: true };
  answers: Record<number, Answer | TextAnswer>;
  /** In addition to those of all routes with a key. */
  errors?: readonly ErrorCode[];
  /** Whether `?token=` is accepted instead of the header. */
  tokenInQuery?: true;
  /** Server-sent events, instead of an answer. */
  stream?: { description: string; example: string };
  /** Where it is neither a key's nor a project's. */
  security?: Record<string, string[]>[];
}

const projectHeader = {
  'x-project-id': reference('project')
    .optional()
    .describe(
      'The project, by its id or as `ext:` and its `externalId`. A project’s key has its own; the admin key needs this header.',
    ),
};

/** An operation that needs a key. */
export function operation(spec: OperationSpec): ZodOpenApiOperationObject {
  const errors = [...BEHIND_KEY, ...(spec.body ? WITH_BODY : []), ...(spec.errors ?? [])];
  return {
    ...head(spec),
    security: spec.security ?? [{ key: [] }, spec.tokenInQuery ? { token: [] } : { session: [] }],
    requestParams: {
      ...(spec.path && { path: spec.path }),
      ...(spec.query && { query: spec.query }),
      ...(!spec.security && { header: z.object({ ...projectHeader, ...spec.headers }) }),
    },
    ...(spec.body && {
      requestBody: {
        // A missing body counts as an empty one.
        required: spec.body.required ?? !spec.body.schema.safeParse({}).success,
        content: {
          [JSON_TYPE]: { schema: spec.body.schema, examples: named(spec.body.examples) },
        },
      },
    }),
    responses: {
      ...answersByStatus(spec.answers),
      ...(spec.stream && { 200: streamAnswer(spec.stream) }),
      ...refusalsByStatus(errors),
    },
  };
}

/** An operation of the service itself, which needs no key unless `security` says otherwise. */
export function serviceOperation(
  spec: Pick<OperationSpec, 'operationId' | 'tag' | 'summary' | 'description' | 'errors'> & {
    responses: Record<string, ZodOpenApiResponseObject>;
    security?: Record<string, string[]>[];
  },
): ZodOpenApiOperationObject {
  return {
    ...head(spec),
    security: spec.security ?? [],
    responses: {
      ...spec.responses,
      ...refusalsByStatus(['bad_request', ...(spec.errors ?? [])]),
    },
  };
}

/** One event of a stream. */
const streamed = {
  type: 'object',
  properties: {
    event: { type: 'string', description: 'The kind of message.' },
    data: { type: 'string', description: 'JSON.' },
    id: { type: 'string', description: 'The position, for `Last-Event-ID`.' },
    retry: {
      type: 'integer',
      minimum: 0,
      maximum: 60_000,
      description: 'Milliseconds after which to connect again.',
    },
  },
} as const;

const streamAnswer = ({
  description,
  example,
}: NonNullable<OperationSpec['stream']>): ZodOpenApiResponseObject => ({
  description,
  headers: requestIdHeader,
  content: { 'text/event-stream': { schema: streamed, example } },
});

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
  answers: Record<number, Answer | TextAnswer>,
): Record<string, ZodOpenApiResponseObject> {
  return Object.fromEntries(
    Object.entries(answers).map(([status, answer]) => [
      status,
      'texts' in answer ? textResponse(answer) : jsonResponse(answer),
    ]),
  );
}

function jsonResponse({ description, schema, example, links }: Answer): ZodOpenApiResponseObject {
  return {
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
  };
}

function textResponse({ description, texts, headers }: TextAnswer): ZodOpenApiResponseObject {
  const schema = { type: 'string' as const };
  const described = Object.entries(headers).map(([name, text]) => [
    name,
    { description: text, required: true, schema },
  ]);
  return {
    description,
    headers: { ...requestIdHeader, ...Object.fromEntries(described) },
    content: Object.fromEntries(
      Object.entries(texts).map(([type, example]) => [type, { schema, example }]),
    ),
  };
}
