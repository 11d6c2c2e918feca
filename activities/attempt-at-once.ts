import { activityInfo } from '@temporalio/activity';
import { TemporalFailure } from '@temporalio/common';
import { MAX_AT_ONCE, type Activities } from '../src/contracts/activities';
import { policyOf } from '../src/profiles/policy';
import { Execution } from './attempt/execution';
import { makeAttempt, type Attempting } from './attempt/make';
import { checkPolicy } from './attempt/policy';
import { loadUntouched } from './attempt/subject';

/**
 * A delivery's first attempt within its workflow's first task, which halves what the delivery costs Temporal. It
 * is made only to a webhook that this worker knows to answer quickly, so that receivers that hang don't occupy
 * workflow tasks, and only if nothing has happened to the delivery yet, so that a repeated task never repeats
 * what is recorded. Everything else, and whatever follows a failure, is left to `attemptDelivery`
 * (docs/adr/0033).
 */
export function createAttemptAtOnce(attempting: Attempting): Activities['attemptAtOnce'] {
  const { deps, places, pulse } = attempting;
  let inProgress = 0;

  return async (deliveryId, policy, webhookId, origin) => {
    if (origin !== 'first' || inProgress >= MAX_AT_ONCE || !places.isQuick(webhookId)) return null;
    inProgress += 1;
    try {
      const execution = new Execution(deps.engine, pulse, deliveryId);
      const subject = await loadUntouched(deps, deliveryId);
      // To keep a rate it may have to wait.
      if (!subject || policyOf(subject.project, subject.webhook).ratePerSecond !== null)
        return null;
      checkPolicy(subject, policy);
      const result = await makeAttempt(attempting, execution, subject, policy, true);
      return { result, runId: activityInfo().workflowExecution!.runId };
    } catch (error) {
      // It failed, or could not be made: `attemptDelivery` continues from what is recorded.
      if (!(error instanceof TemporalFailure)) {
        deps.log.warn({ err: error, deliveryId }, 'attempt lost');
      }
      return null;
    } finally {
      inProgress -= 1;
    }
  };
}
