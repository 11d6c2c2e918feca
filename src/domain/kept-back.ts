interface Webhook {
  isActive: boolean;
  isPaused: boolean;
  disabledAt?: Date | null;
}
interface Delivery {
  test?: boolean;
  replays: number;
  replayRequestedAt?: Date;
}

/**
 * What becomes of a delivery that can't go to its webhook now: `held` while that is paused, `skipped` once it
 * is disabled; null: it is sent. Tests and replays are sent anyway, since they were explicitly requested; but a
 * replay only if that was after the disabling.
 */
export function keptBack(webhook: Webhook, delivery: Delivery): 'held' | 'skipped' | null {
  if (!webhook.isActive && !isForDisabled(delivery, webhook.disabledAt)) return 'skipped';
  return webhook.isPaused ? 'held' : null;
}

function isForDisabled(
  { test, replays, replayRequestedAt }: Delivery,
  disabledAt: Webhook['disabledAt'],
): boolean {
  if (test) return true;
  return replays > 0 && !(replayRequestedAt && disabledAt && disabledAt > replayRequestedAt);
}
