import { UNENDED_STATUSES } from '../contracts/delivery';
import { Tally } from '../domain/tally';
import { addRow, type CountedRow } from './count-ranges';
import {
  countId,
  ownerOf,
  type CountedHour,
  type CountedPart,
  type CountRecord,
  type StatsUnit,
} from './counted-hours';

/** What one count of an hour has found, by the minute or of the whole hour, and by owner. */
export class FoundCounts {
  /** By owner, then by begin. */
  private readonly tallies = new Map<string, Map<number, Tally>>();
  private readonly open = new Set<number>();
  /** The earliest expiry of what has ended. */
  expiresAt: Date | null = null;

  /** @param begins what is counted, in order */
  constructor(
    private readonly projectId: string,
    private readonly begins: readonly Date[],
    private readonly settledAt: Date,
  ) {}

  addDeliveries(row: CountedRow): void {
    const { at, webhookId, status } = row._id;
    const begin = this.beginOf(at);
    for (const owner of [this.projectId, webhookId!]) addRow(this.tally(owner, begin), row);
    const isOpen =
      UNENDED_STATUSES.includes(status!) || (row.completedAt && row.completedAt > this.settledAt);
    if (isOpen) this.open.add(begin);
    else if (!this.expiresAt || row.expiresAt < this.expiresAt) this.expiresAt = row.expiresAt;
  }

  addEvents({ _id, count }: { _id: Date; count: number }): void {
    this.tally(this.projectId, this.beginOf(_id)).countEvents(count);
  }

  /** Which of them may change without being noted, and how many deliveries they have. */
  get sizes(): Pick<CountedHour, 'open' | 'openSize' | 'unitSize'> {
    const own = this.tallies.get(this.projectId) ?? new Map<number, Tally>();
    const sizeOf = (begins: Iterable<number>): number =>
      [...begins].reduce((sum, begin) => sum + own.get(begin)!.total, 0);
    return {
      open: [...this.open].toSorted((a, b) => a - b).map((begin) => new Date(begin)),
      openSize: sizeOf(this.open),
      unitSize: sizeOf(own.keys()) / Math.max(1, this.begins.length),
    };
  }

  /**
   * The hour's counts.
   * @param earlier what is stored of the hour: those of its parts that were not counted now stay
   * @param units by the minute, of the whole hour, or both
   */
  records(hour: Date, earlier: readonly CountRecord[], units: readonly StatsUnit[]): CountRecord[] {
    const partsOf = new Map<string, CountedPart[]>();
    const add = (owner: string, parts: readonly CountedPart[]): void => {
      if (parts.length > 0) partsOf.set(owner, [...(partsOf.get(owner) ?? []), ...parts]);
    };
    for (const [owner, tallies] of this.tallies) {
      add(
        owner,
        [...tallies].map(([at, tally]) => ({ at: new Date(at), ...tally.stored() })),
      );
    }
    const counted = new Set(this.begins.map(Number));
    for (const record of earlier) {
      add(
        ownerOf(record),
        record.parts.filter(({ at }) => !counted.has(Number(at))),
      );
    }
    return [...partsOf].flatMap(([owner, parts]) =>
      units.map((unit) => ({
        _id: countId(owner, unit, hour),
        projectId: this.projectId,
        hour,
        unit,
        parts:
          unit === 'minute'
            ? parts.toSorted((a, b) => Number(a.at) - Number(b.at))
            : [{ at: hour, ...sumOf(parts) }],
      })),
    );
  }

  private tally(owner: string, begin: number): Tally {
    const tallies = this.tallies.get(owner) ?? new Map<number, Tally>();
    this.tallies.set(owner, tallies);
    const tally = tallies.get(begin) ?? new Tally();
    tallies.set(begin, tally);
    return tally;
  }

  /** The last one that has begun by then: what was selected by ids is in one of them. */
  private beginOf(at: Date): number {
    return Number(this.begins.findLast((begin) => begin <= at) ?? this.begins[0]);
  }
}

function sumOf(parts: readonly CountedPart[]) {
  const sum = new Tally();
  for (const part of parts) sum.add(part);
  return sum.stored();
}
