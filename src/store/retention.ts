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

/** How long a delivery that ends at `at` is there to be seen at least, and its event with it, however late it ends. */
export function expiryOfEnded(at: Date): Date {
  return new Date(at.getTime() + DAY_MS);
}
