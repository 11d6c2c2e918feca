import type { ProjectRecord } from './projects';

const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * When what a project has made at `from` is removed.
 * @param defaultDays where the project says nothing
 */
export function expiryOf(
  { policy }: Pick<ProjectRecord, 'policy'>,
  from: Date,
  defaultDays: number,
): Date {
  return new Date(from.getTime() + (policy.retentionDays ?? defaultDays) * DAY_MS);
}

/** Milliseconds that a delivery is there to be seen after its end at least, and its event with it. */
export const KEPT_AFTER_END_MS = DAY_MS;

/** When what ends at `at` may be removed at the earliest. */
export function expiryOfEnded(at: Date): Date {
  return new Date(at.getTime() + KEPT_AFTER_END_MS);
}
