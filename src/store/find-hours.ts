import { clock } from '../clock';
import { timeOf } from '../contracts/ids';
import { HOUR_MS, MINUTE_MS } from '../domain/durations';
import { pauseAfter, SETTLED_MS } from './count-hours';
import { rangeFrom } from './count-ranges';
import { floorTo, hourId, type CountedHour } from './counted-hours';
import { firstIdAt, idsWithin } from './paging';
import type { Store } from './store';

/** How far before the newest known hour to look for others: a courier may be that late. */
const LOOKED_BACK_MS = 2 * HOUR_MS;
/** Hours found at once. */
const FOUND = 200;

/** An hour in which nothing has been counted. */
const NOT_COUNTED = {
  countedAt: null,
  byMinute: false,
  open: [],
  openSize: 0,
  unitSize: 0,
  unchanged: 0,
  firstCountedAt: null,
  wholeAt: null,
};

/**
 * Finds the hours, not known yet, in which a project has created deliveries or accepted events: the first time,
 * those of its whole log.
 * @returns whether there may be more
 */
export async function findHours(
  store: Store,
  projectId: string,
  goesOn = (): boolean => true,
): Promise<boolean> {
  const { model } = store.countedHours;
  const now = clock.now();
  const newest = await model
    .findOne({ projectId }, { hour: 1 })
    .sort({ hour: -1 })
    .lean<Pick<CountedHour, 'hour'>>();
  let from = new Date(newest ? Math.min(newest.hour.getTime(), now.getTime()) - LOOKED_BACK_MS : 0);
  const known = new Set(
    (await model.distinct('hour', { projectId, hour: { $gte: from } })).map(Number),
  );
  for (let found = 0; found < FOUND && goesOn(); found += 1) {
    const hour = await firstHour(store, projectId, from);
    if (!hour) return false;
    if (!known.has(hour.getTime())) await expectHour(store, projectId, hour);
    from = new Date(hour.getTime() + HOUR_MS);
  }
  return true;
}

/** The hour of the first delivery or event since then. */
async function firstHour(
  { deliveries, events }: Store,
  projectId: string,
  from: Date,
): Promise<Date | null> {
  const first = await Promise.all([
    deliveries.model
      .findOne({ projectId, _id: { $gte: firstIdAt('delivery', from) } }, { _id: 1 })
      .sort({ _id: 1 })
      .lean(),
    events.model
      .findOne({ projectId, _id: { $gte: firstIdAt('event', from) } }, { _id: 1 })
      .sort({ _id: 1 })
      .lean(),
  ]);
  const times = first.flatMap((one) => (one ? timeOf(one._id).getTime() : []));
  return times.length === 0 ? null : floorTo(HOUR_MS, new Date(Math.min(...times)));
}

/**
 * Finds those of several projects that are new since an earlier search, by a few reads for each hour since: few
 * projects have any.
 * @param lookedAt when that began
 */
export async function findNewHours(
  store: Store,
  projectIds: readonly string[],
  lookedAt: Date,
  goesOn = (): boolean => true,
): Promise<void> {
  const now = clock.now();
  // What is stored later than that is noted.
  const from = Math.min(lookedAt.getTime(), now.getTime()) - SETTLED_MS;
  let at = floorTo(HOUR_MS, new Date(from));
  for (; at <= now && goesOn(); at = rangeFrom(at, 'hour').until) {
    for (const projectId of await listActive(store, projectIds, at)) {
      await expectHour(store, projectId, at);
    }
  }
}

/** Those projects that have something in an hour that is not known for them yet. */
async function listActive(
  { countedHours, deliveries, events }: Store,
  projectIds: readonly string[],
  hour: Date,
): Promise<Set<string>> {
  const known = await countedHours.model.distinct('projectId', {
    projectId: { $in: projectIds },
    hour,
  });
  const projectId = { $in: projectIds.filter((id) => !known.includes(id)) };
  const range = rangeFrom(hour, 'hour');
  // For each project, MongoDB reads one entry of an index.
  const active = await Promise.all([
    events.model.distinct('projectId', { projectId, _id: idsWithin('event', range) }),
    deliveries.model.distinct('projectId', { projectId, _id: idsWithin('delivery', range) }),
  ]);
  return new Set(active.flat());
}

/** Makes an hour known, if it isn't yet, as one in which nothing has been counted. */
async function expectHour({ countedHours }: Store, projectId: string, hour: Date): Promise<void> {
  await countedHours.model.updateOne(
    { _id: hourId(projectId, hour) },
    { $setOnInsert: { projectId, hour, countedTo: hour, nextCountAt: clock.now() } },
    { upsert: true },
  );
}

/** Makes those hours due for which something has been noted. */
export async function expectNoted(store: Store, goesOn = (): boolean => true): Promise<void> {
  const { recounts, countedHours } = store;
  const noted = await recounts.model.aggregate<{ _id: { projectId: string; hour: Date } }>([
    {
      $group: {
        _id: { projectId: '$projectId', hour: { $dateTrunc: { date: '$minute', unit: 'hour' } } },
      },
    },
  ]);
  for (const { _id } of noted) {
    if (!goesOn()) return;
    const { projectId, hour } = _id;
    const soon = pauseAfter(hour, clock.now());
    const { matchedCount } = await countedHours.model.updateOne({ _id: hourId(projectId, hour) }, [
      {
        $set: {
          nextCountAt: {
            $min: ['$nextCountAt', { $add: [{ $ifNull: ['$countedAt', '$hour'] }, soon] }],
          },
        },
      },
    ]);
    if (matchedCount > 0) continue;
    const isPassed = await countedHours.model.exists({ projectId, hour: { $gt: hour } });
    // In a log that is not known yet, the oldest come first.
    const mayBeFound = !isPassed && (await findHours(store, projectId, goesOn));
    if (!mayBeFound) await expectHour(store, projectId, hour);
  }
}

/**
 * Forgets what was counted in the future: MongoDB's clock has been set back. The hours stay known, since what is
 * before the newest one is not searched for again.
 */
export async function forgetFuture({ countedHours }: Store): Promise<void> {
  const soon = new Date(clock.now().getTime() + MINUTE_MS);
  const isFuture = { $gt: new Date(soon.getTime() + HOUR_MS) };
  await countedHours.model.updateMany(
    { $or: [{ countedAt: { $gt: soon } }, { countedAt: null, nextCountAt: isFuture }] },
    [
      {
        $set: {
          ...NOT_COUNTED,
          countedTo: '$hour',
          nextCountAt: '$$NOW',
          version: { $add: ['$version', 1] },
        },
      },
    ],
  );
}
