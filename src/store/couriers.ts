import { Schema, type ClientSession } from 'mongoose';
import { changeOne, onlyIf } from './change-one';
import { isLatest } from './latest-execution';
import { repositoryOf } from './repository';

/** The courier of a project, and which of its shifts may send and decide. */
export interface CourierRecord {
  /** The project's id. */
  _id: string;
  /** Counts the shifts; a shift that finds another number than its own has been superseded. */
  shift: number;
  /** Counts what the shift has settled, so that a settlement whose commit was not answered is not repeated. */
  settled: number;
  /** When the shift last reported that it continues, by MongoDB's clock; null: it has ended cleanly. */
  renewedAt: Date | null;
  /** When Temporal scheduled the shift's execution. */
  execution?: Date;
}

const schema = new Schema<CourierRecord>({
  _id: String,
  shift: { type: Number, required: true },
  settled: { type: Number, default: 0 },
  renewedAt: { type: Date, default: null },
  execution: Date,
});

/** How old a shift's last report may be, in milliseconds, for the shift to count as at work. */
const AT_WORK_MS = 5000;

/**
 * The fence of couriers: Temporal runs one at a time, but a process that was suspended and resumes later
 * doesn't know yet that its courier has been replaced.
 */
export class Couriers extends repositoryOf('Courier', schema, 'couriers') {
  /**
   * Begins a shift; from now on the previous one decides nothing.
   * @param scheduledAt when Temporal scheduled its execution
   * @returns its number, MongoDB's time, and how long ago the previous shift has last reported, null if that has
   *   ended cleanly; null: a later execution has begun one
   */
  async begin(projectId: string, scheduledAt: Date) {
    const begun = await changeOne<
      CourierRecord,
      CourierRecord & { formerlyRenewedAt: Date | null }
    >(
      this.model,
      { _id: projectId },
      // Not as a filter, with which an upsert would insert another one.
      onlyIf(isLatest(scheduledAt), {
        shift: { $add: [{ $ifNull: ['$shift', 0] }, 1] },
        settled: 0,
        formerlyRenewedAt: { $ifNull: ['$renewedAt', null] },
        renewedAt: '$$NOW',
        execution: scheduledAt,
      }),
      { upsert: true, strict: false },
    );
    const { shift, renewedAt, formerlyRenewedAt, execution } = begun!;
    if (execution!.getTime() !== scheduledAt.getTime()) return null;
    const now = renewedAt!;
    return {
      shift,
      now,
      formerRenewedMsAgo: formerlyRenewedAt && now.getTime() - formerlyRenewedAt.getTime(),
    };
  }

  /**
   * Continues a shift.
   * @returns false: it has been superseded, or has ended: a renewal may arrive after the end that was sent after it
   */
  async renew(projectId: string, shift: number): Promise<boolean> {
    const { matchedCount } = await this.model.updateOne(
      { _id: projectId, shift, renewedAt: { $ne: null } },
      { $currentDate: { renewedAt: true } },
    );
    return matchedCount === 1;
  }

  /**
   * Continues a shift with its next settlement, in whose transaction.
   * @param number of the settlement, from 1
   * @returns MongoDB's time, and whether that settlement has been written already; null: the shift has been
   * superseded
   */
  async settle(
    projectId: string,
    { shift, number }: { shift: number; number: number },
    session: ClientSession,
  ): Promise<{ now: Date; isWritten: boolean } | null> {
    const continued = await changeOne<CourierRecord, CourierRecord & { isWritten: boolean }>(
      this.model,
      { _id: projectId, shift },
      { settled: number, isWritten: { $gte: ['$settled', number] }, renewedAt: '$$NOW' },
      { strict: false, session },
    );
    return continued && { now: continued.renewedAt!, isWritten: continued.isWritten };
  }

  /**
   * Whether a shift has recently reported that it continues. A time in the future, from before MongoDB's clock was
   * set back, does not count.
   */
  async isAtWork(projectId: string): Promise<boolean> {
    const [since, until] = [{ $subtract: ['$$NOW', AT_WORK_MS] }, { $add: ['$$NOW', AT_WORK_MS] }];
    const found = await this.model.exists({
      _id: projectId,
      $expr: { $and: [{ $gt: ['$renewedAt', since] }, { $lt: ['$renewedAt', until] }] },
    });
    return found !== null;
  }

  /** The number of its latest shift; 0: there has been none. */
  async shiftOf(projectId: string): Promise<number> {
    const found = await this.model.findById(projectId, { shift: 1 }).lean<CourierRecord>();
    return found?.shift ?? 0;
  }

  /** Ends a shift cleanly: none of its work is in progress. */
  async end(projectId: string, shift: number): Promise<void> {
    await this.model.updateOne({ _id: projectId, shift }, { $set: { renewedAt: null } });
  }
}
