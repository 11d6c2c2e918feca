import { WorkflowFailedError, type Client } from '@temporalio/client';
import { Shift } from '../../activities/courier/shift';
import { clock } from '../../src/clock';
import { courierWorkflowId } from '../../src/contracts/temporal';
import type { ApiClient } from '../support/api-client';
import { deliveryWith, makeWebhook, postEvent } from '../support/deliveries';
import { eventually } from '../support/eventually';
import { historiesOf } from '../support/histories';
import { withOwnWorkers } from '../support/own-workers';
import { useReceiver, useStack } from '../support/use';

const DAY_MS = 24 * 60 * 60 * 1000;

describe('a delivery in the Temporal Web UI', () => {
  const stack = useStack();
  const receiver = useReceiver();
  let temporal: Client;

  beforeAll(async () => {
    temporal = await stack.connectTemporal();
  });
  afterAll(async () => {
    await temporal.connection.close();
  });
  beforeEach(() => receiver.respondWith(200));

  const project = async (retryDelaysMs: number[]): Promise<ApiClient> => {
    const { client } = await stack.project({ policy: { retryDelaysMs } });
    await makeWebhook(client, receiver.url, { name: 'Orders' });
    return client;
  };
  const historyOf = (deliveryId: string): Promise<string> =>
    eventually('it is listed', async () => {
      const found = [...(await historiesOf(temporal))];
      return found.find(([key]) => key.startsWith(`delivery/${deliveryId} `))?.[1];
    });

  it.each([
    [[1000], 'up to 2 attempts → Orders'],
    [[1000, DAY_MS], 'up to 3 attempts → Orders'],
  ])('with delays of %j is summed up as "%s"', async (retryDelaysMs, summary) => {
    const id = await postEvent(await project(retryDelaysMs));
    await eventually('it is seen', async () =>
      (await historyOf(id)).includes(`"summary":"${summary}"`),
    );
  });

  it('is summed up in as many bytes as Temporal takes, whatever its webhook is called', async () => {
    const { client } = await stack.project();
    await makeWebhook(client, receiver.url, { name: '👩'.repeat(100) });
    const id = await postEvent(client);
    await deliveryWith(client, id, { status: 'succeeded' });
    const [, ofAttempts] = /"summary":"([^"]+)"/.exec(await historyOf(id))!;
    const described = await temporal.workflow.getHandle(`delivery/${id}`).describe();
    for (const summary of [ofAttempts!, (await described.staticSummary())!]) {
      expect(summary).toMatch(/ → 👩+$/u);
      expect(Buffer.byteLength(summary)).toBeLessThanOrEqual(400);
    }
  });

  it("doesn't show the receiver's host, after which its webhook is named", async () => {
    const { client } = await stack.project();
    const { host } = new URL(receiver.url);
    const { id: webhookId } = await makeWebhook(client, receiver.url, { name: host });
    const id = await postEvent(client);
    await deliveryWith(client, id, { status: 'succeeded' });
    const history = await historyOf(id);
    expect(history).toContain(`→ ${webhookId}`);
    expect(history).not.toContain(host);
  });

  it('that failed shows why, and nothing of the code', async () => {
    receiver.respondWith(500);
    const client = await project([1000]);
    const id = await postEvent(client);
    await deliveryWith(client, id, { status: 'failed', attemptCount: 2 });
    const ended = temporal.workflow.getHandle(`delivery/${id}`).result();
    await expect(ended).rejects.toThrow(WorkflowFailedError);
    const history = await historyOf(id);
    // Of the first attempt, of the activity and of the workflow.
    expect(history).toContain('"message":"attempt 1 failed: 500"');
    expect(history.match(/"message":"every attempt failed"/g)).toHaveLength(2);
    expect(history).not.toMatch(/"stackTrace":"[^"]|\.[jt]s\b|node_modules/);
  });

  it('that is replayed in bulk shows nothing of the code either, where a batch fails', async () => {
    const client = await project([1000]);
    await deliveryWith(client, await postEvent(client), { status: 'succeeded' });
    const find = jest
      .spyOn(stack.store.replays, 'find')
      .mockRejectedValueOnce(new Error('MongoDB is unavailable'));
    try {
      const now = Date.now();
      const range = { since: new Date(now - DAY_MS), until: new Date(now + 60_000) };
      const asked = await client.post('/v1/replays', { statuses: ['succeeded'], ...range });
      const { id } = asked.body.data;
      const history = await eventually('it has ended', async () => {
        const { body } = await client.get(`/v1/replays/${id}`);
        if (body.data.status !== 'completed') return false;
        return [...(await historiesOf(temporal))].find(([key]) => key.startsWith(`replay/${id} `));
      });
      expect(history[1]).toContain('"message":"MongoDB is unavailable"');
      expect(history[1]).not.toMatch(/"stackTrace":"[^"]/);
    } finally {
      find.mockRestore();
    }
  });

  describe('whose attempts an operator pauses there', () => {
    /** A delivery that waits for its second attempt, paused. */
    const paused = async (): Promise<{ client: ApiClient; id: string; unpause: () => unknown }> => {
      receiver.respondWith(500);
      const client = await project([DAY_MS]);
      const id = await postEvent(client);
      await deliveryWith(client, id, { attemptCount: 1 });
      const { namespace } = stack.config.temporal;
      const execution = { workflowId: `delivery/${id}` };
      const { workflowService } = temporal;
      const type = 'attemptDelivery';
      const about = { namespace, execution, identity: 'operator', type };
      await workflowService.pauseActivity(about);
      await eventually('it is told', async () => (await pendingOf(client, id)).reason === 'paused');
      receiver.respondWith(200);
      return { client, id, unpause: () => workflowService.unpauseActivity(about) };
    };
    const pendingOf = async (client: ApiClient, id: string) =>
      (await client.get(`/v1/deliveries/${id}`)).body.data.pending;

    it('says so, and stays paused, whatever reconcile finds overdue', async () => {
      const { client, id } = await paused();
      expect(await pendingOf(client, id)).toMatchObject({
        attempt: 2,
        nextAttemptAt: null,
        message: expect.stringMatching(/paused in Temporal.*unpaused there, or retried/) as string,
      });
      const overdue = { nextAttemptAt: new Date(Date.now() - 60_000) };
      await stack.store.deliveries.model.updateOne({ _id: id }, overdue);
      expect((await stack.reconcile()).deliveries).toBe(0);
      expect((await pendingOf(client, id)).reason).toBe('paused');
      expect(await client.get(`/v1/deliveries/${id}`)).toMatchObject({
        body: { data: { status: 'pending', attemptCount: 1 } },
      });
    });

    it('continues when it is unpaused', async () => {
      const { client, id, unpause } = await paused();
      const due = { nextAttemptAt: new Date() };
      await stack.store.deliveries.model.updateOne({ _id: id }, due);
      await unpause();
      await eventually(
        'it is paused no more',
        async () => (await pendingOf(client, id))?.reason !== 'paused',
      );
    });

    it('is delivered when it is retried', async () => {
      const { client, id } = await paused();
      expect((await client.post(`/v1/deliveries/${id}/retry`)).status).toBe(202);
      await deliveryWith(client, id, { status: 'succeeded', attemptCount: 2 });
    });

    it('ends when it is cancelled', async () => {
      const { client, id } = await paused();
      expect((await client.post(`/v1/deliveries/${id}/cancel`)).status).toBe(202);
      await deliveryWith(client, id, { status: 'cancelled', attemptCount: 1 });
      await eventually('its workflow ends', async () => {
        return (await stack.engine.findRun(id)) === 'ended';
      });
    });
  });

  it('that an operator pauses as a whole says so, and is not run again by reconcile', async () => {
    receiver.respondWith(500);
    const client = await project([DAY_MS]);
    const id = await postEvent(client);
    await deliveryWith(client, id, { attemptCount: 1 });
    const workflowId = `delivery/${id}`;
    const { namespace } = stack.config.temporal;
    const about = { namespace, workflowId, identity: 'operator', reason: 'test' };
    await temporal.workflowService.pauseWorkflowExecution(about);
    const overdue = { nextAttemptAt: new Date(Date.now() - 60_000) };
    await stack.store.deliveries.model.updateOne({ _id: id }, overdue);
    expect((await stack.reconcile()).deliveries).toBe(0);
    const { data } = (await client.get(`/v1/deliveries/${id}`)).body;
    expect(data).toMatchObject({ status: 'pending', attemptCount: 1 });
    expect(data.pending).toMatchObject({
      reason: 'paused',
      message: expect.stringContaining('its workflow was paused in Temporal') as string,
    });
    await eventually('it is listed', async () =>
      (await stack.engine.listRunning([workflowId])).has(workflowId),
    );
  });

  it('that is paused while an attempt is running says that one is', async () => {
    receiver.respondWith({ kind: 'hang' });
    const client = await project([DAY_MS]);
    const id = await postEvent(client);
    // Others' requests may still arrive.
    await receiver.waitFor((requests) =>
      requests.some(({ headers }) => headers['x-webhook-delivery-id'] === id),
    );
    await temporal.workflowService.pauseActivity({
      namespace: stack.config.temporal.namespace,
      execution: { workflowId: `delivery/${id}` },
      identity: 'operator',
      type: 'attemptDelivery',
    });
    const { pending } = (await client.get(`/v1/deliveries/${id}`)).body.data;
    expect(pending).toMatchObject({ reason: 'attempt_running', attempt: 1 });
  });

  it('whose courier is paused while its worker stops is sent when that is unpaused, and not before', async () => {
    await withOwnWorkers(async ({ stack: own, receiver: at, startWorker }) => {
      const policy = { timeoutMs: 60_000, retryDelaysMs: [1000] };
      const { client, id: projectId } = await own.project({ dispatch: 'express', policy });
      await makeWebhook(client, at.url);
      let answer!: () => void;
      const after = new Promise<void>((resolve) => (answer = resolve));
      at.respondWith((_request, n) => (n === 1 ? { kind: 'answer', status: 500, after } : 200));
      const worker = await startWorker();
      const id = await postEvent(client);
      await at.waitFor(1);
      const ended = worker.end('SIGTERM');
      await worker.logged('STOPPING');
      const { workflowService } = temporal;
      const { namespace } = own.config.temporal;
      const execution = { workflowId: courierWorkflowId(projectId) };
      const about = { namespace, execution, identity: 'operator', type: 'deliverQueued' };
      await workflowService.pauseActivity(about);
      answer();
      expect(await ended).toBe(0);
      await startWorker();
      await eventually('it is paused', async () => {
        const { data } = (await client.get(`/v1/deliveries/${id}`)).body;
        return data.pending?.reason === 'paused' && data.attemptCount === 1;
      });
      await workflowService.unpauseActivity(about);
      await deliveryWith(client, id, { status: 'succeeded', attemptCount: 2 });
    });
  });

  it('that waits for its project’s courier is sent when that is unpaused, and not before', async () => {
    // Answered only when the courier is told.
    const policy = { timeoutMs: 60_000, retryDelaysMs: [1000] };
    const { client, id: projectId } = await stack.project({ dispatch: 'express', policy });
    await makeWebhook(client, receiver.url);
    let answer!: () => void;
    const after = new Promise<void>((resolve) => (answer = resolve));
    receiver.respondWith({ kind: 'answer', status: 500, after });
    const work = jest.spyOn(Shift, 'work');
    const id = await postEvent(client);
    await receiver.waitFor((requests) =>
      requests.some(({ headers }) => headers['x-webhook-delivery-id'] === id),
    );
    const { namespace } = stack.config.temporal;
    const execution = { workflowId: courierWorkflowId(projectId) };
    const about = { namespace, execution, identity: 'operator', type: 'deliverQueued' };
    await temporal.workflowService.pauseActivity(about);
    await eventually('it is told', () =>
      work.mock.calls.some(([parts]) => parts.projectId === projectId && parts.stopped.aborted),
    );
    work.mockRestore();
    answer();
    await eventually('it is paused', async () => {
      const { data } = (await client.get(`/v1/deliveries/${id}`)).body;
      return data.pending?.reason === 'paused' && data.attemptCount === 1;
    });
    // Due, and nobody at work: it is neither lost, nor told.
    await eventually('it is due', async () => {
      const { nextAttemptAt } = (await stack.store.deliveries.find(id))!;
      return nextAttemptAt! < clock.now();
    });
    const wake = jest.spyOn(stack.engine, 'wakeCourier');
    expect((await stack.reconcile()).deliveries).toBe(0);
    expect(wake).not.toHaveBeenCalledWith(projectId);
    wake.mockRestore();
    const update = (change: object) =>
      stack.store.deliveries.model.updateOne({ _id: id }, { $set: change });
    await update({ status: 'held' });
    const { pending } = (await client.get(`/v1/deliveries/${id}`)).body.data;
    expect(pending).toMatchObject({ reason: 'paused' });
    await update({ status: 'pending' });
    receiver.respondWith(200);
    await temporal.workflowService.unpauseActivity(about);
    await deliveryWith(client, id, { status: 'succeeded', attemptCount: 2 });
  });
});
