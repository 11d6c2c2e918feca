/**
 * What becomes of a delivery that its webhook does not get now: `held` while that is paused, `skipped` once
 * it is disabled; null: it goes out. A test goes out all the same, and so does what was replayed, since
 * somebody has asked for it.
 */
export function keptBack(
  { isActive, isPaused }: { isActive: boolean; isPaused: boolean },
  { test, replays }: { test?: boolean; replays: number },
): 'held' | 'skipped' | null {
  if (!isActive && !test && replays === 0) return 'skipped';
  return isPaused ? 'held' : null;
}
