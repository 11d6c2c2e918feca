import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Client } from '@temporalio/client';
import {
  courierWorkflowId,
  deliveryWorkflowId,
  fanOutWorkflowId,
  replayWorkflowId,
  TASK_QUEUE,
  WORKFLOWS,
} from '../../src/contracts/temporal';
import {
  cancelSignal,
  pauseSignal,
  resumeSignal,
  retryNowSignal,
  stateQuery,
} from '../../workflows/messages';
import type { ApiClient } from '../support/api-client';
import { bulkReplaysOf, untilBatchWaits } from '../support/bulk-replays';
import { deliveryWith, makeWebhook, postEvent } from '../support/deliveries';
import { eventually } from '../support/eventually';
import { BUNDLE } from '../support/patient-couriers';
import { emailSent } from '../support/samples';
import { useFreshReceiver, useStack } from '../support/use';
import { keep } from './keep';

const SOON = { policy: { retryDelaysMs: [1000] } };
/** Long enough to be paused and resumed before. */
const LATER = { policy: { retryDelaysMs: [20_000] } };
const LATE = { policy: { retryDelaysMs: [3_600_000] } };

describe('keeping the history of', () => {
  const stack = useStack({ POSTHORN_RATE_LIMIT_PER_MINUTE: '10000' }, { bundle: BUNDLE });
  let temporal: Client;
  const receiver = useFreshReceiver();
  let client: ApiClient;
  let projectId: string;

  beforeAll(async () => {
    temporal = await stack.connectTemporal();
  });
  afterAll(async () => {
    await temporal.connection.close();
  });
  beforeEach(async () => {
    ({ client, id: projectId } = await stack.project());
  });

  const reset = async (id: string, point: string): Promise<void> => {
    const { address, namespace } = stack.config.temporal;
    const command = `workflow reset -w ${deliveryWorkflowId(id)} --type ${point} --reason again`;
    const server = ['--address', address, '--namespace', namespace];
    await promisify(execFile)(process.env.TEST_TEMPORAL_CLI!, [...command.split(' '), ...server]);
  };
  const keepDelivery = (name: string, id: string): Promise<void> =>
    keep(temporal, name, deliveryWorkflowId(id));
  const keepFanOut = async (name: string, deliveryId: string): Promise<void> => {
    const { data } = (await client.get(`/v1/deliveries/${deliveryId}`)).body;
    const workflowId = fanOutWorkflowId(data.eventId as string);
    await temporal.workflow.getHandle(workflowId).result();
    await keep(temporal, name, workflowId);
  };
  const handleOf = (id: string) => temporal.workflow.getHandle(deliveryWorkflowId(id));
  const becomes = (id: string, phase: string) =>
    eventually(`the delivery is ${phase}`, async () => {
      return (await handleOf(id).query(stateQuery)).phase === phase;
    });

  /** A delivery that failed once and backs off. */
  async function backingOff(settings: Record<string, unknown> = LATE) {
    const webhook = await makeWebhook(client, receiver.url, settings);
    receiver.respondWith(500);
    const id = await postEvent(client);
    await backsOff(id, 1);
    receiver.respondWith(200);
    return { id, webhook };
  }

  const backsOff = async (id: string, attemptCount: number): Promise<void> => {
    await deliveryWith(client, id, { attemptCount });
    // Its retry is known to Temporal.
    await eventually('it waits', async () => {
      const { data } = (await client.get(`/v1/deliveries/${id}`)).body;
      return data.pending?.reason === 'waiting_for_retry';
    });
  };

  it('a fan-out to three webhooks, and of a delivery taken at once', async () => {
    for (let n = 0; n < 3; n += 1) await makeWebhook(client, receiver.url);
    const id = await postEvent(client);
    await deliveryWith(client, id, { status: 'succeeded' });
    await keepDelivery('delivery-succeeded', id);
    await keepFanOut('fan-out-to-three', id);
  });

  it('a delivery attempted at once, and one that was taken on its retry', async () => {
    await makeWebhook(client, receiver.url, SOON);
    const isAtOnce = async (id: string): Promise<boolean> => {
      const { events } = await handleOf(id).fetchHistory();
      return events!.some(({ markerRecordedEventAttributes: marker }) => marker?.details?.data)
        ? events!.every(({ activityTaskScheduledEventAttributes: scheduled }) => !scheduled)
        : false;
    };
    const id = await eventually('one is attempted at once', async () => {
      const latest = await postEvent(client);
      await deliveryWith(client, latest, { status: 'succeeded' });
      await handleOf(latest).result();
      return (await isAtOnce(latest)) && latest;
    });
    await keepDelivery('delivery-at-once', id);
    let isFirst = true;
    receiver.respondWith(() => {
      const status = isFirst ? 500 : 200;
      isFirst = false;
      return status;
    });
    const retried = await postEvent(client);
    await deliveryWith(client, retried, { status: 'succeeded', attemptCount: 2 });
    await handleOf(retried).result();
    await keepDelivery('delivery-at-once-and-retried', retried);
    await reset(retried, 'LastWorkflowTask');
    await deliveryWith(client, retried, { status: 'succeeded', replays: 1 });
    await handleOf(retried).result();
    await keepDelivery('delivery-at-once-reset-to-its-end', retried);
  });

  it('a fan-out with a filter to judge', async () => {
    await makeWebhook(client, receiver.url, { filter: { type: 'email.sent' } });
    await makeWebhook(client, receiver.url, { filter: { type: 'email.opened' } });
    const id = await postEvent(client);
    await deliveryWith(client, id, { status: 'succeeded' });
    await keepFanOut('fan-out-with-filter', id);
  });

  it('a fan-out to no webhook', async () => {
    const { body } = await client.post('/v1/events', { type: 'email.sent', data: emailSent });
    const workflowId = fanOutWorkflowId(body.data.id as string);
    await temporal.workflow.getHandle(workflowId).result();
    await keep(temporal, 'fan-out-to-none', workflowId);
  });

  it('a fan-out run again, whose children have started', async () => {
    const { id } = await backingOff();
    const { eventId } = (await client.get(`/v1/deliveries/${id}`)).body.data;
    const workflowId = fanOutWorkflowId(eventId as string);
    await temporal.workflow.getHandle(workflowId).result();
    await temporal.workflow.start(WORKFLOWS.fanOutEvent, {
      workflowId,
      taskQueue: TASK_QUEUE,
      args: [eventId],
    });
    await keepFanOut('fan-out-again', id);
  });

  it('a fan-out that continues in a new run', async () => {
    const many = await stack.project({ policy: { maxWebhooks: 1000 } });
    for (let n = 0; n < 501; n += 1) await makeWebhook(many.client, receiver.url);
    const { body } = await many.client.post('/v1/events', { type: 'email.sent', data: emailSent });
    const workflowId = fanOutWorkflowId(body.data.id as string);
    const handle = temporal.workflow.getHandle(workflowId);
    // Behind the answer.
    await eventually('it is started', () => handle.describe().catch(() => null));
    await handle.result();
    const { events } = await handle.fetchHistory();
    const firstRunId =
      events![0]!.workflowExecutionStartedEventAttributes!.continuedExecutionRunId!;
    await keep(temporal, 'fan-out-continued', workflowId, firstRunId);
    await keep(temporal, 'fan-out-goes-on', workflowId);
  }, 300_000);

  it('a delivery that backs off', async () => {
    const { id } = await backingOff();
    await keepDelivery('delivery-backing-off', id);
  });

  it('a delivery taken on its retry', async () => {
    const { id } = await backingOff(SOON);
    await deliveryWith(client, id, { status: 'succeeded' });
    await keepDelivery('delivery-succeeded-on-retry', id);
  });

  it('a delivery whose every attempt fails', async () => {
    const { id } = await backingOff(SOON);
    receiver.respondWith(500);
    await deliveryWith(client, id, { status: 'failed' });
    await handleOf(id)
      .result()
      .catch(() => undefined);
    await keepDelivery('delivery-failed', id);
  });

  it('a delivery paused and resumed by signals', async () => {
    const { id } = await backingOff(LATER);
    await handleOf(id).signal(pauseSignal);
    await becomes(id, 'paused');
    await keepDelivery('delivery-paused', id);
    await handleOf(id).signal(resumeSignal);
    await handleOf(id).result();
    await keepDelivery('delivery-paused-and-resumed', id);
  });

  it('a delivery cancelled while it is paused', async () => {
    const { id } = await backingOff();
    await handleOf(id).signal(pauseSignal);
    await becomes(id, 'paused');
    await handleOf(id).signal(cancelSignal);
    await handleOf(id).result();
    await keepDelivery('delivery-cancelled-while-paused', id);
  });

  it('a delivery retried now', async () => {
    const { id } = await backingOff();
    await handleOf(id).signal(retryNowSignal);
    await handleOf(id).result();
    await keepDelivery('delivery-retried-now', id);
  });

  it('a delivery retried now while it is paused', async () => {
    const { id } = await backingOff();
    await handleOf(id).signal(pauseSignal);
    await becomes(id, 'paused');
    await handleOf(id).signal(retryNowSignal);
    await handleOf(id).query(stateQuery);
    // Earlier versions stayed paused.
    await handleOf(id)
      .signal(resumeSignal)
      .catch(() => {});
    await handleOf(id).result();
    await keepDelivery('delivery-retried-while-paused', id);
  });

  it('a delivery cancelled by its signal, and then reset with the signal applied again', async () => {
    const { id } = await backingOff();
    await handleOf(id).signal(cancelSignal);
    await handleOf(id).result();
    await keepDelivery('delivery-cancelled-by-signal', id);
    await reset(id, 'FirstWorkflowTask');
    await deliveryWith(client, id, { status: 'succeeded', replays: 1 });
    await handleOf(id).result();
    await keepDelivery('delivery-reset-by-operator', id);
  });

  it('a failed delivery that was reset to its end, and taken then', async () => {
    await makeWebhook(client, receiver.url, SOON);
    receiver.respondWith(500);
    const id = await postEvent(client);
    await deliveryWith(client, id, { status: 'failed' });
    await handleOf(id)
      .result()
      .catch(() => {});
    receiver.respondWith(200);
    await reset(id, 'LastWorkflowTask');
    await deliveryWith(client, id, { status: 'succeeded', replays: 1 });
    await handleOf(id).result();
    await reset(id, 'LastWorkflowTask');
    await deliveryWith(client, id, { status: 'succeeded', replays: 2 });
    await handleOf(id).result();
    await keepDelivery('delivery-reset-to-its-end', id);
  });

  it('a cancelled delivery that was reset to its end', async () => {
    const { id } = await backingOff();
    await handleOf(id).signal(cancelSignal);
    await handleOf(id).result();
    const { runId } = await handleOf(id).describe();
    await reset(id, 'LastWorkflowTask');
    await eventually('its new run has ended', async () => {
      const now = await handleOf(id).describe();
      return now.runId !== runId && now.status.name === 'COMPLETED';
    });
    await keepDelivery('delivery-cancelled-reset-to-its-end', id);
  });

  it('a delivery deferred more often than its policy has attempts', async () => {
    await makeWebhook(client, receiver.url, {
      policy: { retryDelaysMs: [1000], ratePerSecond: 0.2 },
    });
    await postEvent(client);
    const id = await postEvent(client);
    await deliveryWith(client, id, { status: 'succeeded' });
    await handleOf(id).result();
    await keepDelivery('delivery-put-off', id);
  });

  /** Answers after a second, the first time with 500: meanwhile the exchange is in progress. */
  const failOnceSlowly = (): void =>
    receiver.respondWith((_request, n) => ({
      kind: 'answer',
      status: n === 1 ? 500 : 200,
      delayMs: 1000,
    }));

  it('a delivery paused while its exchange is in progress, and resumed', async () => {
    await makeWebhook(client, receiver.url, SOON);
    failOnceSlowly();
    const id = await postEvent(client);
    await receiver.waitFor(1);
    await handleOf(id).signal(pauseSignal);
    await becomes(id, 'paused');
    await handleOf(id).signal(resumeSignal);
    await handleOf(id).result();
    await keepDelivery('delivery-paused-under-way', id);
  });

  it('a delivery retried while its exchange is in progress', async () => {
    await makeWebhook(client, receiver.url, SOON);
    failOnceSlowly();
    const id = await postEvent(client);
    await receiver.waitFor(1);
    await handleOf(id).signal(retryNowSignal);
    await handleOf(id).result();
    await keepDelivery('delivery-retried-under-way', id);
  });

  it("a delivery cancelled by the Web UI's button", async () => {
    const { id } = await backingOff();
    await handleOf(id).cancel();
    await handleOf(id).result();
    await keepDelivery('delivery-cancelled-in-web-ui', id);
  });

  it('a delivery replayed through the API', async () => {
    await makeWebhook(client, receiver.url);
    const id = await postEvent(client);
    await deliveryWith(client, id, { status: 'succeeded' });
    await handleOf(id).result();
    await client.post(`/v1/deliveries/${id}/replay`);
    await deliveryWith(client, id, { status: 'succeeded', replays: 1 });
    await handleOf(id).result();
    await keepDelivery('delivery-replayed', id);
  });

  it('a delivery replayed through the API before it was told of the cancel of before', async () => {
    const { id } = await backingOff();
    await client.post(`/v1/deliveries/${id}/cancel`);
    await handleOf(id).result();
    receiver.respondWith(500);
    await client.post(`/v1/deliveries/${id}/replay`);
    await backsOff(id, 2);
    receiver.respondWith(200);
    await handleOf(id).signal(cancelSignal, 0);
    await handleOf(id).query(stateQuery);
    await client.post(`/v1/deliveries/${id}/retry`);
    await deliveryWith(client, id, { status: 'succeeded', replays: 1 });
    await handleOf(id).result();
    await keepDelivery('delivery-replayed-before-its-cancel', id);
  });

  it('a delivery replayed through the API by another policy', async () => {
    const webhook = await makeWebhook(client, receiver.url);
    const id = await postEvent(client);
    await deliveryWith(client, id, { status: 'succeeded' });
    await handleOf(id).result();
    await client.patch(`/v1/webhooks/${webhook.id}`, SOON);
    await client.post(`/v1/deliveries/${id}/replay`);
    await deliveryWith(client, id, { status: 'succeeded', replays: 1 });
    await handleOf(id).result();
    await keepDelivery('delivery-replayed-by-another-policy', id);
  });

  it('a delivery held by its paused webhook, and drained, and of the courier', async () => {
    const { id, webhook } = await backingOff(SOON);
    await client.post(`/v1/webhooks/${webhook.id}/pause`);
    await deliveryWith(client, id, { status: 'held' });
    await handleOf(id).result();
    await keepDelivery('delivery-held', id);
    await client.post(`/v1/webhooks/${webhook.id}/resume`);
    await deliveryWith(client, id, { status: 'succeeded' });
    await handleOf(id).result();
    await keepDelivery('delivery-drained', id);
    await keep(temporal, 'courier', courierWorkflowId(projectId));
  });

  it('a bulk replay of several batches', async () => {
    const webhook = await makeWebhook(client, receiver.url);
    await client.patch(`/v1/webhooks/${webhook.id}`, { isActive: false });
    const events = Array.from({ length: 12 }, () => ({ type: 'email.sent', data: emailSent }));
    await client.post('/v1/events/batch', { events });
    await eventually('all are skipped', async () => {
      const list = await client.get('/v1/deliveries?status=skipped');
      return list.body.data.deliveries.length === events.length;
    });
    await client.patch(`/v1/webhooks/${webhook.id}`, { isActive: true });
    const { body } = await client.post('/v1/replays', {
      since: new Date(Date.now() - 3_600_000).toISOString(),
      until: new Date(Date.now() + 1000).toISOString(),
      ratePerSecond: 1,
    });
    const workflowId = replayWorkflowId(body.data.id as string);
    await temporal.workflow.getHandle(workflowId).result();
    await keep(temporal, 'replay', workflowId);
  });

  it('a bulk replay that is resumed while its batch waits', async () => {
    const { skipped } = bulkReplaysOf(() => client);
    const { change } = await skipped(receiver.url, 12);
    await change({ isActive: true, policy: { ratePerSecond: 1 } });
    const { body } = await client.post('/v1/replays', {
      since: new Date(Date.now() - 3_600_000).toISOString(),
      until: new Date(Date.now() + 1000).toISOString(),
    });
    const handle = temporal.workflow.getHandle(replayWorkflowId(body.data.id as string));
    await untilBatchWaits(temporal, body.data.id);
    await client.post(`/v1/replays/${body.data.id}/resume`);
    await handle.result();
    await keep(temporal, 'replay-resumed-while-waiting', handle.workflowId);
  });

  it('a reconcile', async () => {
    const workflowId = 'reconcile';
    await temporal.workflow.execute(WORKFLOWS.reconcile, { workflowId, taskQueue: TASK_QUEUE });
    await keep(temporal, 'reconcile', workflowId);
  });
});
