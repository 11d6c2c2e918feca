import { moment } from '../../../src/clock';
import { toPlanned } from '../../../src/store/planned-delivery';
import { makeWebhook } from '../../support/deliveries';
import { useStack } from '../../support/use';
import { insertDelivery } from './insert';

const HOUR_MS = 3_600_000;

describe('a pending delivery that no worker has taken', () => {
  const stack = useStack({}, { worker: false });

  it('waits for its time as long as it has one, and from then on for a worker', async () => {
    const { id: projectId, client } = await stack.project();
    const { id: webhookId } = await makeWebhook(client, 'https://example.com/hooks');
    const startedAt = new Date(Date.now() - HOUR_MS);
    const failed = { number: 1, runId: 'run', startedAt, durationMs: 5, statusCode: 500 };
    const id = await insertDelivery(stack, {
      projectId,
      webhookId,
      status: 'pending',
      attempts: [{ ...failed, outcome: 'failed', requestHeaders: {} }],
      attemptCount: 1,
      nextAttemptAt: new Date(Date.now() + HOUR_MS),
      completedAt: null,
    });
    const { deliveries, webhooks, projects } = stack.store;
    const delivery = (await deliveries.find(id))!;
    const webhook = (await webhooks.get(projectId, webhookId))!;
    const planned = toPlanned(delivery, webhook, (await projects.get(projectId))!);
    const pending = async () => (await client.get(`/v1/deliveries/${id}`)).body.data.pending;
    const waitsForItsTime = {
      reason: 'waiting_for_retry',
      attempt: 2,
      nextAttemptAt: delivery.nextAttemptAt!.toISOString(),
    };
    // None runs: an operator has terminated it.
    expect(await pending()).toMatchObject(waitsForItsTime);
    await stack.engine.runAgain(planned, null, 'live', moment());
    expect(await pending()).toMatchObject(waitsForItsTime);
    await deliveries.model.updateOne({ _id: id }, { $set: { nextAttemptAt: startedAt } });
    expect(await pending()).toMatchObject({ reason: 'waiting_for_worker', attempt: 2 });
  });
});
