import { Client, Connection } from '@temporalio/client';
import { deliveryWorkflowId } from '../../src/contracts/temporal';
import type { ApiClient } from '../support/api-client';
import { deliveryWith, makeWebhook, postEvent } from '../support/deliveries';
import { expectRefusal } from './api/refusal';
import { Receiver } from '../support/receiver';
import { Stack } from '../support/stack';

const HOUR_MS = 60 * 60 * 1000;

describe('a delivery that has not ended', () => {
  let stack: Stack;
  let temporal: Client;
  let receiver: Receiver;
  let client: ApiClient;
  let projectId: string;

  beforeAll(async () => {
    stack = await Stack.start();
    const { address, namespace } = stack.config.temporal;
    temporal = new Client({ connection: await Connection.connect({ address }), namespace });
  });
  afterAll(async () => {
    await stack.stop();
    await temporal.connection.close();
  });
  beforeEach(async () => {
    receiver = await Receiver.start();
    ({ client, id: projectId } = await stack.project());
  });
  afterEach(() => receiver.close());

  const expireIn = async (id: string, ms: number): Promise<void> => {
    const expiresAt = new Date(Date.now() + ms);
    const { events, deliveries } = stack.store;
    const { eventId } = (await deliveries.find(id))!;
    await deliveries.model.updateOne({ _id: id }, { $set: { expiresAt } });
    await events.model.updateOne({ _id: eventId }, { $set: { expiresAt } });
  };
  /** Hours until the delivery and its event expire. */
  const hoursLeft = async (id: string): Promise<number[]> => {
    const { eventId, expiresAt } = (await stack.store.deliveries.find(id))!;
    const event = (await stack.store.events.find(eventId))!;
    return [expiresAt, event.expiresAt].map((at) =>
      Math.round((at.getTime() - Date.now()) / HOUR_MS),
    );
  };

  it('does not expire while it is held or waits, nor does its event', async () => {
    const { id: webhookId } = await makeWebhook(client, receiver.url);
    const ended = await postEvent(client);
    await deliveryWith(client, ended, { status: 'succeeded' });
    receiver.respondWith(500);
    const waiting = await postEvent(client);
    await deliveryWith(client, waiting, { attemptCount: 1 });
    await client.post(`/v1/webhooks/${webhookId}/pause`);
    const held = await postEvent(client);
    await deliveryWith(client, held, { status: 'held' });
    for (const id of [ended, waiting, held]) await expireIn(id, HOUR_MS);

    await stack.reconcile();

    expect(await hoursLeft(waiting)).toEqual([24, 24]);
    expect(await hoursLeft(held)).toEqual([24, 24]);
    expect(await hoursLeft(ended)).toEqual([1, 1]);
  });

  it('expires with its project when that is deleted', async () => {
    const { id: webhookId } = await makeWebhook(client, receiver.url);
    await client.post(`/v1/webhooks/${webhookId}/pause`);
    const held = await postEvent(client);
    await deliveryWith(client, held, { status: 'held' });
    await stack.admin.delete(`/v1/projects/${projectId}`);
    await stack.reconcile();
    const delivery = await stack.store.deliveries.find(held);
    // MongoDB removes it within a minute, or has by now.
    if (delivery) expect(delivery.expiresAt.getTime()).toBeLessThanOrEqual(Date.now());
    expect((await client.get(`/v1/deliveries/${held}`)).status).toBe(401);
  });

  it('is found by an index, among however many that have', async () => {
    const { model } = stack.store.deliveries;
    const plans = await Promise.all([
      model
        .find({ status: { $in: ['pending', 'held'] }, expiresAt: { $gt: new Date() } })
        .explain('queryPlanner'),
      model.db.db!.command({
        explain: {
          distinct: 'deliveries',
          key: 'webhookId',
          query: { webhookId: { $gt: '' }, status: 'held' },
        },
      }),
    ]);
    for (const plan of plans.map((found) => JSON.stringify(found))) {
      expect(plan).toMatch(/"indexName":"(status_1_expiresAt_1|webhookId_1_)/);
      expect(plan).not.toContain('COLLSCAN');
    }
  });

  it('is attempted now when asked to, although its workflow is gone', async () => {
    await makeWebhook(client, receiver.url);
    receiver.respondWith(500);
    const id = await postEvent(client);
    await deliveryWith(client, id, { attemptCount: 1 });
    await temporal.workflow.getHandle(deliveryWorkflowId(id)).terminate();
    receiver.respondWith(200);
    expect((await client.post(`/v1/deliveries/${id}/retry`)).status).toBe(202);
    await deliveryWith(client, id, { status: 'succeeded', attemptCount: 2, replays: 0 });
  });

  it('that is asked to be attempted now goes out later when Temporal goes away meanwhile', async () => {
    await makeWebhook(client, receiver.url);
    receiver.respondWith(500);
    const id = await postEvent(client);
    await deliveryWith(client, id, { attemptCount: 1 });
    await temporal.workflow.getHandle(deliveryWorkflowId(id)).terminate();
    receiver.respondWith(200);
    const spy = jest.spyOn(stack.engine, 'runDelivery');
    spy.mockRejectedValueOnce(new Error('away'));
    expect((await client.post(`/v1/deliveries/${id}/retry`)).status).toBe(202);
    spy.mockRestore();
    expect(await stack.reconcile()).toMatchObject({ deliveries: 1 });
    await deliveryWith(client, id, { status: 'succeeded', attemptCount: 2, replays: 0 });
  });

  it('can not be retried while its webhook is paused', async () => {
    const { id: webhookId } = await makeWebhook(client, receiver.url);
    receiver.respondWith(500);
    const id = await postEvent(client);
    await deliveryWith(client, id, { attemptCount: 1 });
    await client.post(`/v1/webhooks/${webhookId}/pause`);
    expectRefusal(await client.post(`/v1/deliveries/${id}/retry`), 'delivery_held');
  });
});

describe('a delivery whose run has been asked for and has not come', () => {
  it('is ended by a cancel', async () => {
    const stack = await Stack.start({}, { worker: false });
    const { client } = await stack.project();
    const { id: webhookId } = await makeWebhook(client, 'http://127.0.0.1:9/');
    const tests = await client.post(`/v1/webhooks/${webhookId}/test`, { events: ['email.sent'] });
    const id = tests.body.data.deliveries[0].id as string;
    await client.post(`/v1/deliveries/${id}/cancel`);
    await deliveryWith(client, id, { status: 'cancelled' });
    expect((await client.post(`/v1/deliveries/${id}/replay`)).status).toBe(202);
    const cancelled = await client.post(`/v1/deliveries/${id}/cancel`);
    expect(cancelled.body.data.status).toBe('cancelled');
    await stack.stop();
  });
});
