/** Words and shapes shared by the API, the store, the activities and the workflows. No behaviour. */

export const DELIVERY_STATUSES = [
  'pending',
  'succeeded',
  'failed',
  'skipped',
  'held',
  'cancelled',
] as const;
export type DeliveryStatus = (typeof DELIVERY_STATUSES)[number];

/**
 * How the events of a project are driven (docs/adr/0025): by a workflow for each event and delivery, by
 * the project's courier, or by the first for as long as there is room, and by the second beyond.
 */
export const DISPATCHES = ['workflow', 'auto', 'express'] as const;
export type Dispatch = (typeof DISPATCHES)[number];

/** Statuses of what is still to be sent. */
export const UNENDED_STATUSES: readonly DeliveryStatus[] = ['pending', 'held'];

/** Statuses from which nothing happens any more but by replay. */
export const TERMINAL_STATUSES = ['succeeded', 'failed', 'skipped', 'cancelled'] as const;

/** Why a delivery was ended for its webhook's sake: `skipped`, or `cancelled`. */
export const END_REASONS = ['webhook_disabled', 'webhook_deleted'] as const;
export type EndReason = (typeof END_REASONS)[number];

export const SIGNING_SCHEMES = ['hex', 'standard', 'standard-ed25519'] as const;
export type SigningScheme = (typeof SIGNING_SCHEMES)[number];

/**
 * How the key bytes are read from a secret: `raw`, its UTF-8 bytes; `whsec`, the base64 after the
 * `whsec_` prefix (Standard Webhooks 1.0).
 */
export type SecretFormat = 'raw' | 'whsec';

/** How a delivery is tried. */
export interface DeliveryPolicy {
  /** Milliseconds for one whole HTTP exchange, from connecting to the last byte. */
  timeoutMs: number;
  /** Milliseconds to wait after the 1st, 2nd, … failed attempt; its length + 1 is the attempts' number. */
  retryDelaysMs: readonly number[];
  /** Consecutive failed attempts after which a webhook is disabled; null: never. */
  autoDisableAfter: number | null;
  /** Attempts that a webhook gets in a second, over all workers; more of them wait. null: no limit. */
  ratePerSecond: number | null;
}

/**
 * Why an attempt that was due has been put off, without being one: its webhook's rate limit, or as many
 * attempts as may run at a time for its webhook, for its project while others need a place too, or on
 * its worker for attempts that aren't the first, or whose webhook is slow; or it is part of a bulk replay,
 * and waits for what is new.
 */
export const DEFERRAL_REASONS = [
  'rate_limit',
  'webhook_busy',
  'project_busy',
  'workers_busy',
  'replay',
] as const;
export type DeferralReason = (typeof DEFERRAL_REASONS)[number];

/**
 * Why an attempt got no HTTP answer that counts. `secret_unreadable`: nothing was sent, since the
 * webhook's secret or its headers could not be decrypted.
 */
export const ATTEMPT_ERROR_CODES = [
  'timeout',
  'dns',
  'tls',
  'connection_refused',
  'connection_reset',
  'unreachable',
  'blocked_address',
  'invalid_response',
  'secret_unreadable',
  'unknown',
] as const;
export type AttemptErrorCode = (typeof ATTEMPT_ERROR_CODES)[number];

/** One HTTP exchange, as it is logged in its delivery. */
export interface Attempt {
  /** 1, 2, … through all replays. */
  number: number;
  /** The Temporal run it belongs to: a new one for each replay. */
  runId: string;
  startedAt: Date;
  durationMs: number;
  outcome: 'succeeded' | 'failed';
  /** Set when it was sent once more, on a fresh connection, since the receiver had closed the first. */
  resent?: true;
  statusCode?: number;
  /** What was sent, signature included; secrets never. */
  requestHeaders: Record<string, string>;
  responseHeaders?: Record<string, string>;
  /** The first 16 KiB, decoded; of bytes that are no text, what they are. */
  responseBody?: string;
  errorCode?: AttemptErrorCode;
  errorMessage?: string;
  /** Another execution, or run, had taken over: it is only logged, and decides and counts for nothing. */
  superseded?: true;
}
