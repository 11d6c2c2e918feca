import { makeWebhook, postEvent, deliveryWith } from '../support/deliveries';
import { useReceiver, useStack } from '../support/use';
import { WAYS } from '../support/dispatch';

/** For all that MongoDB does in one of these tests. */
const PROFILE_BYTES = 64 * 1024 * 1024;
/** Lists of what is to be done, which is read as a whole and then removed. */
const READ_WHOLE = ['endings', 'recounts'];

interface Profiled {
  ns: string;
  planSummary: string;
  command: { filter?: unknown; query?: unknown; q?: unknown; pipeline?: unknown };
}

const told = ({ filter, query, q, pipeline }: Profiled['command']): string =>
  JSON.stringify(filter ?? query ?? q ?? pipeline);

describe('what workers and reconcile read', () => {
  const stack = useStack({ POSTHORN_AUTO_WORKFLOWS_PER_SECOND: '1' });
  const receiver = useReceiver();

  it.each(WAYS)('has an index, also where there is nothing to find (%s)', async (dispatch) => {
    const { db } = stack.store.deliveries.model.db;
    await db!
      .createCollection('system.profile', { capped: true, size: PROFILE_BYTES })
      .catch(() => {});
    await db!.command({ profile: 2 });
    const { client } = await stack.project({ dispatch });
    const webhook = await makeWebhook(client, receiver.url, { policy: { retryDelaysMs: [1000] } });
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
    await db!.command({ profile: 0 });
    const scans = await db!
      .collection<Profiled>('system.profile')
      .find({ planSummary: /COLLSCAN/, ns: { $not: /system\./ } })
      .toArray();
    const others = scans.filter(({ ns }) => !READ_WHOLE.includes(ns.slice(ns.indexOf('.') + 1)));
    expect(others.map(({ ns, command }) => `${ns} ${told(command)}`)).toEqual([]);
    expect(await db!.collection('system.profile').countDocuments()).toBeGreaterThan(100);
  });
});
