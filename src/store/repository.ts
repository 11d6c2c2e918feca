import mongoose, {
  type ClientSession,
  type Connection,
  type Model,
  type mongo,
  type QueryFilter,
  type Schema,
} from 'mongoose';

// An update that is an array is a pipeline, which mongoose otherwise takes for a mistake.
mongoose.set('updatePipeline', true);
// What an update returns is what it has made.
mongoose.set('returnDocument', 'after');

/** The class that a collection's repository extends. */
export const repositoryOf = <R>(name: string, schema: Schema<R>, collection: string) =>
  class {
    readonly model: Model<R>;

    constructor(connection: Connection) {
      this.model = connection.model<R>(name, schema, collection);
    }
  };

/** The same for what belongs to projects. */
export const ownedRepositoryOf = <R extends { _id: string; projectId: string }>(
  name: string,
  schema: Schema<R>,
  collection: string,
) =>
  class extends repositoryOf<R>(name, schema, collection) {
    /** The driver's. */
    get collection(): mongo.Collection<R> {
      return this.model.collection as unknown as mongo.Collection<R>;
    }

    /** Only in that project. */
    async get(
      projectId: string,
      id: string,
      session: ClientSession | null = null,
    ): Promise<R | null> {
      const itself = { _id: id, projectId } as QueryFilter<R>;
      return this.model.findOne(itself).session(session).lean<R>();
    }

    async find(id: string): Promise<R | null> {
      return this.model.findById(id).lean<R>();
    }
  };
