import { Schema, type ClientSession, type QueryFilter } from 'mongoose';
import { newId } from '../contracts/ids';
import type { DeliveryPolicy, Dispatch } from '../contracts/delivery';
import { MINUTE_MS } from '../domain/durations';
import { PROVIDER_NAMES } from '../providers';
import { oneOf } from './one-of';
import { containing, findPage, type Page, type PageRequest } from './paging';
import { Remembered } from './remembered';
import { repositoryOf } from './repository';
import { BY_CLOCK } from './timestamps';
import type { Sealed } from './cipher';

/** A project's own settings of the policy; missing ones are the profile's. */
export interface ProjectPolicy extends Partial<DeliveryPolicy> {
  maxWebhooks?: number;
  /** How long its events and deliveries are kept; by default, POSTHORN_RETENTION_DAYS. */
  retentionDays?: number;
}

export interface ProjectRecord {
  _id: string;
  /** The caller's own id for it, unique among all projects; a deleted project has none. */
  externalId?: string | null;
  name: string;
  profile: string;
  /** The catalogue whose event types it has besides its own. */
  catalog?: string | null;
  plan: string | null;
  ownerEmail: string | null;
  /** How its events are processed; null: as POSTHORN_DISPATCH says. */
  dispatch: Dispatch | null;
  policy: ProjectPolicy;
  /** By provider: the key that verifies its signatures, sealed for `providerKeyOwner`. */
  providerKeys?: Record<string, Sealed | null>;
  /** The origins of the pages that may embed its portal. */
  portalOrigins?: string[];
  /** How often its portal links have been revoked: earlier ones are refused. */
  portalRevocations?: number;
  /** The number of its webhooks; updated with them in one transaction, so that the limit can't be raced. */
  webhookCount: number;
  /** By `takeTurn`. */
  turns: number;
  /** When it was deleted; what belongs to it is deleted afterwards (delete-project.ts). */
  deletedAt: Date | null;
  /** When all of that had been deleted for the first time. */
  emptiedAt?: Date;
  createdAt: Date;
  updatedAt: Date;
}

/** What applies where a project has no setting of its own. */
export interface ProjectDefaults {
  /** POSTHORN_RETENTION_DAYS */
  retentionDays: number;
  /** POSTHORN_DISPATCH */
  dispatch: Dispatch;
}

/** Bound into the box, so that a key copied to another project or provider can't be opened. */
export const providerKeyOwner = (projectId: string, provider: string): string =>
  `${projectId}/${provider}`;

const schema = new Schema<ProjectRecord>(
  {
    _id: String,
    externalId: { type: String, default: null },
    name: { type: String, required: true },
    profile: { type: String, required: true },
    catalog: { type: String, default: null },
    plan: { type: String, default: null },
    ownerEmail: { type: String, default: null },
    dispatch: { type: String, default: null },
    policy: { type: Schema.Types.Mixed, default: {} },
    providerKeys: { type: Schema.Types.Mixed, default: {} },
    portalOrigins: { type: [String], default: [] },
    portalRevocations: { type: Number, default: 0 },
    webhookCount: { type: Number, default: 0 },
    turns: { type: Number, default: 0 },
    deletedAt: { type: Date, default: null },
    emptiedAt: Date,
  },
  { timestamps: BY_CLOCK, minimize: false },
);
schema.index(
  { externalId: 1 },
  { unique: true, partialFilterExpression: { externalId: { $type: 'string' } } },
);
schema.index({ deletedAt: 1 }, { partialFilterExpression: { deletedAt: { $type: 'date' } } });
// For `findUnreadable`.
for (const name of PROVIDER_NAMES) schema.index({ [`providerKeys.${name}.keyId`]: 1 });

/**
 * How long what was under way when a project was deleted may still store something for it: a request whose body
 * is read, a plan that waits for its filters, an attempt; with some margin.
 */
const STRAGGLERS_MS = 10 * MINUTE_MS;
/** By MongoDB's clock, which may have been set back since. */
const noStragglers: QueryFilter<ProjectRecord> = {
  $expr: { $gt: [{ $abs: { $subtract: ['$$NOW', '$emptiedAt'] } }, STRAGGLERS_MS] },
};

export class Projects extends repositoryOf('Project', schema, 'projects') {
  /** By the reference with which a request names them. */
  readonly known = new Remembered<ProjectRecord>();

  async create(
    project: Pick<ProjectRecord, 'name' | 'profile' | 'plan' | 'ownerEmail' | 'policy'> &
      Pick<Partial<ProjectRecord>, 'externalId' | 'catalog' | 'dispatch' | 'portalOrigins'>,
    session?: ClientSession,
  ): Promise<ProjectRecord> {
    const [created] = await this.model.create([{ _id: newId('project'), ...project }], { session });
    return created!.toObject();
  }

  async get(id: string): Promise<ProjectRecord | null> {
    return this.model.findOne({ _id: id, deletedAt: null }).lean<ProjectRecord>();
  }

  async getByExternalId(externalId: string): Promise<ProjectRecord | null> {
    return this.model.findOne({ externalId: oneOf(externalId) }).lean<ProjectRecord>();
  }

  /** @param q a part of the name, in upper or lower case; or the id, or the externalId */
  async list(page: PageRequest, q?: string): Promise<Page<ProjectRecord>> {
    const isAsked = q !== undefined && {
      $or: [{ name: containing(q) }, { _id: q }, { externalId: q }],
    };
    return findPage(this.model, 'project', { deletedAt: null, ...isAsked }, page);
  }

  /** Only those `providerKeys` that are given change; null removes one. */
  async update(
    id: string,
    { providerKeys = {}, ...changes }: Partial<ProjectRecord>,
    onlyIf: QueryFilter<ProjectRecord> = {},
  ): Promise<ProjectRecord | null> {
    const keys = Object.entries(providerKeys).map(([name, key]) => [`providerKeys.${name}`, key]);
    const set = { ...changes, ...Object.fromEntries(keys) };
    const updated = await this.model
      .findOneAndUpdate({ _id: id, deletedAt: null, ...onlyIf }, { $set: set })
      .lean<ProjectRecord>();
    this.known.forget({ _id: id });
    return updated;
  }

  /** Revokes the portal links that it has now; false if there is no such project. */
  async revokePortalLinks(id: string): Promise<boolean> {
    const { matchedCount } = await this.model.updateOne(
      { _id: id, deletedAt: null },
      { $inc: { portalRevocations: 1 } },
    );
    this.known.forget({ _id: id });
    return matchedCount === 1;
  }

  /** Marks it as deleted; false if everything that was its own has been deleted. */
  async markDeleted(id: string, session: ClientSession): Promise<boolean> {
    this.known.forgetAfter(session, { _id: id });
    const marked = { $set: { externalId: null }, $currentDate: { deletedAt: true } } as const;
    const { matchedCount } = await this.model.updateOne({ _id: id, emptiedAt: null }, marked, {
      session,
    });
    return matchedCount === 1;
  }

  /** Ids of those after that one, in order. */
  async listIds(afterId: string, limit: number): Promise<string[]> {
    const found = await this.model
      .find({ _id: { $gt: afterId }, deletedAt: null }, { _id: 1 })
      .sort({ _id: 1 })
      .limit(limit)
      .lean<{ _id: string }[]>();
    return found.map(({ _id }) => _id);
  }

  /** Ids of those that are marked as deleted, and of which something may be left. */
  async listDeleted(): Promise<string[]> {
    const deleted = await this.model
      .find({ deletedAt: { $type: 'date' }, $or: [{ emptiedAt: null }, noStragglers] }, { _id: 1 })
      .lean<{ _id: string }[]>();
    return deleted.map(({ _id }) => _id);
  }

  /** Called once nothing is left of what was its own: notes that the first time, and removes it after a while. */
  async delete(id: string): Promise<void> {
    const { deletedCount } = await this.model.deleteOne({ _id: id, ...noStragglers });
    if (deletedCount === 1) return;
    const emptied = { $currentDate: { emptiedAt: true } } as const;
    await this.model.updateOne({ _id: id, emptiedAt: null }, emptied);
  }

  /**
   * Takes one of the project's `max` places for a webhook.
   * @returns the project; null if all are taken, or there is no such project
   */
  async takeWebhookPlace(
    id: string,
    max: number,
    session: ClientSession,
  ): Promise<ProjectRecord | null> {
    this.known.forgetAfter(session, { _id: id });
    return this.model
      .findOneAndUpdate(
        { _id: id, deletedAt: null, webhookCount: { $lt: max } },
        { $inc: { webhookCount: 1 } },
        { session },
      )
      .lean<ProjectRecord>();
  }

  /** For `makeWithin`. */
  async takeTurn(id: string, session: ClientSession): Promise<boolean> {
    const { matchedCount } = await this.model.updateOne(
      { _id: id, deletedAt: null },
      { $inc: { turns: 1 } },
      { session, timestamps: false },
    );
    return matchedCount === 1;
  }

  async freeWebhookPlace(id: string, session: ClientSession): Promise<void> {
    this.known.forgetAfter(session, { _id: id });
    await this.model.updateOne({ _id: id }, { $inc: { webhookCount: -1 } }, { session });
  }
}
