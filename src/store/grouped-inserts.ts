import { mongo } from 'mongoose';

interface Waiting<T> {
  document: T;
  done: () => void;
  failed: (error: unknown) => void;
}

/**
 * Inserts the documents of one turn of the event loop by one command: under load that is several, and costs
 * little more than one. Each is stored or refused on its own, as if it had been inserted alone.
 */
export class GroupedInserts<T extends { _id: string }> {
  private waiting: Waiting<T>[] = [];

  /** @param insert several, unordered */
  constructor(private readonly insertMany: (documents: T[]) => Promise<unknown>) {}

  /** @throws as inserting it alone would */
  insert(document: T): Promise<void> {
    return new Promise((done, failed) => {
      this.waiting.push({ document, done, failed });
      if (this.waiting.length > 1) return;
      setImmediate(() => {
        const group = this.waiting;
        this.waiting = [];
        void this.send(group);
      });
    });
  }

  private async send(group: readonly Waiting<T>[]): Promise<void> {
    try {
      await this.insertMany(group.map(({ document }) => document));
      for (const { done } of group) done();
    } catch (error) {
      if (group.length > 1 && error instanceof mongo.BSON.BSONError) {
        // One of them can't be written as BSON, and nothing was sent.
        for (const one of group) void this.send([one]);
        return;
      }
      const refused = refusals(error);
      for (const [at, { done, failed }] of group.entries()) {
        const refusal = refused?.get(at);
        if (refusal) failed(refusal);
        else if (refused) done();
        else failed(error);
      }
    }
  }
}

/** Which of them were refused, by index, if all others are stored; null: nothing is known of them. */
function refusals(error: unknown): Map<number, Error> | null {
  if (!(error instanceof mongo.MongoBulkWriteError)) return null;
  const refused = [error.writeErrors].flat();
  if (refused.length === 0 || error.result.getWriteConcernError() !== undefined) return null;
  return new Map(
    refused.map(({ index, code, errmsg }) => [
      index,
      new mongo.MongoServerError({ message: errmsg, code, errmsg }),
    ]),
  );
}
