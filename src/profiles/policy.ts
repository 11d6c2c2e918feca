import { getProfile } from './index';
import type { DeliveryPolicy } from '../contracts/delivery';

/** The figures in force for a webhook: its own, else its project's, else the profile's. */
export function policyOf(
  project: { profile: string; policy: Partial<DeliveryPolicy> },
  webhook: { policy: Partial<DeliveryPolicy> },
): DeliveryPolicy {
  const policy = { ...getProfile(project.profile).policy };
  for (const { timeoutMs, retryDelaysMs, autoDisableAfter, ratePerSecond } of [
    project.policy,
    webhook.policy,
  ]) {
    if (timeoutMs !== undefined) policy.timeoutMs = timeoutMs;
    if (retryDelaysMs !== undefined) policy.retryDelaysMs = retryDelaysMs;
    if (autoDisableAfter !== undefined) policy.autoDisableAfter = autoDisableAfter;
    if (ratePerSecond !== undefined) policy.ratePerSecond = ratePerSecond;
  }
  return policy;
}
