import type { Model } from 'mongoose';
import { deliveryStats } from '../../src/store/delivery-stats';
import { deleteProject } from '../../src/store/delete-project';
import { Scene } from '../support/counted-scene';
import { useFixture } from '../support/use';

const STEPS = 40;

describe('counted statistics', () => {
  const fixture = useFixture();

  it.each([1, 2, 3])(
    'agree with the log at every moment, whatever changes, also during a count (seed %d)',
    async (seed) => {
      const scene = await Scene.open(fixture, seed);
      const kinds = Object.keys(scene.changes);
      for (let step = 0; step < STEPS; step += 1) {
        const chosen = [...kinds.slice(0, 3), scene.pick(kinds), scene.pick(kinds)];
        const some = step === 0 ? kinds : chosen.slice(step % 3);
        // At the same time: a count finds some of the changes, and not others.
        await Promise.all([
          step % 2 === 0 ? scene.count() : undefined,
          // One that was suspended: it stores nothing over what another has counted.
          step % 4 === 0 ? scene.count() : undefined,
          ...some.map((kind) => scene.changes[kind]!()),
        ]);
        await scene.compare();
        if (step === 1) {
          // As with thousands of deliveries. The count at the first step may have come before all of them.
          await scene.count();
          const { model } = fixture.store.countedHours;
          const [first, second] = await scene.hours();
          const ids = [first!._id, second!._id];
          await model.updateMany(
            { _id: { $in: ids } },
            { $set: { byMinute: true, countedTo: scene.since } },
          );
          await model.updateOne({ _id: second!._id }, { $set: { countedTo: second!.hour } });
        }
        if (step % 4 === 3) {
          await scene.age();
          await scene.count();
          await scene.compare();
        }
      }
    },
  );

  it('are answered from the counts, however many deliveries there are', async () => {
    const scene = await Scene.open(fixture, 4);
    for (let n = 0; n < 5; n += 1) await scene.changes['taken by a courier']!();
    const { model } = fixture.store.deliveries;
    const of = { projectId: scene.project._id };
    await model.updateMany(
      { ...of, status: 'pending' },
      { $set: { status: 'failed', completedAt: scene.until } },
    );
    await scene.age();
    await scene.count();
    expect(await scene.hours()).not.toHaveLength(0);
    for (const hour of await scene.hours()) expect(hour).toMatchObject({ open: [] });
    const query = { ...of, since: scene.since, until: scene.until };
    const before = await deliveryStats(fixture.store, query);
    expect(before.deliveries.total).toBe(10);
    // Unnoted: not even looked at, until the hours are counted again.
    await model.deleteMany(of);
    const after = await deliveryStats(fixture.store, query);
    expect({ ...after, countedAt: null }).toEqual({ ...before, countedAt: null });
    await scene.count();
    expect((await deliveryStats(fixture.store, query)).deliveries.total).toBe(0);
  });

  it('cost nothing where deliveries are written in time: nothing is noted', async () => {
    const scene = await Scene.open(fixture, 7);
    const { model } = fixture.store.recounts;
    const of = { projectId: scene.project._id };
    scene.madeAt = () => new Date();
    for (const kind of Object.keys(scene.changes).slice(0, 3)) await scene.changes[kind]!();
    for (let n = 0; n < 5; n += 1) {
      await scene.changes['queued by a courier']!();
      await scene.changes['let out of the queue']!();
      await scene.changes['held or skipped by a workflow']!();
    }
    expect(await model.countDocuments(of)).toBe(0);
    scene.madeAt = undefined;
    await scene.changes['planned']!();
    expect(await model.countDocuments(of)).toBeGreaterThan(0);
  });

  it('of what has expired, or belongs to a deleted project, are gone', async () => {
    const scene = await Scene.open(fixture, 5);
    const of = { projectId: scene.project._id };
    for (let n = 0; n < 3; n += 1) await scene.changes['taken by a courier']!();
    await scene.age();
    await scene.count();
    const { countedHours, counts, recounts, deliveries } = fixture.store;
    const left = () =>
      Promise.all(
        [countedHours, counts, recounts].map(({ model }) =>
          (model as Model<unknown>).countDocuments(of),
        ),
      );
    expect(await left()).not.toEqual([0, 0, 0]);
    await deliveries.model.deleteMany(of);
    await scene.count();
    expect(await left()).toEqual([0, 0, 0]);
    await scene.changes['taken by a courier']!();
    await scene.count();
    await deleteProject(fixture.store, scene.project._id);
    expect(await left()).toEqual([0, 0, 0]);
  });
});
