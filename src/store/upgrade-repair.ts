import type { Connection, Model } from 'mongoose';
import { clock } from '../clock';
import { HOUR_MS } from '../domain/durations';
import { FAILED_WITH, type DeliveryRecord } from './delivery-record';
import { dropFormerCounts, nextRange, recordsOf } from './migrations';

/** After this, no process of a version before the migration is running. */
const AFTER_MS = HOUR_MS;

/** Repairs a part. @returns from where to continue; undefined: everything is repaired */
type Repair = (from: string) => Promise<string | undefined>;

/**
 * Processes of the previous version, which run alongside newer ones during an upgrade, go on writing what a
 * migration has changed. So it is repaired once more, an hour after the migration.
 */
export class UpgradeRepair {
  /** By their migrations; without those that are done. */
  private readonly left: Map<string, Repair>;

  constructor(
    private readonly connection: Connection,
    private readonly deliveries: Model<DeliveryRecord>,
  ) {
    this.left = new Map<string, Repair>([
      ['0003-how-last-attempts-failed', (from) => this.repairFailures(from)],
      ['0004-counts-of-minutes-in-one-document', () => dropFormerCounts(connection)],
    ]);
  }

  /**
   * Repairs a part of what is due. How far it has got is stored.
   * @returns false if there is nothing left to do now
   */
  async repairSome(): Promise<boolean> {
    const records = recordsOf(this.connection);
    for (const [_id, repair] of this.left) {
      const made = await records.findOne({ _id });
      const dueFrom = (made?.appliedAt ?? clock.now()).getTime() + AFTER_MS;
      if (made?.repeatedAt) this.left.delete(_id);
      else if (clock.now().getTime() >= dueFrom) {
        const next = await repair(made?.repeatedTo ?? '');
        const progress = next === undefined ? { repeatedAt: clock.now() } : { repeatedTo: next };
        await records.updateOne({ _id }, { $set: progress });
        return true;
      }
    }
    return false;
  }

  /** Workers without `failedWith` leave it as it was, or out. */
  private async repairFailures(from: string): Promise<string | undefined> {
    const next = await nextRange(this.deliveries.collection as never, from);
    await this.deliveries.updateMany(
      {
        _id: { $gte: from, ...(next !== undefined && { $lt: next }) },
        $or: [{ failedWith: { $exists: true } }, { status: { $ne: 'succeeded' } }],
      },
      [{ $set: { failedWith: FAILED_WITH } }],
    );
    return next;
  }
}
