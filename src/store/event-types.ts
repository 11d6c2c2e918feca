import { Schema, type ClientSession, type Connection, type Model } from 'mongoose';
import { newId } from '../contracts/ids';
import { isDuplicateKey } from './errors';

/** An event type that a project defined itself (contract, section 2, `custom`). */
export interface EventTypeRecord {
  _id: string;
  projectId: string;
  type: string;
  description: string;
  /** JSON Schema 2020-12 as JSON: MongoDB would read meaning into its `$` and dots. */
  schema: string;
  /** A `data` that is valid by the schema, as JSON. */
  sample: string;
  createdAt: Date;
  updatedAt: Date;
}

export type EventTypeFields = Pick<EventTypeRecord, 'description' | 'schema' | 'sample'>;

const schema = new Schema<EventTypeRecord>(
  {
    _id: String,
    projectId: { type: String, required: true },
    type: { type: String, required: true },
    description: { type: String, required: true },
    schema: { type: String, required: true },
    sample: { type: String, required: true },
  },
  { timestamps: true },
);
schema.index({ projectId: 1, type: 1 }, { unique: true });
schema.index({ projectId: 1, _id: -1 });

export class EventTypes {
  readonly model: Model<EventTypeRecord>;

  constructor(connection: Connection) {
    this.model = connection.model<EventTypeRecord>('EventType', schema, 'eventTypes');
  }

  /**
   * Defines a type, or defines it anew: it keeps its place in the list.
   * @param max how many types a project may have. Two first definitions at once may both count the
   *   same and exceed it by one: it bounds memory, no customer is promised it
   * @returns whether it is new; null when it would be one too many
   */
  async put(
    projectId: string,
    type: string,
    fields: EventTypeFields,
    max: number,
  ): Promise<{ isNew: boolean } | null> {
    if (await this.replace(projectId, type, fields)) return { isNew: false };
    if ((await this.model.countDocuments({ projectId })) >= max) return null;
    try {
      await this.model.create({ _id: newId('eventType'), projectId, type, ...fields });
      return { isNew: true };
    } catch (error) {
      // Defined by another request meanwhile, and by now perhaps deleted: then this came before that.
      if (!isDuplicateKey(error)) throw error;
      await this.replace(projectId, type, fields);
      return { isNew: false };
    }
  }

  /** Those of `types` that the project has defined. */
  async find(projectId: string, types: readonly string[]): Promise<EventTypeRecord[]> {
    return this.model.find({ projectId, type: { $in: types } }).lean<EventTypeRecord[]>();
  }

  /** Names of the project's types, newest first. */
  async listNames(projectId: string): Promise<string[]> {
    const found = await this.model
      .find({ projectId }, { type: 1 })
      .sort({ _id: -1 })
      .lean<Pick<EventTypeRecord, 'type'>[]>();
    return found.map(({ type }) => type);
  }

  /** The project's types, newest first. */
  async list(
    projectId: string,
    beforeId: string | undefined,
    limit: number,
  ): Promise<EventTypeRecord[]> {
    return this.model
      .find({ projectId, ...(beforeId !== undefined && { _id: { $lt: beforeId } }) })
      .sort({ _id: -1 })
      .limit(limit)
      .lean<EventTypeRecord[]>();
  }

  async delete(projectId: string, type: string): Promise<boolean> {
    return (await this.model.deleteOne({ projectId, type })).deletedCount === 1;
  }

  async deleteAll(projectId: string, session: ClientSession): Promise<void> {
    await this.model.deleteMany({ projectId }, { session });
  }

  private async replace(
    projectId: string,
    type: string,
    fields: EventTypeFields,
  ): Promise<boolean> {
    const { matchedCount } = await this.model.updateOne({ projectId, type }, { $set: fields });
    return matchedCount === 1;
  }
}
