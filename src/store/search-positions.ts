import { Schema } from 'mongoose';
import type { Mark } from './backlog';
import { repositoryOf } from './repository';

/** How far one project's part of a backlog has been examined. */
export interface ProjectPosition {
  /** Everything up to here has been examined once; null: nothing has. */
  seen: Mark | null;
  /** The second examination has reached this point; null: it is about to begin. */
  again: Mark | null;
  /** When that continues. */
  againAt: Date;
}

/**
 * Where a search through a backlog continues: stored, so that the next run continues there, in any process.
 */
export interface SearchPosition {
  /** What is searched. */
  _id: string;
  /** The project that was examined last; the next one's turn comes next. */
  project: string;
  /** By project, for those that have anything. */
  of: Record<string, ProjectPosition>;
}

const schema = new Schema<SearchPosition>(
  {
    _id: String,
    project: { type: String, default: '' },
    of: { type: Schema.Types.Mixed, default: {} },
  },
  { minimize: false },
);

export class SearchPositions extends repositoryOf('SearchPosition', schema, 'places') {
  async load(kind: string): Promise<SearchPosition> {
    const found = await this.model.findById(kind).lean<SearchPosition>();
    return found ?? { _id: kind, project: '', of: {} };
  }

  /** If two save at once, the last one wins: examining something twice does no harm. */
  async save({ _id, project, of }: SearchPosition): Promise<void> {
    await this.model.updateOne({ _id }, { $set: { project, of } }, { upsert: true });
  }
}
