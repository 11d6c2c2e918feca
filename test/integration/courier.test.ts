import { createHmac } from 'node:crypto';
import { MockActivityEnvironment } from '@temporalio/testing';
import { Hand } from '../../activities/courier/hand';
import { Shift } from '../../activities/courier/shift';
import type { DeliveryRecord } from '../../src/store/delivery-record';
import { deliveryWith, makeWebhook, postEvent } from '../support/deliveries';
import { eventually } from '../support/eventually';
import { useExpress } from '../support/express';
import { Receiver } from '../support/receiver';
import { emailSent } from '../support/samples';
import { Stack } from '../support/stack';
import { insertDeliveries } from './api/insert';

describe('a project whose events are dispatched express', () => {
  const { stack, receiver, client, withStatus, batch, post } = useExpress();

  it('has them delivered, signed and logged, without a workflow of their own', async () => {
    const webhook = await makeWebhook(client, receiver.url);
    const id = await postEvent(client);
    const delivery = await deliveryWith(client, id, { status: 'succeeded' });
    const [request] = receiver.requests;
    expect(delivery).toMatchObject({ workflow: null, replays: 0, attemptCount: 1 });
    expect(delivery.attempts).toMatchObject([{ number: 1, outcome: 'succeeded', statusCode: 200 }]);
    expect(request!.headers['x-webhook-delivery-id']).toBe(id);
    expect(request!.headers['x-webhook-signature']).toBe(
      createHmac('sha256', webhook.secret).update(request!.rawBody).digest('hex'),
    );
    // Written with the delivery, in one transaction.
    const shown = (await client.get(`/v1/webhooks/${webhook.id}`)).body.data;
    expect(shown).toMatchObject({ failureCount: 0, lastStatus: 200 });
    await stack.temporal(async ({ workflow }) => {
      await expect(workflow.getHandle(`delivery/${id}`).describe()).rejects.toThrow(/not found/);
    });
  });

  it('has none delivered by an execution that Temporal has replaced, whose task comes late', async () => {
    await makeWebhook(client, receiver.url);
    const id = await postEvent(client);
    await deliveryWith(client, id, { status: 'succeeded' });
    const { couriers, deliveries } = stack.store;
    const { projectId } = (await deliveries.find(id))!;
    const { shift, execution } = (await couriers.model.findById(projectId))!;
    const currentAttemptScheduledTimestampMs = execution!.getTime() - 1;
    const late = new MockActivityEnvironment({ currentAttemptScheduledTimestampMs });
    await expect(late.run(() => stack.activities.deliverQueued(projectId))).rejects.toThrow(
      'another execution has taken over',
    );
    expect((await couriers.model.findById(projectId))!.shift).toBe(shift);
  });

  it('has nothing sent by a shift that is superseded while it connects', async () => {
    const { id: projectId, client: owner } = await stack.project({ dispatch: 'express' });
    await makeWebhook(owner, receiver.url);
    const real = stack.sender.send.bind(stack.sender);
    const send = jest.spyOn(stack.sender, 'send').mockImplementationOnce(async (request) => {
      // As another process does that thinks this one dead.
      await stack.store.couriers.begin(projectId, new Date());
      await eventually('it is known', () => request.mayStillSend?.() === false);
      return real(request);
    });
    const id = await postEvent(owner);
    await deliveryWith(owner, id, { status: 'succeeded', attemptCount: 1 });
    send.mockRestore();
    expect(receiver.requests).toHaveLength(1);
  });

  it('has each of many delivered once', async () => {
    await makeWebhook(client, receiver.url);
    await makeWebhook(client, receiver.url);
    await batch(200);
    await receiver.waitFor(400);
    await eventually('all are recorded', async () => (await withStatus('pending')).length === 0);
    const ids = new Set(receiver.requests.map(({ headers }) => headers['x-webhook-delivery-id']));
    expect(ids.size).toBe(400);
    expect(receiver.requests).toHaveLength(400);
  });

  it('retries what failed by its schedule, and counts', async () => {
    const webhook = await makeWebhook(client, receiver.url, {
      policy: { retryDelaysMs: [1000, 1000] },
    });
    receiver.respondWith((_request, n) => (n < 3 ? 500 : 200));
    const id = await postEvent(client);
    const delivery = await deliveryWith(client, id, { status: 'succeeded' });
    expect(delivery.attempts.map(({ statusCode }: { statusCode: number }) => statusCode)).toEqual([
      500, 500, 200,
    ]);
    expect((await client.get(`/v1/webhooks/${webhook.id}`)).body.data.failureCount).toBe(0);
  });

  it('has the next shift begin at once after one that ends by its age', async () => {
    await makeWebhook(client, receiver.url, { policy: { retryDelaysMs: [4500] } });
    receiver.respondWith(500);
    const work = jest.spyOn(Shift, 'work');
    const look = jest.spyOn(stack.store.deliveries.dueExpress, 'first');
    const id = await postEvent(client);
    const { projectId } = await eventually('it is stored', () => stack.store.deliveries.find(id));
    const n = work.mock.calls.findIndex(([parts]) => parts.projectId === projectId);
    const isItsOwn = ([of]: unknown[]): boolean => of === projectId;
    await eventually('it waits for what is due soon', () => look.mock.calls.some(isItsOwn));
    const length = jest.replaceProperty(Shift, 'lengthMs', 0);
    const end: unknown = await work.mock.results[n]!.value;
    length.restore();
    expect(end).toEqual({ nextDueMs: 0 });
    for (const spy of [work, look]) spy.mockRestore();
  });

  it('has others’ deliveries sent by a shift past its age, while a webhook that hangs keeps it from ending', async () => {
    const silent = await Receiver.start();
    silent.respondWith({ kind: 'hang' });
    const events = ['email.bounced'];
    const policy = { timeoutMs: 60_000 };
    const hanging = await makeWebhook(client, silent.url, { events, policy });
    const asked = await client.post(`/v1/webhooks/${hanging.id}/test`, { events });
    await silent.waitFor(1);
    await makeWebhook(client, receiver.url, { events: ['email.sent'] });
    const length = jest.replaceProperty(Shift, 'lengthMs', 5000);
    const from = performance.now();
    while (performance.now() - from < 1.2 * Shift.lengthMs) {
      await deliveryWith(client, await postEvent(client), { status: 'succeeded' });
    }
    length.restore();
    const [{ id }] = asked.body.data.deliveries as [{ id: string }];
    expect((await client.get(`/v1/deliveries/${id}`)).body.data.attemptCount).toBe(0);
    await client.post(`/v1/deliveries/${id}/cancel`);
    await silent.close();
  });

  it('ends as failed after the last delay, and follows that up', async () => {
    const webhook = await makeWebhook(client, receiver.url, {
      policy: { retryDelaysMs: [1000], autoDisableAfter: 2 },
    });
    receiver.respondWith(500);
    const id = await postEvent(client);
    await deliveryWith(client, id, { status: 'failed', attemptCount: 2 });
    await eventually('it is disabled', async () => {
      const { data } = (await client.get(`/v1/webhooks/${webhook.id}`)).body;
      return data.isActive === false && data.disabledReason === 'consecutive_failures';
    });
    receiver.respondWith(200);
    const skipped = await postEvent(client);
    await deliveryWith(client, skipped, { status: 'skipped' });
  });

  it('retries now, cancels and replays', async () => {
    await makeWebhook(client, receiver.url);
    receiver.respondWith({ kind: 'answer', status: 503, headers: { 'retry-after': '3600' } });
    const id = await postEvent(client);
    await deliveryWith(client, id, { attemptCount: 1 });
    const { data } = (await client.get(`/v1/deliveries/${id}`)).body;
    expect(data.pending).toMatchObject({ reason: 'waiting_for_retry', attempt: 2 });
    receiver.respondWith(200);
    expect((await client.post(`/v1/deliveries/${id}/retry`)).status).toBe(202);
    await deliveryWith(client, id, { status: 'succeeded', attemptCount: 2 });

    expect((await client.post(`/v1/deliveries/${id}/replay`)).status).toBe(202);
    await deliveryWith(client, id, { status: 'succeeded', attemptCount: 3, replays: 1 });

    receiver.respondWith(500);
    const other = await postEvent(client);
    await deliveryWith(client, other, { attemptCount: 1 });
    expect((await client.post(`/v1/deliveries/${other}/cancel`)).body.data.status).toBe(
      'cancelled',
    );
  });

  it('leaves the failures that it could not follow up to reconcile', async () => {
    const { id: projectId, client: owner } = await stack.project({ dispatch: 'express' });
    const { id: webhookId } = await makeWebhook(owner, receiver.url);
    const failed = { projectId, webhookId, status: 'failed', isExpress: true, followUp: true };
    await insertDeliveries(
      stack,
      Array.from({ length: 250 }, () => failed as Partial<DeliveryRecord> & { projectId: string }),
    );
    const { model } = stack.store.deliveries;
    await eventually('none is left', async () => {
      await stack.reconcile();
      return (await model.countDocuments({ projectId, followUp: true })) === 0;
    });
  });

  it.each([
    { what: 'cancelled', replays: 0, after: { status: 'cancelled', attemptCount: 0 } },
    { what: 'cancelled and replayed', replays: 1, after: { status: 'succeeded', attemptCount: 1 } },
  ])('does not send as it was what is $what while it waits in hand', async ({ replays, after }) => {
    const policy = { ratePerSecond: 10 };
    const { id: webhookId } = await makeWebhook(client, receiver.url, { policy });
    const { webhooks } = stack.store;
    const takeSlot = webhooks.takeSlot.bind(webhooks);
    let giveSlots!: () => void;
    const given = new Promise<void>((resolve) => (giveSlots = resolve));
    const slots = jest.spyOn(webhooks, 'takeSlot');
    slots.mockImplementation((...args) => given.then(() => takeSlot(...args)));
    slots.mockImplementationOnce(takeSlot);
    const look = jest.spyOn(Hand.prototype, 'waitingSince');
    const looks = () =>
      look.mock.contexts.filter((hand) => (hand as Hand).lanes.has(webhookId)).length;
    await batch(2);
    await receiver.waitFor(1);
    const waiting = await eventually('the second is shown', async () => {
      const [pending] = await withStatus('pending');
      return (await withStatus('succeeded')).length === 1 && pending;
    });
    // It stays in hand, however long a busy machine takes.
    const sweep = jest.spyOn(Hand.prototype, 'sweep').mockImplementation(() => {});
    const { deliveries } = stack.store;
    const { projectId } = (await deliveries.find(waiting.id))!;
    // By the store, so that the courier does not look between the two.
    expect(await deliveries.cancel(waiting.id)).not.toBeNull();
    if (replays > 0) await deliveries.beginReplay(projectId, waiting.id);
    const looked = looks();
    // The second begins when the first has ended.
    await eventually('the courier has looked for it twice', () => looks() > looked + 1);
    sweep.mockRestore();
    giveSlots();
    await post(2);
    await eventually('the others are recorded', async () => {
      return (await withStatus('succeeded')).length === 2 + replays;
    });
    const ids = receiver.requests.map(({ headers }) => headers['x-webhook-delivery-id']);
    expect(ids.filter((id) => id === waiting.id)).toHaveLength(replays);
    await deliveryWith(client, waiting.id, { ...after, replays });
    slots.mockRestore();
    look.mockRestore();
  });

  it('keeps no answer to a payload that is deleted during the first attempt', async () => {
    await makeWebhook(client, receiver.url);
    const { sender } = stack;
    const original = sender.send.bind(sender);
    let isFirst = true;
    const posted = client.post('/v1/events', { type: 'email.sent', data: emailSent });
    const send = jest.spyOn(sender, 'send').mockImplementation(async (request) => {
      // What an earlier test has left is retried meanwhile.
      if (!isFirst || !request.url.startsWith(receiver.url)) return original(request);
      isFirst = false;
      const { body } = await posted;
      expect((await client.delete(`/v1/events/${body.data.id}`)).status).toBe(200);
      return original(request);
    });
    receiver.respondWith({ kind: 'answer', status: 200, body: 'received a payload' });
    const { id: eventId } = (await posted).body.data;
    const [{ id }] = await eventually('it is recorded', async () => {
      const { deliveries } = (await client.get(`/v1/events/${eventId}`)).body.data;
      return deliveries[0]?.attemptCount === 1 && deliveries;
    });
    send.mockRestore();
    // Stored after its event was expunged, it is expunged only then; its answer is gone a little earlier.
    await eventually(
      'it is expunged',
      async () => (await stack.store.deliveries.find(id))!.expunged,
    );
    const [attempt] = (await client.get(`/v1/deliveries/${id}`)).body.data.attempts;
    expect([attempt.responseBody, attempt.responseHeaders]).toEqual([undefined, undefined]);
    const refused = await client.post(`/v1/deliveries/${id}/replay`);
    expect(refused.body.error.code).toBe('event_expunged');
  });

  it('replays by the whole schedule, though an attempt of before is still in progress', async () => {
    // Its answer is held back for as long as a busy machine needs for the rest, and the replay's until it is recorded.
    const policy = { timeoutMs: 60_000, retryDelaysMs: [1000] };
    await makeWebhook(client, receiver.url, { policy });
    const answers: (() => void)[] = [];
    const held = [1, 2].map(() => new Promise<void>((resolve) => answers.push(resolve)));
    receiver.respondWith((_request, n) => {
      const after = held[n - 1];
      return after ? { kind: 'answer', status: 500, after } : 500;
    });
    const id = await postEvent(client);
    await receiver.waitFor(1);
    await client.post(`/v1/deliveries/${id}/cancel`);
    await client.post(`/v1/deliveries/${id}/replay`);
    answers[0]!();
    await eventually('it is recorded', async () => {
      const { body } = await client.get(`/v1/deliveries/${id}`);
      return body.data.attempts.length === 1;
    });
    answers[1]!();
    const { attempts } = await deliveryWith(client, id, { status: 'failed', replays: 1 });
    expect(attempts).toMatchObject([{ number: 1, superseded: true }, { number: 2 }, { number: 3 }]);
    expect(attempts[1]).not.toHaveProperty('superseded');
  });

  it('knows of webhooks that are made, changed and deleted while it is at work', async () => {
    const listAll = jest.spyOn(stack.store.webhooks, 'listAll');
    const first = await makeWebhook(client, `${receiver.url}/first`);
    const paths = () => receiver.requests.map(({ path }) => path);
    await deliveryWith(client, await postEvent(client), { status: 'succeeded' });
    const second = await makeWebhook(client, `${receiver.url}/second`);
    await postEvent(client);
    await receiver.waitFor(3);
    await client.patch(`/v1/webhooks/${first.id}`, { events: ['email.delivered'] });
    await postEvent(client);
    await receiver.waitFor(4);
    await client.patch(`/v1/webhooks/${first.id}`, { events: ['*'] });
    await client.delete(`/v1/webhooks/${second.id}`);
    await postEvent(client);
    await receiver.waitFor(5);
    await eventually('all are recorded', async () => (await withStatus('succeeded')).length === 5);
    expect(paths().toSorted()).toEqual(['/first', '/first', '/first', '/second', '/second']);
    // Once it knows them, it reads no more than what was changed, but for a look now and then.
    const all = listAll.mock.calls.filter(([, changedSince]) => changedSince === undefined);
    expect(all.length).toBeLessThan(listAll.mock.calls.length / 2);
    listAll.mockRestore();
  });
});

describe('a project whose events are dispatched auto', () => {
  it('has workflows for as many as there is room for, and a courier for the rest', async () => {
    const stack = await Stack.start({ POSTHORN_AUTO_WORKFLOWS_PER_SECOND: '1' });
    const receiver = await Receiver.start();
    try {
      const { client } = await stack.project({ dispatch: 'auto' });
      await makeWebhook(client, receiver.url);
      const lone = await postEvent(client);
      expect((await deliveryWith(client, lone, { status: 'succeeded' })).workflow).not.toBeNull();
      await client.post('/v1/events/batch', {
        events: Array.from({ length: 20 }, () => ({ type: 'email.sent', data: emailSent })),
      });
      await receiver.waitFor(21);
      const { model } = stack.store.deliveries;
      await eventually('all are recorded', async () => (await model.countDocuments()) === 21);
      // The batch's first event may find room for a workflow too.
      const express = await model.countDocuments({ isExpress: true });
      expect([19, 20]).toContain(express);
    } finally {
      await Promise.all([stack.stop(), receiver.close()]);
    }
  });
});
