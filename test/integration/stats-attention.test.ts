import { queueOf } from '../../src/store/delivery-record';
import { makeWebhook } from '../support/deliveries';
import { useReceiver, useStack } from '../support/use';
import { insertDelivery, insertUnplanned } from './api/insert';

const DAY_MS = 24 * 3_600_000;

describe('stats', () => {
  const stack = useStack();
  const receiver = useReceiver();

  it('name what needs attention: the oldest pending delivery, and webhooks that fail', async () => {
    const { id, client } = await stack.project();
    const [failing, gone] = [
      await makeWebhook(client, receiver.url, { name: 'Failing' }),
      await makeWebhook(client, receiver.url, { name: 'Gone' }),
    ];
    await makeWebhook(client, receiver.url, { name: 'Healthy' });
    const healthIn = async (webhookId: string) =>
      (await client.get(`/v1/webhooks/${webhookId}`)).body.data.health;
    const { model } = stack.store.webhooks;
    const failed = { failureCount: 3, lastStatus: 503, lastFailedAt: new Date() };
    await model.updateOne({ _id: failing.id }, { $set: failed });
    const disabled = { isActive: false, disabledReason: 'gone', failureCount: 1, lastStatus: 410 };
    await model.updateOne({ _id: gone.id }, { $set: disabled });
    const old = { projectId: id, status: 'pending' as const, webhookId: failing.id };
    const oldest = await insertDelivery(stack, {
      ...old,
      createdAt: new Date(Date.now() - DAY_MS * 2),
    });
    await insertDelivery(stack, old);
    const { oldestPending, failingWebhooks } = (await client.get('/v1/stats')).body.data;
    expect(oldestPending).toMatchObject({ id: oldest, webhookId: failing.id });
    expect(failingWebhooks).toMatchObject({
      count: 2,
      webhooks: [
        { id: gone.id, name: 'Gone', failureCount: 1, ...(await healthIn(gone.id)) },
        { id: failing.id, name: 'Failing', failureCount: 3, ...(await healthIn(failing.id)) },
      ],
    });
    expect(failingWebhooks.webhooks[1]).toMatchObject({
      state: 'failing',
      remedy: expect.any(String),
    });
    // One that is paused is not called failing in either.
    await client.post(`/v1/webhooks/${failing.id}/pause`);
    expect((await client.get('/v1/stats')).body.data.failingWebhooks.count).toBe(1);
    expect((await healthIn(failing.id)).state).toBe('paused');
  });

  it('name what has been due for longest, not what waits in the queue or for its time', async () => {
    const { id: projectId, client } = await stack.project();
    const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000);
    const oldestDue = async () => (await client.get('/v1/stats')).body.data.oldestDue;
    const pending = { projectId, status: 'pending' as const, completedAt: null };
    const queued = { deferredFor: 'replay' as const, queuedIn: queueOf(projectId, 'replay') };
    await insertDelivery(stack, { ...pending, ...queued, createdAt: minutesAgo(600) });
    await insertDelivery(stack, {
      ...pending,
      createdAt: minutesAgo(500),
      nextAttemptAt: minutesAgo(-60),
    });
    expect(await oldestDue()).toBeNull();
    // Each has been due for longer than those before it.
    let minutes = 1;
    for (const express of [{}, { isExpress: true }]) {
      const nextAttemptAt = minutesAgo((minutes += 1));
      const deliveryId = await insertDelivery(stack, { ...pending, ...express, nextAttemptAt });
      expect(await oldestDue()).toMatchObject({
        deliveryId,
        eventId: expect.stringMatching(/^evt_/) as string,
        eventType: 'email.sent',
        dueAt: nextAttemptAt.toISOString(),
      });
    }
    for (const express of [{}, { isExpress: true }]) {
      const acceptedAt = minutesAgo((minutes += 1));
      const eventId = await insertUnplanned(stack, { projectId, acceptedAt, ...express });
      expect(await oldestDue()).toEqual({
        deliveryId: null,
        eventId,
        eventType: 'email.sent',
        dueAt: acceptedAt.toISOString(),
      });
      await stack.store.events.markFannedOut(eventId);
      expect((await oldestDue()).deliveryId).not.toBeNull();
    }
  });
});
