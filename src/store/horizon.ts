import { randomUUID } from 'node:crypto';
import { Schema } from 'mongoose';
import { clock } from '../clock';
import { noneBefore, timeOf } from '../contracts/ids';
import { HOUR_MS } from '../domain/durations';
import { isStoreUnavailable } from './errors';
import { repositoryOf } from './repository';

/** A process that creates things, and what it says of them. */
interface WriterRecord {
  _id: string;
  /** What it is creating, or will create, has ids of this time or later. */
  completeBefore: Date;
  /** When it last said so, by MongoDB's clock. */
  renewedAt: Date;
}

const schema = new Schema<WriterRecord>({
  _id: String,
  completeBefore: { type: Date, required: true },
  renewedAt: { type: Date, required: true },
});
schema.index({ renewedAt: 1 }, { expireAfterSeconds: HOUR_MS / 1000 });

/** Between two declarations. */
const RENEW_MS = 1000;
/** More than passes between the making of an id in a transaction and the insert: nothing is waited for in between. */
const MARGIN_MS = 1000;
/**
 * If declarations are further apart, MongoDB was unavailable, and other processes may have been silent because of
 * that.
 */
const OUTAGE_MS = 5000;

/**
 * The time before which everything created has been stored. Ids are made by processes before they commit, so what
 * has an earlier id may be stored later; lists in ascending order end here, so that nothing is added behind a
 * cursor (docs/adr/0035). Every process keeps a note of its writes in progress, and declares once a second the time
 * before which it has none.
 */
export class Horizon extends repositoryOf('Writer', schema, 'writers') {
  /**
   * After this silence a process is dead: MongoDB has aborted what it had open (`transactionLifetimeLimitSeconds`,
   * 60), and has nothing of it left to execute.
   */
  static readonly deadMs: number = 70_000;

  private readonly id = randomUUID();
  /** The beginnings of writes whose end is not known, in Unix milliseconds. */
  private readonly open = new Set<{ sinceMs: number }>();
  private started: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private declaring: Promise<void> | undefined;
  /** By the monotonic clock. */
  private declaredAt = -Infinity;
  private steadySince = Infinity;

  /** Begins to declare. Before that, this process creates nothing. */
  start(): Promise<void> {
    this.started ??= this.begin().catch((error: unknown) => {
      this.started = undefined;
      throw error;
    });
    return this.started;
  }

  /**
   * Runs a write of what is created during it, or was created before.
   * @param ids of what was created before: the process may have been suspended since, or have tried before
   */
  async during<T>(write: () => Promise<T>, ids: readonly string[] = []): Promise<T> {
    const madeMs = ids.map((id) => timeOf(id).getTime());
    const own = { sinceMs: Math.min(clock.now().getTime() - MARGIN_MS, ...madeMs) };
    this.open.add(own);
    let isInDoubt = false;
    try {
      await this.start();
      return await write();
    } catch (error) {
      isInDoubt = isStoreUnavailable(error);
      throw error;
    } finally {
      // MongoDB may still execute what was not answered.
      if (isInDoubt) setTimeout(() => this.open.delete(own), Horizon.deadMs).unref();
      else this.open.delete(own);
    }
  }

  /** What has an earlier id is stored, or never will be. */
  async completeBefore(): Promise<Date> {
    await this.start();
    // After an outage, the silence of others says nothing until they have had the time to end it.
    const isSteady = performance.now() - this.steadySince > Horizon.deadMs;
    const heardSince = isSteady ? new Date(clock.now().getTime() - Horizon.deadMs) : new Date(0);
    const [found] = await this.model.aggregate<{ at: Date }>([
      { $match: { renewedAt: { $gt: heardSince } } },
      { $group: { _id: null, at: { $min: '$completeBefore' } } },
    ]);
    return found?.at ?? new Date(0);
  }

  /** Ends the declarations: this process creates nothing more. */
  async close(): Promise<void> {
    await this.started?.catch(() => {});
    clearInterval(this.timer);
    await this.declaring?.catch(() => {});
    if (this.started && this.open.size === 0) await this.model.deleteOne({ _id: this.id });
  }

  private async begin(): Promise<void> {
    await this.declare();
    this.timer = setInterval(() => void this.declare().catch(() => {}), RENEW_MS).unref();
  }

  private declare(): Promise<void> {
    this.declaring ??= this.write().finally(() => (this.declaring = undefined));
    return this.declaring;
  }

  private async write(): Promise<void> {
    const begun = [...this.open].map(({ sinceMs }) => sinceMs);
    const completeBefore = new Date(Math.min(clock.now().getTime() - MARGIN_MS, ...begun));
    noneBefore(completeBefore);
    await this.model.updateOne(
      { _id: this.id },
      [{ $set: { completeBefore, renewedAt: '$$NOW' } }],
      { upsert: true },
    );
    const at = performance.now();
    if (at - this.declaredAt > OUTAGE_MS) this.steadySince = at;
    this.declaredAt = at;
  }
}
