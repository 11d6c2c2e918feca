import { DAY_MS } from '../domain/durations';
import type { ProjectRecord } from './projects';

/**
 * When what a project has made at `from` is removed.
 * @param defaultDays where the project says nothing
 */
export function expiryOf(
  { policy }: Pick<ProjectRecord, 'policy'>,
  from: Date,
  defaultDays: number,
): Date {
  return daysAfter(from, policy.retentionDays ?? defaultDays);
}

export function daysAfter(from: Date, days: number): Date {
  return new Date(from.getTime() + days * DAY_MS);
}

/** Milliseconds that a delivery is there to be seen after its end at least, and its event with it. */
export const KEPT_AFTER_END_MS = DAY_MS;

/** When what ends at `at` may be removed at the earliest. */
export function expiryOfEnded(at: Date): Date {
  return new Date(at.getTime() + KEPT_AFTER_END_MS);
}
