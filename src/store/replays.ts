import { Schema, type ClientSession, type QueryFilter } from 'mongoose';
import type { DeliveryStatus } from '../contracts/delivery';
import type { ChangedBy } from '../domain/changed-by';
import { DAY_MS } from '../domain/durations';
import { Backlog } from './backlog';
import { findPage, type Page, type PageRequest } from './paging';
import { ownedRepositoryOf } from './repository';
import { BY_CLOCK } from './timestamps';

export const REPLAY_STATUSES = ['running', 'paused', 'completed', 'cancelled'] as const;
export type ReplayStatus = (typeof REPLAY_STATUSES)[number];
export const UNENDED_REPLAY_STATUSES: readonly ReplayStatus[] = ['running', 'paused'];

export interface ReplayQuery {
  webhookId?: string;
  statuses: DeliveryStatus[];
  types?: string[];
  /** Deliveries created at or after. */
  since: Date;
  /** Deliveries created before. */
  until: Date;
  /** Deliveries that ended at or after. */
  endedSince?: Date;
}

/** A durable bulk replay. Its workflow only executes it: what comes next is stored here. */
export interface ReplayRecord {
  _id: string;
  projectId: string;
  query: ReplayQuery;
  /** null: as many as its webhooks take. */
  ratePerSecond: number | null;
  status: ReplayStatus;
  /** Missing in those of earlier versions, which may be the platform's. */
  startedBy?: ChangedBy;
  /** Who paused it, while it is paused. */
  pausedBy?: ChangedBy;
  /** How many deliveries matched when it was requested, or more if it has come across more. */
  matched: number;
  /** The latest end of one of these; missing in those of earlier versions. */
  endedBy?: Date;
  /** The latest creation of one of these; missing in those of earlier versions. */
  createdBy?: Date;
  replayed: number;
  /**
   * How many of those that the replay has come across could not be replayed; once it is completed, of all that
   * matched.
   */
  failed: number;
  /** Stopped, but not everything that it has queued has been taken back, attempted or ended yet. */
  takesBack?: boolean;
  /** The last delivery that was processed. */
  cursor: string | null;
  /** Where the cursor was before a pause set it back: up to there, what could not be replayed is in `failed` already. */
  countedTo?: string;
  createdAt: Date;
  updatedAt: Date;
  completedAt: Date | null;
}

const KEPT_ENDED_DAYS = 30;

const schema = new Schema<ReplayRecord>(
  {
    _id: String,
    projectId: { type: String, required: true },
    query: { type: Schema.Types.Mixed, required: true },
    ratePerSecond: { type: Number, default: null },
    status: { type: String, enum: REPLAY_STATUSES, required: true },
    startedBy: String,
    pausedBy: String,
    matched: { type: Number, required: true },
    endedBy: Date,
    createdBy: Date,
    replayed: { type: Number, default: 0 },
    failed: { type: Number, default: 0 },
    takesBack: Boolean,
    cursor: { type: String, default: null },
    countedTo: String,
    completedAt: { type: Date, default: null },
  },
  { timestamps: BY_CLOCK, minimize: false },
);
schema.index({ projectId: 1, _id: -1 });
schema.index({ projectId: 1, status: 1 });
// For reconcile.
schema.index(
  { projectId: 1, updatedAt: 1, _id: 1 },
  { name: 'running', partialFilterExpression: { status: 'running' } },
);
schema.index({ takesBack: 1 }, { partialFilterExpression: { takesBack: true } });

/** A former version resumes without ending that. */
const TAKING_BACK: QueryFilter<ReplayRecord> = {
  takesBack: true,
  status: { $in: ['paused', 'cancelled'] },
};
schema.index({ completedAt: 1 }, { expireAfterSeconds: (KEPT_ENDED_DAYS * DAY_MS) / 1000 });

export class Replays extends ownedRepositoryOf('Replay', schema, 'replays') {
  /** Those that are running, by their last change. */
  readonly running = new Backlog(this.model, { status: 'running' }, 'updatedAt', 'running');

  async create(
    replay: Omit<ReplayRecord, 'replayed' | 'failed' | 'cursor' | 'createdAt' | 'updatedAt'>,
    session?: ClientSession,
  ): Promise<ReplayRecord> {
    const [created] = await this.model.create([replay], { session });
    return created!.toObject();
  }

  /** How many of a project's replays that the platform, or its customers, started have not ended, up to `max`. */
  async countUnended(
    projectId: string,
    by: ChangedBy,
    max: number,
    session: ClientSession,
  ): Promise<number> {
    const startedBy = by === 'customer' ? by : { $ne: 'customer' as const };
    const unended = { projectId, status: { $in: UNENDED_REPLAY_STATUSES }, startedBy };
    return this.model.countDocuments(unended, { limit: max, session });
  }

  /** Ids of a project's replays that have not ended. @param before only those that were requested before */
  async listUnended(
    projectId: string,
    { before, session = null }: { before?: Date; session?: ClientSession | null },
  ): Promise<string[]> {
    const earlier = before && { createdAt: { $lt: before } };
    const unended = await this.model
      .find({ projectId, status: { $in: UNENDED_REPLAY_STATUSES }, ...earlier }, { _id: 1 })
      .session(session)
      .lean<Pick<ReplayRecord, '_id'>[]>();
    return unended.map(({ _id }) => _id);
  }

  async list(projectId: string, page: PageRequest): Promise<Page<ReplayRecord>> {
    return findPage(this.model, 'replay', { projectId }, page);
  }

  /**
   * Changes its status from one of `from` to `to`, which it may already have; null if it has another, or if a
   * customer tries to undo what the platform did: customers can change only the replays of links: end them, and,
   * unless the platform has paused them, pause and resume them.
   */
  async move(
    id: string,
    from: readonly ReplayStatus[],
    to: 'running' | 'paused' | 'cancelled',
    by: ChangedBy,
    session: ClientSession | null = null,
  ): Promise<ReplayRecord | null> {
    const ends = to === 'cancelled';
    // An earlier version pauses without a note.
    const isTheirs = { $or: [{ status: 'running' as const }, { pausedBy: by }] };
    const allowed = by === 'customer' && { startedBy: by, ...(!ends && isTheirs) };
    // A pause by the platform counts even if it was paused already.
    const other = to !== 'paused' && { $ne: to };
    const moved = await this.model
      .findOneAndUpdate(
        { _id: id, status: { $in: from, ...other }, ...allowed },
        {
          $set: { status: to, ...(to === 'paused' && { pausedBy: by }) },
          ...(to === 'running' && { $unset: { pausedBy: '', takesBack: '' } }),
          // By MongoDB's clock, which also ends its retention.
          ...(ends && { $currentDate: { completedAt: true } }),
        },
        { session },
      )
      .lean<ReplayRecord>();
    return (
      moved ??
      this.model
        .findOne({ _id: id, status: { $in: from.filter((at) => at === to) }, ...allowed })
        .session(session)
        .lean<ReplayRecord>()
    );
  }

  /**
   * Counts the deliveries after `from` up to `to` as processed.
   * @returns false if the replay isn't running, isn't there, or was set back meanwhile
   */
  async advance(
    id: string,
    { from, to, countedTo }: { from: string | null; to: string; countedTo: string | null },
    counts: Pick<ReplayRecord, 'replayed' | 'failed'>,
    session: ClientSession,
  ): Promise<boolean> {
    const replayed = { $add: ['$replayed', counts.replayed] };
    // Another replay may have had, and given back, what this one has passed without counting it.
    const failed = { $max: [0, { $add: ['$failed', counts.failed] }] };
    // Some may have been committed after the count.
    const matched = { $max: ['$matched', { $add: [replayed, failed] }] };
    const { modifiedCount } = await this.model.updateOne(
      { _id: id, status: 'running', cursor: from, countedTo },
      [{ $set: { cursor: to, replayed, failed, matched } }],
      { session },
    );
    return modifiedCount === 1;
  }

  /**
   * Also counts as failed what it has not come across, since it was replayed otherwise or has expired meanwhile.
   * @returns false if it isn't running any more, or was set back since it was read
   */
  async complete({ _id, cursor }: ReplayRecord): Promise<boolean> {
    const failed = { $max: ['$failed', { $subtract: ['$matched', '$replayed'] }] };
    const { modifiedCount } = await this.model.updateOne({ _id, status: 'running', cursor }, [
      { $set: { status: 'completed', failed, completedAt: '$$NOW' } },
    ]);
    return modifiedCount === 1;
  }

  /** Has it list again what is after `cursor`. */
  async setBack({ _id }: ReplayRecord, cursor: string, session: ClientSession): Promise<void> {
    await this.model.updateOne(
      { _id },
      [{ $set: { cursor, countedTo: { $max: ['$countedTo', '$cursor'] } } }],
      { session },
    );
  }

  /** Counts this many deliveries as failed, and not as replayed. */
  async countUnsent(id: string, count: number, session: ClientSession): Promise<void> {
    if (count === 0) return;
    const counts = { replayed: -count, failed: count };
    await this.model.updateOne({ _id: id }, { $inc: counts }, { session });
  }

  /**
   * Counts this many deliveries as not replayed after all.
   * @param isMore whether there may be more of them, now or later
   */
  async takeBack(
    id: string,
    count: number,
    isMore: boolean,
    session: ClientSession,
  ): Promise<ReplayRecord> {
    const takesBack = { takesBack: true };
    return this.model
      .findOneAndUpdate(
        { _id: id },
        { $inc: { replayed: -count }, ...(isMore ? { $set: takesBack } : { $unset: takesBack }) },
        // It is checked again and again.
        { session, timestamps: count > 0 },
      )
      .orFail()
      .lean<ReplayRecord>();
  }

  async findTakingBack(id: string, session: ClientSession): Promise<ReplayRecord | null> {
    return this.model
      .findOne({ ...TAKING_BACK, _id: id })
      .session(session)
      .lean<ReplayRecord>();
  }

  /** Ids of those that still take back what they have queued. */
  async listTakingBack(): Promise<string[]> {
    return this.model.distinct('_id', TAKING_BACK);
  }
}
