import { Schema, type ClientSession } from 'mongoose';
import type { Attempt } from '../contracts/delivery';
import { timeOf } from '../contracts/ids';
import { MINUTE_MS, SECOND_MS } from '../domain/durations';
import type { StoredTally } from '../domain/tally';
import type { DeliveryRecord } from './delivery-record';
import { Backlog } from './backlog';
import { repositoryOf } from './repository';
import { MAX_CONFIRM_MS } from './time-limit';

export type StatsUnit = 'minute' | 'hour';

/** How far a project's deliveries that were created in one hour have been counted (docs/adr/0036). */
export interface CountedHour {
  /** `hourId`. */
  _id: string;
  projectId: string;
  hour: Date;
  /** Changes with each count, so that only one of two concurrent counts is stored. */
  version: number;
  /** There are so many deliveries that each minute is counted separately. */
  byMinute: boolean;
  /** Those created before this are counted. */
  countedTo: Date;
  countedAt: Date | null;
  /** The minutes (or the hour, unless `byMinute`) with deliveries that hadn't ended long before. */
  open: Date[];
  /** How many deliveries these have. */
  openSize: number;
  /** How many deliveries a minute (or the hour) has, averaged over those that were counted last. */
  unitSize: number;
  /** How many counts in a row have found nothing new. */
  unchanged: number;
  firstCountedAt: Date | null;
  /** When all of it is counted again, though nothing says that it has changed. */
  wholeAt: Date | null;
  nextCountAt: Date;
}

/** Those created in that minute or hour. */
export type CountedPart = StoredTally & { at: Date };

/** What was counted in an hour, of a project or of one webhook: as one part, or by the minute. */
export interface CountRecord {
  /** `countId`. */
  _id: string;
  projectId: string;
  hour: Date;
  unit: StatsUnit;
  /** In the order of their times, without empty ones. */
  parts: CountedPart[];
}

/** Something that was created in that minute, and may have been counted, has changed. */
export interface RecountRecord {
  projectId: string;
  minute: Date;
}

export const floorTo = (unitMs: number, time: Date): Date =>
  new Date(Math.floor(time.getTime() / unitMs) * unitMs);

export const hourId = (projectId: string, hour: Date): string =>
  `${projectId}/${hour.toISOString()}`;

/** @param owner a project's or a webhook's id */
export const countId = (owner: string, unit: StatsUnit, hour: Date): string =>
  `${owner}/${unit}/${hour.toISOString()}`;

export const ownerOf = ({ _id }: Pick<CountRecord, '_id'>): string =>
  _id.slice(0, _id.indexOf('/'));

const hourSchema = new Schema<CountedHour>({
  _id: String,
  projectId: { type: String, required: true },
  hour: { type: Date, required: true },
  version: { type: Number, default: 0 },
  byMinute: { type: Boolean, default: false },
  countedTo: { type: Date, required: true },
  countedAt: { type: Date, default: null },
  open: { type: [Date], default: [] },
  openSize: { type: Number, default: 0 },
  unitSize: { type: Number, default: 0 },
  unchanged: { type: Number, default: 0 },
  firstCountedAt: { type: Date, default: null },
  wholeAt: { type: Date, default: null },
  nextCountAt: { type: Date, required: true },
});
hourSchema.index({ projectId: 1, hour: 1 });
hourSchema.index({ projectId: 1, nextCountAt: 1, _id: 1 }, { name: 'due' });
// For `forgetFuture`.
hourSchema.index({ countedAt: 1, nextCountAt: 1 });

const countSchema = new Schema<CountRecord>({
  _id: String,
  projectId: { type: String, required: true },
  hour: { type: Date, required: true },
  unit: { type: String, required: true },
  parts: Schema.Types.Mixed,
});
countSchema.index({ projectId: 1, hour: 1 });

const recountSchema = new Schema<RecountRecord>({
  projectId: { type: String, required: true },
  minute: { type: Date, required: true },
});
recountSchema.index({ projectId: 1, minute: 1 });

export class CountedHours extends repositoryOf('CountedHour', hourSchema, 'statsHours') {
  /** By the time at which they are to be counted. */
  readonly due = new Backlog(this.model, {}, 'nextCountAt', 'due');

  /**
   * Has those hours of a project in which nothing has changed for long counted soon, since what was waiting in them
   * begins to move.
   */
  async expectChanges(projectId: string): Promise<void> {
    await this.model.updateMany({ projectId, unchanged: { $gt: 0 } }, [
      {
        $set: {
          unchanged: 0,
          nextCountAt: { $min: ['$nextCountAt', '$$NOW'] },
          // A count in progress may have read before they move.
          version: { $add: ['$version', 1] },
        },
      },
    ]);
  }
}

export class Counts extends repositoryOf('Count', countSchema, 'statsCounts') {}

type Counted = Pick<DeliveryRecord, '_id' | 'projectId'>;

/**
 * How late something may be written, in milliseconds, without being counted again: a delivery after its
 * creation, and a result after its attempt.
 */
const LATE_DELIVERY_MS = 60 * SECOND_MS;
const LATE_ATTEMPT_MS = 30 * SECOND_MS;

/**
 * What has to be counted again, since a delivery that had ended has changed, or one was stored late. Noted in the
 * transaction of the change, so that no crash separates them.
 */
export class Recounts extends repositoryOf('Recount', recountSchema, 'recounts') {
  /** Has the minutes in which those deliveries were created counted again. */
  async note(deliveries: readonly Counted[], session: ClientSession | null = null): Promise<void> {
    const minutes = new Map(
      deliveries.map(({ _id, projectId }) => {
        const minute = floorTo(MINUTE_MS, timeOf(_id));
        return [`${projectId} ${minute.getTime()}`, { projectId, minute }];
      }),
    );
    if (minutes.size > 0) await this.model.insertMany([...minutes.values()], { session });
  }

  /** The same for those among them that are stored late. */
  async noteLate(
    stored: readonly Counted[],
    now: Date,
    session: ClientSession | null = null,
  ): Promise<void> {
    const isLate = ({ _id }: Counted): boolean =>
      timeOf(_id).getTime() < now.getTime() - LATE_DELIVERY_MS;
    await this.note(stored.filter(isLate), session);
  }

  /** The same for deliveries with an attempt that is logged late. */
  async noteLateAttempts(
    logged: readonly { delivery: Counted; attempt: Attempt }[],
    now: Date,
    session: ClientSession,
  ): Promise<void> {
    const isLate = ({ startedAt, durationMs }: Attempt): boolean =>
      startedAt.getTime() + durationMs < now.getTime() - LATE_ATTEMPT_MS;
    const late = logged.filter(({ attempt }) => isLate(attempt)).map(({ delivery }) => delivery);
    await this.note(late, session);
  }

  /**
   * Runs a change to a delivery that may have ended, and been counted as such, in one transaction with the note.
   * @param change returns the delivery; null if it has changed nothing
   */
  async noting<T extends Counted>(
    change: (session: ClientSession) => Promise<T | null>,
  ): Promise<T | null> {
    const work = async (session: ClientSession): Promise<T | null> => {
      const changed = await change(session);
      if (changed) await this.note([changed], session);
      return changed;
    };
    return this.model.db.withSession((session) =>
      session.withTransaction(() => work(session), { maxCommitTimeMS: MAX_CONFIRM_MS }),
    );
  }
}
