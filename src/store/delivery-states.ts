import type { AttemptPolicy } from '../contracts/activities';
import type { Attempt, DeferralReason, DeliveryStatus, EndReason } from '../contracts/delivery';
import type { AttemptResult } from '../domain/outcome';
import { logWith } from './attempt-log';
import { failedWith, type DeliveryRecord } from './delivery-record';
import { KEPT_AFTER_END_MS } from './retention';

/* What becomes of a delivery, in a pipeline's `$set`: the same for workflows and couriers. */

/** How a replay begins. */
export const replayed = {
  status: 'pending',
  replays: { $add: ['$replays', 1] },
  replayRequestedAt: '$$REMOVE',
  roundStart: '$attemptCount',
  roundPolicy: '$$REMOVE',
  bulkReplay: '$$REMOVE',
  // From the round before, which may still be in progress.
  hasTurn: '$$REMOVE',
  openedAt: '$$REMOVE',
  completedAt: null,
  endReason: null,
};

/** What ends now leaves the queue, and is kept for a while, however late it ends. */
export const endedNow = {
  queuedIn: '$$REMOVE',
  completedAt: '$$NOW',
  expiresAt: { $max: ['$expiresAt', { $add: ['$$NOW', KEPT_AFTER_END_MS] }] },
};

export const cancelledNow = { status: 'cancelled', nextAttemptAt: null, ...endedNow };

const STATUS: Record<EndReason, DeliveryStatus> = {
  webhook_disabled: 'skipped',
  webhook_deleted: 'cancelled',
};

/** It ends with its webhook. Plain values, which can be given to a delivery that is not stored yet. */
export const endedWith = (endReason: EndReason) => ({
  status: STATUS[endReason],
  nextAttemptAt: null,
  deferredFor: null,
  endReason,
});

/** The same for what is stored. */
export const endedBecause = (endReason: EndReason) => ({ ...endedWith(endReason), ...endedNow });

/** Its next attempt may not be made now. Plain values too. @param as `held`: its webhook is paused */
export const queuedAs = (as: 'held' | DeferralReason, queuedIn: string) => ({
  nextAttemptAt: null,
  queuedIn,
  ...(as === 'held' ? { status: as } : { deferredFor: as }),
});

/** What an attempt has made of its delivery, and the policy that it was made by. */
export interface Judgement extends AttemptResult {
  policy: AttemptPolicy;
}

/** Whether an attempt of the current round decides what becomes of its delivery, as that is now. */
export const decidesOn = (
  delivery: Pick<DeliveryRecord, 'status' | 'endReason'>,
  { status }: Judgement,
): boolean =>
  delivery.status === 'pending' ||
  // Ended with its webhook, which nobody asked for: a replay would send it twice.
  (status === 'succeeded' && delivery.endReason != null);

/** What a deciding attempt leaves behind. A failure that other attempts may follow keeps what those are timed by. */
export const decisionOf = ({ status, nextDelayMs, policy }: Judgement) => ({
  status,
  nextAttemptAt: nextDelayMs === null ? null : { $add: ['$$NOW', nextDelayMs] },
  deferredFor: null,
  endReason: null,
  bulkReplay: '$$REMOVE',
  ...(status === 'pending' ? { roundPolicy: { $literal: policy } } : endedNow),
});

/** While a round has no attempt of its own, one of an earlier round does not count towards it either. */
const roundStartAfter = (attemptCount: number) => ({
  $cond: [{ $eq: ['$roundStart', '$attemptCount'] }, attemptCount, '$roundStart'],
});

/**
 * An attempt is logged.
 * @param entry as an expression
 * @param isOfThisRound false: the delivery was replayed meanwhile
 */
export const logged = (attempt: Attempt, entry: object, isOfThisRound: boolean) => ({
  attempts: logWith(entry, attempt.number),
  ...(!isOfThisRound && { roundStart: roundStartAfter(attempt.number) }),
  attemptCount: attempt.number,
  ...(!attempt.superseded && { failedWith: failedWith(attempt) ?? '$$REMOVE' }),
});

/** For one whose event was expunged: receivers may repeat in their answer what they received. */
export const withoutAnswer = <
  T extends Pick<Attempt, 'responseBody' | 'responseBodyCut' | 'responseHeaders'>,
>({
  responseBody: _body,
  responseBodyCut: _cut,
  responseHeaders: _headers,
  ...sent
}: T) => sent;
