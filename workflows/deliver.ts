import { ApplicationFailureCategory } from '@temporalio/common';
import {
  ActivityCancellationType,
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  condition,
  defineSignal,
  isCancellation,
  patched,
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
  type AttemptOrigin,
  type AttemptPolicy,
  type NextAttemptDetails,
  type DeliverInput,
  type FailedDetails,
  type RoundEnd,
  type RoundResult,
} from '../src/contracts/activities';
import { SEARCH_ATTRIBUTES, workflowsVersionOf } from '../src/contracts/temporal';
import { LOST_ATTEMPT_DELAY_MS, retryPolicy } from '../src/domain/schedule';
import { asSummary } from '../src/domain/summary';
import {
  cancelSignal,
  pauseSignal,
  resumeSignal,
  retryNowSignal,
  stateQuery,
  wakeSignal,
  type DeliveryPhase,
} from './messages';

/** The delivery's end, or the milliseconds to wait before attempts are scheduled again, and by which policy. */
type Round = RoundResult | { delayMs: number; policy?: AttemptPolicy | undefined };

/** Added to the exchange's own timeout, so that a timed-out attempt is still recorded by its worker. */
const RECORDING_MARGIN_MS = 10_000;

/** How often what is paused by a signal is checked: no signal says that it has ended with its webhook. */
const PAUSED_LOOK = '1 day';

const { cancelDelivery, findEnd } = proxyLocalActivities<Activities>({
  startToCloseTimeout: '10s',
});

/**
 * Delivers one event to one webhook. The waits between attempts are the activity's own retries
 * (visible in the Web UI as a pending activity); the loop here repeats only if a signal interrupts
 * them, or if crashes have used up the policy's attempts before the end of the schedule. Signals only
 * wake: the delivery in MongoDB decides whether and when there is an attempt.
 * @throws ApplicationFailure `DeliveryFailed`, so that the Web UI shows a failed delivery as failed
 */
export async function deliverWebhook(input: DeliverInput): Promise<RoundResult> {
  let paused = false;
  let cancelled = false;
  /** How often the delivery that was cancelled had been replayed; an operator's cancel doesn't say. */
  let cancelledReplays: number | undefined;
  let woken = false;
  let forced = false;
  let phase: DeliveryPhase = 'waiting';
  let attempts: CancellationScope | undefined;
  let current = input;

  const info = workflowInfo();
  const isOfFirstVersion = workflowsVersionOf(info.currentDeploymentVersion?.buildId) === 1;
  let mayBeAtOnce = !isOfFirstVersion;
  const isReset = info.runId !== info.firstExecutionRunId;
  let origin: AttemptOrigin = isReset ? 'reset' : 'first';
  // A reset applies the old run's signals again at the start of the new one (the Web UI always does);
  // they were not meant for it.
  const isReapplied = (): boolean => isReset && workflowInfo().historyLength === info.historyLength;
  const interrupt =
    (apply: (told?: number) => void) =>
    (told?: number): void => {
      if (isReapplied()) return;
      apply(told);
      attempts?.cancel();
    };
  const handlers = new Map<string, (told?: number) => void>([
    [pauseSignal.name, interrupt(() => (paused = true))],
    [resumeSignal.name, () => (paused = false)],
    [
      retryNowSignal.name,
      interrupt(() => {
        woken = forced = true;
        if (paused && mayEndPause()) paused = false;
      }),
    ],
    [wakeSignal.name, interrupt(() => (woken = true))],
    [
      cancelSignal.name,
      interrupt((replays) => {
        if (!cancelled || cancelledReplays !== undefined) cancelledReplays = replays;
        cancelled = true;
      }),
    ],
  ]);
  // Signals from before the first activation are taken here, in their order; setHandler, which makes
  // the rest known to the Web UI, would take them name by name.
  setDefaultSignalHandler((name, told) => handlers.get(name)?.(told as number | undefined));
  for (const [name, handler] of handlers) setHandler(defineSignal(name), handler);
  setHandler(stateQuery, () => ({ phase }));

  const finish = (result: RoundResult): RoundResult => {
    phase = 'done';
    // One that simply succeeds needs no status, unless it has been shown as pending.
    const isShown = result !== 'succeeded' || isOfFirstVersion || shownStatus() !== undefined;
    if (result !== 'gone' && isShown) show(result === 'queued' ? 'pending' : result);
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

  /** @returns null if it was cancelled */
  const untilEnded = async (): Promise<RoundResult | null> => {
    const self = CancellationScope.current();
    try {
      // The Web UI's own Cancel button cancels the whole workflow's scope: same as the signal.
      while (!cancelled && !self.consideredCancelled) {
        if (paused) {
          phase = 'paused';
          const isOver = (): boolean => !paused || cancelled;
          if (!mayLookWhilePaused()) await condition(isOver);
          else if (!(await condition(isOver, PAUSED_LOOK))) {
            const end = await findEnd(input.deliveryId, isReset);
            if (end) return end;
          }
          continue;
        }
        phase = 'attempting';
        const isForced: boolean = forced;
        woken = forced = false;
        attempts = new CancellationScope();
        const isAtOnce: boolean = mayBeAtOnce;
        mayBeAtOnce = false;
        const round: Round = await attempts.run(
          async () =>
            (isAtOnce && (await attemptAtOnce(current, origin))) ||
            attemptUntilSettled(current, origin, isForced),
        );
        attempts = undefined;
        if (origin === 'first') origin = 'later';
        if (typeof round === 'string') {
          if (!(isQueued(round) && woken && mayLookAgain())) return round;
          continue;
        }
        if (round.policy) current = { ...current, policy: round.policy };
        if (round.delayMs === 0) continue;
        if (woken && maySkipWait()) {
          forced = false;
          continue;
        }
        phase = 'waiting';
        woken = forced = false;
        await condition(() => paused || cancelled || woken, round.delayMs);
      }
    } catch (error) {
      if (!isCancellation(error)) throw error;
    }
    return null;
  };

  const whole = CancellationScope.current();
  let run = untilEnded;
  for (;;) {
    const result = await run();
    if (result) return finish(result);
    const isByButton = whole.consideredCancelled;
    const replays = isByButton ? undefined : cancelledReplays;
    cancelled = false;
    // Earlier versions returned nothing.
    const end = (await CancellationScope.nonCancellable(() =>
      cancelDelivery(input.deliveryId, origin !== 'later', Date.now(), replays),
    )) as RoundEnd | undefined;
    if (!end || isOfThisRun(end)) return finish(end?.result ?? 'cancelled');
    // What was cancelled had ended before this run, or has been replayed since, also by the reset that made this run.
    if (isByButton) run = () => CancellationScope.nonCancellable(untilEnded);
  }
}

const isQueued = (result: RoundResult): boolean => result === 'queued' || result === 'held';

/**
 * What an attempt has put into the queue may be released before Temporal knows that the attempt has ended: then it
 * is to be made after all. Earlier workers ended its run, and left it to reconcile.
 */
const mayLookAgain = (): boolean => patched('woken-while-queueing');

/**
 * A retry that is requested after a failed attempt is recorded, and before the attempt has ended, is due: the
 * delivery says so, or says when it is due. Earlier workers waited for the time that the attempt had reported.
 */
const maySkipWait = (): boolean => patched('woken-while-failing');

/** A retry that is requested is an attempt now, even of what was paused. Earlier workers stayed paused. */
const mayEndPause = (): boolean => patched('retried-while-paused');

/** What is paused may end with its webhook. Earlier workers waited for a signal only. */
const mayLookWhilePaused = (): boolean => patched('looked-at-while-paused');

function shownStatus(): string | undefined {
  return workflowInfo().typedSearchAttributes.get(SEARCH_ATTRIBUTES.deliveryStatus);
}

function show(value: string): void {
  upsertSearchAttributes([{ key: SEARCH_ATTRIBUTES.deliveryStatus, value }]);
}

/**
 * Makes the first attempt within this workflow task, if that can be done quickly.
 * @returns null if the delivery has not ended with it
 */
async function attemptAtOnce(input: DeliverInput, origin: AttemptOrigin): Promise<Round | null> {
  const { deliveryId, webhookId, policy } = input;
  const activities = proxyLocalActivities<Activities>({
    startToCloseTimeout: policy.timeoutMs + RECORDING_MARGIN_MS,
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: { maximumAttempts: 1 },
  });
  // Whatever has become of it is recorded.
  const end = await activities
    .attemptAtOnce(deliveryId, policy, webhookId, origin)
    .catch(() => null);
  if (end) return isOfThisRun(end) ? end.result : { delayMs: 0 };
  if (shownStatus() === undefined) show('pending');
  return null;
}

/** Lets the activity attempt and retry until the delivery ends, or a signal or crashes interrupt it. */
async function attemptUntilSettled(
  input: DeliverInput,
  origin: AttemptOrigin,
  isForced: boolean,
): Promise<Round> {
  const { attemptDelivery } = proxyActivities<Activities>({
    startToCloseTimeout: input.policy.timeoutMs + RECORDING_MARGIN_MS,
    summary: summaryOf(input),
    // A wait is cancelled at once; an exchange in progress may finish, and its result counts.
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: retryPolicy(input.policy.retryDelaysMs),
  });
  try {
    // Earlier versions returned only the result.
    const end: RoundEnd | RoundResult = await attemptDelivery(
      input.deliveryId,
      input.policy,
      origin,
      isForced,
      true,
    );
    if (typeof end === 'string') return end;
    return isOfThisRun(end) ? end.result : { delayMs: 0 };
  } catch (error) {
    if (isCancellation(error)) return { delayMs: 0 };
    const cause = error instanceof ActivityFailure ? error.cause : undefined;
    if (!(cause instanceof ApplicationFailure)) return { delayMs: LOST_ATTEMPT_DELAY_MS };
    if (cause.type === FAILURE_TYPES.deliveryFailed) {
      const [end] = (cause.details ?? []) as FailedDetails[];
      return !end || isOfThisRun(end) ? 'failed' : { delayMs: 0 };
    }
    const [details] = (cause.details ?? []) as Partial<NextAttemptDetails>[];
    return { delayMs: details?.nextDelayMs ?? LOST_ATTEMPT_DELAY_MS, policy: details?.policy };
  }
}

/** All attempts are one activity, whose own count the Web UI shows: this adds the maximum and the webhook. */
function summaryOf({ policy, webhookName, webhookId }: DeliverInput): string {
  const attempts = policy.retryDelaysMs.length + 1;
  const most = attempts === 1 ? '1 attempt' : `up to ${attempts} attempts`;
  return asSummary(`${most} → ${webhookName ?? webhookId}`);
}

/**
 * Whether a round ended in this run. A reset to a later point than the start copies the old run's end; it is
 * a replay nevertheless, and delivers again.
 */
function isOfThisRun({ runId }: Pick<RoundEnd, 'runId'>): boolean {
  return runId === workflowInfo().runId;
}
