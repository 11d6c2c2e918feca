import { deliveryWorkflowId } from '../../src/contracts/temporal';
import type { ApiClient } from '../support/api-client';
import { deliveryWith, makeWebhook, postEvent } from '../support/deliveries';
import { expectRefusal } from './api/refusal';
import { eventually } from '../support/eventually';
import { emailSent } from '../support/samples';
import { Stack } from '../support/stack';
import { useFreshReceiver, useStack } from '../support/use';

const HOUR_MS = 60 * 60 * 1000;

describe('a delivery that has not ended', () => {
  const stack = useStack();
  const receiver = useFreshReceiver();
  let client: ApiClient;
  let projectId: string;

  beforeEach(async () => {
    // No second attempt while a test lasts.
    const policy = { retryDelaysMs: [24 * HOUR_MS] };
    ({ client, id: projectId } = await stack.project({ policy }));
  });

  /** The events and deliveries of these have expired, the last one's first. */
  const expire = async (...ids: string[]): Promise<void> => {
    const { events, deliveries } = stack.store;
    for (const [index, id] of ids.entries()) {
      const expiresAt = new Date(Date.now() - HOUR_MS * (ids.length - index));
      const delivery = await deliveries.find(id);
      await events.model.updateOne({ _id: delivery!.eventId }, { $set: { expiresAt } });
      await deliveries.model.updateOne({ _id: id }, { $set: { expiresAt } });
    }
  };
  const found = async (id: string, eventId: string) => ({
    delivery: (await stack.store.deliveries.find(id)) !== null,
    event: (await stack.store.events.find(eventId)) !== null,
  });

  it('does not expire, nor does its event, with reconcile or without; once it has ended, it does', async () => {
    const { id: webhookId } = await makeWebhook(client, receiver.url);
    const ended = await postEvent(client);
    const { eventId: ofEnded } = await deliveryWith(client, ended, { status: 'succeeded' });
    receiver.respondWith(500);
    const waiting = await postEvent(client);
    const { eventId: ofWaiting } = await deliveryWith(client, waiting, { attemptCount: 1 });
    await client.post(`/v1/webhooks/${webhookId}/pause`);
    const held = await postEvent(client);
    const { eventId: ofHeld } = await deliveryWith(client, held, { status: 'held' });
    await expire(waiting, held, ended);

    await eventually('MongoDB has removed the one that has ended', async () => {
      return (await stack.store.deliveries.find(ended)) === null;
    });
    await stack.reconcile();
    expect(await found(ended, ofEnded)).toEqual({ delivery: false, event: false });
    expect(await found(waiting, ofWaiting)).toEqual({ delivery: true, event: true });
    expect(await found(held, ofHeld)).toEqual({ delivery: true, event: true });

    // It can be seen, and replayed, for a day after its end.
    receiver.respondWith(200);
    await client.post(`/v1/webhooks/${webhookId}/resume`);
    await deliveryWith(client, held, { status: 'succeeded' });
    await stack.reconcile();
    const { expiresAt } = (await stack.store.deliveries.find(held))!;
    expect(Math.round((expiresAt.getTime() - Date.now()) / HOUR_MS)).toBe(24);
    expect(await found(held, ofHeld)).toEqual({ delivery: true, event: true });
    await client.post(`/v1/deliveries/${waiting}/cancel`);
    await deliveryWith(client, waiting, { status: 'cancelled' });
    await stack.reconcile();
    expect(await found(waiting, ofWaiting)).toEqual({ delivery: true, event: true });
  });

  it('is still to be planned: its event does not expire, and what is skipped then does not either', async () => {
    await makeWebhook(client, receiver.url);
    const { id: disabled } = await makeWebhook(client, receiver.url);
    await client.patch(`/v1/webhooks/${disabled}`, { isActive: false });
    const { body: tests } = await client.post(`/v1/webhooks/${disabled}/test`, {
      events: ['email.sent'],
    });
    const ended = tests.data.deliveries[0].id as string;
    await deliveryWith(client, ended, { status: 'succeeded' });
    const start = jest
      .spyOn(stack.engine, 'startFanOut')
      .mockRejectedValue(new Error('unavailable'));
    const { body } = await client.post('/v1/events', { type: 'email.sent', data: emailSent });
    const eventId = body.data.id as string;
    const past = { $set: { expiresAt: new Date(Date.now() - HOUR_MS) } };
    await stack.store.events.model.updateOne({ _id: eventId }, past);
    await expire(ended);
    await eventually('MongoDB has removed another one, which has ended', async () => {
      return (await stack.store.deliveries.find(ended)) === null;
    });
    await stack.reconcile();
    expect(await stack.store.events.find(eventId)).toMatchObject({ fannedOutAt: null });
    start.mockRestore();
    expect(await stack.reconcile()).toMatchObject({ events: 1 });
    await eventually('it is delivered, and can be seen', async () => {
      const { body: list } = await client.get(`/v1/deliveries?eventId=${eventId}&status=succeeded`);
      return list.data.deliveries.length === 1;
    });
    const { model } = stack.store.deliveries;
    const skipped = await model.findOne({ eventId, webhookId: disabled }).lean();
    expect(skipped!.status).toBe('skipped');
    expect(skipped!.expiresAt.getTime()).toBeGreaterThan(Date.now());
    await stack.reconcile();
    expect(await stack.store.events.find(eventId)).not.toBeNull();
  });

  it('goes with its project when that is deleted', async () => {
    const { id: webhookId } = await makeWebhook(client, receiver.url);
    await client.post(`/v1/webhooks/${webhookId}/pause`);
    const held = await postEvent(client);
    const { eventId } = await deliveryWith(client, held, { status: 'held' });
    await stack.admin.delete(`/v1/projects/${projectId}`);
    expect(await found(held, eventId)).toEqual({ delivery: false, event: false });
    expect((await client.get(`/v1/deliveries/${held}`)).status).toBe(401);
  });

  it('is found by an index, and so is what has expired', async () => {
    const { deliveries, events } = stack.store;
    const plans = await Promise.all([
      events.model
        .find({ expiresAt: { $lte: new Date() }, fannedOutAt: { $type: 'date' } })
        .explain('queryPlanner'),
      ...[
        { key: 'eventId', query: { eventId: { $in: ['a', 'b'] }, status: 'pending' } },
        { key: 'webhookId', query: { webhookId: { $gt: '' }, status: 'held' } },
      ].map((explained) =>
        deliveries.model.db.db!.command({ explain: { distinct: 'deliveries', ...explained } }),
      ),
    ]);
    for (const plan of plans.map((each) => JSON.stringify(each))) {
      expect(plan).toMatch(/"indexName":"(expiresAt_1|eventId_1_|webhookId_1_)/);
      expect(plan).not.toContain('COLLSCAN');
    }
  });

  /** One that waits for its second attempt, its workflow terminated by an operator. */
  const withoutWorkflow = async (): Promise<string> => {
    await makeWebhook(client, receiver.url);
    receiver.respondWith(500);
    const id = await postEvent(client);
    await deliveryWith(client, id, { attemptCount: 1 });
    await stack.temporal(({ workflow }) => workflow.getHandle(deliveryWorkflowId(id)).terminate());
    receiver.respondWith(200);
    return id;
  };

  it('is attempted now when asked to, although its workflow is gone', async () => {
    const id = await withoutWorkflow();
    expect((await client.post(`/v1/deliveries/${id}/retry`)).status).toBe(202);
    await deliveryWith(client, id, { status: 'succeeded', attemptCount: 2, replays: 0 });
  });

  it('that is to be attempted now is sent later if Temporal becomes unavailable meanwhile', async () => {
    const id = await withoutWorkflow();
    const spy = jest.spyOn(stack.engine, 'runDelivery');
    spy.mockRejectedValueOnce(new Error('unavailable'));
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
