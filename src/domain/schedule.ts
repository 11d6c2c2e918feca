import type { DeliveryPolicy } from '../contracts/delivery';
import { DAY_MS, MINUTE_MS } from './durations';

/** The first and the longest wait after an attempt that was lost with its worker. */
const MAX_FIRST_LOST_DELAY_MS = MINUTE_MS;
const MAX_LOST_DELAY_MS = 15 * MINUTE_MS;

/**
 * The retry policy under which the attempt activity is scheduled, by Temporal's names and in milliseconds: exact for
 * 1/5/15 minutes, an approximation for other schedules. The server falls back on it when a worker dies during an
 * attempt; otherwise the activity sets each delay itself, by the time of the delivery's next attempt.
 */
export function retryPolicy(delaysMs: readonly number[]) {
  const [first = 1000, second = first] = delaysMs;
  return {
    initialInterval: Math.min(first, MAX_FIRST_LOST_DELAY_MS),
    backoffCoefficient: Math.max(1, second / first),
    maximumInterval: Math.min(Math.max(first, ...delaysMs), MAX_LOST_DELAY_MS),
    maximumAttempts: delaysMs.length + 1,
  };
}

/** Milliseconds until an attempt that was lost to a crash or an unreachable store is repeated. */
export const LOST_ATTEMPT_DELAY_MS = 30_000;

/** The same, for a schedule whose delays may be shorter. */
export function lostDelayMs({ retryDelaysMs }: Pick<DeliveryPolicy, 'retryDelaysMs'>): number {
  return Math.min(LOST_ATTEMPT_DELAY_MS, ...retryDelaysMs);
}

/** The longest Retry-After that is honoured. */
export const MAX_RETRY_AFTER_MS = DAY_MS;

/** Jitter lengthens each delay by up to this fraction and never shortens it (docs/contract.md, 1.3). */
export const JITTER = 0.1;

/**
 * Milliseconds to wait after the failed attempt `attempt` (1, 2, … within the round), or null when it
 * was the last one.
 * @param random a number from [0, 1), the source of the jitter
 * @param retryAfterMs what the receiver asked for: the minimum, up to 24 h
 */
export function nextDelayMs(
  policy: Pick<DeliveryPolicy, 'retryDelaysMs'>,
  attempt: number,
  random: number,
  retryAfterMs = 0,
): number | null {
  const delay = policy.retryDelaysMs[attempt - 1];
  if (delay === undefined) return null;
  const jittered = delay * (1 + JITTER * random);
  return Math.round(Math.max(jittered, Math.min(retryAfterMs, MAX_RETRY_AFTER_MS)));
}
