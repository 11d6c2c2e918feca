import type { mongo } from 'mongoose';
import type { Events } from './events';
import type { BareEvent, EventRecord } from './event-record';

export interface EventScan {
  projectId: string;
  type?: string | undefined;
  /** The ids of the events: from `first` on, before `end`. */
  first: string;
  end: string;
  /** Every body of interest contains all of these texts, or a backslash. */
  texts: readonly string[];
  /** How many events are examined. */
  limit: number;
  maxTimeMs: number;
}

export type ScannedEvent = Pick<BareEvent, '_id' | 'projectId' | 'type' | 'acceptedAt'> & {
  /** The size of its body. */
  bytes: number;
  /** null: it doesn't contain the texts, or was expunged. */
  body: string | null;
};

/** How many events MongoDB returns at a time. */
const BATCH = 200;

/**
 * Reads events, newest first, in the order of an index. MongoDB looks for the texts, as bytes and not as
 * patterns, and returns only the bodies that contain them. The cursor is closed when the caller stops.
 */
export async function* scanEvents(
  events: Events,
  { projectId, type, first, end, texts, limit, maxTimeMs }: EventScan,
): AsyncGenerator<ScannedEvent> {
  const contains = (text: string) => ({
    $gte: [{ $indexOfBytes: ['$body', { $literal: text }] }, 0],
  });
  const isOfInterest = { $or: [{ $and: texts.map(contains) }, contains('\\')] };
  const filter: mongo.Filter<EventRecord> = {
    projectId,
    ...(type !== undefined && { type }),
    _id: { $gte: first, $lt: end },
  };
  yield* events.collection.find<ScannedEvent>(filter, {
    projection: {
      projectId: 1,
      type: 1,
      acceptedAt: 1,
      bytes: { $strLenBytes: { $ifNull: ['$body', ''] } },
      body: { $cond: [isOfInterest, '$body', null] },
    },
    sort: { _id: -1 },
    limit,
    batchSize: BATCH,
    maxTimeMS: maxTimeMs,
  });
}
