import { Schema, type Connection, type Model } from 'mongoose';
import type { Mark } from './backlog';

/** How far one project's part of a backlog has been looked at. */
export interface ProjectPosition {
  /** Up to here each has been looked at once; null: none has. */
  seen: Mark | null;
  /** Up to here those are being looked at again; null: from the beginning. */
  again: Mark | null;
  /** When that continues. */
  againAt: Date;
}

/** Where a search through a backlog continues: stored, so that the next run does, whoever makes it. */
export interface SearchPosition {
  /** What is searched. */
  _id: string;
  /** The project that was looked at last; the next one has its turn. */
  project: string;
  /** By project, of those that have anything. */
  of: Record<string, ProjectPosition>;
}

const schema = new Schema<SearchPosition>(
  {
    _id: String,
    project: { type: String, default: '' },
    of: { type: Schema.Types.Mixed, default: {} },
  },
  { timestamps: false, minimize: false },
);

export class SearchPositions {
  readonly model: Model<SearchPosition>;

  constructor(connection: Connection) {
    this.model = connection.model<SearchPosition>('SearchPosition', schema, 'places');
  }

  async load(kind: string): Promise<SearchPosition> {
    const found = await this.model.findById(kind).lean<SearchPosition>();
    return found ?? { _id: kind, project: '', of: {} };
  }

  /** Of two that save at once the last one's holds: what is looked at twice does no harm. */
  async save({ _id, project, of }: SearchPosition): Promise<void> {
    await this.model.updateOne({ _id }, { $set: { project, of } }, { upsert: true });
  }
}
