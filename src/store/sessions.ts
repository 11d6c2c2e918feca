import { Schema } from 'mongoose';
import { clock } from '../clock';
import { HOUR_MS, MINUTE_MS } from '../domain/durations';
import { Remembered } from './remembered';
import { repositoryOf } from './repository';

/** How long a session lasts even if it is used, and if it isn't. */
export const SESSION_LIFE_MS = 12 * HOUR_MS;
export const SESSION_IDLE_MS = 2 * HOUR_MS;
/** How long a sign-in link can be used. */
const SIGN_IN_LINK_LIFE_MS = 15 * MINUTE_MS;

/** For one key: the oldest ends when there would be more. */
const MAX_OF_A_KEY = 100;

const USE_NOTED_EVERY_MS = MINUTE_MS;

/** A browser that has signed in with a key. */
export interface SessionRecord {
  /** The keyed hash of its token, in hex. */
  _id: string;
  /** `admin`, or the id of the key whose rights it has. */
  keyId: string;
  /** Its end, however it is used. */
  endsAt: Date;
  /** Its end if it isn't used again. */
  expiresAt: Date;
  /** Accurate to the minute. */
  lastUsedAt: Date;
}

const sessionSchema = new Schema<SessionRecord>({
  _id: String,
  keyId: { type: String, required: true },
  endsAt: { type: Date, required: true },
  expiresAt: { type: Date, required: true },
  lastUsedAt: { type: Date, required: true },
});
sessionSchema.index({ keyId: 1, endsAt: -1 });
sessionSchema.index({ expiresAt: 1 }, { expireAfterSeconds: 0 });

const expiryAt = (usedAt: Date, endsAt: Date): Date =>
  new Date(Math.min(usedAt.getTime() + SESSION_IDLE_MS, endsAt.getTime()));

export class Sessions extends repositoryOf('Session', sessionSchema, 'sessions') {
  /** By the hash of their tokens. */
  private readonly known = new Remembered<SessionRecord>();

  /** @param hash of a new token */
  async create(hash: string, keyId: string): Promise<SessionRecord> {
    const now = clock.now();
    const endsAt = new Date(now.getTime() + SESSION_LIFE_MS);
    const expiresAt = expiryAt(now, endsAt);
    const record = { _id: hash, keyId, endsAt, expiresAt, lastUsedAt: now };
    await this.model.create([record]);
    const latest = this.model.find({ keyId }, { _id: 1 }).sort({ endsAt: -1 });
    const surplus = await latest.skip(MAX_OF_A_KEY).lean<{ _id: string }[]>();
    for (const { _id } of surplus) await this.end(_id);
    return record;
  }

  /** One that another process has ended may be found for another second. */
  async find(hash: string): Promise<SessionRecord | null> {
    const found = await this.known.get(hash, () =>
      this.model.findById(hash).lean<SessionRecord>().exec(),
    );
    return found && found.expiresAt > clock.now() ? found : null;
  }

  /** Notes its use, at most once a minute, in the background. */
  touch(session: SessionRecord): void {
    const now = clock.now();
    if (now.getTime() - session.lastUsedAt.getTime() < USE_NOTED_EVERY_MS) return;
    // It may be remembered: the next request must not note it again.
    session.lastUsedAt = now;
    session.expiresAt = expiryAt(now, session.endsAt);
    const { _id, lastUsedAt, expiresAt } = session;
    this.model.updateOne({ _id }, { $max: { lastUsedAt, expiresAt } }).catch(() => {});
  }

  async end(hash: string): Promise<void> {
    await this.model.deleteOne({ _id: hash });
    this.known.forget({ _id: hash });
  }
}

/** A link that signs its first user in as the admin. */
export interface SignInLinkRecord {
  /** The keyed hash of its token, in hex. */
  _id: string;
  expiresAt: Date;
}

const linkSchema = new Schema<SignInLinkRecord>({
  _id: String,
  expiresAt: { type: Date, required: true },
});
linkSchema.index({ expiresAt: 1 }, { expireAfterSeconds: 0 });

export class SignInLinks extends repositoryOf('SignInLink', linkSchema, 'signInLinks') {
  /** @param hash of a new token */
  async create(hash: string): Promise<SignInLinkRecord> {
    const expiresAt = new Date(clock.now().getTime() + SIGN_IN_LINK_LIFE_MS);
    await this.model.create([{ _id: hash, expiresAt }]);
    return { _id: hash, expiresAt };
  }

  async isLive(hash: string): Promise<boolean> {
    return (await this.model.exists(live(hash))) !== null;
  }

  /** Uses a link up: of concurrent uses one succeeds. False if it was used, has expired, or never existed. */
  async use(hash: string): Promise<boolean> {
    return (await this.model.deleteOne(live(hash))).deletedCount === 1;
  }
}

/** By MongoDB's clock. */
const live = (hash: string) => ({ _id: hash, $expr: { $gt: ['$expiresAt', '$$NOW'] } });
