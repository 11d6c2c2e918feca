import { activityInfo, ApplicationFailure, sleep } from '@temporalio/activity';
import { ApplicationFailureCategory, TemporalFailure } from '@temporalio/common';
import { clock } from '../src/clock';
import {
  DELIVERY_FAILED_MESSAGE,
  FAILURE_TYPES,
  type Activities,
  type AttemptOrigin,
  type AttemptPolicy,
  type FailedDetails,
  type NextAttemptDetails,
  type RoundResult,
} from '../src/contracts/activities';
import type { DeliveryStatus } from '../src/contracts/delivery';
import { judge } from '../src/domain/outcome';
import { keptBack } from '../src/domain/kept-back';
import { lostDelayMs } from '../src/domain/schedule';
import { attemptsDeferred } from '../src/metrics';
import type { DeliveryRecord } from '../src/store/delivery-record';
import type { CourierCalls } from '../src/temporal/courier-calls';
import type { ActivityDependencies } from './dependencies';
import { placeEndOf, Places } from './concurrency';
import { exchange, logged } from './attempt/exchange';
import { Execution, Pulse } from './attempt/execution';
import { countHealth, countLast } from './attempt/health';
import { load } from './attempt/subject';
import { tell } from './attempt/tell';
import { deferred, superseded } from './attempt/deferred';
import { takeTurn } from './attempt/throttle';

/** A wait this short is slept in place: it isn't worth a round trip through Temporal. */
const NEAR_MS = 1000;

/**
 * One attempt: load, sign, send, decide, record, count the webhook's health. If the process dies
 * - before the POST: nothing happened, Temporal runs it again;
 * - between POST and record: it is sent again (delivery is at-least-once);
 * - between record and health, or health and return: the next execution finds the recorded attempt,
 *   counts it if it wasn't counted, and continues from there, not before the next attempt's time.
 * One that Temporal has given up (its process was suspended) sends nothing, and decides nothing.
 */
export function createAttemptDelivery(
  deps: ActivityDependencies,
  couriers: CourierCalls,
): Activities['attemptDelivery'] {
  const { store, log } = deps;
  const places = new Places(deps.maxAttempts, deps.maxAttemptsPerWebhook);
  const pulse = new Pulse();

  const attempt = async (
    deliveryId: string,
    policy: AttemptPolicy,
    origin: AttemptOrigin | boolean | undefined,
    isForced: boolean,
  ): Promise<RoundResult> => {
    const execution = new Execution(deps.engine, pulse, deliveryId);
    const { runId } = activityInfo().workflowExecution!;
    const subject = await load(deps, deliveryId, origin, isForced);
    if (typeof subject === 'string') return subject;
    const { delivery, webhook, project } = subject;

    // What was loaded may have changed by then.
    if (await countLast(deps, subject, runId)) throw deferred('a failure was followed up', NEAR_MS);
    if (delivery.status !== 'pending') return settle(delivery.status);
    const kept = keptBack(webhook, delivery);
    if (kept) {
      const isKept =
        kept === 'skipped'
          ? await store.rounds.skip(delivery, runId)
          : await store.rounds.queue(delivery, runId, kept);
      if (!isKept) throw superseded();
      return kept;
    }
    await untilDue(delivery);

    const place = await takeTurn(deps, places, subject);
    if (typeof place === 'string') {
      if (!(await store.rounds.queue(delivery, runId, place))) throw superseded();
      attemptsDeferred.inc({ reason: place });
      log.debug({ deliveryId, reason: place }, 'attempt queued');
      couriers.call(project._id);
      return 'queued';
    }
    let sent;
    try {
      if (await execution.isGivenUp()) throw superseded();
      sent = await exchange(deps, subject, policy);
    } finally {
      place.leave(placeEndOf(sent));
    }
    // A process that was suspended during the exchange can't say that it took too long.
    const isUnseen =
      sent.answer.kind === 'error' &&
      sent.answer.errorCode === 'timeout' &&
      execution.hasStoodStill();
    const mayDecide = !isUnseen && !(await execution.isGivenUp());
    const result = judge(sent.answer, delivery, policy, {
      nowMs: clock.now().getTime(),
      random: Math.random(),
    });
    const recorded = await store.rounds.record(
      delivery,
      logged(sent, runId, policy),
      result,
      mayDecide,
    );
    tell(deps, delivery, recorded.attempt);
    if (recorded.outcome === 'superseded') throw superseded();
    await countHealth(
      deps,
      subject,
      recorded.attempt,
      recorded.outcome === 'decided' ? recorded.status : 'cancelled',
    );
    if (recorded.outcome === 'ended' || result.nextDelayMs === null) return settle(recorded.status);
    const { number, statusCode, errorCode } = recorded.attempt;
    throw ApplicationFailure.create({
      message: `attempt ${number} failed: ${statusCode ?? errorCode}`,
      type: FAILURE_TYPES.attemptFailed,
      nextRetryDelay: result.nextDelayMs,
      // A receiver's failure isn't the worker's: the attempt has been logged above.
      category: ApplicationFailureCategory.BENIGN,
      details: [{ nextDelayMs: result.nextDelayMs } satisfies NextAttemptDetails],
    });
  };

  return async (deliveryId, policy, origin, isForced = false) => {
    try {
      const result = await attempt(deliveryId, policy, origin, isForced);
      return { result, runId: activityInfo().workflowExecution!.runId };
    } catch (error) {
      if (error instanceof TemporalFailure) throw error;
      // MongoDB is unavailable, or a bug: not the receiver's fault, so not by the receiver's schedule.
      log.warn({ err: error, deliveryId }, 'attempt lost');
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

/**
 * Nothing is sent before its time, whatever wakes the workflow. Needed only if the round was opened by a
 * write: the very first attempt is due when it is planned.
 * @throws ApplicationFailure `AttemptDeferred`
 */
async function untilDue({ nextAttemptAt, openedAt }: DeliveryRecord): Promise<void> {
  const earlyByMs = openedAt && nextAttemptAt ? nextAttemptAt.getTime() - openedAt.getTime() : 0;
  if (earlyByMs > NEAR_MS) throw deferred('its time has not come yet', earlyByMs);
  if (earlyByMs > 0) await sleep(earlyByMs);
}

/** The round's end for the workflow. */
function settle(status: DeliveryStatus): RoundResult {
  if (status === 'failed') {
    throw ApplicationFailure.create({
      message: DELIVERY_FAILED_MESSAGE,
      type: FAILURE_TYPES.deliveryFailed,
      nonRetryable: true,
      category: ApplicationFailureCategory.BENIGN,
      details: [{ runId: activityInfo().workflowExecution!.runId } satisfies FailedDetails],
    });
  }
  // Pending again: a replay has been requested since, and its run is starting.
  if (status === 'pending') throw superseded();
  return status;
}
