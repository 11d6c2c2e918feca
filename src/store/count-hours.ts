import { clock } from '../clock';
import { UNENDED_STATUSES } from '../contracts/delivery';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../domain/durations';
import { Tally } from '../domain/tally';
import {
  addRow,
  countDeliveries,
  countEvents,
  joined,
  minutesOf,
  type CountedRow,
  type TimeRange,
} from './count-ranges';
import {
  countId,
  floorTo,
  ownerOf,
  type CountedHour,
  type CountRecord,
  type RecountRecord,
  type StatsUnit,
} from './counted-hours';
import { firstIdAt } from './paging';
import type { Store } from './store';

/**
 * After this a minute is counted. Whatever is written about its deliveries from then on, unless they haven't ended,
 * is noted with it (`Recounts`): a result that was under way when its delivery was cancelled may take an attempt's
 * 60 s, 30 s until it is late, and the 60 s that MongoDB gives a transaction.
 */
export const SETTLED_MS = 3 * MINUTE_MS;
/** An hour of so many deliveries is counted by the minute, and before it is over. */
export const BUSY = 2000;
/**
 * Between two counts of an hour: a twentieth of its age, within these bounds; but at least twenty times as long as
 * the count took, however much changes.
 */
const SHARE = 20;
const MIN_PAUSE_MS = 30 * SECOND_MS;
const MAX_PAUSE_MS = 5 * MINUTE_MS;
const LOOK_AGAIN_MS = 5 * MINUTE_MS;
/** An hour is counted once more then, whatever happened to it: processes of an earlier version noted nothing. */
const ONCE_MORE_MS = 25 * HOUR_MS;

/** Milliseconds from one count of an hour to the next. */
export function pauseAfter(hour: Date, now: Date): number {
  const share = (now.getTime() - hour.getTime()) / SHARE;
  return Math.min(MAX_PAUSE_MS, Math.max(MIN_PAUSE_MS, share));
}

/** What one count has found, by the minute or of the whole hour. */
class Found {
  /** By begin, then by owner. */
  readonly tallies = new Map<number, Map<string, Tally>>();
  readonly open = new Set<number>();
  expiresAt: Date | null = null;

  constructor(
    private readonly projectId: string,
    readonly begins: readonly Date[],
    private readonly settledAt: Date,
  ) {}

  addDeliveries(row: CountedRow): void {
    const { at, webhookId, status } = row._id;
    const begin = this.beginOf(at);
    for (const owner of [this.projectId, webhookId!]) addRow(this.tally(begin, owner), row);
    const isOpen =
      UNENDED_STATUSES.includes(status!) || (row.completedAt && row.completedAt > this.settledAt);
    if (isOpen) this.open.add(begin);
    else if (!this.expiresAt || row.expiresAt < this.expiresAt) this.expiresAt = row.expiresAt;
  }

  addEvents({ _id, count }: { _id: Date; count: number }): void {
    this.tally(this.beginOf(_id), this.projectId).countEvents(count);
  }

  tally(begin: number, owner: string): Tally {
    const owners = this.tallies.get(begin) ?? new Map<string, Tally>();
    this.tallies.set(begin, owners);
    const tally = owners.get(owner) ?? new Tally();
    owners.set(owner, tally);
    return tally;
  }

  get sizes(): Pick<CountedHour, 'openSize' | 'unitSize'> {
    const sizeOf = (begins: Iterable<number>): number =>
      [...begins].reduce((sum, begin) => sum + this.tally(begin, this.projectId).total, 0);
    const all = sizeOf(this.tallies.keys());
    return { openSize: sizeOf(this.open), unitSize: all / Math.max(1, this.begins.length) };
  }

  records(unit: StatsUnit): CountRecord[] {
    return [...this.tallies].flatMap(([begin, owners]) =>
      [...owners].map(([owner, tally]) => {
        const at = new Date(begin);
        return {
          _id: countId(owner, unit, at),
          projectId: this.projectId,
          unit,
          at,
          ...tally.stored(),
        };
      }),
    );
  }

  /** The last that begins by then: what was asked for by ids is in one of them. */
  private beginOf(at: Date): number {
    return Number(this.begins.findLast((begin) => begin <= at) ?? this.begins[0]);
  }
}

/** Counts what is due of an hour, or everything in it if that may have changed. */
export async function countHour(store: Store, known: CountedHour): Promise<void> {
  const { projectId, hour } = known;
  const startedAt = performance.now();
  const now = clock.now();
  const end = new Date(hour.getTime() + HOUR_MS);
  const settledAt = new Date(now.getTime() - SETTLED_MS);
  const to = new Date(Math.min(end.getTime(), floorTo(MINUTE_MS, settledAt).getTime()));
  const isOver = to >= end;
  const byMinute = known.byMinute || (await isBusy(store, projectId, { since: hour, until: to }));
  if (!byMinute && !isOver) {
    await putOff(store, known);
    return;
  }
  // Before the count: what is noted from now on stays noted.
  const noted = await store.recounts.model
    .find({ projectId, minute: { $gte: hour, $lt: end } })
    .lean<(RecountRecord & { _id: unknown })[]>();
  const changing = [...known.open, ...noted.map(({ minute }) => minute)];
  const isWhole = !known.byMinute || (known.countedTo >= end && changing.length === 0);
  const begins = byMinute
    ? minutesOf({ since: hour, until: to }).filter(
        (minute) => isWhole || minute >= known.countedTo || changing.some((at) => +at === +minute),
      )
    : [hour];
  const unit = byMinute ? 'minute' : 'hour';
  const lengthMs = byMinute ? MINUTE_MS : HOUR_MS;
  const ranges = joined(
    begins.map((begin) => ({ since: begin, until: new Date(begin.getTime() + lengthMs) })),
  );
  const found = new Found(projectId, begins, settledAt);
  const rows = await countDeliveries(store, { projectId }, ranges, { unit, byWebhook: true });
  for (const row of rows) found.addDeliveries(row);
  for (const row of await countEvents(store, projectId, ranges, unit)) found.addEvents(row);
  const after = { ...known, byMinute, countedTo: to, countedAt: now };
  const notes = noted.map((note) => note._id);
  await save(store, after, { found, notes, tookMs: performance.now() - startedAt });
}

/** Stores what was found, all or nothing, unless the hour has been counted meanwhile. */
async function save(
  store: Store,
  {
    _id,
    version,
    projectId,
    hour,
    byMinute,
    countedTo,
    countedAt,
  }: CountedHour & { countedAt: Date },
  { found, notes, tookMs }: { found: Found; notes: readonly unknown[]; tookMs: number },
): Promise<void> {
  const end = new Date(hour.getTime() + HOUR_MS);
  const isOver = countedTo >= end;
  const records = found.records(byMinute ? 'minute' : 'hour');
  if (byMinute && isOver) records.push(...(await sumMinutes(store, projectId, hour, found)));
  const open = [...found.open].toSorted((a, b) => a - b).map((begin) => new Date(begin));
  const isFinal = isOver && open.length === 0;
  const isEmpty = isFinal && records.length === 0;
  const pauseMs = Math.max(pauseAfter(hour, countedAt), tookMs * SHARE);
  const nextCountAt = isFinal
    ? recountAt(hour, countedAt, found.expiresAt)
    : new Date(countedAt.getTime() + pauseMs);
  await store.transaction(async (session) => {
    const counted = { byMinute, countedTo, countedAt, open, ...found.sizes, nextCountAt };
    const { modifiedCount } = await store.countedHours.model.updateOne(
      { _id, version },
      { $set: counted, $inc: { version: 1 } },
      { session },
    );
    if (modifiedCount === 0) return;
    const { model } = store.counts;
    // Also of webhooks that have nothing there any more.
    const counts = { projectId, unit: byMinute ? 'minute' : 'hour', at: { $in: found.begins } };
    await model.deleteMany(counts as never, { session });
    if (byMinute) await model.deleteMany({ projectId, unit: 'hour', at: hour }, { session });
    if (records.length > 0) {
      await model.collection.insertMany(records as never[], { session, ordered: false });
    }
    await store.recounts.model.deleteMany({ _id: { $in: notes } } as never, { session });
    if (isEmpty) await store.countedHours.model.deleteOne({ _id }, { session });
  });
}

/** The hour's counts, of the minutes that were counted now, and earlier. */
async function sumMinutes(
  { counts }: Store,
  projectId: string,
  hour: Date,
  found: Found,
): Promise<CountRecord[]> {
  const at = { $gte: hour, $lt: new Date(hour.getTime() + HOUR_MS), $nin: found.begins };
  const earlier = await counts.model.collection.find({ projectId, unit: 'minute', at }).toArray();
  const sum = new Found(projectId, [hour], hour);
  for (const record of [...found.records('minute'), ...(earlier as unknown as CountRecord[])]) {
    sum.tally(hour.getTime(), ownerOf(record)).add(record);
  }
  return sum.records('hour');
}

/** When an hour in which nothing changes is counted again. */
function recountAt(hour: Date, now: Date, expiresAt: Date | null): Date {
  const onceMore = hour.getTime() + ONCE_MORE_MS;
  // MongoDB removes what expires within a minute; within an hour, most of what was made in one.
  const expired = expiresAt ? expiresAt.getTime() + HOUR_MS : Infinity;
  const next = Math.min(expired, onceMore > now.getTime() ? onceMore : Infinity);
  return new Date(
    Number.isFinite(next) ? Math.max(next, now.getTime() + HOUR_MS) : now.getTime() + DAY_MS,
  );
}

async function isBusy(
  { deliveries }: Store,
  projectId: string,
  within: TimeRange,
): Promise<boolean> {
  const range = {
    $gte: firstIdAt('delivery', within.since),
    $lt: firstIdAt('delivery', within.until),
  };
  const last = await deliveries.model.exists({ projectId, _id: range }).sort({ _id: 1 }).skip(BUSY);
  return last !== null;
}

/** Looks at an hour later: its end may be far, or it could not be counted. */
export async function putOff(
  { countedHours }: Store,
  { _id, version }: CountedHour,
): Promise<void> {
  const nextCountAt = new Date(clock.now().getTime() + LOOK_AGAIN_MS);
  await countedHours.model.updateOne({ _id, version }, { $set: { nextCountAt } });
}
