import type { Model, QueryFilter } from 'mongoose';

/** A place in a backlog: that of its last document that was looked at. */
export interface Mark {
  at: Date;
  id: string;
}

/** Where a search of one project's part goes on. */
export interface Range {
  /** Behind this one; null: from the beginning. */
  after: Mark | null;
  /** Up to this one, too. */
  upTo?: Mark;
  /** Those of earlier times only. */
  before: Date;
}

/**
 * Documents of a collection that something has still to be done for, as an index has them: by project, and
 * there by time. So one can be found of each project, however many there are of another.
 */
export class Backlog<T extends { _id: string; projectId: string }> {
  /**
   * @param of what its index is partial by
   * @param at the time that they are in order of
   * @param index its name
   * @param fields those of a document that are read
   */
  constructor(
    private readonly model: Model<T>,
    private readonly of: QueryFilter<T>,
    readonly at: keyof T & string,
    private readonly index: string,
    private readonly fields: Readonly<Record<string, 0 | 1>> = {},
  ) {}

  /**
   * Ids of the projects behind `afterId`, in their order, that have something from before.
   * @param before a time, or what the order is by instead
   */
  async listProjects(afterId: string, before: Date | string, limit: number): Promise<string[]> {
    const found: string[] = [];
    while (found.length < limit) {
      // One seek for each: what lies between the first of a project and the next project is not read.
      const next = await this.model
        .findOne(
          {
            ...this.of,
            projectId: { $gt: found.at(-1) ?? afterId },
            [this.at]: { $lt: before },
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

  /** The first of a project's in that range, the oldest first. */
  async list(projectId: string, { after, upTo, before }: Range, limit: number): Promise<T[]> {
    const { at } = this;
    const behind = after && [
      { [at]: { $gt: after.at } },
      { [at]: after.at, _id: { $gt: after.id } },
    ];
    const within = upTo && [{ [at]: { $lt: upTo.at } }, { [at]: upTo.at, _id: { $lte: upTo.id } }];
    const bounds = {
      $gte: after?.at ?? new Date(0),
      $lt: before,
      ...(upTo && { $lte: upTo.at }),
    };
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

  markOf(document: T): Mark {
    return { at: document[this.at] as Date, id: document._id };
  }
}
