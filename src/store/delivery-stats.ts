import { clock } from '../clock';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../domain/durations';
import { Tally, type Stats } from '../domain/tally';
import {
  addRow,
  countDeliveries,
  countEvents,
  earliest,
  joined,
  latest,
  minutesOf,
  rangeFrom,
  type StatsOwner,
  type TimeRange,
} from './count-ranges';
import {
  countId,
  floorTo,
  type CountedHour,
  type CountedPart,
  type CountRecord,
  type StatsUnit,
} from './counted-hours';
import type { Store } from './store';
import { MAX_READ_MS } from './time-limit';

/** Which deliveries are counted: those of a project, or of one of its webhooks, created in a range of time. */
export interface StatsQuery extends TimeRange {
  projectId: string;
  webhookId?: string;
}

/** Figures of one owner; `events`, accepted ones, only for a project. */
export type Figures = Stats & { events?: { accepted: number } };

/** How figures are shown: `minute` by the hour too; `day` only by UTC days. */
export type StatsInterval = StatsUnit | 'day';

export interface StatsResult extends Figures {
  /** Everything that happened before this is counted. */
  countedAt: Date;
  days?: (Figures & { day: Date })[];
  hours?: (Figures & { hour: Date })[];
  minutes?: (Figures & { minute: Date })[];
}

/**
 * How many deliveries of hours that are counted, but may have changed since, are counted anew for one answer, the
 * latest first; for earlier ones it has what housekeeping counted last.
 */
const RECOUNTED = 5000;

/** Where the figures of a range are: in counts, or what has to be counted now. */
interface Sources {
  /** Ids of counts. */
  stored: string[];
  /** Which parts are taken from those by the minute. */
  minutes: Set<number>;
  now: TimeRange[];
  countedAt: Date;
}

/**
 * Counts deliveries with their attempts, and a project's accepted events, in total and by the hour, or day, in
 * which they were created. Most of them are counted already (docs/adr/0036).
 */
export async function deliveryStats(
  store: Store,
  query: StatsQuery,
  interval: StatsInterval = 'hour',
): Promise<StatsResult> {
  const unit = interval === 'minute' ? 'minute' : 'hour';
  const { projectId, webhookId } = query;
  const of: StatsOwner = webhookId === undefined ? { projectId } : { webhookId };
  const sources = await sourcesOf(store, query, unit);
  const ranges = joined(sources.now);
  const [parts, rows, events] = await Promise.all([
    listParts(store, sources),
    countDeliveries(store, of, ranges, { unit }),
    webhookId === undefined ? countEvents(store, projectId, ranges, unit) : [],
  ]);
  const all = new Tally();
  const days = interval === 'day' ? talliesOf(query, DAY_MS) : null;
  const hours = interval === 'day' ? null : talliesOf(query, HOUR_MS);
  const minutes = interval === 'minute' ? talliesOf(query, MINUTE_MS) : null;
  const each = (at: Date): Tally[] =>
    [
      all,
      days?.get(Number(floorTo(DAY_MS, at))),
      hours?.get(Number(floorTo(HOUR_MS, at))),
      minutes?.get(Number(at)),
    ].filter((tally) => tally !== undefined);
  for (const part of parts) for (const tally of each(part.at)) tally.add(part);
  for (const row of rows) for (const tally of each(row._id.at)) addRow(tally, row);
  for (const { _id, count } of events) for (const tally of each(_id)) tally.countEvents(count);
  const figures = (tally: Tally): Figures => ({
    ...tally.stats(),
    ...(webhookId === undefined && { events: { accepted: tally.events } }),
  });
  return {
    countedAt: sources.countedAt,
    ...figures(all),
    ...(days && {
      days: [...days].map(([at, tally]) => ({ day: new Date(at), ...figures(tally) })),
    }),
    ...(hours && {
      hours: [...hours].map(([at, tally]) => ({ hour: new Date(at), ...figures(tally) })),
    }),
    ...(minutes && {
      minutes: [...minutes].map(([at, tally]) => ({ minute: new Date(at), ...figures(tally) })),
    }),
  };
}

function talliesOf({ since, until }: TimeRange, unitMs: number): Map<number, Tally> {
  const tallies = new Map<number, Tally>();
  for (let at = Number(floorTo(unitMs, since)); at < until.getTime(); at += unitMs) {
    tallies.set(at, new Tally());
  }
  return tallies;
}

async function listParts({ counts }: Store, { stored, minutes }: Sources): Promise<CountedPart[]> {
  if (stored.length === 0) return [];
  const found = counts.model.collection.find<Pick<CountRecord, 'unit' | 'parts'>>(
    { _id: { $in: stored } } as never,
    { projection: { _id: 0, unit: 1, parts: 1 }, maxTimeMS: MAX_READ_MS },
  );
  return (await found.toArray()).flatMap(({ unit, parts }) =>
    unit === 'hour' ? parts : parts.filter(({ at }) => minutes.has(Number(at))),
  );
}

async function sourcesOf(
  { countedHours, recounts }: Store,
  { projectId, webhookId = projectId, since, until }: StatsQuery,
  unit: StatsUnit,
): Promise<Sources> {
  const within = { $gte: floorTo(HOUR_MS, since), $lt: until };
  const [known, noted] = await Promise.all([
    // Through the driver: a month has hundreds.
    countedHours.model.collection
      .find<CountedHour>(
        { projectId, hour: within },
        { sort: { hour: -1 }, maxTimeMS: MAX_READ_MS },
      )
      .toArray(),
    recounts.model.distinct('minute', { projectId, minute: within }),
  ]);
  const sources: Sources = { stored: [], minutes: new Set(), now: [], countedAt: clock.now() };
  let left = RECOUNTED;
  let at = until;
  for (const counted of known) {
    const { hour, countedTo } = counted;
    const { until: end } = rangeFrom(hour, 'hour');
    const part = { since: latest(hour, since), until: earliest(end, until) };
    if (part.until < at) sources.now.push({ since: part.until, until: at });
    at = part.since;
    const isWhole = Number(part.until) - Number(part.since) === HOUR_MS;
    let changing = noted.filter((minute) => minute >= hour && minute < countedTo);
    const units = counted.byMinute ? changing.length : Math.min(1, changing.length);
    const size = counted.openSize + units * counted.unitSize;
    changing = [...counted.open, ...changing];
    if (changing.length > 0 && size > left) {
      changing = [];
      sources.countedAt = earliest(sources.countedAt, counted.countedAt!);
    } else left -= size;
    if (isWhole && countedTo >= end && changing.length === 0 && unit === 'hour') {
      sources.stored.push(countId(webhookId, 'hour', hour));
    } else if (counted.byMinute) {
      const isChanging = new Set(changing.map(Number));
      sources.stored.push(countId(webhookId, 'minute', hour));
      for (const minute of minutesOf({ since: floorTo(MINUTE_MS, at), until: part.until })) {
        const { until: next } = rangeFrom(minute, 'minute');
        const isStored = next <= countedTo && !isChanging.has(Number(minute));
        if (isStored && minute >= at && next <= part.until) {
          sources.minutes.add(Number(minute));
        } else {
          sources.now.push({ since: latest(minute, at), until: earliest(next, part.until) });
        }
      }
    } else sources.now.push(part);
  }
  if (since < at) sources.now.push({ since, until: at });
  return sources;
}
