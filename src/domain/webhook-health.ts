import { isGone, isSuccess } from './outcome';

export const HEALTH_STATES = ['healthy', 'failing', 'paused', 'disabled'] as const;
export type HealthState = (typeof HEALTH_STATES)[number];

/** A webhook's state in a word, since when, why, and what to do about it. */
export interface WebhookHealth {
  state: HealthState;
  since?: Date;
  reason?: string;
  remedy?: string;
}

/** What says how a webhook is. */
export interface HealthSigns {
  _id: string;
  isActive: boolean;
  isPaused: boolean;
  disabledReason: 'manual' | 'gone' | 'consecutive_failures' | null;
  failureCount: number;
  lastStatus: number | string | null;
  lastFailedAt: Date | null;
  lastSuccessAt: Date | null;
  /**
   * When the first of the failures in a row ended. A worker of an earlier version leaves it as it was, so that it
   * may be missing, or be that of failures before the last success.
   */
  failingSince?: Date | null;
  disabledAt?: Date | null;
  pausedAt?: Date | null;
}

/** What the receiver's owner can do about an error, by its code. */
const ERROR_REMEDIES: Readonly<Record<string, string>> = {
  timeout: 'answer sooner, and do the work after the answer; or raise policy.timeoutMs',
  dns: 'check that the host name of the URL can be resolved',
  tls: 'check the receiver’s certificate: it must be valid for the host name, with TLS 1.2 or later',
  connection_refused: 'check that the receiver is running and its port is open',
  connection_reset:
    'check the log of the receiver, and of the proxies before it: they cut connections',
  unreachable: 'check that the receiver can be reached from here: network, firewall, address',
  blocked_address:
    'its host name points to a private address: use a public one, or have it allowed',
  invalid_response: 'check that the URL is that of an HTTP server, and what it answers',
  secret_unreadable: 'rotate its secret and set its headers again',
};

/** The same for answers. */
function statusRemedy(status: number): string {
  if (status >= 300 && status <= 399) {
    return 'redirects are not followed: create a webhook with the address to which it redirects';
  }
  if (status === 401 || status === 403) {
    return 'check how the receiver authenticates requests: its secret, and the webhook’s headers';
  }
  if (status === 404 || status === 405 || isGone(status)) {
    return 'check the path: a webhook keeps its URL, so create another one if it has changed';
  }
  if (status === 413) return 'raise the receiver’s limit for bodies: events have up to 256 KiB';
  if (status === 429) return 'set policy.ratePerSecond to what the receiver takes';
  if (status >= 400 && status <= 499) return 'see in the answer what the receiver does not accept';
  return 'see the receiver’s log for what went wrong there';
}

function remedyFor(lastStatus: number | string | null): string {
  if (typeof lastStatus === 'number') return statusRemedy(lastStatus);
  const remedy = lastStatus === null ? undefined : ERROR_REMEDIES[lastStatus];
  return remedy ?? 'see its deliveries for what went wrong';
}

const inWords = (lastStatus: number | string): string =>
  typeof lastStatus === 'number' ? `status ${lastStatus}` : lastStatus;

/** A webhook's health. Of several states the one that keeps most from it: disabled, paused, failing. */
export function healthOf(webhook: HealthSigns): WebhookHealth {
  const { _id, lastStatus, failureCount } = webhook;
  const enable = `PATCH /v1/webhooks/${_id} {"isActive": true}; its answer says how to replay what was skipped`;
  if (!webhook.isActive) {
    const since = webhook.disabledAt && { since: webhook.disabledAt };
    const state = { state: 'disabled' as const, ...since };
    switch (webhook.disabledReason) {
      case 'gone':
        return {
          ...state,
          reason: 'its receiver answered 410 (Gone): it wants no more deliveries',
          remedy: `if it is there again: ${enable}`,
        };
      case 'consecutive_failures':
        return {
          ...state,
          reason: `${failureCount} attempts in a row failed${lastOf(lastStatus)}`,
          remedy: `${remedyFor(lastStatus)}; then ${enable}`,
        };
      case 'manual':
      case null:
        return { ...state, reason: 'it was disabled by a request', remedy: enable };
    }
  }
  if (webhook.isPaused) {
    return {
      state: 'paused',
      ...(webhook.pausedAt && { since: webhook.pausedAt }),
      reason: 'it was paused by a request: its deliveries wait as held',
      remedy: `POST /v1/webhooks/${_id}/resume`,
    };
  }
  if (failureCount === 0) return { state: 'healthy' };
  const since = sinceOf(webhook);
  return {
    state: 'failing',
    ...(since && { since }),
    reason:
      failureCount === 1
        ? `the last attempt failed${lastOf(lastStatus, 'with')}`
        : `${failureCount} attempts in a row failed${lastOf(lastStatus)}`,
    remedy: remedyFor(lastStatus),
  };
}

/** Since when it fails; null: unknown. */
function sinceOf({
  failingSince,
  lastSuccessAt,
  failureCount,
  lastFailedAt,
}: HealthSigns): Date | null {
  if (failingSince && failingSince >= (lastSuccessAt ?? new Date(0))) return failingSince;
  return failureCount === 1 ? lastFailedAt : null;
}

/** How the last one failed. A success that another one has overtaken may have been the last to be noted. */
function lastOf(lastStatus: number | string | null, words = 'the last with'): string {
  if (lastStatus === null) return '';
  if (typeof lastStatus === 'number' && isSuccess(lastStatus)) return '';
  return `${words === 'with' ? ' ' : ', '}${words} ${inWords(lastStatus)}`;
}
