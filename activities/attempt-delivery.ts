import { activityInfo, ApplicationFailure } from '@temporalio/activity';
import { TemporalFailure } from '@temporalio/common';
import {
  FAILURE_TYPES,
  type Activities,
  type NextAttemptDetails,
} from '../src/contracts/activities';
import { lostDelayMs } from '../src/domain/schedule';
import { Execution } from './attempt/execution';
import { countLeft } from './attempt/health';
import { makeAttempt, type Attempting } from './attempt/make';
import { checkPolicy } from './attempt/policy';
import { load } from './attempt/subject';

/** An attempt as an activity of its own, whose retries are the delivery's. */
export function createAttemptDelivery(attempting: Attempting): Activities['attemptDelivery'] {
  const { deps, pulse } = attempting;
  return async (deliveryId, policy, origin, isForced = false, takesPolicy = false) => {
    try {
      const execution = new Execution(deps.engine, pulse, deliveryId);
      const subject = await load(deps, deliveryId, origin, isForced);
      if (takesPolicy && typeof subject !== 'string') checkPolicy(subject, policy);
      const { runId } = activityInfo().workflowExecution!;
      if (typeof subject === 'string') {
        await countLeft(deps, deliveryId, runId);
        return { result: subject, runId };
      }
      const result = await makeAttempt(attempting, execution, subject, policy, origin === 'first');
      return { result, runId };
    } catch (error) {
      if (error instanceof TemporalFailure) throw error;
      // MongoDB is unavailable, or a bug: not the receiver's fault, so not by the receiver's schedule.
      deps.log.warn({ err: error, deliveryId }, 'attempt lost');
      const nextDelay = lostDelayMs(policy);
      throw ApplicationFailure.create({
        message: 'the attempt could not be made or recorded; see the log of the worker',
        type: FAILURE_TYPES.attemptLost,
        nextRetryDelay: nextDelay,
        details: [{ nextDelayMs: nextDelay } satisfies NextAttemptDetails],
      });
    }
  };
}
