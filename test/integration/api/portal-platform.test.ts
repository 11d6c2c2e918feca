import { newId } from '../../../src/contracts/ids';
import { queueReplays } from '../../../src/store/replay-selection';
import type { ApiClient, Answer } from '../../support/api-client';
import { makeWebhook } from '../../support/deliveries';
import { EventStream } from '../../support/event-stream';
import { portalLink } from '../../support/portal-link';
import { useStack } from '../../support/use';
import { insertDelivery } from './insert';
import { expectRefusal } from './refusal';

const stack = useStack({}, { worker: false });

describe('what the platform has decided', () => {
  async function withWebhook() {
    const { id, client } = await stack.project();
    const { id: webhookId } = await makeWebhook(client, 'https://example.com/');
    const fields = { projectId: id, webhookId, eventId: newId('event') };
    const deliveryId = await insertDelivery(stack, { ...fields, status: 'skipped' });
    const { client: portal } = await portalLink(client, 'manage');
    const enable = (of: ApiClient, isActive = true): Promise<Answer> =>
      of.patch(`/v1/webhooks/${webhookId}`, { isActive });
    return { id, client, portal, webhookId, deliveryId, enable };
  }
  const range = { since: '2026-01-01T00:00:00Z', until: '2099-01-01T00:00:00Z' };

  it('stays disabled: a link neither enables it nor sends to it, whatever else it may', async () => {
    const { id, client, portal, webhookId, deliveryId, enable } = await withWebhook();
    const path = `/v1/webhooks/${webhookId}`;
    await enable(client, false);
    const pending = { projectId: id, webhookId, status: 'pending', replays: 1 } as const;
    const backsOff = await insertDelivery(stack, { ...pending, completedAt: null });
    // As a customer who wants to be the one who disabled it.
    const changed = await portal.patch(path, { isActive: false, name: 'B' });
    expect(changed.body.data).toMatchObject({ name: 'B', disabledBy: 'platform' });
    for (const answer of [
      await enable(portal),
      await portal.post(`${path}/test`),
      await portal.post(`/v1/deliveries/${deliveryId}/replay`),
      await portal.post(`/v1/deliveries/${backsOff}/retry`),
      await portal.post('/v1/replays', { ...range, webhookId }),
    ]) {
      expectRefusal(answer, 'forbidden');
      expect(answer.body.error.message).toContain('the platform has disabled this webhook');
    }
    const all = await portal.post('/v1/replays', range);
    const replay = (await stack.store.replays.find(all.body.data.id as string))!;
    await queueReplays(stack.store, replay, [(await stack.store.deliveries.find(deliveryId))!]);
    expect(await stack.store.replays.find(replay._id)).toMatchObject({ replayed: 0, failed: 1 });
    expect((await client.get(`/v1/deliveries/${deliveryId}`)).body.data.status).toBe('skipped');
    expect((await client.post(`${path}/test`)).status).toBe(202);
    expect((await enable(client)).status).toBe(200);
    expect((await portal.post(`${path}/test`)).status).toBe(202);
  });

  it('stays: a link neither deletes it nor creates it anew', async () => {
    const { client, portal, webhookId, enable } = await withWebhook();
    const path = `/v1/webhooks/${webhookId}`;
    const { url } = (await client.get(path)).body.data;
    const again = { name: 'Again', url, events: ['*'] };
    const stop = {
      disabled: () => enable(client, false),
      paused: () => client.post(`${path}/pause`),
    };
    const undo = { disabled: () => enable(client), paused: () => client.post(`${path}/resume`) };
    for (const how of ['disabled', 'paused'] as const) {
      await stop[how]();
      for (const answer of [
        await portal.delete(path),
        await portal.post('/v1/webhooks', again),
        await portal.post('/v1/webhooks', {
          ...again,
          url: url.replace('example.com', 'EXAMPLE.com'),
        }),
      ]) {
        expectRefusal(answer, 'forbidden');
        expect(answer.body.error.message).toMatch(/^the platform has disabled or paused/);
      }
      const elsewhere = await portal.post('/v1/webhooks', { ...again, url: `${url}other` });
      expect(elsewhere.status).toBe(201);
      await undo[how]();
    }
    expect((await client.get('/v1/webhooks')).body.data.webhooks).toHaveLength(3);
    // What its customer has stopped, it can delete.
    await portal.post(`${path}/pause`);
    await enable(portal, false);
    expect((await portal.post('/v1/webhooks', again)).status).toBe(201);
    expect((await portal.delete(path)).status).toBe(200);
    expectRefusal(await portal.delete(path), 'not_found');
    // A key is not bound by it.
    const { id: other } = (await client.post('/v1/webhooks', { ...again, url: `${url}third` })).body
      .data;
    await client.patch(`/v1/webhooks/${other}`, { isActive: false });
    expect((await client.delete(`/v1/webhooks/${other}`)).status).toBe(200);
  });

  it('is what a link is told to ask the platform about, and not to change', async () => {
    const { client, portal, webhookId, enable } = await withWebhook();
    const path = `/v1/webhooks/${webhookId}`;
    const remedyFor = async (of: ApiClient): Promise<string> =>
      (await of.get(path)).body.data.health.remedy;
    await client.post(`${path}/pause`);
    expect(await remedyFor(client)).toBe(`POST ${path}/resume`);
    expect(await remedyFor(portal)).toContain('ask the platform: it has paused the webhook');
    await enable(client, false);
    expect(await remedyFor(client)).toContain(`PATCH ${path}`);
    expect(await remedyFor(portal)).toContain('ask the platform: it has disabled the webhook');
    const { model } = stack.store.webhooks;
    await model.updateOne({ _id: webhookId }, { $set: { disabledReason: 'gone' } });
    for (const [of, remedy] of [
      [client, expect.stringContaining(`PATCH ${path}`)],
      [portal, expect.stringContaining('ask the platform')],
    ] as const) {
      const { failingWebhooks } = (await of.get('/v1/stats')).body.data;
      expect(failingWebhooks.webhooks).toMatchObject([{ disabledBy: 'platform', remedy }]);
    }
    await model.updateOne(
      { _id: webhookId },
      { $set: { isActive: true, isPaused: false, failureCount: 1, lastStatus: 429 } },
    );
    expect(await remedyFor(client)).toContain('policy.ratePerSecond');
    expect(await remedyFor(portal)).toContain('ask the platform for fewer');
  });

  it('is not what a customer or Posthorn has disabled, until the platform does too', async () => {
    const { client, portal, webhookId, enable } = await withWebhook();
    const { model } = stack.store.webhooks;
    const disabled = { isActive: false, disabledBy: null };
    for (const disabledReason of ['gone', 'consecutive_failures']) {
      await model.updateOne({ _id: webhookId }, { $set: { ...disabled, disabledReason } });
      expect((await enable(portal)).body.data).toMatchObject({ isActive: true });
    }
    expect((await enable(portal, false)).body.data.disabledBy).toBe('customer');
    expect((await enable(portal)).body.data.disabledBy).toBe(null);
    await enable(portal, false);
    await enable(client, false);
    expectRefusal(await enable(portal), 'forbidden');
    await enable(client);
    const gone = { ...disabled, disabledReason: 'gone' };
    await model.updateOne({ _id: webhookId }, { $set: gone });
    expect((await enable(client, false)).body.data).toMatchObject({
      disabledReason: 'gone',
      disabledBy: 'platform',
    });
    expectRefusal(await enable(portal), 'forbidden');
    // Disabled by a version that didn't note by whom.
    await model.updateOne({ _id: webhookId }, { $set: { disabledReason: 'manual' } });
    await model.updateOne({ _id: webhookId }, { $unset: { disabledBy: '' } });
    expectRefusal(await enable(portal), 'forbidden');
  });

  it('stays paused', async () => {
    const { client, portal, webhookId } = await withWebhook();
    const path = `/v1/webhooks/${webhookId}`;
    const pausedBy = async (): Promise<string> => (await client.get(path)).body.data.pausedBy;
    await portal.post(`${path}/pause`);
    expect(await pausedBy()).toBe('customer');
    expect((await portal.post(`${path}/resume`)).status).toBe(200);
    await portal.post(`${path}/pause`);
    await client.post(`${path}/pause`);
    expect((await portal.post(`${path}/pause`)).status).toBe(200);
    const refused = await portal.post(`${path}/resume`);
    expectRefusal(refused, 'forbidden');
    expect(refused.body.error.message).toContain('the platform has paused this webhook');
    expect(await pausedBy()).toBe('platform');
    await client.post(`${path}/resume`);
    expect((await portal.post(`${path}/resume`)).body.data.isPaused).toBe(false);
    expectRefusal(await portal.post(`/v1/webhooks/${newId('webhook')}/resume`), 'not_found');
  });

  it('is replayed: a link moves only bulk replays of links, and none that the platform has paused', async () => {
    const { client, portal } = await withWebhook();
    const begin = async (of: ApiClient): Promise<string> =>
      `/v1/replays/${(await of.post('/v1/replays', range)).body.data.id}`;
    const platforms = await begin(client);
    for (const move of ['pause', 'resume', 'cancel']) {
      expectRefusal(await portal.post(`${platforms}/${move}`), 'forbidden');
    }
    const own = await begin(portal);
    for (const move of ['pause', 'pause', 'resume', 'resume', 'pause']) {
      expect((await portal.post(`${own}/${move}`)).status).toBe(202);
    }
    await client.post(`${own}/pause`);
    expectRefusal(await portal.post(`${own}/resume`), 'forbidden');
    expect((await client.get(own)).body.data).toMatchObject({
      status: 'paused',
      startedBy: 'customer',
      pausedBy: 'platform',
    });
    for (let n = 0; n < 2; n += 1) {
      expect((await portal.post(`${own}/cancel`)).body.data.status).toBe('cancelled');
    }
    expectRefusal(await portal.post(`${own}/resume`), 'replay_ended');
  });
});

describe('a hundred streams of portal links', () => {
  const streams: EventStream[] = [];
  afterEach(() => streams.splice(0).forEach((stream) => stream.close()));

  it('are the maximum, and leave the project’s keys and the admin theirs', async () => {
    const { id, client } = await stack.project();
    const open = async ({ key }: ApiClient, more: Record<string, string> = {}): Promise<number> => {
      const headers = { authorization: `Bearer ${key}`, ...more };
      const stream = await EventStream.open(stack.url, headers);
      streams.push(stream);
      return stream.status;
    };
    const links = await Promise.all([1, 2, 3].map(() => portalLink(client, 'read')));
    for (const link of links.slice(0, 2)) {
      const statuses = await Promise.all(Array.from({ length: 50 }, () => open(link.client)));
      expect(new Set(statuses)).toEqual(new Set([200]));
    }
    expect(await open(links[2]!.client)).toBe(429);
    expect(await open(client)).toBe(200);
    expect(await open(stack.admin, { 'x-project-id': id })).toBe(200);
  });
});
