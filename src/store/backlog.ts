import type { Model, QueryFilter } from 'mongoose';

/** A position in a backlog: that of the last document that was examined. */
export interface Mark {
  at: Date;
  id: string;
}

/** The latest time that a Date can hold. */
export const END_OF_TIME = new Date(8.64e15);

/** Where a search through one project's part continues. */
export interface Range {
  /** After this one; null: from the beginning. */
  after: Mark | null;
  /** Up to and including this one. */
  upTo?: Mark;
  /** Only earlier ones. */
  before: Date;
}

/**
 * Documents of a collection that still need something done, in the order of an index: by project, and within
 * a project by time. Each project's documents are found, however many another project has.
 */
export class Backlog<T extends { _id: string; projectId: string }> {
  /**
   * @param of the filter of the partial index
   * @param at the time by which they are ordered
   * @param index the index's name
   * @param fields the fields of a document that are read
   */
  constructor(
    private readonly model: Model<T>,
    private readonly of: QueryFilter<T>,
    private readonly at: keyof T & string,
    private readonly index: string,
    private readonly fields: Readonly<Record<string, 0 | 1>> = {},
  ) {}

  /**
   * Ids of the projects after `afterId`, in order, that have something from before `time`, or after it.
   * @param time or a value of the field that they are ordered by
   */
  async listProjects(
    afterId: string,
    time: Date | string,
    limit: number,
    side: '$lt' | '$gt' = '$lt',
  ): Promise<string[]> {
    const found: string[] = [];
    while (found.length < limit) {
      // One seek per project: what lies between its first document and the next project is not read.
      const next = await this.model
        .findOne(
          {
            ...this.of,
            projectId: { $gt: found.at(-1) ?? afterId },
            [this.at]: { [side]: time },
          } as QueryFilter<T>,
          { projectId: 1 },
        )
        .hint(this.index)
        .sort({ projectId: 1, [this.at]: 1 })
        .lean<{ projectId: string }>();
      if (!next) break;
      found.push(next.projectId);
    }
    return found;
  }

  /** A project's documents in that range, oldest first. */
  async list(projectId: string, { after, upTo, before }: Range, limit: number): Promise<T[]> {
    const { at } = this;
    const behind = after && [
      { [at]: { $gt: after.at } },
      { [at]: after.at, _id: { $gt: after.id } },
    ];
    const within = upTo && [{ [at]: { $lt: upTo.at } }, { [at]: upTo.at, _id: { $lte: upTo.id } }];
    const bounds = { $gte: after?.at ?? new Date(0), $lt: before, ...(upTo && { $lte: upTo.at }) };
    const exactly = [behind, within].flatMap((either) => (either ? { $or: either } : []));
    return this.model
      .find(
        {
          ...this.of,
          projectId,
          [at]: bounds,
          ...(exactly.length > 0 && { $and: exactly }),
        } as QueryFilter<T>,
        this.fields,
      )
      .hint(this.index)
      .sort({ [at]: 1, _id: 1 })
      .limit(limit)
      .lean<T[]>();
  }

  /**
   * A project's oldest document; null: there is none.
   * @param before only an earlier one
   */
  async first(projectId: string, before?: Date): Promise<T | null> {
    const bounds = before && { [this.at]: { $lt: before } };
    return this.model
      .findOne({ ...this.of, projectId, ...bounds } as QueryFilter<T>, this.fields)
      .hint(this.index)
      .sort({ [this.at]: 1 })
      .lean<T>();
  }

  /** Whether a project has at least `count` documents from before `before`. */
  async hasAtLeast(projectId: string, before: Date, count: number): Promise<boolean> {
    const last = await this.model
      .exists({ ...this.of, projectId, [this.at]: { $lt: before } } as QueryFilter<T>)
      .hint(this.index)
      .skip(count - 1);
    return last !== null;
  }

  markOf(document: T): Mark {
    return { at: document[this.at] as Date, id: document._id };
  }
}
