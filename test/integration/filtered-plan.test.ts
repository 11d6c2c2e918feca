import type { ApiClient } from '../support/api-client';
import { fanOutWorkflowId } from '../../src/contracts/temporal';
import { deliveryWith, makeWebhook, postEvent } from '../support/deliveries';
import { eventually } from '../support/eventually';
import { useReceiver, useStack } from '../support/use';

describe('planning an event', () => {
  const stack = useStack();
  const receiver = useReceiver();
  let client: ApiClient;
  beforeAll(async () => {
    ({ client } = await stack.project());
  });

  /** Names of the activities in the history of an event's fan-out; local ones are not among them. */
  const activitiesFor = async (): Promise<string[]> => {
    const id = await postEvent(client);
    const { eventId } = await deliveryWith(client, id, { status: 'succeeded' });
    return stack.temporal(async ({ workflow }) => {
      const handle = workflow.getHandle(fanOutWorkflowId(eventId as string));
      await handle.result();
      const { events } = await handle.fetchHistory();
      return events!.flatMap(
        ({ activityTaskScheduledEventAttributes: scheduled }) =>
          scheduled?.activityType?.name ?? [],
      );
    });
  };

  it('is a local activity without filters, and one of its own, which holds no workflow task, with them', async () => {
    const passing = await makeWebhook(client, receiver.url);
    expect(await activitiesFor()).toEqual([]);
    await client.patch(`/v1/webhooks/${passing.id}`, { filter: { type: 'email.sent' } });
    await makeWebhook(client, receiver.url, { filter: { type: 'email.opened' } });
    expect(await activitiesFor()).toEqual(['planFilteredDeliveries']);
    // Each got its event once: the refusing filter's webhook none.
    expect(receiver.requests).toHaveLength(2);
  });

  it('holds nothing for good for a webhook that is paused, and disabled while its filter is judged', async () => {
    const { client: owner } = await stack.project();
    const filter = { 'data.subject': { $regex: '.' } };
    const { id: webhookId } = await makeWebhook(owner, receiver.url, { filter });
    const path = `/v1/webhooks/${webhookId}`;
    await owner.post(`${path}/pause`);
    const { store, tenantCpu } = stack;
    const run = tenantCpu.run.bind(tenantCpu);
    const spy = jest.spyOn(tenantCpu, 'run').mockImplementation(async (...task) => {
      await owner.patch(path, { isActive: false });
      return run(...task);
    });
    const id = await postEvent(owner);
    await deliveryWith(owner, id, { status: 'held' });
    expect(spy).toHaveBeenCalled();
    spy.mockRestore();
    const { body } = await owner.post(`${path}/test`, { events: ['email.sent'] });
    const [{ id: test }] = body.data.deliveries;
    await deliveryWith(owner, test, { status: 'held' });
    await eventually('it has ended', async () => {
      await stack.reconcile();
      return (await store.deliveries.find(id))!.status === 'skipped';
    });
    // Tests are sent to a disabled one, too, as soon as it is resumed.
    await stack.reconcile();
    expect(await store.endings.find(webhookId)).toBeNull();
    await owner.post(`${path}/resume`);
    await deliveryWith(owner, test, { status: 'succeeded' });
  });
});
