import { oldestDueOf } from '../../src/store/oldest-due';
import { makeWebhook, postEvent, deliveryWith } from '../support/deliveries';
import { WAYS } from '../support/dispatch';
import { profileOf, type Profiled } from '../support/profiler';
import { OF_TESTS } from '../support/stack';
import { useReceiver, useStack } from '../support/use';
import { insertDelivery, insertUnplanned } from './api/insert';

/** Lists of what is to be done, which is read as a whole and then removed. */
const READ_WHOLE = ['endings', 'recounts'];

const told = ({ ns, command: { filter, query, q, pipeline } }: Profiled): string =>
  `${ns.slice(ns.indexOf('.') + 1)} ${JSON.stringify(filter ?? query ?? q ?? pipeline)}`;

describe('MongoDB', () => {
  const stack = useStack();
  const receiver = useReceiver();

  /** What it does meanwhile, beside what tests ask of it. */
  const profiledIn = async (work: () => Promise<unknown>): Promise<Profiled[]> => {
    const db = stack.store.deliveries.model.db.db!;
    return (await profileOf(db, work, { 'command.comment': { $ne: OF_TESTS } })).profiled;
  };

  it.each(WAYS)('has an index for all that workers and reconcile ask (%s)', async (dispatch) => {
    const profiled = await profiledIn(async () => {
      const { client } = await stack.project({ dispatch });
      const policy = { retryDelaysMs: [1000] };
      const webhook = await makeWebhook(client, receiver.url, { policy });
      const ended = await deliveryWith(client, await postEvent(client), { status: 'succeeded' });
      receiver.respondWith(500);
      await deliveryWith(client, await postEvent(client), { status: 'failed' });
      receiver.respondWith(200);
      await client.post(`/v1/webhooks/${webhook.id}/pause`);
      const held = await postEvent(client);
      await deliveryWith(client, held, { status: 'held' });
      await client.post(`/v1/webhooks/${webhook.id}/resume`);
      await deliveryWith(client, held, { status: 'succeeded' });
      await client.post(`/v1/deliveries/${ended.id}/replay`);
      await deliveryWith(client, ended.id, { status: 'succeeded', replays: 1 });
      await client.post('/v1/replays', {
        statuses: ['succeeded'],
        since: new Date(Date.now() - 3_600_000),
        until: new Date(),
      });
      await deliveryWith(client, ended.id, { status: 'succeeded', replays: 2 });
      await stack.reconcile();
      await stack.reconcile();
    });
    const scans = profiled.filter(({ planSummary }) => planSummary?.includes('COLLSCAN'));
    const isReadWhole = (scan: Profiled) => READ_WHOLE.some((name) => scan.ns.endsWith(`.${name}`));
    expect(scans.filter((scan) => !isReadWhole(scan)).map(told)).toEqual([]);
    expect(profiled.length).toBeGreaterThan(100);
  });

  it('finds a project by its external id in an index', async () => {
    await stack.project({ externalId: 'known' });
    const profiled = await profiledIn(async () => {
      expect((await stack.admin.get('/v1/projects/ext:none')).status).toBe(404);
    });
    const own = profiled.filter((read) => told(read).includes('"none"'));
    expect(own.map(({ planSummary }) => planSummary)).toEqual([
      expect.stringContaining('externalId'),
    ]);
  });

  it('reads what has been due for longest, and nothing else, for the overview', async () => {
    const { id: projectId } = await stack.project();
    const pending = { projectId, status: 'pending' as const, completedAt: null };
    for (const express of [{}, { isExpress: true }]) {
      for (const minutes of [3, 2, 1]) {
        const at = new Date(Date.now() - minutes * 60_000);
        await insertDelivery(stack, { ...pending, ...express });
        await insertDelivery(stack, { ...pending, ...express, nextAttemptAt: at });
        await insertUnplanned(stack, { projectId, acceptedAt: at, ...express });
      }
    }
    const profiled = await profiledIn(() => oldestDueOf(stack.store, projectId));
    // Couriers of other projects look for work meanwhile.
    const own = profiled.filter((read) => told(read).includes(projectId));
    expect(own.map(({ docsExamined }) => docsExamined)).toEqual([1, 1, 1, 1]);
  });
});
