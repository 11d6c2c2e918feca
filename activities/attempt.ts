import { activityInfo, ApplicationFailure } from '@temporalio/activity';
import { ApplicationFailureCategory, TemporalFailure } from '@temporalio/common';
import {
  DELIVERY_FAILED_MESSAGE,
  FAILURE_TYPES,
  type Activities,
  type NextAttemptDetails,
  type AttemptPolicy,
  type FailedDetails,
  type RoundResult,
} from '../src/contracts/activities';
import type { Attempt } from '../src/contracts/delivery';
import type { SendResult } from '../src/delivery/http';
import { withoutCredentials } from '../src/domain/credential-header';
import { isGone, isSuccess, retryAfterMs } from '../src/domain/outcome';
import { lostDelayMs, nextDelayMs } from '../src/domain/schedule';
import { attemptDuration } from '../src/metrics';
import type { AttemptResult } from '../src/store/deliveries';
import type { DeliveryRecord } from '../src/store/delivery-record';
import { expungeEvent } from '../src/store/expunge';
import type { EventRecord } from '../src/store/events';
import { OwnerMails } from '../src/store/owner-mails';
import type { ProjectRecord } from '../src/store/projects';
import type { WebhookRecord } from '../src/store/webhooks';
import { followFailure } from './failed-delivery';
import { Places } from './places';
import { deferred, takeTurn } from './turn';
import { requestHeaders } from './request-headers';
import type { ActivityDependencies } from '.';

/** All that one attempt is made of. */
export interface Subject {
  delivery: DeliveryRecord;
  event: EventRecord;
  /** The event's. */
  body: string;
  webhook: WebhookRecord;
  project: ProjectRecord;
}

/**
 * One attempt: load, sign, POST, record, count the webhook's health. If the process dies
 * - before the POST: nothing happened, Temporal runs it again;
 * - between POST and record: it is sent again (the wire is at-least-once);
 * - between record and health, or health and return: the next execution finds the recorded attempt,
 *   counts it if it wasn't counted, and goes on from there, not before the next attempt's time.
 */
export function createAttemptDelivery(deps: ActivityDependencies): Activities['attemptDelivery'] {
  const { store, sender, log } = deps;
  const places = new Places(deps.maxAttempts, deps.maxAttemptsPerWebhook);

  const attempt = async (
    deliveryId: string,
    policy: AttemptPolicy,
    afterLoss: boolean,
  ): Promise<RoundResult> => {
    const { runId } = activityInfo().workflowExecution!;
    const subject = await load(deps, deliveryId, runId);
    if (typeof subject === 'string') return subject;
    const { delivery, webhook, body } = subject;

    await countLast(deps, subject, runId);
    if (delivery.status !== 'pending') return settle(delivery.status);
    if (webhook.isPaused) {
      await store.deliveries.hold(deliveryId, runId);
      return 'held';
    }
    const earlyByMs = await earliness(deps, delivery, afterLoss);
    if (earlyByMs > 0) throw deferred('its time has not come', earlyByMs);

    const place = await takeTurn(deps, places, subject);
    let headers, startedAt, answer;
    try {
      headers = requestHeaders(deps, subject, new Date());
      startedAt = new Date();
      const { timeoutMs } = policy;
      answer = await sender.send({ url: webhook.url, headers, body, timeoutMs });
    } finally {
      place.leave(true);
    }
    const now = new Date();
    const result = judge(answer, delivery, policy, now);
    const made = await store.deliveries.recordAttempt(
      delivery,
      {
        runId,
        startedAt,
        outcome: result.status === 'succeeded' ? 'succeeded' : 'failed',
        requestHeaders: withoutCredentials(headers),
        ...loggedAnswer(answer),
      },
      result,
      now,
    );
    log.info(
      {
        projectId: delivery.projectId,
        eventId: delivery.eventId,
        deliveryId,
        webhookId: webhook._id,
        attempt: made.number,
        outcome: made.outcome,
        statusCode: made.statusCode,
        errorCode: made.errorCode,
        durationMs: made.durationMs,
        resent: made.resent,
      },
      'attempt',
    );
    measure(made);
    await countHealth(deps, subject, made, result.status);
    if (result.nextAttemptAt === null) return settle(result.status);
    const nextDelay = result.nextAttemptAt.getTime() - now.getTime();
    throw ApplicationFailure.create({
      message: `attempt ${made.number} failed: ${made.statusCode ?? made.errorCode}`,
      type: FAILURE_TYPES.attemptFailed,
      nextRetryDelay: nextDelay,
      // A receiver's failure isn't the worker's: the attempt is logged above, once.
      category: ApplicationFailureCategory.BENIGN,
      details: [{ nextDelayMs: nextDelay } satisfies NextAttemptDetails],
    });
  };

  return async (deliveryId, policy, afterLoss = false) => {
    try {
      const result = await attempt(deliveryId, policy, afterLoss);
      return { result, runId: activityInfo().workflowExecution!.runId };
    } catch (error) {
      if (error instanceof TemporalFailure) throw error;
      // MongoDB is away, or a bug: not the receiver's doing, so not by the receiver's schedule.
      log.warn({ err: error, deliveryId }, 'attempt lost');
      const nextDelay = lostDelayMs(policy);
      throw ApplicationFailure.create({
        message: 'the attempt could not be made or recorded; the log of the worker tells why',
        type: FAILURE_TYPES.attemptLost,
        nextRetryDelay: nextDelay,
        details: [{ nextDelayMs: nextDelay } satisfies NextAttemptDetails],
      });
    }
  };
}

/** The attempt's documents, the run claimed when it is a new one; or how the round ends without them. */
async function load(
  { store }: ActivityDependencies,
  deliveryId: string,
  runId: string,
): Promise<Subject | RoundResult> {
  let delivery = await store.deliveries.find(deliveryId);
  if (!delivery) return 'gone';
  const [event, webhook, project] = await Promise.all([
    store.events.find(delivery.eventId),
    store.webhooks.get(delivery.projectId, delivery.webhookId),
    store.projects.get(delivery.projectId),
  ]);
  if (!event || !webhook || !project) {
    const { status } = delivery;
    if (status === 'succeeded' || status === 'failed') return status;
    const hasEnded = status === 'skipped' || status === 'cancelled';
    if (hasEnded || (await store.cancelOrphan(delivery))) return 'cancelled';
    throw new Error('not all that the delivery is made of could be read');
  }
  // Cancelled between Posthorn's asking for this run, a first or another one, and its start.
  const isAwaited = delivery.runRequested || delivery.runId === null;
  if (isAwaited && delivery.status === 'cancelled') {
    await store.deliveries.forgetRequestedRun(deliveryId);
    return 'cancelled';
  }
  const isFirstRun =
    delivery.runId === null && delivery.status === 'pending' && !delivery.runRequested;
  if (delivery.runId !== runId && !isFirstRun) {
    delivery = await store.deliveries.claimRun(deliveryId, runId, new Date());
    if (!delivery) return 'gone';
  }
  if (event.body === null) {
    // Planned or reset while its payload was being deleted.
    await expungeEvent(store, project._id, event._id, new Date());
    return 'cancelled';
  }
  return { delivery, event, body: event.body, webhook, project };
}

/**
 * Milliseconds by which the attempt would come too early: when its worker has died, or MongoDB was away,
 * Temporal runs it again soon, although it may have been recorded, with a long wait before the next one.
 */
async function earliness(
  { starter }: ActivityDependencies,
  { _id, attempts, nextAttemptAt }: DeliveryRecord,
  afterLoss: boolean,
): Promise<number> {
  const { workflowExecution, scheduledTimestampMs, attempt } = activityInfo();
  const last = attempts.at(-1);
  const earlyByMs = (nextAttemptAt?.getTime() ?? 0) - Date.now();
  if (last?.runId !== workflowExecution!.runId || earlyByMs <= 0) return 0;
  if (attempt === 1) return afterLoss ? earlyByMs : 0;
  // What somebody has asked for ahead of its time, this activity has not made yet.
  if (last.startedAt.getTime() < scheduledTimestampMs) return 0;
  return (await starter.hasLostAttempt(_id)) ? earlyByMs : 0;
}

/** What the answer makes of the delivery. */
function judge(
  answer: SendResult,
  { attemptCount, roundStart }: DeliveryRecord,
  policy: AttemptPolicy,
  now: Date,
): AttemptResult {
  const statusCode = answer.kind === 'response' ? answer.statusCode : undefined;
  if (statusCode !== undefined && isSuccess(statusCode)) {
    return { status: 'succeeded', nextAttemptAt: null };
  }
  if (isGone(statusCode)) return { status: 'failed', nextAttemptAt: null };
  // What was asked for stands, even if the body after it did not come whole.
  const asked = retryAfterMs(answer.statusCode, answer.retryAfter ?? [], now.getTime());
  const delayMs = nextDelayMs(policy, attemptCount - roundStart + 1, Math.random(), asked);
  return delayMs === null
    ? { status: 'failed', nextAttemptAt: null }
    : { status: 'pending', nextAttemptAt: new Date(now.getTime() + delayMs) };
}

function loggedAnswer(
  answer: SendResult,
): Pick<
  Attempt,
  | 'durationMs'
  | 'resent'
  | 'statusCode'
  | 'responseHeaders'
  | 'responseBody'
  | 'errorCode'
  | 'errorMessage'
> {
  const { durationMs, resent } = answer;
  const sent = { durationMs, ...(resent && { resent }) };
  return answer.kind === 'error'
    ? { ...sent, errorCode: answer.errorCode, errorMessage: answer.errorMessage }
    : {
        ...sent,
        statusCode: answer.statusCode,
        responseHeaders: answer.headers,
        responseBody: answer.body,
      };
}

function measure({ statusCode, errorCode, durationMs }: Attempt): void {
  const result = statusCode === undefined ? errorCode : `${Math.floor(statusCode / 100)}xx`;
  attemptDuration.observe({ result }, durationMs / 1000);
}

/**
 * Counts the last attempt if whoever made it died before that was done: this run, or, when it failed, a
 * run before a replay. Failed ones are known to be counted; that a success is counted again, after more
 * attempts of the webhook than it remembers, takes a crash.
 */
async function countLast(
  deps: ActivityDependencies,
  subject: Subject,
  runId: string,
): Promise<void> {
  const { attempts, healthCounted = 0, roundStart, status } = subject.delivery;
  const last = attempts.at(-1);
  if (!last || last.number <= healthCounted) return;
  if (last.outcome === 'succeeded' && last.runId !== runId) return;
  const endedItsRound = last.outcome === 'failed' && last.number === roundStart;
  await countHealth(deps, subject, last, endedItsRound ? 'failed' : status);
}

/** Counts a recorded attempt in the webhook's health, and follows up a failed one, or delivery. */
async function countHealth(
  deps: ActivityDependencies,
  subject: Subject,
  attempt: Attempt,
  status: DeliveryRecord['status'],
): Promise<void> {
  const { delivery, webhook } = subject;
  await deps.store.webhooks.countAttempt(
    webhook._id,
    `${delivery._id}#${attempt.number}`,
    attempt.outcome === 'succeeded',
    new Date(attempt.startedAt.getTime() + attempt.durationMs),
    attempt.statusCode ?? attempt.errorCode ?? null,
  );
  if (attempt.outcome === 'failed' && deps.mailer) {
    await new OwnerMails(deps.store, deps.retentionDays).warn(subject.project, webhook._id);
  }
  if (status === 'failed') await followFailure(deps, subject, attempt);
  if (attempt.outcome === 'failed') {
    await deps.store.deliveries.noteHealthCounted(delivery._id, attempt.number);
  }
}

/** How the round ends for the workflow. */
function settle(status: DeliveryRecord['status']): RoundResult {
  if (status === 'failed') {
    throw ApplicationFailure.create({
      message: DELIVERY_FAILED_MESSAGE,
      type: FAILURE_TYPES.deliveryFailed,
      nonRetryable: true,
      category: ApplicationFailureCategory.BENIGN,
      details: [{ runId: activityInfo().workflowExecution!.runId } satisfies FailedDetails],
    });
  }
  return status === 'succeeded' || status === 'held' ? status : 'cancelled';
}
