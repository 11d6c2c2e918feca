import type { Attempt } from '../../src/contracts/delivery';
import type { DeliveryRecord } from '../../src/store/delivery-record';
import { withoutWords } from '../../src/store/refused';
import type { QueuedDelivery, RecordedAttempt, Settlement } from '../../src/store/settlement';

/** Maximum number of writes settled together: far below the limit of a MongoDB transaction. */
const MAX_WRITES = 400;
const MAX_BYTES = 4 * 1024 * 1024;

/** One thing to write, and what to do afterwards. */
export interface Entry {
  /** A delivery that is not stored yet. */
  insert?: DeliveryRecord;
  record?: RecordedAttempt;
  queue?: QueuedDelivery;
  /** An event whose deliveries all precede this entry, or are stored. */
  plannedEventId?: string;
  /** For the webhook's health. */
  counted?: { webhookId: string; attempt: Attempt };
  done: () => void;
}

/** What a courier still has to write, in order. */
export class Outbox {
  private entries: Entry[] = [];

  get size(): number {
    return this.entries.length;
  }

  /** Whether there is as much as can be settled together. */
  get isFull(): boolean {
    return this.entries.length >= MAX_WRITES;
  }

  add(entry: Entry): void {
    this.entries.push(entry);
  }

  /**
   * The first entries, as many as fit into one transaction, and the events whose deliveries are all stored with
   * them, or were before.
   */
  peek(): { entries: Entry[]; plannedEventIds: string[] } {
    let bytes = 0;
    let count = 0;
    while (count < Math.min(MAX_WRITES, this.entries.length) && bytes < MAX_BYTES) {
      const attempt = this.entries[count]!.counted?.attempt;
      bytes += 1024 + (attempt?.responseBody?.length ?? 0);
      count += 1;
    }
    const entries = this.entries.slice(0, count);
    return {
      entries,
      plannedEventIds: entries.flatMap(({ plannedEventId }) => plannedEventId ?? []),
    };
  }

  /** Removes the first entries: they are written. */
  remove(count: number): void {
    this.entries.splice(0, count);
  }
}

export function settlementOf(entries: readonly Entry[]): Settlement {
  const health = new Map<string, Attempt[]>();
  for (const { counted } of entries) {
    if (!counted) continue;
    const { webhookId, attempt } = counted;
    const attempts = health.get(webhookId);
    if (attempts) attempts.push(attempt);
    else health.set(webhookId, [attempt]);
  }
  return {
    inserts: entries.flatMap(({ insert }) => insert ?? []),
    records: entries.flatMap(({ record }) => record ?? []),
    queued: entries.flatMap(({ queue }) => queue ?? []),
    health: [...health].map(([webhookId, attempts]) => ({ webhookId, attempts })),
  };
}

/** What can still be written of it where the whole is refused, from the most to the least. */
export function lessOf(settlement: Settlement): Settlement[] {
  const bare = {
    ...settlement,
    inserts: settlement.inserts.map((one) => ({
      ...one,
      attempts: one.attempts.map(withoutWords),
    })),
    records: settlement.records.map((one) => ({ ...one, attempt: withoutWords(one.attempt) })),
  };
  const uncounted = { health: [] };
  return [bare, { ...settlement, ...uncounted }, { ...bare, ...uncounted }];
}
