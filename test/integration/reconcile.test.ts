import type { Client } from '@temporalio/client';
import { pino } from 'pino';
import { deliveryWorkflowId, fanOutWorkflowId, WORKFLOWS } from '../../src/contracts/temporal';
import { setUpTemporal } from '../../src/temporal/setup';
import type { ApiClient } from '../support/api-client';
import { deliveryWith, makeWebhook, postEvent } from '../support/deliveries';
import { eventually } from '../support/eventually';
import { emailSent } from '../support/samples';
import { useFreshReceiver, useStack } from '../support/use';
import { insertDeliveries } from './api/insert';

const nothing = { events: 0, deliveries: 0, replays: 0, drains: 0, failures: 0 };
const event = { type: 'email.sent', data: emailSent };

describe('reconcile', () => {
  const stack = useStack();
  let temporal: Client;
  const receiver = useFreshReceiver();
  let client: ApiClient;

  beforeAll(async () => {
    temporal = await stack.connectTemporal();
  });
  afterAll(async () => {
    await temporal.connection.close();
  });
  beforeEach(async () => {
    // No second attempt is due until a test makes it so.
    ({ client } = await stack.project({ policy: { retryDelaysMs: [86_400_000] } }));
  });

  /** As if their next attempts had been due for long. */
  const beDue = (...ids: string[]) =>
    stack.store.deliveries.model.updateMany(
      { _id: { $in: ids } },
      { $set: { nextAttemptAt: new Date(Date.now() - 60_000) } },
    );

  const succeeded = (eventId: string): Promise<boolean> =>
    eventually('its deliveries succeeded', async () => {
      const { deliveries } = (await client.get(`/v1/events/${eventId}`)).body.data;
      return (
        deliveries.length > 0 &&
        deliveries.every(({ status }: { status: string }) => status === 'succeeded')
      );
    });

  it('leaves alone what runs, and counts none of it as repaired', async () => {
    await makeWebhook(client, receiver.url);
    receiver.respondWith({ kind: 'answer', status: 200, delayMs: 3000 });
    const id = await postEvent(client);
    await receiver.waitFor(1);
    expect(await stack.reconcile()).toEqual(nothing);
    await deliveryWith(client, id, { status: 'succeeded', attemptCount: 1, replays: 0 });
    expect(receiver.requests).toHaveLength(1);
  });

  it('continues a delivery whose workflow an operator has terminated', async () => {
    await makeWebhook(client, receiver.url);
    receiver.respondWith(500);
    const id = await postEvent(client);
    await deliveryWith(client, id, { attemptCount: 1 });
    await temporal.workflow.getHandle(deliveryWorkflowId(id)).terminate();
    receiver.respondWith(200);
    // Until its next attempt is due nothing is late.
    expect(await stack.reconcile()).toEqual(nothing);
    await beDue(id);
    expect(await stack.reconcile()).toEqual({ ...nothing, deliveries: 1 });
    await deliveryWith(client, id, { status: 'succeeded', attemptCount: 2, replays: 0 });
    expect(await stack.reconcile()).toEqual(nothing);
  });

  it('finds the one that is lost behind more than a thousand that only wait for a worker', async () => {
    await makeWebhook(client, receiver.url);
    receiver.respondWith(500);
    const lost = await postEvent(client);
    const { projectId } = await deliveryWith(client, lost, { attemptCount: 1 });
    await temporal.workflow.getHandle(deliveryWorkflowId(lost)).terminate();
    receiver.respondWith(200);
    const overdue = {
      projectId,
      status: 'pending',
      nextAttemptAt: new Date(Date.now() - 60_000),
      completedAt: null,
    } as const;
    const waiting = new Set(
      await insertDeliveries(
        stack,
        Array.from({ length: 1200 }, () => overdue),
      ),
    );
    const find = stack.engine.activityOf.bind(stack.engine);
    const spy = jest.spyOn(stack.engine, 'activityOf');
    spy.mockImplementation(async (id) => (waiting.has(id) ? 'queued' : find(id)));
    await beDue(lost);
    expect(await stack.reconcile()).toEqual({ ...nothing, deliveries: 1 });
    expect(new Set(spy.mock.calls.map(([id]) => id))).toEqual(new Set([...waiting, lost]));
    spy.mockRestore();
    await deliveryWith(client, lost, { status: 'succeeded', attemptCount: 2 });
    await stack.store.deliveries.model.deleteMany({ _id: { $in: [...waiting] } });
  });

  it('by two at once sends nothing twice', async () => {
    await makeWebhook(client, receiver.url);
    receiver.respondWith(500);
    const ids = await Promise.all(Array.from({ length: 20 }, () => postEvent(client)));
    for (const id of ids) await deliveryWith(client, id, { attemptCount: 1 });
    await Promise.all(
      ids.map((id) => temporal.workflow.getHandle(deliveryWorkflowId(id)).terminate()),
    );
    receiver.respondWith({ kind: 'answer', status: 200, delayMs: 1000 });
    await beDue(...ids);
    const reports = await Promise.all([stack.reconcile(20_000), stack.reconcile(20_000)]);
    expect(reports.reduce((sum, { deliveries }) => sum + deliveries, 0)).toBe(20);
    const attempted = { status: 'succeeded', attemptCount: 2, replays: 0 };
    for (const id of ids) await deliveryWith(client, id, attempted);
    expect(receiver.requests).toHaveLength(40);
  });

  it('wakes a delivery that is due, while its workflow waits for a later time', async () => {
    await makeWebhook(client, receiver.url);
    receiver.respondWith(500);
    const id = await postEvent(client);
    await deliveryWith(client, id, { attemptCount: 1 });
    await eventually('it waits', async () => (await stack.engine.findRun(id)) === 'waiting');
    receiver.respondWith(200);
    const spy = jest
      .spyOn(stack.engine, 'signalDelivery')
      .mockRejectedValueOnce(new Error('unavailable'));
    expect((await client.post(`/v1/deliveries/${id}/retry`)).status).toBe(202);
    spy.mockRestore();
    await beDue(id);
    expect(await stack.reconcile()).toEqual(nothing);
    await deliveryWith(client, id, { status: 'succeeded', attemptCount: 2, replays: 0 });
  });

  describe('where an execution was lost, so that the workflow itself waits', () => {
    let id: string;
    let owner: ApiClient;

    /** Asks for a retry of which Temporal is not told. */
    const retry = async (): Promise<void> => {
      const spy = jest
        .spyOn(stack.engine, 'signalDelivery')
        .mockRejectedValueOnce(new Error('unavailable'));
      expect((await owner.post(`/v1/deliveries/${id}/retry`)).status).toBe(202);
      spy.mockRestore();
    };

    beforeEach(async () => {
      const { store, engine } = stack;
      // Of which no standstill makes a time-out.
      const policy = { timeoutMs: 60_000, retryDelaysMs: [1000, 86_400_000] };
      const late = await stack.project({ policy });
      owner = late.client;
      await makeWebhook(owner, receiver.url);
      receiver.respondWith(500);
      const open = store.rounds.open.bind(store.rounds);
      let isLost = false;
      const spy = jest
        .spyOn(store.rounds, 'open')
        .mockImplementation(async (opened, ...opening) => {
          const delivery = await store.deliveries.find(opened);
          if (isLost || delivery?.projectId !== late.id) return open(opened, ...opening);
          isLost = true;
          throw new Error('unavailable');
        });
      id = await postEvent(owner);
      await deliveryWith(owner, id, { attemptCount: 2 });
      spy.mockRestore();
      expect(isLost).toBe(true);
      await eventually('it waits', async () => (await engine.findRun(id)) === 'idle');
      receiver.respondWith(200);
    });

    it('wakes a delivery that is due', async () => {
      await retry();
      await beDue(id);
      expect(await stack.reconcile()).toEqual(nothing);
      await deliveryWith(owner, id, { status: 'succeeded', attemptCount: 3, replays: 0 });
    });

    it('leaves alone what an operator has paused by a signal', async () => {
      const handle = temporal.workflow.getHandle(deliveryWorkflowId(id));
      await handle.signal('pause');
      await eventually(
        'it is paused',
        async () => (await stack.engine.activityOf(id)) === 'paused',
      );
      await retry();
      const spy = jest.spyOn(stack.engine, 'signalDelivery');
      expect(await stack.reconcile()).toEqual(nothing);
      expect(spy).not.toHaveBeenCalled();
      spy.mockRestore();
      await handle.signal('resume');
      await deliveryWith(owner, id, { status: 'succeeded', attemptCount: 3, replays: 0 });
    });
  });

  it('fans an event out whose fan-out an operator has terminated', async () => {
    await makeWebhook(client, receiver.url);
    const { _id: eventId } = await acceptedOnly();
    // No worker takes it here, so that it is in progress for certain.
    const handle = await temporal.workflow.start(WORKFLOWS.fanOutEvent, {
      workflowId: fanOutWorkflowId(eventId),
      taskQueue: 'nobody',
      args: [eventId],
    });
    expect(await stack.reconcile()).toEqual(nothing);
    await handle.terminate();
    expect(await stack.reconcile()).toEqual({ ...nothing, events: 1 });
    await succeeded(eventId);
    expect(receiver.requests).toHaveLength(1);
  });

  it('repairs the others when one item can not be started', async () => {
    await makeWebhook(client, receiver.url);
    const [first, second] = [await acceptedOnly(), await acceptedOnly()];
    const start = stack.engine.startFanOut.bind(stack.engine);
    const spy = jest.spyOn(stack.engine, 'startFanOut');
    spy.mockImplementation((started) =>
      started._id === first._id ? Promise.reject(new Error('refused')) : start(started),
    );
    expect(await stack.reconcile()).toEqual({ ...nothing, events: 1 });
    spy.mockRestore();
    await succeeded(second._id);
    expect(await stack.reconcile()).toEqual({ ...nothing, events: 1 });
    await succeeded(first._id);
  });

  it('setup brings an older schedule up to date, and leaves a paused one paused', async () => {
    const handle = temporal.schedule.getHandle('posthorn-reconcile');
    await handle.update((schedule) => ({
      ...schedule,
      spec: { intervals: [{ every: '1h' }] },
      state: { ...schedule.state, paused: true },
    }));
    await setUpTemporal(stack.config, pino({ level: 'silent' }));
    const { spec, state } = await handle.describe();
    expect(spec.intervals).toMatchObject([{ every: 10_000 }]);
    expect(state.paused).toBe(true);
    await handle.unpause();
  });

  /** An event whose API died before it asked for the fan-out. */
  const acceptedOnly = async (): Promise<{ _id: string }> => {
    const spy = jest.spyOn(stack.engine, 'startFanOut');
    spy.mockRejectedValueOnce(new Error('died'));
    const { body } = await client.post('/v1/events', event);
    spy.mockRestore();
    return { _id: body.data.id as string };
  };
});
