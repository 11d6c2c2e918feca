import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { ApiClient } from '../support/api-client';
import { deliveryWith, makeWebhook, postEvent } from '../support/deliveries';
import { eventually } from '../support/eventually';
import { useReceiver, useStack } from '../support/use';

const run = promisify(execFile);

// Twenty runs of the command, one after the other.
jest.setTimeout(300_000);

describe('a reset made by an operator with the temporal command', () => {
  const stack = useStack();
  const receiver = useReceiver();

  const temporal = (...args: string[]) =>
    run(process.env.TEST_TEMPORAL_CLI!, [
      'workflow',
      ...args,
      '--address',
      stack.config.temporal.address,
      '--namespace',
      stack.config.temporal.namespace,
    ]);
  const reset = (id: string, to = 'FirstWorkflowTask') =>
    temporal('reset', '-w', `delivery/${id}`, '--type', to, '--reason', 'again');
  const signal = (id: string, name: string) =>
    temporal('signal', '-w', `delivery/${id}`, '--name', name);
  /** Waits until the delivery's workflow has ended. */
  const ended = (id: string) =>
    stack.temporal((client) =>
      eventually('its workflow has ended', async () => {
        const handle = client.workflow.getHandle(`delivery/${id}`);
        const { raw, runId, status } = await handle.describe();
        const firstRunId = raw.workflowExecutionInfo!.firstRunId;
        return status.name !== 'RUNNING' && { raw, runId, firstRunId };
      }),
    );
  const points = ['FirstWorkflowTask', 'LastWorkflowTask'];

  it.each(points)('to the %s delivers a succeeded delivery again, as a replay', async (point) => {
    receiver.requests.splice(0);
    const { client } = await stack.project();
    await makeWebhook(client, receiver.url);
    const id = await postEvent(client);
    const first = await deliveryWith(client, id, { status: 'succeeded' });
    await ended(id);

    await reset(id, point);

    const again = await deliveryWith(client, id, { status: 'succeeded', replays: 1 });
    expect(again.attempts).toMatchObject([{ number: 1 }, { number: 2, outcome: 'succeeded' }]);
    expect(again.workflow.runId).not.toBe(first.workflow.runId);
    const bodies = receiver.requests.map(({ rawBody }) => rawBody.toString());
    expect(bodies).toHaveLength(2);
    expect(bodies[1]).toBe(bodies[0]);
  });

  it.each(points)('to the %s gives a failed delivery its whole schedule again', async (point) => {
    const { client } = await stack.project({ policy: { retryDelaysMs: [1000] } });
    const { id: webhookId } = await makeWebhook(client, receiver.url);
    receiver.respondWith(500);
    const id = await postEvent(client);
    await deliveryWith(client, id, { status: 'failed' });
    await ended(id);

    await reset(id, point);

    const again = await deliveryWith(client, id, { status: 'failed', replays: 1 });
    expect(again.attempts.map(({ number }: { number: number }) => number)).toEqual([1, 2, 3, 4]);
    await eventually('all are counted', async () => {
      return (await client.get(`/v1/webhooks/${webhookId}`)).body.data.failureCount === 4;
    });
  });

  describe.each([
    ['by its signal', (id: string) => signal(id, 'cancel')],
    ["by the Web UI's button", (id: string) => temporal('cancel', '-w', `delivery/${id}`)],
    [
      'through the API',
      (id: string, client: ApiClient) => client.post(`/v1/deliveries/${id}/cancel`),
    ],
  ])('of a delivery that was cancelled %s', (_how, cancel) => {
    it.each(points)('to the %s delivers it, as a replay', async (point) => {
      receiver.respondWith(500);
      const { client } = await stack.project();
      await makeWebhook(client, receiver.url);
      const id = await postEvent(client);
      await deliveryWith(client, id, { status: 'pending', attemptCount: 1 });
      await cancel(id, client);
      await deliveryWith(client, id, { status: 'cancelled' });
      await ended(id);
      receiver.respondWith(200);

      await reset(id, point);

      const again = await deliveryWith(client, id, { status: 'succeeded', replays: 1 });
      expect(again.attempts).toHaveLength(2);
    });
  });

  it('during the first exchange has the reset decide, whose attempt is the last one', async () => {
    receiver.requests.splice(0);
    let answer!: () => void;
    const after = new Promise<void>((resolve) => (answer = resolve));
    receiver.respondWith((_request, n) => (n === 1 ? { kind: 'answer', status: 500, after } : 200));
    const { client } = await stack.project({ policy: { timeoutMs: 60_000 } });
    const webhook = await makeWebhook(client, receiver.url);
    const id = await postEvent(client);
    await receiver.waitFor(1);

    await reset(id);

    const again = await deliveryWith(client, id, { status: 'succeeded', replays: 1 });
    expect(again.workflow.runId).toBe(again.attempts[0].runId);
    answer();
    // The first one's answer is logged when it comes, and has no effect.
    const last = await deliveryWith(client, id, { attemptCount: 2 });
    expect(last).toMatchObject({ status: 'succeeded', replays: 1, nextAttemptAt: null });
    expect(last.attempts[1]).toMatchObject({ number: 2, statusCode: 500, superseded: true });
    expect((await client.get(`/v1/webhooks/${webhook.id}`)).body.data.failureCount).toBe(0);
    expect(receiver.requests).toHaveLength(2);
  });

  it.each(points)('to the %s can be made twenty times, and so can a replay', async (point) => {
    receiver.respondWith(200);
    const { client } = await stack.project();
    await makeWebhook(client, receiver.url);
    const id = await postEvent(client);
    await deliveryWith(client, id, { status: 'succeeded' });
    const runs = new Set<string>();
    for (let n = 1; n <= 20; n += 1) {
      if (n % 2) await client.post(`/v1/deliveries/${id}/replay`);
      else await reset(id, point);
      const { workflow } = await deliveryWith(client, id, { status: 'succeeded', replays: n });
      runs.add(workflow.runId);
      await ended(id);
    }
    expect(runs.size).toBe(20);
  });

  it('is what each of twenty replays through the API is, and no history grows by them', async () => {
    receiver.respondWith(200);
    const { client } = await stack.project();
    await makeWebhook(client, receiver.url);
    const id = await postEvent(client);
    await deliveryWith(client, id, { status: 'succeeded' });
    const lengths: number[] = [];
    for (let n = 1; n <= 20; n += 1) {
      await ended(id);
      await client.post(`/v1/deliveries/${id}/replay`);
      await deliveryWith(client, id, { status: 'succeeded', replays: n });
      const { raw, firstRunId, runId } = await ended(id);
      expect(runId).not.toBe(firstRunId);
      lengths.push(raw.workflowExecutionInfo!.historyLength!.toNumber());
    }
    expect(new Set(lengths).size).toBe(1);
  });

  it('can be followed by a replay through the API, and by another reset', async () => {
    receiver.respondWith(200);
    const { client } = await stack.project();
    await makeWebhook(client, receiver.url);
    const id = await postEvent(client);
    await deliveryWith(client, id, { status: 'succeeded' });
    await ended(id);
    await reset(id, 'LastWorkflowTask');
    await deliveryWith(client, id, { status: 'succeeded', replays: 1 });
    await ended(id);
    expect((await client.post(`/v1/deliveries/${id}/replay`)).status).toBe(202);
    await deliveryWith(client, id, { status: 'succeeded', replays: 2 });
    await ended(id);
    await reset(id, 'LastWorkflowTask');
    const last = await deliveryWith(client, id, { status: 'succeeded', replays: 3 });
    expect(last.attempts.map(({ number }: { number: number }) => number)).toEqual([1, 2, 3, 4]);
  });
});
