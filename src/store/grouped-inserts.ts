import { mongo } from 'mongoose';

interface Waiting<T> {
  document: T;
  done: () => void;
  failed: (error: unknown) => void;
}

/**
 * Commands in progress at a time. One more, or fewer, costs MongoDB more for each document; and with one alone, each
 * document would wait for nearly two commits.
 */
const AT_A_TIME = 2;

/**
 * Inserts documents together: those of one turn of the event loop, or of the time that earlier commands take.
 * Several cost little more than one. Each is stored or refused on its own, as if it had been inserted alone.
 */
export class GroupedInserts<T extends { _id: string }> {
  private waiting: Waiting<T>[] = [];
  private commands = 0;
  /** What waits is sent at the end of this turn. */
  private isDue = false;

  /** @param insert several, unordered */
  constructor(private readonly insertMany: (documents: T[]) => Promise<unknown>) {}

  /** @throws as inserting it alone would */
  insert(document: T): Promise<void> {
    return new Promise((done, failed) => {
      this.waiting.push({ document, done, failed });
      this.sendNext();
    });
  }

  private sendNext(): void {
    if (this.isDue || this.commands === AT_A_TIME || this.waiting.length === 0) return;
    this.isDue = true;
    setImmediate(() => {
      const group = this.waiting;
      this.waiting = [];
      this.isDue = false;
      this.commands += 1;
      void this.send(group).finally(() => {
        this.commands -= 1;
        this.sendNext();
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

/** Which of them were refused, by index, if all others are stored; null: nothing is known about them. */
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
