import type { ApiClient } from '../support/api-client';
import { ConnectProxy } from '../support/connect-proxy';
import { deliveryWith, makeWebhook, postEvent } from '../support/deliveries';
import { WAYS } from '../support/dispatch';
import { eventually } from '../support/eventually';
import { Stack } from '../support/stack';
import { useFreshReceiver, useStack } from '../support/use';

/** By docs/contract.md, 1.1: consecutive failures after which a webhook is disabled; null: never. */
const THRESHOLDS: [profile: string, threshold: number | null][] = [
  ['autosend', null],
  ['platform', null],
  ['emailsendx', null],
  ['ahasend', 100],
  ['custom', 100],
];

describe("a webhook's health", () => {
  const stack = useStack();
  const receiver = useFreshReceiver();

  const health = async (client: ApiClient, id: string) =>
    (await client.get(`/v1/webhooks/${id}`)).body.data;
  /** An attempt is recorded before it is counted. */
  const becomes = (client: ApiClient, id: string, expected: Record<string, unknown>) =>
    eventually(`the webhook is ${JSON.stringify(expected)}`, async () => {
      const found = await health(client, id);
      return Object.entries(expected).every(([name, value]) => found[name] === value);
    });
  const setFailures = (id: string, failureCount: number) =>
    stack.store.webhooks.model.updateOne({ _id: id }, { $set: { failureCount } });

  /** Sends a sample and waits for its end. */
  async function test(client: ApiClient, id: string, ending: string): Promise<void> {
    const { body } = await client.post(`/v1/webhooks/${id}/test`);
    await deliveryWith(client, body.data.deliveries[0].id as string, { status: ending });
  }

  it.each(WAYS.flatMap((dispatch) => [500, 200].map((status) => ({ dispatch, status }))))(
    'is not changed by the $status of an attempt whose delivery was replayed meanwhile, dispatched $dispatch',
    async ({ dispatch, status }) => {
      // Answers are held back for as long as a busy machine needs for the rest.
      const policy = { timeoutMs: 60_000, retryDelaysMs: [86_400_000, 86_400_000] };
      const { client } = await stack.project({ dispatch, policy });
      const { id } = await makeWebhook(client, receiver.url);
      let answer!: () => void;
      const after = new Promise<void>((resolve) => (answer = resolve));
      receiver.respondWith((_request, n) =>
        n === 1 ? { kind: 'answer', status, after } : { kind: 'answer', status: 503 },
      );
      const deliveryId = await postEvent(client);
      await receiver.waitFor(1);
      const path = `/v1/deliveries/${deliveryId}`;
      expect((await client.post(`${path}/cancel`)).status).toBe(202);
      expect((await client.post(`${path}/replay`)).status).toBe(202);
      await deliveryWith(client, deliveryId, { attemptCount: 1, replays: 1 });
      await becomes(client, id, { failureCount: 1 });
      answer();
      const { attempts } = await deliveryWith(client, deliveryId, { attemptCount: 2 });
      expect(attempts[1]).toMatchObject({ statusCode: status, superseded: true });
      expect((await client.post(`${path}/retry`)).status).toBe(202);
      await deliveryWith(client, deliveryId, { attemptCount: 3 });
      await becomes(client, id, { failureCount: 2, lastStatus: 503, lastSuccessAt: null });
    },
  );

  it.each(['workflow', 'express'])(
    'is told in a word, with since when, why and what to do, of one that is dispatched %s',
    async (dispatch) => {
      const { client } = await stack.project({ dispatch, policy: { retryDelaysMs: [1000] } });
      const { id } = await makeWebhook(client, receiver.url);
      const told = async () => (await health(client, id)).health;
      expect(await told()).toEqual({ state: 'healthy' });
      receiver.respondWith(503);
      const deliveryId = await postEvent(client);
      await deliveryWith(client, deliveryId, { status: 'failed' });
      await becomes(client, id, { failureCount: 2 });
      const [first] = (await client.get(`/v1/deliveries/${deliveryId}`)).body.data.attempts;
      const failing = {
        state: 'failing',
        since: new Date(Date.parse(first.startedAt) + first.durationMs).toISOString(),
        reason: '2 attempts in a row failed, the last with status 503',
        remedy: expect.stringContaining('log'),
      };
      // Stored in whole milliseconds.
      const { since, ...rest } = await told();
      expect({ ...rest, since: failing.since }).toEqual(failing);
      expect(Math.abs(Date.parse(since) - Date.parse(failing.since))).toBeLessThanOrEqual(1);

      const paused = await client.post(`/v1/webhooks/${id}/pause`);
      expect(paused.body.data.health).toEqual({
        state: 'paused',
        since: expect.any(String),
        reason: 'it was paused by a request: its deliveries wait as held',
        remedy: `POST /v1/webhooks/${id}/resume`,
      });
      const again = await client.post(`/v1/webhooks/${id}/pause`);
      expect(again.body.data.health).toEqual(paused.body.data.health);
      const resumed = await client.post(`/v1/webhooks/${id}/resume`);
      expect(resumed.body.data.health).toMatchObject({ state: 'failing', since });

      receiver.respondWith(200);
      await deliveryWith(client, await postEvent(client), { status: 'succeeded' });
      await becomes(client, id, { failureCount: 0 });
      expect(await told()).toEqual({ state: 'healthy' });

      receiver.respondWith(410);
      await deliveryWith(client, await postEvent(client), { status: 'failed' });
      await becomes(client, id, { isActive: false });
      const gone = await told();
      expect(gone).toEqual({
        state: 'disabled',
        since: expect.any(String),
        reason: 'its receiver answered 410 (Gone): it wants no more deliveries',
        remedy: expect.stringContaining(`PATCH /v1/webhooks/${id} {"isActive": true}`),
      });
      const disabled = await client.patch(`/v1/webhooks/${id}`, { isActive: false });
      // Disabled anew, by a key.
      expect(disabled.body.data.health).toEqual({ ...gone, since: expect.any(String) });
      const enabled = await client.patch(`/v1/webhooks/${id}`, { isActive: true });
      expect(enabled.body.data.health).toEqual({ state: 'healthy' });
    },
  );

  it.each(WAYS)(
    'is not changed by what fails on the operator’s side, and nothing is disabled, dispatched %s',
    async (dispatch) => {
      let status: number | null = 407;
      const proxy = await ConnectProxy.start({ refuse: () => status });
      const own = await Stack.start({ POSTHORN_EGRESS_PROXY: proxy.url });
      try {
        const policy = { retryDelaysMs: [1000], autoDisableAfter: 2 };
        const { client } = await own.project({ dispatch, policy });
        const { id } = await makeWebhook(client, receiver.url);
        const { deliveries, webhooks } = own.store;
        // As many as would disable it.
        await webhooks.model.updateOne({ _id: id }, { $set: { failureCount: 2 } });
        const before = await health(client, id);
        const deliveryId = await postEvent(client);
        const { attempts } = await deliveryWith(client, deliveryId, { status: 'failed' });
        const failed = { outcome: 'failed', errorCode: 'egress', errorMessage: expect.any(String) };
        expect(attempts).toMatchObject([failed, failed]);
        await eventually('its failure is followed up', async () => {
          const found = await deliveries.find(deliveryId);
          return found!.healthCounted === 2 && found!.followUp === undefined;
        });
        expect(await health(client, id)).toEqual(before);
        status = null;
        await deliveryWith(client, await postEvent(client), { status: 'succeeded' });
        await becomes(client, id, { failureCount: 0 });
      } finally {
        await own.stop();
        await proxy.close();
      }
    },
  );

  it('counts each of many failures at once, and is clean after one success', async () => {
    const { client } = await stack.project({ policy: { retryDelaysMs: [1000] } });
    const { id } = await makeWebhook(client, receiver.url);
    receiver.respondWith(500);
    const { body } = await client.post(`/v1/webhooks/${id}/test`);
    const deliveries = body.data.deliveries as { id: string }[];
    expect(deliveries).toHaveLength(13);
    for (const delivery of deliveries) {
      await deliveryWith(client, delivery.id, { status: 'failed' });
    }
    expect(receiver.requests).toHaveLength(26);
    await becomes(client, id, { failureCount: 26 });
    expect(await health(client, id)).toMatchObject({
      failureCount: 26,
      lastStatus: 500,
      lastSuccessAt: null,
      lastFailedAt: expect.any(String),
    });

    receiver.respondWith(200);
    const deliveryId = await postEvent(client);
    await deliveryWith(client, deliveryId, { status: 'succeeded' });
    await becomes(client, id, { failureCount: 0, lastStatus: 200 });
    const after = await health(client, id);
    expect(after.lastSuccessAt > after.lastFailedAt).toBe(true);
  });

  it.each(THRESHOLDS)(
    'in %s, disables it after %s failures in a row',
    async (profile, threshold) => {
      const { client } = await stack.project({ profile });
      if (profile === 'custom') {
        await client.send('PUT', '/v1/event-types/order.created', {
          description: 'An order.',
          schema: { type: 'object' },
          sample: {},
        });
      }
      const { data } = (await client.get('/v1/webhooks/events/available')).body;
      const events = [data.events[0] as string];
      const policy = { retryDelaysMs: [1000] };
      const { id } = await makeWebhook(client, receiver.url, { events, policy });
      // The ping, where there is one, has been counted.
      if (profile === 'emailsendx') await becomes(client, id, { lastStatus: 200 });
      receiver.respondWith(500);
      // Two attempts fail: to one failure below the threshold, or far beyond what any profile has.
      await setFailures(id, threshold === null ? 10_000 : threshold - 3);
      await test(client, id, 'failed');
      const below = { isActive: true, disabledReason: null };
      await becomes(client, id, { ...below, failureCount: (threshold ?? 10_003) - 1 });

      await test(client, id, 'failed');
      const expected =
        threshold === null
          ? { isActive: true, disabledReason: null, failureCount: 10_004 }
          : {
              isActive: false,
              disabledReason: 'consecutive_failures',
              failureCount: threshold + 1,
            };
      await becomes(client, id, expected);
    },
  );

  it('disables it only when a delivery has failed, however many attempts did', async () => {
    const { client } = await stack.project({ profile: 'ahasend' });
    const { id } = await makeWebhook(client, receiver.url, { events: ['message.bounced'] });
    await setFailures(id, 500);
    receiver.respondWith((_request, n) => (n === 1 ? 500 : 200));
    const { body } = await client.post(`/v1/webhooks/${id}/test`);
    const deliveryId = body.data.deliveries[0].id as string;
    await deliveryWith(client, deliveryId, { attemptCount: 1 });
    await becomes(client, id, { isActive: true, failureCount: 501 });
    await client.post(`/v1/deliveries/${deliveryId}/retry`);
    await deliveryWith(client, deliveryId, { status: 'succeeded' });
    await becomes(client, id, { isActive: true, failureCount: 0 });
  });

  it('ends with a 410, which ends the delivery too; what comes after is skipped, and can be replayed', async () => {
    const { client } = await stack.project();
    const { id } = await makeWebhook(client, receiver.url);
    receiver.respondWith(410);
    const gone = await postEvent(client);
    const delivery = await deliveryWith(client, gone, { status: 'failed' });
    expect(delivery).toMatchObject({ attemptCount: 1, nextAttemptAt: null });
    const disabled = await eventually('it is disabled', async () => {
      const found = await health(client, id);
      return found.isActive === false && found;
    });
    expect(disabled).toMatchObject({ disabledReason: 'gone', lastStatus: 410, failureCount: 1 });
    const skipped = await postEvent(client);
    await deliveryWith(client, skipped, { status: 'skipped', attemptCount: 0 });
    expect(receiver.requests).toHaveLength(1);

    receiver.respondWith(200);
    const enabled = await client.patch(`/v1/webhooks/${id}`, { isActive: true });
    expect(enabled.body.data).toMatchObject({ failureCount: 0, disabledReason: null });
    for (const one of [gone, skipped]) {
      await client.post(`/v1/deliveries/${one}/replay`);
      await deliveryWith(client, one, { status: 'succeeded', replays: 1 });
    }
  });
});
