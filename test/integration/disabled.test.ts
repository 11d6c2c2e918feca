import type { ApiClient } from '../support/api-client';
import { queueOf, type DeliveryRecord } from '../../src/store/delivery-record';
import { endDeliveriesOf } from '../../src/store/end-deliveries';
import { deliveryWith, makeWebhook, postEvent } from '../support/deliveries';
import { WAYS } from '../support/dispatch';
import { eventually } from '../support/eventually';
import { portalLink } from '../support/portal-link';
import { emailSent } from '../support/samples';
import { useFreshReceiver, useStack } from '../support/use';
import { expectRefusal } from './api/refusal';

/** Of whose held answers no standstill makes a time-out. */
const LATE = { policy: { timeoutMs: 60_000, retryDelaysMs: [86_400_000] } };
/** In time for a busy machine to disable the webhook before, and to see its workflow end before. */
const SOON = { policy: { retryDelaysMs: [30_000] } };

/** Far more than go at a time. */
const MANY = 80;

const stack = useStack();

describe.each(WAYS)('what was still to be sent, dispatched %s,', (dispatch) => {
  const receiver = useFreshReceiver();
  let client: ApiClient;

  beforeEach(async () => {
    ({ client } = await stack.project({ dispatch }));
  });

  /** A webhook with a delivery that backs off. */
  async function backingOff(settings: Record<string, unknown> = LATE) {
    const webhook = await makeWebhook(client, receiver.url, settings);
    receiver.respondWith(500);
    const id = await postEvent(client);
    const { workflow } = await deliveryWith(client, id, { attemptCount: 1 });
    if (workflow) {
      await eventually('it waits', async () => (await stack.engine.findRun(id)) === 'waiting');
    }
    receiver.respondWith(200);
    return { webhook, id, path: `/v1/webhooks/${webhook.id}` };
  }
  const read = async (id: string) => (await client.get(`/v1/deliveries/${id}`)).body.data;
  const skipped = { status: 'skipped', endReason: 'webhook_disabled', nextAttemptAt: null };

  describe('to a webhook that is disabled', () => {
    it('has ended as skipped by the answer, with the reason, and is not sent when it is due', async () => {
      const { id, path } = await backingOff(SOON);
      expect((await client.patch(path, { isActive: false })).status).toBe(200);
      const delivery = await read(id);
      expect(delivery).toMatchObject(skipped);
      expect(delivery.completedAt).not.toBeNull();
      await eventually('no workflow of it runs', async () => {
        return [null, 'ended'].includes(await stack.engine.findRun(id));
      });
      expect(await read(id)).toEqual(delivery);
      expect(receiver.requests).toHaveLength(1);
    });

    it('has ended as skipped although it was held, and is not sent by a resume', async () => {
      const webhook = await makeWebhook(client, receiver.url);
      const path = `/v1/webhooks/${webhook.id}`;
      await client.post(`${path}/pause`);
      const id = await postEvent(client);
      await deliveryWith(client, id, { status: 'held' });
      await client.patch(path, { isActive: false });
      expect(await read(id)).toMatchObject(skipped);
      await client.post(`${path}/resume`);
      expect(await stack.reconcile()).toMatchObject({ drains: 0, deliveries: 0 });
      expect(await read(id)).toMatchObject(skipped);
      expect(receiver.requests).toHaveLength(0);
    });

    it('is reported when it is enabled, with the replay that sends it', async () => {
      const { id, path } = await backingOff();
      const disabled = await client.patch(path, { isActive: false });
      expect(disabled.body.data).not.toHaveProperty('skipped');
      const later = await postEvent(client);
      await deliveryWith(client, later, { status: 'skipped' });
      const { data } = (await client.patch(path, { isActive: true })).body;
      expect(data.skipped.count).toBe(2);
      const again = await client.patch(path, { isActive: true });
      expect(again.body.data).not.toHaveProperty('skipped');
      const replay = await client.post('/v1/replays', data.skipped.replay);
      expect(replay.status).toBe(202);
      expect(replay.body.data.matched).toBe(2);
      for (const each of [id, later]) {
        const sent = await deliveryWith(client, each, { status: 'succeeded', replays: 1 });
        expect(sent).not.toHaveProperty('endReason');
      }
    });

    it('is reported once: enabling it again reports what was skipped since it was enabled', async () => {
      const { path } = await backingOff();
      const missed = async () => {
        await client.patch(path, { isActive: false });
        await deliveryWith(client, await postEvent(client), { status: 'skipped' });
        return (await client.patch(path, { isActive: true })).body.data.skipped;
      };
      expect((await missed()).count).toBe(2);
      const again = await missed();
      expect(again.count).toBe(1);
      const replay = await client.post('/v1/replays', { ...again.replay, dryRun: true });
      expect(replay.body.data.matched).toBe(1);
    });

    it('is replayed alone, however long before one was made that was replayed and skipped again', async () => {
      const { id, path } = await backingOff();
      const setActive = async (isActive: boolean) =>
        (await client.patch(path, { isActive })).body.data.skipped;
      await setActive(false);
      const later = await postEvent(client);
      await deliveryWith(client, later, { status: 'skipped' });
      expect((await setActive(true)).count).toBe(2);
      await client.post(`${path}/pause`);
      expect((await client.post(`/v1/deliveries/${id}/replay`)).status).toBe(202);
      await deliveryWith(client, id, { status: 'held' });
      await setActive(false);
      await deliveryWith(client, id, { status: 'skipped' });
      const again = await setActive(true);
      expect(again.count).toBe(1);
      await client.post(`${path}/resume`);
      const replay = await client.post('/v1/replays', again.replay);
      expect(replay.body.data).toMatchObject({ matched: 1, endedSince: again.replay.endedSince });
      await deliveryWith(client, id, { status: 'succeeded', replays: 2 });
      expect(await read(later)).toMatchObject(skipped);
    });

    it('is nothing, by the answer to enabling one that has missed nothing', async () => {
      const webhook = await makeWebhook(client, receiver.url);
      const path = `/v1/webhooks/${webhook.id}`;
      await client.patch(path, { isActive: false });
      const { data } = (await client.patch(path, { isActive: true })).body;
      expect(data.skipped).toEqual({ count: 0, replay: null });
    });

    it('has ended as skipped when a 410 has disabled it', async () => {
      const { id } = await backingOff();
      receiver.respondWith(410);
      const gone = await postEvent(client);
      await deliveryWith(client, gone, { status: 'failed' });
      expect(await deliveryWith(client, id, { status: 'skipped' })).toMatchObject(skipped);
    });

    it('is not sent any more once a 410 has come, but for what is on its way', async () => {
      const webhook = await makeWebhook(client, receiver.url);
      const path = `/v1/webhooks/${webhook.id}`;
      await client.post(`${path}/pause`);
      const events = Array.from({ length: MANY }, () => ({ type: 'email.sent', data: emailSent }));
      await client.post('/v1/events/batch', { events });
      const count = async (...statuses: string[]): Promise<number> => {
        const query = `status=${statuses.join(',')}&limit=100`;
        return (await client.get(`/v1/deliveries?${query}`)).body.data.deliveries.length as number;
      };
      await eventually('all are held', async () => (await count('held')) === MANY);
      let answer!: () => void;
      const after = new Promise<void>((resolve) => (answer = resolve));
      receiver.respondWith((_request, n) =>
        n === 1 ? 410 : { kind: 'answer', status: 410, after },
      );
      await client.post(`${path}/resume`);
      await eventually('it is disabled', async () => !(await client.get(path)).body.data.isActive);
      answer();
      await eventually('all have ended', async () => (await count('failed', 'skipped')) === MANY);
      // Some may have been on their way when the first was answered, and some when that was recorded.
      expect(receiver.requests.length).toBeLessThan(MANY / 2);
    });

    it('has ended as skipped when failures have disabled it', async () => {
      const policy = { retryDelaysMs: [86_400_000], autoDisableAfter: 2 };
      const { id, webhook } = await backingOff({ policy });
      receiver.respondWith(500);
      // One whose only retry is requested, and fails permanently.
      const failing = await postEvent(client);
      await deliveryWith(client, failing, { attemptCount: 1 });
      await client.post(`/v1/deliveries/${failing}/retry`);
      await deliveryWith(client, failing, { status: 'failed' });
      expect(await deliveryWith(client, id, { status: 'skipped' })).toMatchObject(skipped);
      const { data } = (await client.get(`/v1/webhooks/${webhook.id}`)).body;
      expect(data).toMatchObject({ isActive: false, disabledReason: 'consecutive_failures' });
    });

    it('has ended as skipped if it was requested before somebody else disabled it too', async () => {
      const { id, path } = await backingOff();
      const { client: portal } = await portalLink(client, 'manage');
      receiver.respondWith(410);
      await deliveryWith(client, await postEvent(client), { status: 'failed' });
      await deliveryWith(client, id, { status: 'skipped' });
      receiver.respondWith(500);
      const replay = async (replays: number): Promise<void> => {
        expect((await client.post(`/v1/deliveries/${id}/replay`)).status).toBe(202);
        await deliveryWith(client, id, { status: 'pending', replays, attemptCount: replays + 1 });
      };
      await replay(1);
      await portal.patch(path, { isActive: false });
      expect(await read(id)).toMatchObject(skipped);
      await replay(2);
      const { data } = (await client.patch(path, { isActive: false })).body;
      expect(data).toMatchObject({ disabledReason: 'gone', disabledBy: 'platform' });
      expect(await read(id)).toMatchObject(skipped);
      await replay(3);
      // As callers do who repeat what they have read.
      const again = (await client.patch(path, { isActive: false })).body.data;
      expect(again.health.since).toBe(data.health.since);
      expect(await read(id)).toMatchObject({ status: 'pending', replays: 3 });
      expect(receiver.requests).toHaveLength(5);
    });

    it('ends as skipped where it was planned while the webhook was being disabled', async () => {
      const { id, webhook } = await backingOff();
      // As if the plan had read it before, and written after the existing ones had been ended.
      await stack.store.webhooks.model.updateOne({ _id: webhook.id }, { isActive: false });
      await stack.store.deliveries.hasten(id);
      await eventually('it has ended', async () => {
        await stack.reconcile();
        return (await read(id)).status === 'skipped';
      });
      expect(await read(id)).toMatchObject(skipped);
      expect(receiver.requests).toHaveLength(1);
    });

    it('includes tests that were requested before, and their replays, but not those that follow', async () => {
      const webhook = await makeWebhook(client, receiver.url, LATE);
      const path = `/v1/webhooks/${webhook.id}`;
      const test = async (): Promise<string> => {
        const { body } = await client.post(`${path}/test`, { events: ['email.sent'] });
        return body.data.deliveries[0].id as string;
      };
      receiver.respondWith(500);
      const tests = [await test()];
      await deliveryWith(client, tests[0]!, { attemptCount: 1 });
      await client.post(`${path}/pause`);
      tests.push(await test());
      await deliveryWith(client, tests[1]!, { status: 'held' });
      await client.patch(path, { isActive: false });
      for (const id of tests) expect(await read(id)).toMatchObject({ ...skipped, test: true });
      const { data } = (await client.patch(path, { isActive: true })).body;
      expect(data.skipped.count).toBe(2);
      const replay = await client.post('/v1/replays', data.skipped.replay);
      for (const id of tests) await deliveryWith(client, id, { status: 'held', replays: 1 });
      await client.patch(path, { isActive: false });
      for (const id of tests) expect(await read(id)).toMatchObject({ ...skipped, replays: 1 });
      await eventually('the replay is completed', async () => {
        const { status, replayed, failed } = (
          await client.get(`/v1/replays/${replay.body.data.id}`)
        ).body.data;
        return status === 'completed' && replayed === 0 && failed === 2;
      });
      receiver.respondWith(200);
      await client.post(`${path}/resume`);
      await deliveryWith(client, await test(), { status: 'succeeded' });
      expect(receiver.requests).toHaveLength(2);
    });

    it('does not include its tests and its replays, single or in bulk, which are sent anyway', async () => {
      const { id, path, webhook } = await backingOff();
      await client.patch(path, { isActive: false });
      const { body } = await client.post(`${path}/test`, { events: ['email.sent'] });
      const [{ id: test }] = body.data.deliveries;
      await deliveryWith(client, test, { status: 'succeeded', webhookId: webhook.id });
      expect((await client.post(`/v1/deliveries/${id}/replay`)).status).toBe(202);
      await deliveryWith(client, id, { status: 'succeeded', replays: 1 });
      const range = { since: '2020-01-01T00:00:00Z', until: '2099-01-01T00:00:00Z' };
      await client.post('/v1/replays', { ...range, statuses: ['succeeded'] });
      await deliveryWith(client, id, { status: 'succeeded', replays: 2 });
      await deliveryWith(client, test, { status: 'succeeded', replays: 1 });
    });
  });

  it('to a webhook that is deleted has ended as cancelled by the answer, and can not be retried', async () => {
    const { id, path } = await backingOff();
    const { client: other } = await stack.project({ dispatch });
    expect((await client.delete(path)).status).toBe(200);
    const cancelled = { status: 'cancelled', endReason: 'webhook_deleted', nextAttemptAt: null };
    expect(await read(id)).toMatchObject(cancelled);
    const retried = await client.post(`/v1/deliveries/${id}/retry`);
    expectRefusal(retried, 'delivery_ended');
    expect(retried.body.error.message).toContain('unless its webhook');
    expectRefusal(await client.post(`/v1/deliveries/${id}/replay`), 'webhook_deleted');
    expect((await other.get(`/v1/deliveries/${id}`)).status).toBe(404);
    expect(receiver.requests).toHaveLength(1);
  });

  describe('that is on its way', () => {
    /** Two that are on their way: one will be answered with a success, and one with a failure. */
    async function onTheirWay() {
      const webhook = await makeWebhook(client, receiver.url, LATE);
      receiver.respondWith(500);
      const ids = [await postEvent(client), await postEvent(client)];
      for (const id of ids) await deliveryWith(client, id, { attemptCount: 1 });
      let answer!: () => void;
      const after = new Promise<void>((resolve) => (answer = resolve));
      receiver.respondWith(({ headers }) => ({
        kind: 'answer',
        status: headers['x-webhook-delivery-id'] === ids[0] ? 200 : 503,
        after,
      }));
      for (const id of ids) await client.post(`/v1/deliveries/${id}/retry`);
      await receiver.waitFor(4);
      return { ids, answer, path: `/v1/webhooks/${webhook.id}` };
    }
    const cancelled = { status: 'cancelled', endReason: 'webhook_deleted', nextAttemptAt: null };

    it.each([
      ['disabled', skipped, (path: string) => client.patch(path, { isActive: false })],
      ['deleted', cancelled, (path: string) => client.delete(path)],
    ])('to a webhook that is %s still succeeds, unless it fails', async (_how, ended, end) => {
      const { ids, answer, path } = await onTheirWay();
      expect((await end(path)).status).toBe(200);
      for (const id of ids) expect(await read(id)).toMatchObject(ended);
      answer();
      const [arrived, failed] = ids as [string, string];
      const delivery = await deliveryWith(client, arrived, { attemptCount: 2 });
      expect(delivery).toMatchObject({ status: 'succeeded', nextAttemptAt: null, replays: 0 });
      expect(delivery).not.toHaveProperty('endReason');
      expect(await deliveryWith(client, failed, { attemptCount: 2 })).toMatchObject(ended);
      expect(receiver.requests).toHaveLength(4);
    });

    it('is not sent again by the replay that enabling suggests', async () => {
      const { ids, answer, path } = await onTheirWay();
      await client.patch(path, { isActive: false });
      answer();
      for (const id of ids) await deliveryWith(client, id, { attemptCount: 2 });
      receiver.respondWith(200);
      const { skipped: missed } = (await client.patch(path, { isActive: true })).body.data;
      expect(missed.count).toBe(1);
      expect((await client.post('/v1/replays', missed.replay)).body.data.matched).toBe(1);
      await deliveryWith(client, ids[1]!, { status: 'succeeded', replays: 1 });
      expect(receiver.requests).toHaveLength(5);
      const { deliveries } = (await client.get(`${path}/stats`)).body.data;
      expect(deliveries).toMatchObject({ total: 2, succeeded: 2, skipped: 0 });
    });

    it('is still cancelled if somebody has asked for that', async () => {
      const { ids, answer } = await onTheirWay();
      await client.post(`/v1/deliveries/${ids[0]}/cancel`);
      answer();
      const delivery = await deliveryWith(client, ids[0]!, { attemptCount: 2 });
      expect(delivery.status).toBe('cancelled');
    });
  });

  /** Stores deliveries like that one. */
  async function copy(id: string, changes: Partial<DeliveryRecord>[]): Promise<DeliveryRecord> {
    const like = (await stack.store.deliveries.find(id))!;
    const copies = changes.map((change, n) => ({
      ...like,
      _id: `${like._id}-${n}`,
      eventId: `${like.eventId}-${n}`,
      ...change,
    }));
    await stack.store.deliveries.model.insertMany(copies);
    return like;
  }

  it('to a webhook that is deleted ends where it was queued while the webhook was being deleted', async () => {
    const { id, path } = await backingOff();
    await client.delete(path);
    // As if a plan and a bulk replay had read the webhook before, and written after the existing ones had been ended.
    const { projectId, webhookId } = (await stack.store.deliveries.find(id))!;
    const queued = { nextAttemptAt: null, endReason: null, completedAt: null };
    await copy(id, [
      { ...queued, status: 'held', queuedIn: projectId },
      { ...queued, status: 'pending', queuedIn: queueOf(projectId, 'replay') },
    ]);
    await eventually('all are cancelled', async () => {
      await stack.reconcile();
      const found = await stack.store.deliveries.model.find({ webhookId }).lean();
      return found.every(({ status }) => status === 'cancelled') && found.length === 3;
    });
  });

  it('of more than one batch is ended completely', async () => {
    const { id, path } = await backingOff();
    const { webhookId } = await copy(
      id,
      Array.from({ length: 2500 }, () => ({})),
    );
    await client.patch(path, { isActive: false });
    const { model } = stack.store.deliveries;
    // The request waits for it, but on a busy machine not for all.
    await eventually('all are skipped', async () => {
      if ((await stack.store.endings.find(webhookId)) !== null) await stack.reconcile();
      return (await model.countDocuments({ webhookId, status: 'skipped' })) === 2501;
    });
    expect(await model.countDocuments({ webhookId, status: { $ne: 'skipped' } })).toBe(0);
    expect(await stack.store.endings.find(webhookId)).toBeNull();
  });

  it('of more than a request may wait for is ended by reconcile', async () => {
    const { id } = await backingOff();
    const { webhookId, projectId } = await copy(
      id,
      Array.from({ length: 1500 }, () => ({})),
    );
    const { endings, webhooks, deliveries } = stack.store;
    await webhooks.model.updateOne({ _id: webhookId }, { isActive: false });
    await endings.note({ _id: webhookId, projectId }, 'webhook_disabled');
    await endDeliveriesOf(stack.store, webhookId, 0);
    const left = await deliveries.model.countDocuments({ webhookId, status: 'pending' });
    expect(left).toBeLessThanOrEqual(1001);
    await eventually('all are skipped', async () => {
      await stack.reconcile();
      return (await deliveries.model.countDocuments({ webhookId, status: 'skipped' })) === 1501;
    });
  });
});
