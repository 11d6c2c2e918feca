/** Words and shapes shared by the API, the store, the activities and the workflows. No behaviour. */

/** Bytes of what is sent: one event's limit (docs/contract.md, 5.5), and room for its envelope. */
export const LARGEST_BODY = 257 * 1024;

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
 * How a project's events are dispatched (docs/adr/0025): by a workflow for each event and delivery, by the
 * project's courier, or by workflows for occasional events and by the courier for all others.
 */
export const DISPATCHES = ['workflow', 'auto', 'express'] as const;
export type Dispatch = (typeof DISPATCHES)[number];

/** Statuses of deliveries that are still to be sent. */
export const UNENDED_STATUSES: readonly DeliveryStatus[] = ['pending', 'held'];

/** Final statuses, which only a replay can change. */
export const TERMINAL_STATUSES = ['succeeded', 'failed', 'skipped', 'cancelled'] as const;

/** Why a delivery was ended because of its webhook: `skipped`, or `cancelled`. */
export const END_REASONS = ['webhook_disabled', 'webhook_deleted'] as const;
export type EndReason = (typeof END_REASONS)[number];

export const SIGNING_SCHEMES = ['hex', 'standard', 'standard-ed25519'] as const;
export type SigningScheme = (typeof SIGNING_SCHEMES)[number];

/**
 * How a secret is turned into key bytes: `raw`, its UTF-8 bytes; `whsec`, the base64 after the
 * `whsec_` prefix (Standard Webhooks 1.0).
 */
export type SecretFormat = 'raw' | 'whsec';

/** In which order a webhook's queued deliveries go: that of their events, or the reverse. */
export const BACKLOG_ORDERS = ['oldest_first', 'newest_first'] as const;
export type BacklogOrder = (typeof BACKLOG_ORDERS)[number];

/** How a delivery is attempted. */
export interface DeliveryPolicy {
  /** Milliseconds for one whole HTTP exchange, from connecting to the last byte. */
  timeoutMs: number;
  /** Milliseconds to wait after the 1st, 2nd, … failed attempt; its length + 1 is the number of attempts. */
  retryDelaysMs: readonly number[];
  /** Consecutive failed attempts after which a webhook is disabled; null: never. */
  autoDisableAfter: number | null;
  /** Attempts per second that a webhook gets from all workers together; more have to wait. null: no limit. */
  ratePerSecond: number | null;
  backlogOrder: BacklogOrder;
}

/**
 * Why an attempt that was due has been deferred, without counting as one: its webhook's rate limit; the
 * maximum of concurrent attempts for its webhook, for its project while others need a place too, or on its
 * worker for retries or slow webhooks; or it is part of a bulk replay, and waits for new deliveries.
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
 * webhook's secret or its headers could not be decrypted; `egress`: no connection could be made, for a reason on
 * Posthorn's own side.
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
  'egress',
  'unknown',
] as const;
export type AttemptErrorCode = (typeof ATTEMPT_ERROR_CODES)[number];

/** One HTTP exchange, as it is logged in its delivery. */
export interface Attempt {
  /** 1, 2, … across all replays. */
  number: number;
  /** The Temporal run it belongs to: a new one for each replay. */
  runId: string;
  startedAt: Date;
  durationMs: number;
  outcome: 'succeeded' | 'failed';
  /** Set when it was sent once more, on a fresh connection, since the receiver had closed the first. */
  resent?: true;
  statusCode?: number;
  /** What was sent, signature included; secrets never. By `storedHeaders`, as those of the answer. */
  requestHeaders: Record<string, string>;
  responseHeaders?: Record<string, string>;
  /** The first 16 KiB, decoded; for bytes that aren't text, a description. */
  responseBody?: string;
  /** Its text goes on: more of it has arrived than is kept. */
  responseBodyCut?: true;
  errorCode?: AttemptErrorCode;
  errorMessage?: string;
  /** Another execution or run had taken over: it is only logged, and has no other effect. */
  superseded?: true;
  /** The round, counted by `replays`, that has failed with it. */
  failedRound?: number;
}
