import { ApiClient } from '../../support/api-client';
import { makeWebhook } from '../../support/deliveries';
import { useStack } from '../../support/use';
import { expectRefusal } from './refusal';

/** During a rolling upgrade, processes of a version that didn't note who pauses or disables write, too. */
describe('what the platform does by a process of an earlier version', () => {
  const stack = useStack({}, { worker: false });

  async function withPortal() {
    const { client } = await stack.project();
    const { id } = await makeWebhook(client, 'https://example.com/');
    const made = await client.post('/v1/portal-links', { capabilities: 'manage' });
    const portal = new ApiClient(stack.url, made.body.data.token as string);
    const formerly = (changes: Record<string, unknown>) =>
      stack.store.webhooks.model.updateOne({ _id: id }, { $set: changes });
    return { client, portal, id, path: `/v1/webhooks/${id}`, formerly };
  }

  it('stays paused, also after a pause by a link', async () => {
    const { client, portal, path, formerly } = await withPortal();
    await portal.post(`${path}/pause`);
    await formerly({ isPaused: false, pausedAt: null });
    await formerly({ isPaused: true, pausedAt: new Date() });
    expect((await client.get(path)).body.data.pausedBy).toBe('platform');
    expectRefusal(await portal.post(`${path}/resume`), 'forbidden');
    await client.post(`${path}/resume`);
    await portal.post(`${path}/pause`);
    expect((await portal.post(`${path}/resume`)).status).toBe(200);
  });

  it('stays disabled, also after a link has disabled it', async () => {
    const { client, portal, path, formerly } = await withPortal();
    const change = (isActive: boolean) => portal.patch(path, { isActive });
    await change(false);
    await formerly({ isActive: true, disabledReason: null, disabledAt: null });
    await formerly({ isActive: false, disabledReason: 'manual', disabledAt: new Date() });
    expect((await client.get(path)).body.data.disabledBy).toBe('platform');
    expectRefusal(await change(true), 'forbidden');
    expectRefusal(await portal.post(`${path}/test`), 'forbidden');
    const ids = [path.split('/').at(-1)!];
    expect(await stack.store.webhooks.whetherPaused(ids, { by: 'customer' })).toEqual(new Map());
    await formerly({ isActive: true, disabledReason: null, disabledAt: null });
    await change(false);
    expect((await change(true)).status).toBe(200);
  });

  it('is that it pauses a bulk replay of a link, which the link does not resume', async () => {
    const { client, portal } = await withPortal();
    const range = { since: '2026-01-01T00:00:00Z', until: '2099-01-01T00:00:00Z' };
    const { id } = (await portal.post('/v1/replays', range)).body.data;
    await stack.store.replays.model.updateOne({ _id: id }, { $set: { status: 'paused' } });
    expect((await client.get(`/v1/replays/${id}`)).body.data.pausedBy).toBe('platform');
    expectRefusal(await portal.post(`/v1/replays/${id}/resume`), 'forbidden');
    expect((await portal.post(`/v1/replays/${id}/cancel`)).status).toBe(202);
  });
});
