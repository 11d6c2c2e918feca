import { timeOf } from '../../src/contracts/ids';
import { floorTo, type CountedHour } from '../../src/store/counted-hours';
import { deliveryStats } from '../../src/store/delivery-stats';
import { countHour } from '../../src/store/count-hours';
import { expectNoted, findHours, findNewHours, forgetFuture } from '../../src/store/find-hours';
import { Scene } from '../support/counted-scene';
import { profileOf, type Profiled } from '../support/profiler';
import { useFixture } from '../support/use';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

describe('the hours that are counted', () => {
  const fixture = useFixture();

  const hoursOf = (projectId: string): Promise<Date[]> =>
    fixture.store.countedHours.model.distinct('hour', { projectId }).exec();
  const change = (scene: Scene, to: object) =>
    fixture.store.countedHours.model.updateMany({ projectId: scene.project._id }, { $set: to });
  const inOneHour = (scene: Scene): void => {
    scene.madeAt = () => new Date(scene.until.getTime() - HOUR_MS + 5 * MINUTE_MS);
  };

  it('find each hour of a log that an earlier version has written, oldest first, and late ones', async () => {
    const scene = await Scene.open(fixture, 6);
    const { store } = fixture;
    for (let n = 0; n < 8; n += 1) await scene.changes['planned']!();
    // Noted before anything is known.
    await expectNoted(store, () => false);
    expect(await scene.hours()).toEqual([]);
    await expectNoted(store);
    const hours = (await scene.hours()).map(({ hour }) => Number(hour));
    const [oldest] = (await scene.hours()) as [CountedHour];
    await countHour(store, oldest, () => false);
    expect((await scene.hours())[0]).toEqual(oldest);
    const made = await store.deliveries.model.find({ projectId: scene.project._id }).lean();
    const expected = made.map(({ _id }) => Number(floorTo(HOUR_MS, timeOf(_id))));
    expect(hours).toEqual([...new Set(expected)].toSorted((a, b) => a - b));
    const late = new Date(scene.since.getTime() - 30 * HOUR_MS);
    await scene.planAt(late);
    while (await findHours(store, scene.project._id));
    expect(await scene.hours()).toHaveLength(hours.length);
    await expectNoted(store);
    expect((await scene.hours())[0]!.hour).toEqual(floorTo(HOUR_MS, late));
  });

  it('of many projects are found together, also those of late deliveries', async () => {
    const { store } = fixture;
    const scenes = await Promise.all([8, 9, 10, 11].map((seed) => Scene.open(fixture, seed)));
    const [active, late, ...idle] = scenes;
    const ids = scenes.map(({ project }) => project._id);
    const lookedAt = new Date();
    active!.madeAt = () => lookedAt;
    late!.madeAt = () => new Date(lookedAt.getTime() - 7 * HOUR_MS);
    const db = store.deliveries.model.db.db!;
    const look = async (): Promise<Profiled[]> => {
      const ofHours = { 'command.distinct': { $exists: true } };
      return (await profileOf(db, () => findNewHours(store, ids, lookedAt), ofHours)).profiled;
    };
    const found = await look();
    // Three minutes before may have been in the hour before.
    expect([3, 6]).toContain(found.length);
    for (const { project } of scenes) expect(await hoursOf(project._id)).toEqual([]);
    for (let n = 0; n < 20; n += 1) await active!.changes['planned']!();
    for (const read of await look()) expect(read.keysExamined).toBeLessThan(10);
    for (const read of await look()) expect(read.keysExamined).toBeLessThan(10);
    await late!.changes['planned']!();
    await look();
    await expectNoted(store);
    expect(await hoursOf(ids[0]!)).toEqual([floorTo(HOUR_MS, lookedAt)]);
    expect(await hoursOf(ids[1]!)).toEqual([floorTo(HOUR_MS, late!.madeAt())]);
    for (const { project } of idle) expect(await hoursOf(project._id)).toEqual([]);
  });

  it('are counted the less often, the longer nothing changes, and not written again', async () => {
    const scene = await Scene.open(fixture, 12);
    inOneHour(scene);
    await scene.changes['planned']!();
    const { model } = fixture.store.counts;
    /** Minutes until the next count, after one. */
    const pause = async (): Promise<number> => {
      await scene.count();
      const [{ countedAt, nextCountAt }] = (await scene.hours()) as [CountedHour];
      return Math.round((Number(nextCountAt) - Number(countedAt)) / MINUTE_MS);
    };
    expect(await pause()).toBe(5);
    const pauses: number[] = [];
    const stored = async (): Promise<unknown> =>
      model.find({ projectId: scene.project._id }).sort({ _id: 1 }).lean();
    const before = await stored();
    for (let n = 0; n < 6; n += 1) pauses.push(await pause());
    expect(pauses).toEqual([10, 20, 40, 60, 60, 60]);
    expect(await stored()).toEqual(before);
    await scene.changes['cancelled']!();
    expect(await pause()).toBe(5);
    expect(await stored()).not.toEqual(before);
    await scene.compare();
    expect(await pause()).toBe(10);
    // What waited begins to move.
    await fixture.store.countedHours.expectChanges(scene.project._id);
    const [{ nextCountAt }] = (await scene.hours()) as [CountedHour];
    expect(Number(nextCountAt)).toBeLessThanOrEqual(Date.now() + MINUTE_MS);
    expect(await pause()).toBe(10);
  });

  it('are counted as a whole a day after their first count, and when something expires, though some are open', async () => {
    const scene = await Scene.open(fixture, 13);
    inOneHour(scene);
    const { model } = fixture.store.deliveries;
    const of = { projectId: scene.project._id };
    for (let n = 0; n < 3; n += 1) await scene.changes['taken by a courier']!();
    const open = { status: 'pending', completedAt: null } as const;
    const [first, ...others] = await model.find(of).lean();
    await model.updateMany(of, { $set: { status: 'failed', completedAt: scene.until } });
    await model.updateOne({ _id: first!._id }, { $set: open });
    await scene.planAt(new Date(scene.until.getTime() - 10 * MINUTE_MS));
    while (await findHours(fixture.store, scene.project._id));
    await change(scene, { byMinute: true });
    await scene.count();
    const [hour] = (await scene.hours()) as [CountedHour];
    expect(hour.open).toHaveLength(2);
    expect(Number(hour.wholeAt) - Number(hour.firstCountedAt)).toBe(DAY_MS);
    // By a process that notes nothing; the others have expired.
    const gone = others.slice(0, 2).map(({ _id }) => _id);
    await model.updateMany({ _id: { $in: gone } }, { $set: { status: 'succeeded' } });
    const isRight = async (): Promise<boolean> =>
      scene.compare().then(
        () => true,
        () => false,
      );
    await change(scene, { open: hour.open.slice(1) });
    await scene.count();
    expect(await isRight()).toBe(false);
    await change(scene, { open: hour.open.slice(1), wholeAt: scene.until });
    await scene.count();
    expect(await isRight()).toBe(true);

    const soon = new Date(Date.now() + MINUTE_MS);
    await model.updateOne({ _id: others[2]!._id }, { $set: { expiresAt: soon } });
    const longAgo = new Date(scene.until.getTime() - DAY_MS);
    await change(scene, { wholeAt: scene.until, firstCountedAt: longAgo });
    await scene.count();
    const [{ wholeAt }] = (await scene.hours()) as [CountedHour];
    expect(wholeAt).toEqual(new Date(soon.getTime() + HOUR_MS));
  });

  it('of a future that MongoDB’s clock was set back from stay known, and are counted anew', async () => {
    const scene = await Scene.open(fixture, 14);
    const { store } = fixture;
    for (let n = 0; n < 4; n += 1) await scene.changes['taken by a courier']!();
    await scene.age();
    await scene.count();
    const hours = await hoursOf(scene.project._id);
    const future = new Date(Date.now() + 5 * HOUR_MS);
    await change(scene, { countedAt: future, nextCountAt: future, wholeAt: future });
    await store.deliveries.model.deleteOne({ projectId: scene.project._id });
    await forgetFuture(store);
    expect(await hoursOf(scene.project._id)).toEqual(hours);
    await scene.compare();
    const before = new Date(Date.now() + 1);
    const due = await store.countedHours.due.list(
      scene.project._id,
      { after: null, before },
      hours.length,
    );
    expect(due).toHaveLength(hours.length);
    for (const hour of await scene.hours())
      expect(hour).toMatchObject({ countedAt: null, open: [] });
    await scene.count();
    await scene.compare();
  });

  it('have two counts each, however many minutes are counted separately', async () => {
    const scene = await Scene.open(fixture, 15);
    const begin = new Date(scene.until.getTime() - HOUR_MS);
    for (let n = 0; n < 60; n += 1) {
      scene.madeAt = () => new Date(begin.getTime() + n * MINUTE_MS + 1);
      await scene.changes['planned']!();
    }
    while (await findHours(fixture.store, scene.project._id));
    await change(scene, { byMinute: true });
    await scene.count();
    const owners = 1 + scene.webhooks.length;
    const of = { projectId: scene.project._id };
    expect(await fixture.store.counts.model.countDocuments(of)).toBe(2 * owners);
    await scene.compare();
    const range = { since: begin, until: scene.until };
    const { minutes } = await deliveryStats(fixture.store, { ...of, ...range }, 'minute');
    expect(minutes!.map(({ deliveries }) => deliveries.total)).toEqual(Array(60).fill(2));
  });
});
