import { Schema, type ClientSession } from 'mongoose';
import { newId, timeOf } from '../contracts/ids';
import { findPage, type Page, type PageRequest } from './paging';
import { repositoryOf } from './repository';
import { daysAfter } from './retention';

/** Everything that is recorded: changes, and the one read that matters. */
export const AUDIT_ACTIONS = [
  'project.created',
  'project.updated',
  'project.deleted',
  'key.created',
  'key.deleted',
  'webhook.created',
  'webhook.updated',
  'webhook.deleted',
  'webhook.paused',
  'webhook.resumed',
  'webhook.tested',
  'webhook.disabled',
  'webhook.secret_revealed',
  'webhook.secret_rotated',
  'event.expunged',
  'event_type.defined',
  'event_type.deleted',
  'catalog_type.defined',
  'catalog_type.deleted',
  'delivery.replayed',
  'delivery.retried',
  'delivery.cancelled',
  'replay.created',
  'replay.paused',
  'replay.resumed',
  'replay.cancelled',
  'session.created',
  'session.ended',
  'sign_in_link.created',
  'portal_link.created',
  'portal_links.revoked',
] as const;
export type AuditAction = (typeof AUDIT_ACTIONS)[number];

export interface AuditRecord {
  _id: string;
  /** null for a project whose creation is not known to have finished, or for a catalogue's type. */
  projectId: string | null;
  action: AuditAction;
  /**
   * What was changed: its id, or an event type's name, prefixed with its catalogue if it has one:
   * `acme/order.paid`. null as above.
   */
  target: string | null;
  /** Who: a key's id, `admin`, or `posthorn` for what Posthorn does automatically. */
  key: string;
  role: string;
  /** The names of the fields that were given; values are never kept. */
  changedFields: string[];
  requestId: string | null;
  /**
   * An entry is written before its change and completed after it. `unknown`: it was never completed, because
   * the process died or the database became unavailable in between; the change may have happened.
   */
  outcome: 'done' | 'unknown';
  time: Date;
  expiresAt: Date;
}

const schema = new Schema<AuditRecord>({
  _id: String,
  projectId: { type: String, default: null },
  action: { type: String, enum: AUDIT_ACTIONS, required: true },
  target: { type: String, default: null },
  key: { type: String, required: true },
  role: { type: String, required: true },
  changedFields: { type: [String], default: [] },
  requestId: { type: String, default: null },
  outcome: { type: String, enum: ['done', 'unknown'], required: true },
  time: { type: Date, required: true },
  expiresAt: { type: Date, required: true },
});
schema.index({ projectId: 1, _id: -1 });
schema.index({ projectId: 1, action: 1, _id: -1 });
schema.index({ projectId: 1, target: 1, _id: -1 });
schema.index({ projectId: 1, target: 1, action: 1, _id: -1 });
// The admin's list covers all projects, deleted ones too.
schema.index({ action: 1, _id: -1 });
schema.index({ target: 1, _id: -1 });
schema.index({ target: 1, action: 1, _id: -1 });
schema.index({ expiresAt: 1 }, { expireAfterSeconds: 0 });

/** What is generated for a new entry. */
export function newAuditId(retentionDays: number): Pick<AuditRecord, '_id' | 'time' | 'expiresAt'> {
  const _id = newId('audit');
  // Lists select a range of time by ids.
  const time = timeOf(_id);
  return { _id, time, expiresAt: daysAfter(time, retentionDays) };
}

/** Who did what. Entries outlive their project: they are removed only by age. */
export class Audit extends repositoryOf('Audit', schema, 'audit') {
  async insert(entry: AuditRecord, session?: ClientSession): Promise<void> {
    await this.model.create([entry], { session });
  }

  async complete(
    id: string,
    fields: Pick<AuditRecord, 'projectId' | 'target' | 'changedFields'>,
  ): Promise<void> {
    await this.model.updateOne({ _id: id }, { $set: { ...fields, outcome: 'done' } });
  }

  /** Removes the entry of a request that changed nothing. */
  async remove(id: string): Promise<void> {
    await this.model.deleteOne({ _id: id });
  }

  /** @param projectId null: all projects */
  async list(
    projectId: string | null,
    filter: { action?: AuditAction; target?: string },
    page: PageRequest,
  ): Promise<Page<AuditRecord>> {
    const query = { ...filter, ...(projectId !== null && { projectId }) };
    return findPage(this.model, 'audit', query, page);
  }
}
