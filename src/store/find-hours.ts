import { clock } from '../clock';
import { timeOf } from '../contracts/ids';
import { HOUR_MS, MINUTE_MS } from '../domain/durations';
import { pauseAfter } from './count-hours';
import { floorTo, hourId, type CountedHour } from './counted-hours';
import { firstIdAt } from './paging';
import type { Store } from './store';

/** How far before the newest known hour others are looked for: a courier may be that late. */
const LOOKED_BACK_MS = 2 * HOUR_MS;
/** Hours found at once. */
const FOUND = 200;

/**
 * Finds the hours in which a project has created deliveries, or accepted events, and that are not known yet.
 * @returns whether there may be more
 */
export async function findHours(store: Store, projectId: string): Promise<boolean> {
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
  for (let found = 0; found < FOUND; found += 1) {
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

/** Makes an hour known, if it isn't yet, as one of which nothing is counted. */
async function expectHour({ countedHours }: Store, projectId: string, hour: Date): Promise<void> {
  await countedHours.model.updateOne(
    { _id: hourId(projectId, hour) },
    { $setOnInsert: { projectId, hour, countedTo: hour, nextCountAt: clock.now() } },
    { upsert: true },
  );
}

/** Makes those hours due of which something has been noted. */
export async function expectNoted(store: Store): Promise<void> {
  const { recounts, countedHours } = store;
  const noted = await recounts.model.aggregate<{ _id: { projectId: string; hour: Date } }>([
    {
      $group: {
        _id: { projectId: '$projectId', hour: { $dateTrunc: { date: '$minute', unit: 'hour' } } },
      },
    },
  ]);
  for (const { _id } of noted) {
    const { projectId, hour } = _id;
    const soon = pauseAfter(hour, clock.now());
    const { matchedCount } = await countedHours.model.updateOne(
      { _id: hourId(projectId, hour) },
      [
        {
          $set: {
            nextCountAt: {
              $min: ['$nextCountAt', { $add: [{ $ifNull: ['$countedAt', '$hour'] }, soon] }],
            },
          },
        },
      ],
      { updatePipeline: true },
    );
    // What follows the newest one is still to be found.
    const isPassed = { projectId, hour: { $gt: hour } };
    if (matchedCount === 0 && (await countedHours.model.exists(isPassed))) {
      await expectHour(store, projectId, hour);
    }
  }
}

/** Forgets what was counted in the future: MongoDB's clock has been set back. */
export async function forgetFuture({ countedHours }: Store): Promise<void> {
  const soon = new Date(clock.now().getTime() + MINUTE_MS);
  await countedHours.model.deleteMany({ countedAt: { $gt: soon } });
}
