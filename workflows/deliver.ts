import { ApplicationFailureCategory } from '@temporalio/common';
import {
  ActivityCancellationType,
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  condition,
  defineSignal,
  isCancellation,
  proxyActivities,
  proxyLocalActivities,
  setDefaultSignalHandler,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import {
  DELIVERY_FAILED_MESSAGE,
  FAILURE_TYPES,
  type Activities,
  type NextAttemptDetails,
  type DeliverInput,
  type FailedDetails,
  type RoundEnd,
  type RoundResult,
} from '../src/contracts/activities';
import { SEARCH_ATTRIBUTES } from '../src/contracts/temporal';
import { LOST_ATTEMPT_DELAY_MS, retryPolicy } from '../src/domain/schedule';
import {
  cancelSignal,
  pauseSignal,
  resumeSignal,
  retryNowSignal,
  stateQuery,
  type DeliveryPhase,
} from './messages';

/**
 * How the delivery ended, or the milliseconds to wait before attempts are scheduled again.
 * `wasLost`: what became of the last one is not known here.
 */
type Round = RoundResult | { delayMs: number; wasLost?: boolean };

/** Added to the exchange's own timeout, so that a timed-out attempt is still recorded by its worker. */
const RECORDING_MARGIN_MS = 10_000;

const { cancelDelivery } = proxyLocalActivities<Activities>({ startToCloseTimeout: '10s' });

/**
 * Delivers one event to one webhook. The waits between attempts are the activity's own retries
 * (visible in the Web UI as a pending activity); the loop here goes round only when a signal
 * interrupts them, or when crashes have used up the policy's attempts before the schedule's end.
 * @throws ApplicationFailure `DeliveryFailed`, so that the Web UI shows a failed delivery as failed
 */
export async function deliverWebhook(input: DeliverInput): Promise<RoundResult> {
  let paused = false;
  let cancelled = false;
  let retryNow = false;
  let wasLost = false;
  let phase: DeliveryPhase = 'waiting';
  let attempts: CancellationScope | undefined;

  // A reset re-applies the old run's signals at the start of the new one (the Web UI always does). A
  // reset is a replay and must deliver, so what stands in the reset run's first activation is ignored.
  const info = workflowInfo();
  const isStale = (): boolean =>
    info.runId !== info.firstExecutionRunId && workflowInfo().historyLength === info.historyLength;
  const interrupt = (apply: () => void) => (): void => {
    if (isStale()) return;
    apply();
    attempts?.cancel();
  };
  const handlers = new Map<string, () => void>([
    [pauseSignal.name, interrupt(() => (paused = true))],
    [resumeSignal.name, () => (paused = false)],
    [retryNowSignal.name, interrupt(() => (retryNow = true))],
    [cancelSignal.name, interrupt(() => (cancelled = true))],
  ]);
  // Signals from before the first activation are taken here, in their order; setHandler, which makes
  // the rest known to the Web UI, would take them name by name.
  setDefaultSignalHandler((name) => handlers.get(name)?.());
  for (const [name, handler] of handlers) setHandler(defineSignal(name), handler);
  setHandler(stateQuery, () => ({ phase }));

  const finish = (result: RoundResult): RoundResult => {
    phase = 'done';
    if (result !== 'gone') {
      upsertSearchAttributes([{ key: SEARCH_ATTRIBUTES.deliveryStatus, value: result }]);
    }
    if (result === 'failed') {
      throw ApplicationFailure.create({
        message: DELIVERY_FAILED_MESSAGE,
        type: FAILURE_TYPES.deliveryFailed,
        nonRetryable: true,
        category: ApplicationFailureCategory.BENIGN,
      });
    }
    return result;
  };

  const self = CancellationScope.current();
  try {
    // The Web UI's own Cancel button cancels the whole workflow's scope: same as the signal.
    while (!cancelled && !self.consideredCancelled) {
      if (paused) {
        phase = 'paused';
        await condition(() => !paused || cancelled);
        continue;
      }
      phase = 'attempting';
      const afterLoss: boolean = wasLost && !retryNow;
      retryNow = false;
      attempts = new CancellationScope();
      const round: Round = await attempts.run(() => attemptUntilSettled(input, afterLoss));
      attempts = undefined;
      if (typeof round === 'string') return finish(round);
      ({ wasLost = false } = round);
      if (round.delayMs === 0) continue;
      phase = 'waiting';
      retryNow = false;
      await condition(() => paused || cancelled || retryNow, round.delayMs);
    }
  } catch (error) {
    if (!isCancellation(error)) throw error;
  }
  await CancellationScope.nonCancellable(() => cancelDelivery(input.deliveryId));
  return finish('cancelled');
}

/**
 * Lets the activity attempt and retry, until that ends the delivery, or a signal or crashes end it early.
 * @param afterLoss the last round's `wasLost`
 */
async function attemptUntilSettled(input: DeliverInput, afterLoss: boolean): Promise<Round> {
  const policy = retryPolicy(input.policy.retryDelaysMs);
  const { attemptDelivery } = proxyActivities<Activities>({
    startToCloseTimeout: input.policy.timeoutMs + RECORDING_MARGIN_MS,
    // A wait is cancelled at once; an exchange under way is let finish, and its result counts.
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: {
      initialInterval: policy.initialIntervalMs,
      backoffCoefficient: policy.backoffCoefficient,
      maximumInterval: policy.maximumIntervalMs,
      maximumAttempts: policy.maximumAttempts,
    },
  });
  try {
    // Earlier versions answered the result alone.
    const end: RoundEnd | RoundResult = await attemptDelivery(
      input.deliveryId,
      input.policy,
      afterLoss,
    );
    if (typeof end === 'string') return end;
    return isOfThisRun(end) ? end.result : { delayMs: 0 };
  } catch (error) {
    if (isCancellation(error)) return { delayMs: 0 };
    const cause = error instanceof ActivityFailure ? error.cause : undefined;
    if (!(cause instanceof ApplicationFailure)) {
      return { delayMs: LOST_ATTEMPT_DELAY_MS, wasLost: true };
    }
    if (cause.type === FAILURE_TYPES.deliveryFailed) {
      const [end] = (cause.details ?? []) as FailedDetails[];
      return !end || isOfThisRun(end) ? 'failed' : { delayMs: 0 };
    }
    const [details] = (cause.details ?? []) as Partial<NextAttemptDetails>[];
    const wasLost = cause.type === FAILURE_TYPES.attemptLost;
    return { delayMs: details?.nextDelayMs ?? LOST_ATTEMPT_DELAY_MS, wasLost };
  }
}

/**
 * Whether a round ended in this run. A reset to a later point than the start takes the old run's end along;
 * it is a replay all the same, and delivers.
 */
function isOfThisRun({ runId }: FailedDetails): boolean {
  return runId === workflowInfo().runId;
}
