import type { Attempt } from '../../src/contracts/delivery';
import { MAX_LOG_BYTES } from '../../src/store/attempt-log';
import type { DeliveryRecord } from '../../src/store/delivery-record';
import { withoutWords } from '../../src/store/refused';
import type { QueuedDelivery, RecordedAttempt, Settlement } from '../../src/store/settlement';

/** Maximum number of writes settled together: far below the limit of a MongoDB transaction. */
const MAX_WRITES = 400;
const MAX_BYTES = 4 * 1024 * 1024;
/** The size of an entry, besides headers and bodies. */
const ENTRY_BYTES = 1024;
/** Beyond this no further attempts are made: their answers would be kept here. */
const MAX_KEPT_BYTES = 32 * 1024 * 1024;

/** One thing to write, and what to do afterwards. */
export interface Entry {
  /** A delivery that is not stored yet. */
  insert?: DeliveryRecord;
  record?: RecordedAttempt;
  queue?: QueuedDelivery;
  /** An event whose deliveries all precede this entry, or are stored. */
  plannedEventId?: string;
  done: () => void;
  /** For an answer that disables its webhook: called when that has been followed up. */
  whenFollowed?: () => void;
}

/** What a courier still has to write, in order. */
export class Outbox {
  private entries: (Entry & { bytes: number })[] = [];
  private bytes = 0;

  get size(): number {
    return this.entries.length;
  }

  /** Whether there is as much as can be settled together. */
  get isFull(): boolean {
    return this.entries.length >= MAX_WRITES || this.bytes >= MAX_BYTES;
  }

  /** Whether it holds so much that MongoDB must take some of it first. */
  get isCrowded(): boolean {
    return this.bytes >= MAX_KEPT_BYTES;
  }

  add(entry: Entry): void {
    const bytes = sizeOf(entry);
    this.bytes += bytes;
    this.entries.push({ ...entry, bytes });
  }

  /** The first entries, as many as fit into one transaction. */
  peek(): Entry[] {
    let bytes = 0;
    let count = 0;
    while (count < Math.min(MAX_WRITES, this.entries.length) && bytes < MAX_BYTES) {
      bytes += this.entries[count]!.bytes;
      count += 1;
    }
    return this.entries.slice(0, count);
  }

  /** Removes the first entries: they are written. */
  remove(count: number): void {
    for (const { bytes } of this.entries.splice(0, count)) this.bytes -= bytes;
  }
}

/** What has been sent, if anything. */
export const attemptOf = ({ insert, record }: Entry): Attempt | undefined =>
  record?.attempt ?? insert?.attempts[0];

/** Roughly what MongoDB writes: with the attempts before it, which are from the same receiver. */
function sizeOf(entry: Entry): number {
  const attempt = attemptOf(entry);
  if (!attempt) return ENTRY_BYTES;
  const { requestHeaders, responseHeaders = {}, responseBody = '' } = attempt;
  let size = responseBody.length;
  for (const headers of [requestHeaders, responseHeaders]) {
    for (const [name, value] of Object.entries(headers)) size += name.length + value.length;
  }
  const attempts = 1 + (entry.record?.delivery.attempts.length ?? 0);
  return ENTRY_BYTES + Math.min(size * attempts, MAX_LOG_BYTES);
}

export function settlementOf(entries: readonly Entry[]): Settlement {
  return {
    inserts: entries.flatMap(({ insert }) => insert ?? []),
    records: entries.flatMap(({ record }) => record ?? []),
    queued: entries.flatMap(({ queue }) => queue ?? []),
  };
}

/** What can still be written of it if the whole is refused, from the most to the least. */
export function lessOf(settlement: Settlement): Settlement[] {
  const bare = {
    ...settlement,
    inserts: settlement.inserts.map((one) => ({
      ...one,
      attempts: one.attempts.map(withoutWords),
    })),
    records: settlement.records.map((one) => ({ ...one, attempt: withoutWords(one.attempt) })),
  };
  const isUncounted = true;
  return [bare, { ...settlement, isUncounted }, { ...bare, isUncounted }];
}
