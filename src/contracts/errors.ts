/** One problem of a request: the field by its path (`data.to.email`), and what to do about it. */
export interface FieldProblem {
  field: string;
  message: string;
}

export interface ErrorDefinition {
  /** The HTTP status. */
  status: number;
  /** The default message; `{name}` is replaced by a value that the case gives. */
  message: string;
  /** The fields that are wrong, if they are always the same. */
  details?: readonly FieldProblem[];
  /** Values for the example in the OpenAPI document. */
  example?: Readonly<Record<string, string | number>>;
}

/** Every error code that the API answers (docs/contract.md, 5.6). */
export const ERRORS = {
  bad_request: { status: 400, message: 'the request could not be read' },
  malformed_json: {
    status: 400,
    message: 'the body is not valid JSON{place}',
    example: { place: ' at line 1, column 8' },
  },
  unauthorized: { status: 401, message: 'this key is unknown or was revoked' },
  forbidden: {
    status: 403,
    message: 'a key with the role {role} may not do this; use {keys}',
    example: { role: 'reader', keys: 'a key with the role owner or sender, or the admin key' },
  },
  plan_not_allowed: {
    status: 403,
    message: 'the plan "{plan}" does not include webhooks; use another plan',
    example: { plan: 'hobby' },
  },
  not_found: { status: 404, message: '{what} was not found', example: { what: 'the webhook' } },
  method_not_allowed: {
    status: 405,
    message: '{method} is not allowed here; use {allowed}',
    example: { method: 'PUT', allowed: 'GET, POST' },
  },
  request_timeout: {
    status: 408,
    message:
      'the request did not arrive in time: its headers have 10 seconds, all of it 30; send it again',
  },
  idempotency_conflict: {
    status: 409,
    message: 'this Idempotency-Key was used with a different body; use a new key for a new request',
  },
  delivery_in_progress: { status: 409, message: 'this delivery has not ended yet' },
  delivery_ended: {
    status: 409,
    message:
      'this delivery has ended: {status}; a replay sends it again, unless its webhook or its event’s payload was deleted',
    example: { status: 'succeeded' },
  },
  delivery_held: {
    status: 409,
    message: 'its webhook {why}',
    example: { why: 'is paused; resume the webhook' },
  },
  event_expunged: { status: 409, message: "the payload of this delivery's event was deleted" },
  replay_ended: {
    status: 409,
    message: 'this replay has ended: {status}',
    example: { status: 'completed' },
  },
  webhook_deleted: { status: 409, message: 'the webhook of this delivery was deleted' },
  plan_has_webhooks: {
    status: 409,
    message:
      'the plan "{plan}" does not include webhooks, and the project has some; delete them first',
    details: [{ field: 'plan', message: 'is "{plan}"' }],
    example: { plan: 'hobby' },
  },
  secret_limit_reached: {
    status: 409,
    message:
      '{max} secrets of this webhook are live, the maximum; wait for an overlap to end, or rotate with "overlapHours": 0, which ends all others',
    example: { max: 10 },
  },
  secret_unreadable: {
    status: 409,
    message:
      'this secret cannot be decrypted: it was altered, or encrypted with a key that Posthorn does not have; rotate it{orElse}',
    example: { orElse: '' },
  },
  external_id_taken: {
    status: 409,
    message: 'this externalId is already used by {id}',
    details: [{ field: 'externalId', message: 'is already used by {id}' }],
    example: { id: 'proj_0192f5a7c1d07b3e9a4c5d6e7f801234' },
  },
  payload_too_large: {
    status: 413,
    message: 'the body is larger than {limit}',
    example: { limit: '256 KiB' },
  },
  unsupported_media_type: {
    status: 415,
    message: 'send the body as Content-Type: application/json',
  },
  expectation_failed: {
    status: 417,
    message: 'the header Expect may only be 100-continue; send the request without it',
  },
  validation_failed: {
    status: 422,
    message: '{problems}',
    details: [{ field: 'name', message: 'is required' }],
    example: { problems: 'name is required' },
  },
  url_immutable: {
    status: 422,
    message: 'the url of a webhook cannot be changed; create a new webhook instead',
    details: [{ field: 'url', message: 'cannot be changed' }],
  },
  webhook_limit_reached: {
    status: 422,
    message: 'this project already has {max} webhooks, the maximum; delete one{orElse}',
    example: { max: 100, orElse: ', or ask the admin to raise policy.maxWebhooks of the project' },
  },
  key_limit_reached: {
    status: 422,
    message:
      'this project already has {max} keys, the maximum; delete one that is no longer used (see lastUsedAt), or create keys that expire',
    example: { max: 200 },
  },
  replay_limit_reached: {
    status: 422,
    message:
      '{max} replays are running or paused, the maximum for a project’s keys, and for its portal links; cancel one, or wait for one to end',
    example: { max: 200 },
  },
  rate_limited: { status: 429, message: 'too many requests with this key; see Retry-After' },
  headers_too_large: {
    status: 431,
    message: 'the address and the headers are larger than 16 KiB together; send less',
  },
  internal_error: {
    status: 500,
    message: 'an unexpected error occurred; the log has it under this request id',
  },
  unavailable: {
    status: 503,
    message:
      'the database is unavailable; the request is not confirmed, but may have been stored; retry with the same Idempotency-Key, which POST /v1/events and /v1/events/batch recognise',
  },
  too_slow: {
    status: 503,
    message:
      'the database took too long and aborted this; try again, with a shorter time range (since, until) if there is one',
  },
} as const satisfies Record<string, ErrorDefinition>;

export type ErrorCode = keyof typeof ERRORS;

type NamesIn<Message extends string> = Message extends `${string}{${infer Name}}${infer Rest}`
  ? Name | NamesIn<Rest>
  : never;

/** The values that a case gives for the `{name}`s of its code's message. */
export type Given<Code extends ErrorCode> = Record<
  NamesIn<(typeof ERRORS)[Code]['message']>,
  string | number
>;
