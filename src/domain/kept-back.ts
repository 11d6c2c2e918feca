/**
 * What becomes of a delivery that can't go to its webhook now: `held` while that is paused, `skipped` once it
 * is disabled; null: it is sent. Tests and replays are sent anyway, since they were explicitly requested.
 */
export function keptBack(
  { isActive, isPaused }: { isActive: boolean; isPaused: boolean },
  { test, replays }: { test?: boolean; replays: number },
): 'held' | 'skipped' | null {
  if (!isActive && !test && replays === 0) return 'skipped';
  return isPaused ? 'held' : null;
}
