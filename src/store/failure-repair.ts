import type { Connection, Model } from 'mongoose';
import { clock } from '../clock';
import { HOUR_MS } from '../domain/durations';
import { FAILED_WITH, type DeliveryRecord } from './delivery-record';
import { nextRange, recordsOf } from './migrations';

/** The one that made `failedWith` of what had been stored before. */
const MIGRATION = '0003-how-last-attempts-failed';
/** By then no process of a version before that runs any more. */
const AFTER_MS = HOUR_MS;

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

  /**
   * Repairs a part of all deliveries, if it is due. Where it has come to is stored.
   * @returns false if there is nothing left to do now
   */
  async repairSome(): Promise<boolean> {
    if (this.isDone) return false;
    const records = recordsOf(this.connection);
    const made = await records.findOne({ _id: MIGRATION });
    this.isDone = made?.repeatedAt !== undefined;
    const dueFrom = (made?.appliedAt ?? clock.now()).getTime() + AFTER_MS;
    if (this.isDone || clock.now().getTime() < dueFrom) return false;
    const from = made?.repeatedTo ?? '';
    const next = await nextRange(this.model.collection as never, from);
    await this.model.updateMany(
      {
        _id: { $gte: from, ...(next !== undefined && { $lt: next }) },
        $or: [{ failedWith: { $exists: true } }, { status: { $ne: 'succeeded' } }],
      },
      [{ $set: { failedWith: FAILED_WITH } }],
      { updatePipeline: true },
    );
    const progress = next === undefined ? { repeatedAt: clock.now() } : { repeatedTo: next };
    await records.updateOne({ _id: MIGRATION }, { $set: progress });
    return next !== undefined;
  }
}
