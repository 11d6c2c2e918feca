import { Schema, type ClientSession } from 'mongoose';
import type { EndReason } from '../contracts/delivery';
import { ownedRepositoryOf } from './repository';

/** A webhook to which nothing more is to be sent; kept until its deliveries have been ended. */
export interface EndingRecord {
  /** The webhook's. */
  _id: string;
  projectId: string;
  reason: EndReason;
  /** Of its deliveries up to this one, all that are to end have ended. */
  after?: string;
}

const schema = new Schema<EndingRecord>({
  _id: String,
  projectId: { type: String, required: true },
  reason: { type: String, required: true },
  after: String,
});

/**
 * What is to be ended, written with the change that requires it, so that a crash leaves nothing half done:
 * whoever made the change does the work, or else reconcile.
 */
export class Endings extends ownedRepositoryOf('Ending', schema, 'endings') {
  /** In the transaction of the change, if there is one. A deletion overrides a disabling. */
  async note(
    webhook: { _id: string; projectId: string },
    reason: EndReason,
    session: ClientSession | null = null,
  ): Promise<void> {
    await this.model
      .updateOne(
        { _id: webhook._id },
        { $set: { projectId: webhook.projectId, reason }, $unset: { after: '' } },
        { upsert: true },
      )
      .session(session);
  }

  /** The same without such a change, unless there is something to be done already. */
  async noteIfNone(
    { _id, projectId }: Pick<EndingRecord, '_id' | 'projectId'>,
    reason: EndReason,
  ): Promise<void> {
    const noted = { $setOnInsert: { projectId, reason } };
    await this.model.updateOne({ _id }, noted, { upsert: true });
  }

  async list(): Promise<EndingRecord[]> {
    return this.model.find().lean<EndingRecord[]>();
  }

  /** As it is in this transaction; null if the webhook has been enabled, or something else is to be done now. */
  async confirm(
    { _id, reason }: EndingRecord,
    session: ClientSession,
  ): Promise<EndingRecord | null> {
    return this.model.findOne({ _id, reason }).session(session).lean<EndingRecord>();
  }

  /**
   * Notes how far it has got, and makes the transaction fail if the webhook is enabled at the same moment, as
   * `remove` does.
   */
  async advance(webhookId: string, after: string, session: ClientSession): Promise<void> {
    await this.model.updateOne({ _id: webhookId }, { $set: { after } }).session(session);
  }

  /** Everything is done, or the webhook is enabled again. */
  async remove(webhookId: string, session: ClientSession | null = null): Promise<void> {
    await this.model.deleteOne({ _id: webhookId }).session(session);
  }
}
