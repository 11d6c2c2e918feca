import type { AnyBulkWriteOperation, ClientSession, Model, UpdateAggregationStage } from 'mongoose';
import { clock } from '../clock';
import type { Attempt } from '../contracts/delivery';
import type { WarningPercent } from '../domain/failure-warning';
import { AHEAD_MS } from '../domain/kept-back';
import { isOperators } from '../domain/outcome';
import { onlyIf } from './change-one';
import type { DisabledReason, WebhookRecord } from './webhook-record';

/** How many failures `countedAttempts` and `failuresBeganAt` remember: more than can be in progress for one webhook. */
const REMEMBERED = 100;

/** In a pipeline's `$set`. */
const FAILURES = { $ifNull: ['$failuresBeganAt', []] };

/** Health is about deliveries and not an edit of the webhook: it doesn't change `updatedAt`. */
export const HEALTH = { timestamps: false } as const;

/**
 * That time, in a pipeline, unless it is from before MongoDB's clock was set back: it would count until that time
 * comes.
 */
const unlessAhead = (time: string) => ({
  $cond: [{ $gt: [time, { $add: ['$$NOW', AHEAD_MS] }] }, null, time],
});

const LAST_SUCCESS = { $ifNull: [unlessAhead('$lastSuccessAt'), new Date(0)] };

/** What failed before that says nothing about the current state. */
const COUNTED_FROM = { $max: [LAST_SUCCESS, unlessAhead('$enabledAt')] };

/** Active, with at least that many consecutive failures. */
const failing = (id: string, minFailures: number) => ({
  _id: id,
  isActive: true,
  failureCount: { $gte: minFailures },
});

/** The condition under which a failed delivery disables its webhook. */
export interface DisablingCondition {
  /** Consecutive failures. */
  minFailures: number;
  /** When the delivery's last attempt began: one from before the webhook was enabled says nothing about it since. */
  failedFrom: Date;
  /** Its delivery was replayed since: it counts only if no attempt that ended since then has succeeded. */
  isSuperseded?: boolean;
}

const dueForDisabling = (
  id: string,
  { minFailures, failedFrom, isSuperseded }: DisablingCondition,
) => ({
  ...failing(id, minFailures),
  $expr: { $not: [{ $gt: [isSuperseded ? COUNTED_FROM : unlessAhead('$enabledAt'), failedFrom] }] },
});

export const endOf = ({ startedAt, durationMs }: Attempt): Date =>
  new Date(startedAt.getTime() + durationMs);

const statusOf = ({ statusCode, errorCode }: Attempt): number | string | null =>
  statusCode ?? errorCode ?? null;

/**
 * When the failures in a row began, with further ones, in a pipeline's `$set`. What is not the time of the current
 * row, because a worker without this field has counted its first failure, remains unknown until the next row.
 */
function failingSinceWith(firstEndedAt: unknown): object {
  const isOfThisRow = { $gte: ['$failingSince', LAST_SUCCESS] };
  const earlier = { $min: ['$failingSince', firstEndedAt] };
  return {
    $cond: [
      { $eq: ['$failureCount', 0] },
      firstEndedAt,
      { $cond: [isOfThisRow, earlier, '$$REMOVE'] },
    ],
  };
}

export class WebhookHealth {
  constructor(private readonly model: Model<WebhookRecord>) {}

  /**
   * Counts one attempt, once however often it is called for that attempt. A success needs no note that it was
   * counted: after the first time it is no longer the last one.
   * @param id of the attempt: `<deliveryId>#<number>`
   */
  async countAttempt(webhookId: string, id: string, attempt: Attempt): Promise<void> {
    const isFailure = attempt.outcome === 'failed';
    const counted = { $concatArrays: [{ $ifNull: ['$countedAttempts', []] }, [id]] };
    const note = { $set: { countedAttempts: { $slice: [counted, -REMEMBERED] } } };
    await this.model.updateOne(
      { _id: webhookId, ...(isFailure && { countedAttempts: { $ne: id } }) },
      [...healthAfter([attempt]), ...(isFailure ? [note] : [])],
      { ...HEALTH, strict: false },
    );
  }

  /** Whether `disable` would disable it. */
  async isDueForDisabling(id: string, condition: DisablingCondition): Promise<boolean> {
    return (await this.model.exists(dueForDisabling(id, condition))) !== null;
  }

  /**
   * Disables an active webhook that meets the condition.
   * @returns the changed webhook; null if nothing was changed
   */
  async disable(
    id: string,
    reason: DisabledReason,
    condition: DisablingCondition,
    session: ClientSession,
  ): Promise<WebhookRecord | null> {
    return this.model
      .findOneAndUpdate(
        dueForDisabling(id, condition),
        { $set: { isActive: false, disabledReason: reason, disabledAt: clock.now() } },
        { session },
      )
      .lean<WebhookRecord>();
  }

  /**
   * Notes that the owner is warned, unless that was noted before, or there are fewer consecutive failures now.
   * @returns the changed webhook; null if nothing was changed
   */
  async noteWarning(
    id: string,
    warning: WarningPercent,
    minFailures: number,
    session: ClientSession,
  ): Promise<WebhookRecord | null> {
    return this.model
      .findOneAndUpdate(
        { ...failing(id, minFailures), warnings: { $ne: warning } },
        { $addToSet: { warnings: warning } },
        { ...HEALTH, session },
      )
      .lean<WebhookRecord>();
  }
}

export const countingOf = (
  webhookId: string,
  attempts: readonly Attempt[],
): AnyBulkWriteOperation => ({
  updateOne: { filter: { _id: webhookId }, update: healthAfter(attempts) },
});

interface Ended {
  endedAt: Date;
  status: unknown;
}

/**
 * The health after those attempts: `failureCount` is the number of failures that began after the last success had
 * ended, and since the webhook was enabled, in whatever order they are counted. What is older says nothing about the
 * current state, nor does an older success about the failures that began after it. A failure on the operator's side
 * says nothing at all.
 */
function healthAfter(attempts: readonly Attempt[]): UpdateAggregationStage[] {
  const failures: (Ended & { startedAt: Date })[] = [];
  let success: Ended | undefined;
  const inOrder = attempts.toSorted((a, b) => endOf(a).getTime() - endOf(b).getTime());
  for (const attempt of inOrder) {
    const { outcome, startedAt } = attempt;
    const ended = { endedAt: endOf(attempt), status: statusOf(attempt) };
    if (outcome === 'succeeded') {
      if (!success || success.endedAt <= ended.endedAt) success = ended;
    } else if (!isOperators(attempt) && (!success || success.endedAt <= startedAt))
      failures.push({ startedAt, ...ended });
  }
  const since = { $gte: ['$$this.startedAt', COUNTED_FROM] };
  const news = { $filter: { input: { $literal: failures }, cond: since } };
  return [
    { $set: { news } },
    { $set: { lastFailedAt: { $max: ['$lastFailedAt', { $max: '$news.endedAt' }] } } },
    ...(success ? resetBy(success) : []),
    { $set: { news } },
    {
      $set: {
        lastStatus: { $ifNull: [{ $last: '$news.status' }, '$lastStatus'] },
        failingSince: {
          $cond: [
            { $eq: ['$news', []] },
            '$failingSince',
            failingSinceWith({ $min: '$news.endedAt' }),
          ],
        },
        failureCount: { $add: ['$failureCount', { $size: '$news' }] },
        failuresBeganAt: {
          $slice: [{ $concatArrays: [FAILURES, '$news.startedAt'] }, -REMEMBERED],
        },
      },
    },
    { $unset: ['news'] },
  ];
}

/** What a success changes, unless it is older than the last one. */
function resetBy({ endedAt, status }: Ended): UpdateAggregationStage[] {
  const isLast = { $lt: [LAST_SUCCESS, endedAt] };
  const later = { $filter: { input: FAILURES, cond: { $gte: [unlessAhead('$$this'), endedAt] } } };
  // If all that are remembered began after it, only the beginning of the row tells whether those before them did.
  const isFarBack = { $eq: [{ $size: later }, REMEMBERED] };
  const beganLater = { $gte: ['$failingSince', endedAt] };
  const areAllLater = { $lte: ['$failureCount', { $size: later }] };
  const isOfNewRow = { $cond: [isFarBack, beganLater, areAllLater] };
  // Failures that are counted already, and began after it, are a new row.
  const left = {
    failureCount: { $min: ['$failureCount', { $size: later }] },
    failingSince: { $ifNull: [{ $min: later }, '$failingSince'] },
    warnings: [],
  };
  const unlessNew = onlyIf({ $not: [isOfNewRow] }, left);
  const ifNoneLeft = onlyIf({ $eq: ['$failureCount', 0] }, { lastStatus: { $literal: status } });
  return [
    { $set: onlyIf(isLast, { failuresBeganAt: later, ...unlessNew }) },
    { $set: onlyIf(isLast, { lastSuccessAt: endedAt, ...ifNoneLeft }) },
  ];
}
