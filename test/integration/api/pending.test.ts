import { explainPending } from '../../../src/api/deliveries/pending';
import type { PendingExplanation } from '../../../src/api/schemas/delivery';
import { moment } from '../../../src/clock';
import { courierWorkflowId } from '../../../src/contracts/temporal';
import type { ChangedBy } from '../../../src/domain/changed-by';
import type { DeliveryRecord } from '../../../src/store/delivery-record';
import { toPlanned } from '../../../src/store/planned-delivery';
import { Engine } from '../../../src/temporal/engine';
import { makeWebhook } from '../../support/deliveries';
import { freePort } from '../../support/free-port';
import { portalLink } from '../../support/portal-link';
import { useStack } from '../../support/use';
import { insertDelivery } from './insert';
import { expectRefusal } from './refusal';

const HOUR_MS = 3_600_000;

describe('a pending delivery that no worker has taken', () => {
  const stack = useStack({}, { worker: false });
  const startedAt = new Date(Date.now() - HOUR_MS);

  /** Stores a delivery whose first attempt has failed an hour ago, and whose next is due in an hour. */
  async function failedOnce(more: Partial<DeliveryRecord> = {}) {
    const { id: projectId, client } = await stack.project();
    const { id: webhookId } = await makeWebhook(client, 'https://example.com/hooks');
    const failed = { number: 1, runId: 'run', startedAt, durationMs: 5, statusCode: 500 };
    const id = await insertDelivery(stack, {
      projectId,
      webhookId,
      status: 'pending',
      attempts: [{ ...failed, outcome: 'failed', requestHeaders: {} }],
      attemptCount: 1,
      nextAttemptAt: new Date(Date.now() + HOUR_MS),
      completedAt: null,
      ...more,
    });
    const delivery = (await stack.store.deliveries.find(id))!;
    const pending = async () => (await client.get(`/v1/deliveries/${id}`)).body.data.pending;
    const becomesDue = () =>
      stack.store.deliveries.model.updateOne({ _id: id }, { $set: { nextAttemptAt: startedAt } });
    return { client, projectId, webhookId, delivery, pending, becomesDue };
  }

  it('waits for its time as long as it has one, and from then on for a worker', async () => {
    const { projectId, webhookId, delivery, pending, becomesDue } = await failedOnce();
    const { webhooks, projects } = stack.store;
    const webhook = (await webhooks.get(projectId, webhookId))!;
    const planned = toPlanned(delivery, webhook, (await projects.get(projectId))!);
    const waitsForItsTime = {
      reason: 'waiting_for_retry',
      attempt: 2,
      nextAttemptAt: delivery.nextAttemptAt!.toISOString(),
    };
    // None runs: an operator has terminated it.
    expect(await pending()).toMatchObject(waitsForItsTime);
    await stack.engine.runAgain(planned, null, 'live', { at: moment(), runId: null });
    expect(await pending()).toMatchObject(waitsForItsTime);
    await becomesDue();
    expect(await pending()).toMatchObject({ reason: 'waiting_for_worker', attempt: 2 });
  });

  it.each([
    [429, '60', true],
    [503, '60, 120', true],
    [503, 'Fri, 31 Dec 2100 23:59:59 GMT', true],
    [503, 'Sat, 01 Jan 2000 00:00:00 GMT', false],
    [503, 'soon', false],
    [500, '86400', false],
  ])('names a Retry-After only if it counts: %d, %s', async (statusCode, asked, counts) => {
    const responseHeaders = { 'retry-after': asked };
    const attempt = { number: 1, runId: 'run', startedAt, durationMs: 5, requestHeaders: {} };
    const { pending } = await failedOnce({
      attempts: [{ ...attempt, statusCode, outcome: 'failed', responseHeaders }],
    });
    const { message } = await pending();
    expect(message).toContain(`attempt 1 failed with status ${statusCode}`);
    expect(message.includes(`Retry-After: ${asked}`)).toBe(counts);
  });

  it.each([null, true] as const)(
    'waits for a resume if its webhook is paused while it is queued (by a courier: %s)',
    async (isExpress) => {
      const { projectId, webhookId, pending } = await failedOnce({
        ...(isExpress && { isExpress }),
        nextAttemptAt: null,
        deferredFor: 'rate_limit',
        queuedIn: 'a queue',
      });
      expect(await pending()).toMatchObject({ reason: 'rate_limit', attempt: 2 });
      await stack.store.webhooks.update(projectId, webhookId, { isPaused: true });
      expect(await pending()).toMatchObject({ reason: 'webhook_paused', attempt: 2 });
      await stack.store.webhooks.update(projectId, webhookId, { isPaused: false });
      expect(await pending()).toMatchObject({ reason: 'rate_limit', attempt: 2 });
    },
  );

  it('is not retried while it is held, and the refusal says whether a resume is missing', async () => {
    const { client, projectId, webhookId, delivery } = await failedOnce({
      status: 'held',
      nextAttemptAt: null,
      queuedIn: 'a queue',
    });
    const expectRefused = async (message: string): Promise<void> => {
      const refused = await client.post(`/v1/deliveries/${delivery._id}/retry`);
      expectRefusal(refused, 'delivery_held');
      expect(refused.body.error.message).toBe(message);
    };
    await stack.store.webhooks.update(projectId, webhookId, { isPaused: true });
    await expectRefused('its webhook is paused; resume the webhook');
    await stack.store.webhooks.update(projectId, webhookId, { isPaused: false });
    await expectRefused(
      'its webhook was paused; the delivery is sent in its turn, without a retry',
    );
  });

  it('says the same where a courier sends it', async () => {
    const { projectId, webhookId, delivery, pending, becomesDue } = await failedOnce({
      isExpress: true,
    });
    const waits = { reason: 'waiting_for_retry', attempt: 2 };
    expect(await pending()).toMatchObject(waits);
    const pausing = { $set: { isPaused: true } };
    await stack.store.webhooks.model.updateOne({ _id: webhookId }, pausing);
    const message = expect.stringMatching(/; the webhook is paused, so it will be held then$/);
    expect(await pending()).toMatchObject({ ...waits, message });

    await becomesDue();
    expect(await pending()).toMatchObject({ reason: 'starting', attempt: 2 });
    await stack.engine.wakeCourier(projectId);
    expect(await pending()).toMatchObject({ reason: 'waiting_for_worker', attempt: 2 });

    expect(await withoutTemporal(delivery, 'platform')).toMatchObject({
      reason: 'unknown',
      attempt: 2,
      message: expect.stringContaining('Temporal is unavailable') as string,
    });
  });

  it('names to a customer nothing that only the platform knows and can repair', async () => {
    const { client, projectId, delivery, becomesDue } = await failedOnce({ isExpress: true });
    const { client: customer } = await portalLink(client, 'read');
    const told = async () => {
      const { body } = await customer.get(`/v1/deliveries/${delivery._id}`);
      return body.data.pending as PendingExplanation;
    };
    await becomesDue();
    const explanations = [await told()];
    await stack.engine.wakeCourier(projectId);
    explanations.push(await told());
    const { namespace } = stack.config.temporal;
    const workflowId = courierWorkflowId(projectId);
    const about = { namespace, workflowId, identity: 'operator', reason: 'test' };
    await stack.temporal(({ workflowService }) => workflowService.pauseWorkflowExecution(about));
    explanations.push(await told(), (await withoutTemporal(delivery, 'customer'))!);

    const reasons = ['starting', 'waiting_for_worker', 'paused', 'unknown'];
    expect(explanations.map(({ reason }) => reason)).toEqual(reasons);
    for (const { message } of explanations) {
      expect(message).not.toMatch(/temporal|workflow|courier|worker|Web UI/i);
    }
  });

  /** What is said where Temporal can't be reached. */
  async function withoutTemporal({ _id, projectId }: DeliveryRecord, reader: ChangedBy) {
    const { config, store } = stack;
    const address = `127.0.0.1:${await freePort()}`;
    const cutOff = Engine.connect({ ...config, temporal: { ...config.temporal, address } });
    const [due, project] = [await store.deliveries.find(_id), await store.projects.get(projectId)];
    const explained = await explainPending(due!, project!, store, cutOff, reader);
    await cutOff.close();
    return explained;
  }
});
