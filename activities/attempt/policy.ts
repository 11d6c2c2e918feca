import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';
import {
  FAILURE_TYPES,
  type AttemptPolicy,
  type NextAttemptDetails,
} from '../../src/contracts/activities';
import { madeInRound } from '../../src/domain/outcome';
import { policyOf } from '../../src/profiles/policy';
import { timingOf } from '../../src/store/planned-delivery';
import type { Subject } from './subject';

/**
 * A reset run has its workflow's first input, and an attempt may be made long after it was planned: the timeouts
 * of its activity are then not those of the round.
 * @throws ApplicationFailure `PolicyChanged`, with the round's policy, if the workflow's is different
 */
export function checkPolicy(
  { delivery, webhook, project }: Subject,
  { timeoutMs, retryDelaysMs }: AttemptPolicy,
): void {
  if (delivery.status !== 'pending') return;
  // Begun by an earlier version, which noted no policy: it keeps its workflow's.
  if (!delivery.roundPolicy && madeInRound(delivery).length > 0) return;
  const policy = timingOf(delivery, policyOf(project, webhook));
  const hasSameDelays = policy.retryDelaysMs.join() === retryDelaysMs.join();
  if (policy.timeoutMs === timeoutMs && hasSameDelays) return;
  throw ApplicationFailure.create({
    message: "nothing was sent yet: the round's policy is another than the workflow's",
    type: FAILURE_TYPES.policyChanged,
    nonRetryable: true,
    category: ApplicationFailureCategory.BENIGN,
    // At once, even by a workflow that knows nothing of it.
    details: [{ nextDelayMs: 0, policy } satisfies NextAttemptDetails],
  });
}
