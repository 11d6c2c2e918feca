import { Schema, type ClientSession, type Connection, type Model } from 'mongoose';
import { newId } from '../contracts/ids';
import { isDuplicateKey } from './errors';
import { findPage, sizedWithout, type Page, type PageRequest, type Sized } from './paging';
import { BY_CLOCK } from './timestamps';

/** The owner of a type: a project, by its id, or a catalogue, by its name. */
type OwnerField = 'projectId' | 'catalog';

/** An event type that a caller has defined (docs/contract.md, 2.6); it has one of the two owners. */
export interface EventTypeRecord extends Partial<Record<OwnerField, string>> {
  _id: string;
  type: string;
  description: string;
  /** JSON Schema 2020-12 as JSON text: `$` and dots have a meaning in MongoDB. */
  schema: string;
  /** Sample `data`, valid against the schema, as JSON. */
  sample: string;
  /** By `takeTurn`. */
  turns?: number;
  createdAt: Date;
  updatedAt: Date;
}

/** Its name, and its position in lists. */
export type NamedType = Pick<EventTypeRecord, '_id' | 'type'>;
export type EventTypeFields = Pick<EventTypeRecord, 'description' | 'schema' | 'sample'>;

function schemaOf(owner: OwnerField): Schema<EventTypeRecord> {
  const schema = new Schema<EventTypeRecord>(
    {
      _id: String,
      [owner]: { type: String, required: true },
      type: { type: String, required: true },
      description: { type: String, required: true },
      schema: { type: String, required: true },
      sample: { type: String, required: true },
      turns: Number,
    },
    { timestamps: BY_CLOCK },
  );
  schema.index({ [owner]: 1, type: 1 }, { unique: true });
  schema.index({ [owner]: 1, _id: -1 });
  return schema;
}

/** The types of projects, and of the catalogues that projects share. */
export class EventTypes {
  readonly model: Model<EventTypeRecord>;

  constructor(
    connection: Connection,
    private readonly ownerField: OwnerField,
    collection: string,
  ) {
    this.model = connection.model<EventTypeRecord>(collection, schemaOf(ownerField), collection);
  }

  /**
   * Defines a type, or redefines it: it keeps its place in the list.
   * @param within makes one more, by `makeWithin`
   * @returns whether it is new; null if it would be one too many
   */
  async put(
    owner: string,
    type: string,
    fields: EventTypeFields,
    within: (
      count: (session: ClientSession) => Promise<number>,
      make: (session: ClientSession) => Promise<unknown>,
    ) => Promise<unknown>,
  ): Promise<{ isNew: boolean } | null> {
    if (await this.replace(owner, type, fields)) return { isNew: false };
    const made = { _id: newId('eventType'), ...this.of(owner), type, ...fields };
    try {
      const isMade = await within(
        (session) => this.model.countDocuments(this.of(owner)).session(session),
        (session) => this.model.create([made], { session }),
      );
      return isMade ? { isNew: true } : null;
    } catch (error) {
      // Another request has defined it meanwhile, and perhaps deleted it again: then this one came first.
      if (!isDuplicateKey(error)) throw error;
      await this.replace(owner, type, fields);
      return { isNew: false };
    }
  }

  /** For `makeWithin`, by an owner's oldest type: one that has none is far from its maximum. */
  async takeTurn(owner: string, session: ClientSession): Promise<boolean> {
    const options = { sort: { _id: 1 }, timestamps: false, session } as const;
    await this.model.findOneAndUpdate(this.of(owner), { $inc: { turns: 1 } }, options);
    return true;
  }

  async findOne(owner: string, type: string): Promise<EventTypeRecord | null> {
    return this.model.findOne({ ...this.of(owner), type }).lean<EventTypeRecord>();
  }

  /** These fields of the types among `types` that the owner has defined. */
  async find<F extends keyof EventTypeRecord>(
    owner: string,
    types: readonly string[],
    fields: readonly F[],
  ): Promise<Pick<EventTypeRecord, F>[]> {
    return this.model
      .find({ ...this.of(owner), type: { $in: types } }, [...fields])
      .lean<Pick<EventTypeRecord, F>[]>();
  }

  async hasAny(owner: string): Promise<boolean> {
    return (await this.model.exists(this.of(owner))) !== null;
  }

  /** Names of the owner's types and their positions in the list, newest first. */
  async listNames(owner: string): Promise<NamedType[]> {
    return this.model.find(this.of(owner), { type: 1 }).sort({ _id: -1 }).lean<NamedType[]>();
  }

  /** The sizes of the types at those positions. */
  async listSized(ids: readonly string[]): Promise<Sized[]> {
    if (ids.length === 0) return [];
    return this.model.find({ _id: { $in: ids } }, sizedWithout({})).lean<Sized[]>();
  }

  /** The types at those positions. */
  async listAt(ids: readonly string[]): Promise<EventTypeRecord[]> {
    if (ids.length === 0) return [];
    return this.model.find({ _id: { $in: ids } }).lean<EventTypeRecord[]>();
  }

  async page(owner: string, page: PageRequest): Promise<Page<EventTypeRecord>> {
    return findPage(this.model, 'eventType', this.of(owner), page);
  }

  /** Owners with types, in the order of their ids or names, and how many each has. */
  async listOwners(
    after: string | undefined,
    limit: number,
  ): Promise<{ owner: string; count: number }[]> {
    return this.model.aggregate<{ owner: string; count: number }>([
      // No name is empty, so they are counted in the index without reading a document.
      { $match: { [this.ownerField]: { $gt: after ?? '' } } },
      { $group: { _id: `$${this.ownerField}`, count: { $sum: 1 } } },
      { $sort: { _id: 1 } },
      { $limit: limit },
      { $project: { _id: 0, owner: '$_id', count: 1 } },
    ]);
  }

  async delete(owner: string, type: string): Promise<boolean> {
    return (await this.model.deleteOne({ ...this.of(owner), type })).deletedCount === 1;
  }

  private of(owner: string): Partial<Record<OwnerField, string>> {
    return { [this.ownerField]: owner };
  }

  private async replace(owner: string, type: string, fields: EventTypeFields): Promise<boolean> {
    const one = { ...this.of(owner), type };
    const { matchedCount } = await this.model.updateOne(one, { $set: fields });
    return matchedCount === 1;
  }
}
