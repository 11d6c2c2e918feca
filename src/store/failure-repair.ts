import type { Connection, Model, QueryFilter } from 'mongoose';
import { clock } from '../clock';
import { DELIVERY_STATUSES } from '../contracts/delivery';
import { HOUR_MS } from '../domain/durations';
import type { DeliveryRecord } from './delivery-record';
import { recordsOf } from './migrations';

/** The one that made `failedWith` of what had been stored before. */
const MIGRATION = '0003-how-last-attempts-failed';
/** By then no process of a version before that runs any more. */
const AFTER_MS = HOUR_MS;
/** Deliveries repaired together. */
const PAGE = 500;

const ofLast = (value: unknown) => ({
  $let: { vars: { last: { $last: '$attempts' } }, in: value },
});
/** `failedWith` (delivery-record.ts) in MongoDB. */
const FAILED_WITH = ofLast({
  $cond: [
    { $ne: ['$$last.outcome', 'failed'] },
    '$$REMOVE',
    {
      $cond: [
        { $gt: ['$$last.statusCode', null] },
        [
          '$$last.statusCode',
          { $concat: [{ $toString: { $floor: { $divide: ['$$last.statusCode', 100] } } }, 'xx'] },
        ],
        [{ $ifNull: ['$$last.errorCode', 'unknown'] }],
      ],
    },
  ],
});

/**
 * Workers without `failedWith`, which run beside newer ones during an upgrade, leave it as it was, or away. So it is
 * made of the log once more, an hour after the upgrade.
 */
export class FailureRepair {
  private isDone = false;

  constructor(
    private readonly connection: Connection,
    private readonly model: Model<DeliveryRecord>,
  ) {}

  async isDue(): Promise<boolean> {
    if (this.isDone) return false;
    const made = await recordsOf(this.connection).findOne({ _id: MIGRATION });
    this.isDone = made?.repeatedAt !== undefined;
    const dueFrom = (made?.appliedAt ?? clock.now()).getTime() + AFTER_MS;
    return !this.isDone && clock.now().getTime() > dueFrom;
  }

  /**
   * Repairs a project's deliveries, as far as an index leads to those in question.
   * @returns false if it was told to stop
   */
  async repair(projectId: string, goesOn: () => boolean): Promise<boolean> {
    const failures = await this.model.distinct('failedWith', {
      projectId,
      failedWith: { $exists: true },
    });
    const ranges: QueryFilter<DeliveryRecord>[] = [
      ...DELIVERY_STATUSES.filter((status) => status !== 'succeeded').map((status) => ({ status })),
      ...failures.map((failedWith) => ({ failedWith, status: 'succeeded' as const })),
    ];
    for (const range of ranges) {
      for (let after: string | undefined = ''; after !== undefined;) {
        if (!goesOn()) return false;
        const page: { _id: string }[] = await this.model
          .find({ projectId, ...range, _id: { $gt: after } }, { _id: 1 })
          .sort({ _id: 1 })
          .limit(PAGE)
          .lean();
        await this.model.updateMany(
          { _id: { $in: page.map(({ _id }) => _id) } },
          [{ $set: { failedWith: FAILED_WITH } }],
          { updatePipeline: true },
        );
        after = page.length < PAGE ? undefined : page.at(-1)!._id;
      }
    }
    return true;
  }

  /** All projects are repaired. */
  async end(): Promise<void> {
    const repeatedAt = clock.now();
    await recordsOf(this.connection).updateOne({ _id: MIGRATION }, { $set: { repeatedAt } });
  }
}
