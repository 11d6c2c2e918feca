import { activityInfo, ApplicationFailure, sleep } from '@temporalio/activity';
import { ApplicationFailureCategory } from '@temporalio/common';
import { clock } from '../../src/clock';
import {
  DELIVERY_FAILED_MESSAGE,
  FAILURE_TYPES,
  type AttemptPolicy,
  type FailedDetails,
  type RoundResult,
} from '../../src/contracts/activities';
import type { Attempt, DeliveryStatus } from '../../src/contracts/delivery';
import { isGone } from '../../src/domain/outcome';
import { keptBack } from '../../src/domain/kept-back';
import { attemptsDeferred, attemptsReduced } from '../../src/metrics';
import type { DeliveryRecord } from '../../src/store/delivery-record';
import { isRefused, withoutWords } from '../../src/store/refused';
import type { Recorded } from '../../src/store/rounds';
import { againIn, deferred, superseded } from '../again-in';
import { placeEndOf, type Places } from '../concurrency';
import type { ActivityDependencies } from '../dependencies';
import { followFailure } from './after-failure';
import { exchange, isUnanswered, judged, logged } from './exchange';
import type { Execution, Pulse } from './execution';
import { countHealth, countLast } from './health';
import { reload, type Subject } from './subject';
import { takeTurn } from './throttle';
import { tell } from './tell';

/** A wait this short is slept in place: it isn't worth a round trip through Temporal. */
const NEAR_MS = 1000;

/** What attempts for workflows share in one worker process. */
export interface Attempting {
  deps: ActivityDependencies;
  places: Places;
  pulse: Pulse;
}

/**
 * One attempt, from what was loaded: sign, send, decide, record, count the webhook's health. If the process
 * dies
 * - before the POST: nothing happened, Temporal runs it again;
 * - between POST and record: it is sent again (delivery is at-least-once);
 * - between record and health, or health and return: the next execution finds the recorded attempt,
 *   counts it if it wasn't counted, and continues from there, not before the next attempt's time.
 * One that Temporal has given up (its process was suspended) sends nothing, and its failure decides nothing.
 * @param isOfFirst it belongs to the delivery's first activity
 * @throws ApplicationFailure FAILURE_TYPES
 */
export async function makeAttempt(
  { deps, places, pulse }: Attempting,
  execution: Execution,
  subject: Subject,
  policy: AttemptPolicy,
  isOfFirst: boolean,
): Promise<RoundResult> {
  const { store, log } = deps;
  const { runId } = activityInfo().workflowExecution!;
  const { delivery, project } = subject;

  // What was loaded may have changed meanwhile.
  if (await countLast(deps, subject, runId)) throw deferred('a failure was followed up', NEAR_MS);
  if (delivery.status !== 'pending') return settle(delivery.status);
  const earlyByMs = earlinessOf(delivery);
  // Made at once, before this first activity: Temporal counts and shows it as if this execution had made it.
  const [first] = delivery.attempts;
  if (isOfFirst && earlyByMs > 0 && first?.number === activityInfo().attempt) {
    throw attemptFailed(first, earlyByMs);
  }
  // Before it is held: a resume would send it at once.
  if (earlyByMs > NEAR_MS) throw deferred('its time has not come yet', earlyByMs);
  const kept = await keepBack(deps, subject, runId);
  if (kept) return kept;
  if (earlyByMs > 0) await sleep(earlyByMs);

  const turn = await takeTurn(deps, places, subject);
  if (typeof turn === 'string') {
    if (!(await store.rounds.queue(delivery, runId, turn))) throw superseded();
    attemptsDeferred.inc({ reason: turn });
    log.debug({ deliveryId: delivery._id, reason: turn }, 'attempt queued');
    deps.couriers.call(project._id);
    return 'queued';
  }
  let current: Subject | RoundResult = subject;
  let sent;
  const askedAt = performance.now();
  try {
    if (earlyByMs > 0 || turn.hasWaited || execution.hasStoodStill()) {
      current = await afterWait(deps, subject, runId);
      if (typeof current === 'string') return current;
    }
    if (await execution.isGivenUp()) throw superseded();
    sent = await exchange(deps, current, policy, () => !pulse.hasStoodStillSince(askedAt));
  } finally {
    turn.place.leave(placeEndOf(sent));
  }
  const entry = logged(sent, runId, policy);
  // Not twice in a row: where a process stands still each time, nothing would ever be decided.
  const isUnseen =
    isUnanswered(sent) &&
    pulse.hasStoodStillSince(askedAt) &&
    !delivery.attempts.at(-1)?.superseded;
  // A success is not sent again because of a suspicion: if another execution has begun, its record is refused.
  const mayDecide = entry.outcome === 'succeeded' || !(isUnseen || (await execution.isGivenUp()));
  const result = judged(sent, delivery, policy);
  const record = (attempt: typeof entry): Promise<Recorded> =>
    store.rounds.record(delivery, attempt, result, mayDecide);
  const recorded = await record(entry).catch(async (error: unknown) => {
    if (!isRefused(error)) throw error;
    // So that it is not sent again.
    const less = await record(withoutWords(entry));
    log.error({ err: error, deliveryId: delivery._id }, 'an attempt could not be stored whole');
    attemptsReduced.inc();
    return less;
  });
  tell(deps, delivery, recorded.attempt);
  if (recorded.outcome === 'superseded') {
    if (isGone(recorded.attempt.statusCode)) await followFailure(deps, subject, recorded.attempt);
    throw superseded();
  }
  await countHealth(deps, subject, recorded.attempt);
  if (recorded.outcome === 'ended' || result.nextDelayMs === null) return settle(recorded.status);
  throw attemptFailed(recorded.attempt, result.nextDelayMs);
}

/**
 * Holds back what may not go to its webhook now.
 * @returns null: it may
 */
async function keepBack(
  { store }: ActivityDependencies,
  { delivery, webhook }: Subject,
  runId: string,
): Promise<'held' | 'skipped' | null> {
  const kept = keptBack(webhook, delivery, clock.now());
  if (!kept) return null;
  const isKept =
    kept === 'skipped'
      ? await store.rounds.skip(delivery, runId)
      : await store.rounds.queue(delivery, runId, kept);
  if (!isKept) throw superseded();
  return kept;
}

/**
 * The state after a wait or a standstill: meanwhile the delivery may have been cancelled, or its webhook paused,
 * disabled or deleted.
 */
async function afterWait(
  deps: ActivityDependencies,
  { delivery }: Subject,
  runId: string,
): Promise<Subject | RoundResult> {
  const current = await reload(deps, delivery);
  if (typeof current === 'string') return current;
  if (current.delivery.status !== 'pending') return settle(current.delivery.status);
  return (await keepBack(deps, current, runId)) ?? current;
}

/** Makes Temporal run the next attempt after that time. */
function attemptFailed(
  { number, statusCode, errorCode }: Attempt,
  nextDelayMs: number,
): ApplicationFailure {
  // A receiver's failure isn't the worker's: the attempt is in the delivery's log.
  const message = `attempt ${number} failed: ${statusCode ?? errorCode}`;
  return againIn(nextDelayMs, FAILURE_TYPES.attemptFailed, message);
}

/**
 * Milliseconds until its time, before which nothing is sent, whatever wakes the workflow; zero or less: now. It is
 * only early if the round was opened by a write: the very first attempt is due when it is planned.
 */
function earlinessOf({ nextAttemptAt, openedAt }: DeliveryRecord): number {
  return openedAt && nextAttemptAt ? nextAttemptAt.getTime() - openedAt.getTime() : 0;
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
