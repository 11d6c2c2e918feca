import { DAY_MS } from '../domain/durations';
import type { ProjectRecord } from './projects';

/**
 * When something that a project created at `from` is removed.
 * @param defaultDays if the project has no setting of its own
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

/** Milliseconds that a delivery, and its event, are kept at least after the delivery's end. */
export const KEPT_AFTER_END_MS = DAY_MS;

/** When something that ends at `at`, and was to be removed at `expiresAt`, may be removed. */
export function expiryOfEnded(at: Date, expiresAt: Date): Date {
  return new Date(Math.max(at.getTime() + KEPT_AFTER_END_MS, expiresAt.getTime()));
}
