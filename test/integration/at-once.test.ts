import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Client } from '@temporalio/client';
import { temporal as api } from '@temporalio/proto';
import type { ApiClient } from '../support/api-client';
import { deliveryWith, makeWebhook, postEvent } from '../support/deliveries';
import { eventually } from '../support/eventually';
import { emailSent } from '../support/samples';
import { useFreshReceiver, useStack } from '../support/use';

const LATE_MS = 3_600_000;
const { EventType } = api.api.enums.v1;

/** A webhook that has accepted an event quickly: the next one is attempted within its workflow's first task. */
describe('a delivery to a webhook that answers quickly', () => {
  const stack = useStack();
  const receiver = useFreshReceiver();
  let temporal: Client;
  let client: ApiClient;

  beforeAll(async () => {
    temporal = await stack.connectTemporal();
  });
  afterAll(() => temporal.connection.close());

  const quick = async (policy: Record<string, unknown> = {}): Promise<void> => {
    ({ client } = await stack.project({ policy: { retryDelaysMs: [LATE_MS], ...policy } }));
    await makeWebhook(client, receiver.url);
    receiver.respondWith(200);
    await eventually('one is accepted quickly', async () => {
      const id = await postEvent(client);
      const { attempts } = await deliveryWith(client, id, { status: 'succeeded' });
      return (attempts[0].durationMs as number) < 200;
    });
    receiver.requests.length = 0;
  };
  const handleOf = (id: string) => temporal.workflow.getHandle(`delivery/${id}`);
  const eventsOf = async (id: string): Promise<string[]> => {
    const { events } = await handleOf(id).fetchHistory();
    return events!.map(({ eventType }) => EventType[eventType!].replace('EVENT_TYPE_', ''));
  };
  const pendingOf = async (id: string) => (await handleOf(id).describe()).raw.pendingActivities!;
  const reset = async (id: string, point: string): Promise<void> => {
    const { address, namespace } = stack.config.temporal;
    const command = `workflow reset -w delivery/${id} --type ${point} --reason again`;
    const server = ['--address', address, '--namespace', namespace];
    await promisify(execFile)(process.env.TEST_TEMPORAL_CLI!, [...command.split(' '), ...server]);
  };

  it('keeps its time when its webhook is paused right after it has failed', async () => {
    await quick();
    receiver.respondWith(500);
    const id = await postEvent(client);
    const { webhookId } = await deliveryWith(client, id, { status: 'pending', attemptCount: 1 });
    await client.post(`/v1/webhooks/${webhookId}/pause`);
    // It has been run, and found its webhook paused.
    await eventually('its activity waits', async () => (await pendingOf(id))[0]?.attempt === 2);
    await client.post(`/v1/webhooks/${webhookId}/resume`);
    const { body } = await client.get(`/v1/deliveries/${id}`);
    expect(body.data).toMatchObject({ status: 'pending', attemptCount: 1 });
    expect(body.data.pending.reason).toBe('waiting_for_retry');
  });

  it('takes one workflow task, and no activity', async () => {
    await quick();
    const untilItsEnd = async (): Promise<string> => {
      const id = await postEvent(client);
      await deliveryWith(client, id, { status: 'succeeded', attemptCount: 1 });
      expect(await handleOf(id).result()).toBe('succeeded');
      return id;
    };
    const hasOneTask = async (id: string): Promise<boolean> =>
      (await eventsOf(id)).filter((type) => type === 'WORKFLOW_TASK_SCHEDULED').length === 1;
    // On a machine that stands still for eight seconds, the worker renews the task, or Temporal gives it to another.
    const id = await eventually('one ends before its task is renewed', async () => {
      receiver.requests.length = 0;
      const latest = await untilItsEnd();
      return (await hasOneTask(latest)) && latest;
    });
    expect(await eventsOf(id)).toEqual([
      'WORKFLOW_EXECUTION_STARTED',
      'WORKFLOW_TASK_SCHEDULED',
      'WORKFLOW_TASK_STARTED',
      'WORKFLOW_TASK_COMPLETED',
      'MARKER_RECORDED',
      'WORKFLOW_EXECUTION_COMPLETED',
    ]);
    // By the code as it is now, from its history.
    expect(await handleOf(id).query('state')).toEqual({ phase: 'done' });
    expect(receiver.requests).toHaveLength(1);
  });

  it('that fails waits as a pending activity, as if that had made the first attempt', async () => {
    await quick();
    receiver.respondWith(500);
    const id = await postEvent(client);
    const { nextAttemptAt } = await deliveryWith(client, id, { attemptCount: 1 });
    const [pending] = await eventually('it waits', async () => {
      const found = await pendingOf(id);
      return found[0]?.attempt === 2 && found;
    });
    expect(pending).toMatchObject({ lastFailure: { message: 'attempt 1 failed: 500' } });
    const scheduledFor = Number(pending!.nextAttemptScheduleTime!.seconds) * 1000;
    expect(Math.abs(scheduledFor - Date.parse(nextAttemptAt as string))).toBeLessThan(30_000);
    expect((await client.get(`/v1/deliveries/${id}`)).body.data.pending).toMatchObject({
      reason: 'waiting_for_retry',
      attempt: 2,
    });
    // As after an attempt that was lost with its worker.
    const dueAt = { $set: { nextAttemptAt: new Date(0) } };
    await stack.store.deliveries.model.updateOne({ _id: id }, dueAt);
    expect((await client.get(`/v1/deliveries/${id}`)).body.data.pending).toMatchObject({
      reason: 'waiting_for_worker',
      message: expect.stringMatching(/^attempt 2 is due: /),
      nextAttemptAt: null,
    });
    const { namespace } = stack.config.temporal;
    const query = `WorkflowId = "delivery/${id}" AND PosthornDeliveryStatus = "pending"`;
    await eventually('it is found as pending', async () => {
      const found = await temporal.workflowService.listWorkflowExecutions({ namespace, query });
      return found.executions.length === 1;
    });
    expect(receiver.requests).toHaveLength(1);

    receiver.respondWith(200);
    await client.post(`/v1/deliveries/${id}/retry`);
    await deliveryWith(client, id, { status: 'succeeded', attemptCount: 2 });
    await handleOf(id).result();
    const { typedSearchAttributes } = await handleOf(id).describe();
    expect(
      typedSearchAttributes.getAll().find(({ key }) => key.name === 'PosthornDeliveryStatus'),
    ).toMatchObject({ value: 'succeeded' });
  });

  it('has as many attempts as its schedule, at its times, when each fails', async () => {
    await quick({ retryDelaysMs: [1500, 1500] });
    receiver.respondWith(500);
    const id = await postEvent(client);
    const { attempts } = await deliveryWith(client, id, { status: 'failed', attemptCount: 3 });
    const times = attempts.map(({ startedAt }: { startedAt: string }) => Date.parse(startedAt));
    expect(times[1] - times[0]).toBeGreaterThanOrEqual(1500);
    expect(times[2] - times[1]).toBeGreaterThanOrEqual(1500);
    await expect(handleOf(id).result()).rejects.toMatchObject({
      cause: { type: 'DeliveryFailed' },
    });
    expect(receiver.requests).toHaveLength(3);
  });

  it.each(['FirstWorkflowTask', 'LastWorkflowTask'])(
    'is delivered again when it is reset to its %s, and by a replay',
    async (point) => {
      await quick();
      const id = await postEvent(client);
      await deliveryWith(client, id, { status: 'succeeded' });
      await handleOf(id).result();
      await reset(id, point);
      await deliveryWith(client, id, { status: 'succeeded', replays: 1, attemptCount: 2 });
      await handleOf(id).result();
      expect((await client.post(`/v1/deliveries/${id}/replay`)).status).toBe(202);
      await deliveryWith(client, id, { status: 'succeeded', replays: 2, attemptCount: 3 });
      expect(receiver.requests).toHaveLength(3);
    },
  );

  it('that failed at first, and was reset to its end, is delivered again', async () => {
    await quick({ retryDelaysMs: [1000] });
    let isFirst = true;
    receiver.respondWith(() => {
      const status = isFirst ? 500 : 200;
      isFirst = false;
      return status;
    });
    const id = await postEvent(client);
    await deliveryWith(client, id, { status: 'succeeded', attemptCount: 2 });
    await handleOf(id).result();
    await reset(id, 'LastWorkflowTask');
    await deliveryWith(client, id, { status: 'succeeded', replays: 1, attemptCount: 3 });
    await handleOf(id).result();
  });

  it('that has begun to hang takes no more workflow tasks: others are delivered meanwhile', async () => {
    await quick({ timeoutMs: 60_000 });
    receiver.respondWith(({ path }) => (path === '/quick' ? 200 : { kind: 'hang' }));
    for (let n = 0; n < 12; n += 1) {
      await client.post('/v1/events', { type: 'email.sent', data: emailSent });
    }
    await receiver.waitFor(10);
    const other = await stack.project();
    await makeWebhook(other.client, `${receiver.url}/quick`);
    for (let n = 0; n < 3; n += 1) {
      const id = await postEvent(other.client);
      await deliveryWith(other.client, id, { status: 'succeeded' });
    }
    // None of those that hang had to end first.
    const deliveries = await eventually('all are planned', async () => {
      const { data } = (await client.get('/v1/deliveries?limit=100&status=pending')).body;
      return data.deliveries.length >= 12 && data.deliveries;
    });
    expect(deliveries.map(({ attemptCount }: { attemptCount: number }) => attemptCount)).toEqual(
      Array(12).fill(0),
    );
  });
});
