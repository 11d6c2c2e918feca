import { getProfile } from './index';
import type { DeliveryPolicy } from '../contracts/delivery';

/** The figures in force for a webhook: its own, else its project's, else the profile's. */
export function policyOf(
  project: { profile: string; policy: Partial<DeliveryPolicy> },
  webhook: { policy: Partial<DeliveryPolicy> },
): DeliveryPolicy {
  const policy = { ...getProfile(project.profile).policy };
  for (const own of [project.policy, webhook.policy]) {
    const { timeoutMs, retryDelaysMs, autoDisableAfter, ratePerSecond, backlogOrder } = own;
    if (timeoutMs !== undefined) policy.timeoutMs = timeoutMs;
    if (retryDelaysMs !== undefined) policy.retryDelaysMs = retryDelaysMs;
    if (autoDisableAfter !== undefined) policy.autoDisableAfter = autoDisableAfter;
    if (ratePerSecond !== undefined) policy.ratePerSecond = ratePerSecond;
    if (backlogOrder !== undefined) policy.backlogOrder = backlogOrder;
  }
  return policy;
}
