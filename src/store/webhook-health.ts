import type { AnyBulkWriteOperation, ClientSession, Model } from 'mongoose';
import { clock } from '../clock';
import type { Attempt } from '../contracts/delivery';
import type { WarningPercent } from '../domain/failure-warning';
import type { DisabledReason, WebhookRecord } from './webhook-record';

/** How many failures `countedAttempts` remembers: more than can be in progress for one webhook. */
const COUNTED_ATTEMPTS = 100;

/** Health is about deliveries and not an edit of the webhook: it doesn't change `updatedAt`. */
export const HEALTH = { timestamps: false } as const;

/** Active, with at least that many consecutive failures. */
const failing = (id: string, minFailures: number) => ({
  _id: id,
  isActive: true,
  failureCount: { $gte: minFailures },
});

const endOf = ({ startedAt, durationMs }: Attempt): Date =>
  new Date(startedAt.getTime() + durationMs);

const statusOf = ({ statusCode, errorCode }: Attempt): number | string | null =>
  statusCode ?? errorCode ?? null;

/**
 * When the failures in a row began, with further ones, in a pipeline's `$set`. What is not the time of the current
 * row, because a worker without this field has counted its first failure, remains unknown until the next row.
 */
function failingSinceWith(firstEndedAt: unknown): object {
  const isOfThisRow = { $gte: ['$failingSince', { $ifNull: ['$lastSuccessAt', new Date(0)] }] };
  const earlier = { $min: ['$failingSince', firstEndedAt] };
  return {
    $cond: [
      { $eq: ['$failureCount', 0] },
      firstEndedAt,
      { $cond: [isOfThisRow, earlier, '$$REMOVE'] },
    ],
  };
}

/** What attempts and their failures say of webhooks. */
export class WebhookHealth {
  constructor(private readonly model: Model<WebhookRecord>) {}

  /**
   * Counts one attempt, once however often it is called for that attempt. What is older than the last success says
   * nothing about the current state, and is not counted: a success that ended before it, or a failure that began
   * before it. So a success needs no note that it was counted, and writes little.
   * @param id of the attempt: `<deliveryId>#<number>`
   */
  async countAttempt(webhookId: string, id: string, attempt: Attempt): Promise<void> {
    const { outcome, startedAt } = attempt;
    const endedAt = endOf(attempt);
    const lastStatus = statusOf(attempt);
    const lastSuccess = (at: Record<string, Date>) => ({
      $or: [{ lastSuccessAt: null }, { lastSuccessAt: at }],
    });
    if (outcome === 'succeeded') {
      await this.model.updateOne(
        { _id: webhookId, ...lastSuccess({ $lt: endedAt }) },
        { $set: { lastStatus, lastSuccessAt: endedAt, failureCount: 0, warnings: [] } },
        HEALTH,
      );
      return;
    }
    const counted = { $concatArrays: [{ $ifNull: ['$countedAttempts', []] }, [id]] };
    await this.model.updateOne(
      { _id: webhookId, countedAttempts: { $ne: id }, ...lastSuccess({ $lte: startedAt }) },
      [
        {
          $set: {
            lastStatus: { $literal: lastStatus },
            lastFailedAt: { $max: ['$lastFailedAt', endedAt] },
            failingSince: failingSinceWith(endedAt),
            failureCount: { $add: ['$failureCount', 1] },
            countedAttempts: { $slice: [counted, -COUNTED_ATTEMPTS] },
          },
        },
      ],
      { ...HEALTH, updatePipeline: true },
    );
  }

  /** Whether `disable` would disable it. */
  async isDueForDisabling(id: string, minFailures: number): Promise<boolean> {
    return (await this.model.exists(failing(id, minFailures))) !== null;
  }

  /**
   * Disables an active webhook that has at least `minFailures` consecutive failures.
   * @returns the webhook as it is then; null if nothing was changed
   */
  async disable(
    id: string,
    reason: DisabledReason,
    minFailures: number,
    session: ClientSession,
  ): Promise<WebhookRecord | null> {
    return this.model
      .findOneAndUpdate(
        failing(id, minFailures),
        { $set: { isActive: false, disabledReason: reason, disabledAt: clock.now() } },
        { returnDocument: 'after', session },
      )
      .lean<WebhookRecord>();
  }

  /**
   * Notes that the owner is warned, unless that was noted before, or there are fewer consecutive failures now.
   * @returns the webhook as it is then; null if nothing was changed
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
        { ...HEALTH, returnDocument: 'after', session },
      )
      .lean<WebhookRecord>();
  }
}

/** Attempts of one webhook, in the order in which they ended. */
export interface CountedAttempts {
  webhookId: string;
  attempts: readonly Attempt[];
}

/**
 * The webhook's health after those attempts, as if each were counted separately: a success resets the count,
 * and a failure that began before the last success changes nothing.
 */
export function countingOf({ webhookId, attempts }: CountedAttempts): AnyBulkWriteOperation {
  const success = attempts.findLast(({ outcome }) => outcome === 'succeeded');
  const failures: { startedAt: Date; endedAt: Date; status: unknown; isLast: boolean }[] = [];
  let succeededAt = 0;
  let hasSucceeded = false;
  for (const attempt of attempts) {
    const { outcome, startedAt } = attempt;
    if (outcome === 'succeeded') succeededAt = Math.max(succeededAt, endOf(attempt).getTime());
    if (attempt === success) hasSucceeded = true;
    if (outcome === 'succeeded' || startedAt.getTime() < succeededAt) continue;
    // Those after the last success are what is counted.
    const isLast = hasSucceeded || success === undefined;
    failures.push({ startedAt, endedAt: endOf(attempt), status: statusOf(attempt), isLast });
  }
  const isNews = { $gte: ['$$this.startedAt', { $ifNull: ['$lastSuccessAt', new Date(0)] }] };
  const counted = { $filter: { input: '$news', cond: '$$this.isLast' } };
  const firstCounted = { $min: { $map: { input: counted, in: '$$this.endedAt' } } };
  const lastStatus = { $arrayElemAt: [{ $map: { input: counted, in: '$$this.status' } }, -1] };
  const failingSince = success ? firstCounted : failingSinceWith(firstCounted);
  return {
    updateOne: {
      filter: { _id: webhookId },
      update: [
        { $set: { news: { $filter: { input: { $literal: failures }, cond: isNews } } } },
        {
          $set: {
            lastFailedAt: { $max: ['$lastFailedAt', { $max: '$news.endedAt' }] },
            lastStatus: { $ifNull: [lastStatus, success ? statusOf(success) : '$lastStatus'] },
            failingSince: {
              $cond: [{ $eq: [counted, []] }, '$failingSince', failingSince],
            },
            failureCount: { $add: [success ? 0 : '$failureCount', { $size: counted }] },
            ...(success && {
              warnings: [],
              lastSuccessAt: { $max: ['$lastSuccessAt', new Date(succeededAt)] },
            }),
          },
        },
        { $unset: ['news'] },
      ],
    },
  };
}
