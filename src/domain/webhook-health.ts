import { disabledBy, pausedBy, type ChangedBy, type StopSigns } from './changed-by';
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

/** What tells a webhook's state. */
export interface HealthSigns extends StopSigns {
  _id: string;
  /** Consecutive failed attempts. */
  failureCount: number;
  /** The last attempt's HTTP status, or its error code if there was no answer. */
  lastStatus: number | string | null;
  lastFailedAt: Date | null;
  lastSuccessAt: Date | null;
  /**
   * When the first of the failures in a row ended. A worker of an earlier version leaves it as it was, so it may be
   * missing, or be that of failures before the last success.
   */
  failingSince?: Date | null;
}

/** What can be done about it; a customer can't change what is the platform's. */
type Remedy = string | Readonly<Record<ChangedBy, string>>;

/** By the code of an attempt's error. */
const ERROR_REMEDIES: Readonly<Record<string, Remedy>> = {
  timeout: {
    platform: 'answer sooner, and do the work after the answer; or raise policy.timeoutMs',
    customer: 'answer sooner, and do the work after the answer',
  },
  dns: 'check that the host name of the URL can be resolved',
  tls: {
    // Browsers fetch or remember those that a server leaves out.
    platform:
      'check the receiver’s certificate: it must be valid for the host name, and be sent with its intermediate certificates, over TLS 1.2 or later; or have the operator trust its authority with NODE_EXTRA_CA_CERTS',
    customer:
      'check the receiver’s certificate: it must be valid for the host name, and be sent with its intermediate certificates, over TLS 1.2 or later',
  },
  connection_refused: 'check that the receiver is running and its port is open',
  connection_reset:
    'check the logs of the receiver and of the proxies in front of it: one of them closes connections',
  unreachable: 'check that the receiver can be reached from here: network, firewall, address',
  blocked_address: {
    platform:
      'its host name points to a private address: use a public one, or have the operator allow its network with POSTHORN_ALLOWED_CIDRS',
    customer: 'its host name points to a private address: use a public one',
  },
  invalid_response: 'check that the URL leads to an HTTP server, and what it answers',
  secret_unreadable: {
    platform:
      'rotate its secret if it cannot be shown, set its headers again if they are null, or have the operator restore the encryption key',
    customer: 'rotate its secret if it cannot be shown, and set its headers again if they are null',
  },
};

/** The same for answers. */
function statusRemedy(status: number): Remedy {
  if (status >= 300 && status <= 399) {
    return 'redirects are not followed: create a webhook with the address to which it redirects';
  }
  if (status === 401) {
    return 'check how the receiver authenticates requests: its secret, and the webhook’s headers';
  }
  // Of frameworks, Django refuses with 403, Laravel with 419.
  if (status === 403 || status === 419) {
    return 'check how the receiver authenticates requests: its secret, the webhook’s headers, and its CSRF protection, from which the path must be exempt';
  }
  if (status === 404 || status === 405 || isGone(status)) {
    return 'check the path: a webhook keeps its URL, so create another one if it has changed';
  }
  if (status === 413) return 'raise the receiver’s limit for bodies: events have up to 256 KiB';
  if (status === 429) {
    return {
      platform: 'set policy.ratePerSecond to what the receiver takes',
      customer: 'let the receiver take more, or ask the platform for fewer per second',
    };
  }
  if (status >= 400 && status <= 499) return 'see in the answer what the receiver does not accept';
  return 'see the receiver’s log for what went wrong there';
}

function remedyFor(lastStatus: number | string | null, reader: ChangedBy): string {
  const known =
    typeof lastStatus === 'number' ? statusRemedy(lastStatus) : ERROR_REMEDIES[lastStatus ?? ''];
  const remedy = known ?? 'see its deliveries for what went wrong';
  return typeof remedy === 'string' ? remedy : remedy[reader];
}

const inWords = (lastStatus: number | string): string =>
  typeof lastStatus === 'number' ? `status ${lastStatus}` : lastStatus;

/**
 * A webhook's health. Of several states, the one that withholds most from it: disabled, paused, failing.
 * @param reader who reads it: a customer asks the platform for what is the platform's to change
 */
export function healthOf(webhook: HealthSigns, reader: ChangedBy): WebhookHealth {
  const { _id, lastStatus, failureCount } = webhook;
  const mayUndo = (by: ChangedBy | null): boolean => reader === 'platform' || by !== 'platform';
  const remedy = remedyFor(lastStatus, reader);
  const enable = `PATCH /v1/webhooks/${_id} {"isActive": true}; its answer says how to replay what was skipped`;
  if (!webhook.isActive) {
    const since = webhook.disabledAt && { since: webhook.disabledAt };
    const state = { state: 'disabled' as const, ...since };
    const canEnable = mayUndo(disabledBy(webhook));
    const ask = 'ask the platform: it has disabled the webhook, and a portal link can’t enable it';
    switch (webhook.disabledReason) {
      case 'gone':
        return {
          ...state,
          reason: 'its receiver answered 410 (Gone): it wants no more deliveries',
          remedy: canEnable ? `if the receiver should get deliveries again: ${enable}` : ask,
        };
      case 'consecutive_failures':
        // Tests are sent to a disabled webhook too, and what was on its way may have succeeded.
        if (failureCount === 0) {
          return {
            ...state,
            reason: 'too many attempts in a row had failed; the last one succeeded',
            remedy: canEnable ? enable : ask,
          };
        }
        return {
          ...state,
          reason: failuresInWords(failureCount, lastStatus),
          remedy: `${remedy}; then ${canEnable ? enable : ask}`,
        };
      case 'manual':
      case null:
        return {
          ...state,
          reason: 'it was disabled by a request',
          remedy: canEnable ? enable : ask,
        };
    }
  }
  if (webhook.isPaused) {
    return {
      state: 'paused',
      ...(webhook.pausedAt && { since: webhook.pausedAt }),
      reason: 'it was paused by a request: its deliveries wait as held',
      remedy: mayUndo(pausedBy(webhook))
        ? `POST /v1/webhooks/${_id}/resume`
        : 'ask the platform: it has paused the webhook, and a portal link can’t resume it',
    };
  }
  if (failureCount === 0) return { state: 'healthy' };
  const since = sinceOf(webhook);
  return {
    state: 'failing',
    ...(since && { since }),
    reason: failuresInWords(failureCount, lastStatus),
    remedy,
  };
}

/** Since when it has been failing; null: unknown. */
function sinceOf({
  failingSince,
  lastSuccessAt,
  failureCount,
  lastFailedAt,
}: HealthSigns): Date | null {
  if (failingSince && failingSince >= (lastSuccessAt ?? new Date(0))) return failingSince;
  return failureCount === 1 ? lastFailedAt : null;
}

/** @param lastStatus how the last one failed, if that is to be said */
export function failuresInWords(
  failureCount: number,
  lastStatus: number | string | null = null,
): string {
  // A success that another one has overtaken may have been the last to be noted.
  const isFailure =
    lastStatus !== null && !(typeof lastStatus === 'number' && isSuccess(lastStatus));
  const how = isFailure ? `with ${inWords(lastStatus)}` : '';
  if (failureCount === 1) return `the last attempt failed${how && ` ${how}`}`;
  return `${failureCount} attempts in a row failed${how && `, the last ${how}`}`;
}
