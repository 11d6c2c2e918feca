import { Schema, type ClientSession, type Connection, type Model } from 'mongoose';

/** The courier of a project, and who of those that ran for it may send and decide. */
export interface CourierRecord {
  /** The project's id. */
  _id: string;
  /** Counts the shifts; who finds another number than its own has been superseded. */
  shift: number;
  /** When the shift said last that it goes on, by MongoDB's clock; null: it has ended in order. */
  renewedAt: Date | null;
}

const schema = new Schema<CourierRecord>(
  {
    _id: String,
    shift: { type: Number, required: true },
    renewedAt: { type: Date, default: null },
  },
  { timestamps: false },
);

/** Milliseconds since a shift has said that it goes on, after which that is not taken for granted. */
const AT_WORK_MS = 5000;

/** What a new shift finds. */
export interface CourierLease {
  shift: number;
  /** MongoDB's time. */
  now: Date;
  /** Milliseconds since the shift before said that it goes on; null where it has ended in order. */
  formerRenewedMsAgo: number | null;
}

/**
 * The fence of couriers: Temporal lets one run at a time, but one that was stopped and wakes up later does
 * not know yet that it runs no more.
 */
export class Couriers {
  readonly model: Model<CourierRecord>;

  constructor(connection: Connection) {
    this.model = connection.model<CourierRecord>('Courier', schema, 'couriers');
  }

  /** Begins a shift; from now on the former one decides nothing. */
  async begin(projectId: string): Promise<CourierLease> {
    const before = await this.model
      .findOneAndUpdate(
        { _id: projectId },
        [
          {
            $set: {
              shift: { $add: [{ $ifNull: ['$shift', 0] }, 1] },
              formerlyRenewedAt: { $ifNull: ['$renewedAt', null] },
              renewedAt: '$$NOW',
            },
          },
        ],
        { upsert: true, returnDocument: 'after', updatePipeline: true, strict: false },
      )
      .lean<CourierRecord & { formerlyRenewedAt: Date | null }>();
    const { shift, renewedAt, formerlyRenewedAt } = before;
    const now = renewedAt!;
    return {
      shift,
      now,
      formerRenewedMsAgo: formerlyRenewedAt && now.getTime() - formerlyRenewedAt.getTime(),
    };
  }

  /**
   * Goes on with a shift.
   * @returns MongoDB's time; null: it has been superseded
   */
  async renew(
    projectId: string,
    shift: number,
    session: ClientSession | null = null,
  ): Promise<Date | null> {
    const renewed = await this.model
      .findOneAndUpdate(
        { _id: projectId, shift },
        { $currentDate: { renewedAt: true } },
        { returnDocument: 'after', session },
      )
      .lean<CourierRecord>();
    return renewed && renewed.renewedAt;
  }

  /** Whether a shift has said of late that it goes on. */
  async isAtWork(projectId: string): Promise<boolean> {
    const since = { $subtract: ['$$NOW', AT_WORK_MS] };
    const found = await this.model.exists({
      _id: projectId,
      $expr: { $gt: ['$renewedAt', since] },
    });
    return found !== null;
  }

  /** Ends a shift in order: nothing of it is under way any more. */
  async end(projectId: string, shift: number): Promise<void> {
    await this.model.updateOne({ _id: projectId, shift }, { $set: { renewedAt: null } });
  }

  async delete(projectId: string): Promise<void> {
    await this.model.deleteOne({ _id: projectId });
  }
}
