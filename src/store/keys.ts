import { createHash, randomBytes } from 'node:crypto';
import { Schema, type ClientSession } from 'mongoose';
import { clock } from '../clock';
import { newId } from '../contracts/ids';
import { DAY_MS } from '../domain/durations';
import { findPage, type Page, type PageRequest } from './paging';
import { Remembered } from './remembered';
import { repositoryOf } from './repository';
import { BY_CLOCK } from './timestamps';

export const KEY_ROLES = ['owner', 'sender', 'reader'] as const;
export type KeyRole = (typeof KEY_ROLES)[number];

export interface KeyRecord {
  _id: string;
  projectId: string;
  name: string;
  role: KeyRole;
  /** SHA-256 of the key, hex. A key has 256 random bits, so a slow hash would add nothing. */
  hash: string;
  /** It is refused from then on; null: never. */
  expiresAt: Date | null;
  /** Accurate to the minute; null: never. */
  lastUsedAt: Date | null;
  createdAt: Date;
}

/** Expired keys don't count. */
const KEPT_EXPIRED_DAYS = 90;
/** For each project: those that expired before this many others are deleted as new keys are made. */
export const MAX_EXPIRED = 1000;
/** How many of these at once: there may be very many, from before there was a maximum. */
const DELETED_AT_ONCE = 100;

const schema = new Schema<KeyRecord>(
  {
    _id: String,
    projectId: { type: String, required: true },
    name: { type: String, required: true },
    role: { type: String, enum: KEY_ROLES, required: true },
    hash: { type: String, required: true, unique: true },
    expiresAt: { type: Date, default: null },
    lastUsedAt: { type: Date, default: null },
  },
  { timestamps: { ...BY_CLOCK, updatedAt: false } },
);
schema.index({ projectId: 1, _id: -1 });
schema.index({ projectId: 1, expiresAt: 1 });
// A key without a date stays.
schema.index({ expiresAt: 1 }, { expireAfterSeconds: (KEPT_EXPIRED_DAYS * DAY_MS) / 1000 });

const USE_NOTED_EVERY_MS = 60_000;

const hashOf = (key: string): string => createHash('sha256').update(key).digest('hex');

/** Keys of projects. Deleting one revokes it. */
export class Keys extends repositoryOf('Key', schema, 'keys') {
  /** By hash, and by id. */
  readonly known = new Remembered<KeyRecord>();

  /** The key itself is returned only here. */
  async create(
    projectId: string,
    name: string,
    role: KeyRole,
    expiresAt: Date | null,
    session?: ClientSession,
  ): Promise<{ record: KeyRecord; key: string }> {
    const key = `phk_${randomBytes(32).toString('base64url')}`;
    const record = { _id: newId('key'), projectId, name, role, hash: hashOf(key), expiresAt };
    const [created] = await this.model.create([record], { session });
    return { record: created!.toObject(), key };
  }

  /** Before another one is made, which may expire at once. */
  async deleteLongExpired(projectId: string, session: ClientSession): Promise<void> {
    const surplus = await this.model
      .find({ projectId, expiresAt: { $lte: clock.now() } }, { _id: 1 })
      .sort({ expiresAt: -1 })
      .skip(MAX_EXPIRED)
      .limit(DELETED_AT_ONCE)
      .session(session)
      .lean<{ _id: string }[]>();
    if (surplus.length === 0) return;
    await this.model.deleteMany({ _id: { $in: surplus.map(({ _id }) => _id) } }, { session });
  }

  /** How many of a project's keys have not expired, up to `max`. */
  async countLive(projectId: string, max: number, session: ClientSession): Promise<number> {
    const isLive = { $or: [{ expiresAt: null }, { expiresAt: { $gt: clock.now() } }] };
    return this.model.countDocuments({ projectId, ...isLive }, { limit: max, session });
  }

  /**
   * Looked up by hash, so that the time taken reveals nothing about the key. One that another process has
   * revoked may be found for another second.
   */
  async findByKey(key: string): Promise<KeyRecord | null> {
    const hash = hashOf(key);
    return this.known.get(hash, () => this.model.findOne({ hash }).lean<KeyRecord>().exec());
  }

  /** The same by its id. */
  async get(id: string): Promise<KeyRecord | null> {
    return this.known.get(id, () => this.model.findById(id).lean<KeyRecord>().exec());
  }

  /** Notes its use, at most once a minute, in the background: no request waits for it or fails because of it. */
  touch(key: KeyRecord, now: Date): void {
    const { _id, lastUsedAt } = key;
    const aMinuteAgo = new Date(now.getTime() - USE_NOTED_EVERY_MS);
    if (lastUsedAt !== null && lastUsedAt > aMinuteAgo) return;
    // It may be remembered: the next request must not note it again.
    key.lastUsedAt = now;
    this.model
      .updateOne(
        { _id, $or: [{ lastUsedAt: null }, { lastUsedAt: { $lte: aMinuteAgo } }] },
        { $set: { lastUsedAt: now } },
      )
      .catch(() => {});
  }

  async list(projectId: string, page: PageRequest): Promise<Page<KeyRecord>> {
    return findPage(this.model, 'key', { projectId }, page);
  }

  async delete(projectId: string, id: string): Promise<boolean> {
    const { deletedCount } = await this.model.deleteOne({ _id: id, projectId });
    this.known.forget({ _id: id });
    return deletedCount === 1;
  }
}
