import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { deliveryWith, makeWebhook, postEvent } from '../support/deliveries';
import { Receiver } from '../support/receiver';
import { Stack } from '../support/stack';

const run = promisify(execFile);

describe('a reset made by an operator with the temporal command', () => {
  let stack: Stack;
  let receiver: Receiver;

  beforeAll(async () => {
    [stack, receiver] = await Promise.all([Stack.start(), Receiver.start()]);
  });
  afterAll(async () => {
    await Promise.all([stack.stop(), receiver.close()]);
  });

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
  const points = ['FirstWorkflowTask', 'LastWorkflowTask'];

  it.each(points)('to the %s delivers a succeeded delivery again, as a replay', async (point) => {
    receiver.requests.splice(0);
    const { client } = await stack.project();
    await makeWebhook(client, receiver.url);
    const id = await postEvent(client);
    const first = await deliveryWith(client, id, { status: 'succeeded' });

    await reset(id, point);

    const again = await deliveryWith(client, id, { status: 'succeeded', replays: 1 });
    expect(again.attempts).toMatchObject([{ number: 1 }, { number: 2, outcome: 'succeeded' }]);
    expect(again.workflow.runId).not.toBe(first.workflow.runId);
    const bodies = receiver.requests.map(({ rawBody }) => rawBody.toString());
    expect(bodies).toHaveLength(2);
    expect(bodies[1]).toBe(bodies[0]);
  });

  it.each(points)('to the %s gives a failed delivery its whole schedule anew', async (point) => {
    const { client } = await stack.project({ policy: { retryDelaysMs: [1000] } });
    const { id: webhookId } = await makeWebhook(client, receiver.url);
    receiver.respondWith(500);
    const id = await postEvent(client);
    await deliveryWith(client, id, { status: 'failed' });

    await reset(id, point);

    const again = await deliveryWith(client, id, { status: 'failed', replays: 1 });
    expect(again.attempts.map(({ number }: { number: number }) => number)).toEqual([1, 2, 3, 4]);
    const webhook = await client.get(`/v1/webhooks/${webhookId}`);
    expect(webhook.body.data.failureCount).toBe(4);
  });

  it('delivers a cancelled delivery, although the reset applies the cancel signal again', async () => {
    receiver.respondWith(500);
    const { client } = await stack.project();
    await makeWebhook(client, receiver.url);
    const id = await postEvent(client);
    await deliveryWith(client, id, { status: 'pending', attemptCount: 1 });
    await temporal('signal', '-w', `delivery/${id}`, '--name', 'cancel');
    await deliveryWith(client, id, { status: 'cancelled' });
    receiver.respondWith(200);

    await reset(id);

    const again = await deliveryWith(client, id, { status: 'succeeded', replays: 1 });
    expect(again.attempts).toHaveLength(2);
  });

  it('can be followed by a replay through the API, and by another reset', async () => {
    receiver.respondWith(200);
    const { client } = await stack.project();
    await makeWebhook(client, receiver.url);
    const id = await postEvent(client);
    await deliveryWith(client, id, { status: 'succeeded' });
    await reset(id, 'LastWorkflowTask');
    await deliveryWith(client, id, { status: 'succeeded', replays: 1 });
    expect((await client.post(`/v1/deliveries/${id}/replay`)).status).toBe(202);
    await deliveryWith(client, id, { status: 'succeeded', replays: 2 });
    await reset(id, 'LastWorkflowTask');
    const last = await deliveryWith(client, id, { status: 'succeeded', replays: 3 });
    expect(last.attempts.map(({ number }: { number: number }) => number)).toEqual([1, 2, 3, 4]);
  });
});
