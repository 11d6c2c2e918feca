import type { ApiClient } from '../support/api-client';
import { fanOutWorkflowId } from '../../src/contracts/temporal';
import { deliveryWith, makeWebhook, postEvent } from '../support/deliveries';
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
});
