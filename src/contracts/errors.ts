/** Every error code that the API answers, with its HTTP status (docs/contract.md, 5.6). */
export const ERROR_STATUS = {
  bad_request: 400,
  malformed_json: 400,
  unauthorized: 401,
  forbidden: 403,
  plan_not_allowed: 403,
  not_found: 404,
  method_not_allowed: 405,
  idempotency_conflict: 409,
  delivery_in_progress: 409,
  delivery_ended: 409,
  delivery_held: 409,
  event_expunged: 409,
  replay_ended: 409,
  webhook_deleted: 409,
  secret_limit_reached: 409,
  external_id_taken: 409,
  payload_too_large: 413,
  unsupported_media_type: 415,
  validation_failed: 422,
  url_immutable: 422,
  webhook_limit_reached: 422,
  key_limit_reached: 422,
  replay_limit_reached: 422,
  rate_limited: 429,
  internal_error: 500,
  unavailable: 503,
} as const;

export type ErrorCode = keyof typeof ERROR_STATUS;

/** One problem of a request: the field by its path (`data.to.email`), and what to do about it. */
export interface FieldProblem {
  field: string;
  message: string;
}
