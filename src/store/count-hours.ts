import { isDeepStrictEqual } from 'node:util';
import { clock } from '../clock';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../domain/durations';
import { partsOf } from '../in-parts';
import {
  countDeliveries,
  countEvents,
  earliest,
  joined,
  latest,
  minutesOf,
  rangeFrom,
  type TimeRange,
} from './count-ranges';
import {
  floorTo,
  type CountedHour,
  type CountRecord,
  type RecountRecord,
  type StatsUnit,
} from './counted-hours';
import { FoundCounts } from './found-counts';
import { idsWithin } from './paging';
import type { Store } from './store';
import { MAX_READ_MS } from './time-limit';

/**
 * A minute is counted once it is this old. Whatever is written about its deliveries after that is noted along with
 * it (`Recounts`), unless they haven't ended: a result that was under way when its delivery was cancelled may take
 * an attempt's 60 s, 30 s until it is late, and the 60 s that MongoDB gives a transaction.
 */
export const SETTLED_MS = 3 * MINUTE_MS;
/** An hour with this many deliveries is counted by the minute, and before it is over. */
const BUSY = 2000;
/** Minutes counted by one read. */
const READ_TOGETHER = 10;
/**
 * Between two counts of an hour: a twentieth of its age, within these bounds, and twice as long after each count
 * that has found nothing new; but at least twenty times as long as the count took, however much changes.
 */
const SHARE = 20;
const MIN_PAUSE_MS = 30 * SECOND_MS;
const MAX_PAUSE_MS = 5 * MINUTE_MS;
const MAX_UNCHANGED_PAUSE_MS = HOUR_MS;
const LOOK_AGAIN_MS = 5 * MINUTE_MS;
/** An hour is counted once more after this, whatever happened to it: processes of an earlier version noted nothing. */
const ONCE_MORE_MS = DAY_MS;

/** Milliseconds from a count of an hour that found something new to the next count. */
export function pauseAfter(hour: Date, now: Date): number {
  const share = (now.getTime() - hour.getTime()) / SHARE;
  return Math.min(MAX_PAUSE_MS, Math.max(MIN_PAUSE_MS, share));
}

/**
 * Counts what is due in an hour, or everything in it if that may have changed.
 * @param goesOn asked before each read; if false, nothing is counted
 */
export async function countHour(
  store: Store,
  known: CountedHour,
  goesOn = (): boolean => true,
): Promise<void> {
  const { projectId, hour } = known;
  const startedAt = performance.now();
  const now = clock.now();
  const end = new Date(hour.getTime() + HOUR_MS);
  const settledAt = new Date(now.getTime() - SETTLED_MS);
  const to = earliest(end, floorTo(MINUTE_MS, settledAt));
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
  const stored = await listStored(store, known);
  const changing = new Set([...known.open, ...noted.map(({ minute }) => minute)].map(Number));
  const isDue = known.wholeAt !== null && known.wholeAt <= now;
  const isWhole = !known.byMinute || (known.countedTo >= end && (changing.size === 0 || isDue));
  const minutes = minutesOf({ since: hour, until: to }).filter(
    (minute) => isWhole || minute >= known.countedTo || changing.has(Number(minute)),
  );
  const found = await count(store, projectId, byMinute ? minutes : [hour], {
    unit: byMinute ? 'minute' : 'hour',
    settledAt,
    goesOn,
  });
  if (!found) return;
  const kept = isWhole ? [] : stored.filter(({ unit }) => unit === 'minute');
  const units: StatsUnit[] = byMinute ? (isOver ? ['minute', 'hour'] : ['minute']) : ['hour'];
  const records = found.records(hour, kept, units);
  const { sizes } = found;
  const isFinal = isOver && sizes.open.length === 0;
  const isChanged =
    noted.length > 0 ||
    Number(to) !== Number(known.countedTo) ||
    !isDeepStrictEqual(byId(records), byId(stored));
  const unchanged = isFinal || isChanged ? 0 : known.unchanged + 1;
  const firstCountedAt = known.firstCountedAt ?? now;
  const again = countAllAt(firstCountedAt, now, found.expiresAt);
  const wholeAt = isWhole ? again : earliest(known.wholeAt ?? again, again);
  const pauseMs = Math.max(
    Math.min(pauseAfter(hour, now) * 2 ** unchanged, MAX_UNCHANGED_PAUSE_MS),
    (performance.now() - startedAt) * SHARE,
  );
  const after = {
    byMinute,
    countedTo: to,
    countedAt: now,
    ...sizes,
    unchanged,
    firstCountedAt,
    wholeAt,
    nextCountAt: isFinal ? wholeAt : new Date(now.getTime() + pauseMs),
  };
  await save(store, known, after, {
    isGone: isFinal && records.length === 0,
    records: isChanged ? records : null,
    notes: noted.map(({ _id }) => _id),
  });
}

async function count(
  store: Store,
  projectId: string,
  begins: readonly Date[],
  { unit, settledAt, goesOn }: { unit: StatsUnit; settledAt: Date; goesOn: () => boolean },
): Promise<FoundCounts | null> {
  const found = new FoundCounts(projectId, begins, settledAt);
  // In several reads, each with its own time limit, however many there are.
  for (const some of partsOf(begins, READ_TOGETHER)) {
    if (!goesOn()) return null;
    const ranges = joined(some.map((begin) => rangeFrom(begin, unit)));
    const rows = await countDeliveries(store, { projectId }, ranges, { unit, byWebhook: true });
    for (const row of rows) found.addDeliveries(row);
    for (const row of await countEvents(store, projectId, ranges, unit)) found.addEvents(row);
  }
  return found;
}

/**
 * Stores what was found, all or nothing, unless the hour has been counted meanwhile.
 * @param found.records null: they are unchanged
 * @param found.isGone nothing is left in the hour
 */
async function save(
  store: Store,
  { _id, version, projectId, hour }: CountedHour,
  after: Partial<CountedHour>,
  found: { records: CountRecord[] | null; notes: readonly unknown[]; isGone: boolean },
): Promise<void> {
  const { model } = store.countedHours;
  const update = { $set: after, $inc: { version: 1 } };
  const { records, notes, isGone } = found;
  if (records === null && !isGone) {
    await model.updateOne({ _id, version }, update);
    return;
  }
  await store.transaction(async (session) => {
    const { modifiedCount } = await model.updateOne({ _id, version }, update, { session });
    if (modifiedCount === 0) return;
    const counts = store.counts.model;
    // Including those of webhooks that have nothing left in this hour.
    await counts.deleteMany({ projectId, hour }, { session });
    if (records !== null && records.length > 0) {
      await counts.collection.insertMany(records as never[], { session, ordered: false });
    }
    await store.recounts.model.deleteMany({ _id: { $in: notes } } as never, { session });
    if (isGone) await model.deleteOne({ _id }, { session });
  });
}

/** The hour's counts so far. */
async function listStored(
  { counts }: Store,
  { projectId, hour }: CountedHour,
): Promise<CountRecord[]> {
  const stored = counts.model.collection.find({ projectId, hour }, { maxTimeMS: MAX_READ_MS });
  return (await stored.toArray()) as unknown as CountRecord[];
}

const byId = (records: readonly CountRecord[]): Map<string, CountRecord> =>
  new Map(records.map((record) => [record._id, record]));

/** When all of an hour is counted again, though nothing says that it has changed. */
function countAllAt(firstCountedAt: Date, now: Date, expiresAt: Date | null): Date {
  const onceMore = new Date(firstCountedAt.getTime() + ONCE_MORE_MS);
  // MongoDB removes expired documents within a minute; most of what was made in one hour expires within an hour.
  const expired = expiresAt && new Date(expiresAt.getTime() + HOUR_MS);
  const next = [expired, onceMore > now ? onceMore : null].filter((at) => at !== null);
  const inHours = (hours: number): Date => new Date(now.getTime() + hours * HOUR_MS);
  return next.length === 0 ? inHours(24) : latest(next.reduce(earliest), inHours(1));
}

async function isBusy(
  { deliveries }: Store,
  projectId: string,
  within: TimeRange,
): Promise<boolean> {
  const _id = idsWithin('delivery', within);
  return (await deliveries.model.exists({ projectId, _id }).sort({ _id: 1 }).skip(BUSY)) !== null;
}

/** Postpones an hour: its end may be far off, or it could not be counted. */
export async function putOff(
  { countedHours }: Store,
  { _id, version }: CountedHour,
): Promise<void> {
  const nextCountAt = new Date(clock.now().getTime() + LOOK_AGAIN_MS);
  await countedHours.model.updateOne({ _id, version }, { $set: { nextCountAt } });
}
