import type { DeliveryPolicy } from '../contracts/delivery';
import type { Profile } from './profile';

/** The figures in force: the webhook's own, else its project's, else the profile's. */
export function effectivePolicy(
  profile: Profile,
  ...overrides: Partial<DeliveryPolicy>[]
): DeliveryPolicy {
  const policy = { ...profile.policy };
  for (const { timeoutMs, retryDelaysMs, autoDisableAfter, ratePerSecond } of overrides) {
    if (timeoutMs !== undefined) policy.timeoutMs = timeoutMs;
    if (retryDelaysMs !== undefined) policy.retryDelaysMs = retryDelaysMs;
    if (autoDisableAfter !== undefined) policy.autoDisableAfter = autoDisableAfter;
    if (ratePerSecond !== undefined) policy.ratePerSecond = ratePerSecond;
  }
  return policy;
}
