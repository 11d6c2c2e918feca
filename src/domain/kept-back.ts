import { SECOND_MS } from './durations';

/** By how much a current time may be ahead of MongoDB's clock: an attempt's time is as exact as its worker knows it. */
export const AHEAD_MS = 5 * SECOND_MS;

interface Webhook {
  isActive: boolean;
  isPaused: boolean;
  disabledAt?: Date | null;
}
interface Delivery {
  test?: boolean;
  replays: number;
  /** Missing: it is requested now. */
  createdAt?: Date;
  replayRequestedAt?: Date | undefined;
}

/**
 * What becomes of a delivery that can't go to its webhook now: `held` while that is paused, `skipped` once it
 * is disabled; null: it is sent. Tests and replays that were explicitly requested after the disabling are sent
 * anyway.
 * @param now by MongoDB's clock
 */
export function keptBack(
  webhook: Webhook,
  delivery: Delivery,
  now: Date,
): 'held' | 'skipped' | null {
  if (!webhook.isActive && !isForDisabled(delivery, webhook.disabledAt, now)) return 'skipped';
  return webhook.isPaused ? 'held' : null;
}

/**
 * When the tests and replays were requested that are not sent to a webhook disabled at that time. If that was before
 * MongoDB's clock was set back, and is still to come, what is requested now counts as later.
 */
export function requestedBefore(disabledAt: Date, now: Date): { after: Date; before: Date } {
  const ahead = new Date(now.getTime() + AHEAD_MS);
  return { after: disabledAt > ahead ? ahead : new Date(0), before: disabledAt };
}

function isForDisabled(
  { test, replays, createdAt, replayRequestedAt }: Delivery,
  disabledAt: Webhook['disabledAt'],
  now: Date,
): boolean {
  if (!test && replays === 0) return false;
  const requestedAt = replays > 0 ? replayRequestedAt : createdAt;
  if (!requestedAt || !disabledAt) return true;
  const { after, before } = requestedBefore(disabledAt, now);
  return !(requestedAt > after && requestedAt < before);
}
