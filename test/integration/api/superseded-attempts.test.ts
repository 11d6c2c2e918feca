import { deliveryWith, makeWebhook, postEvent } from '../../support/deliveries';
import { eventually } from '../../support/eventually';
import { useFreshReceiver, useStack } from '../../support/use';
import { insertDelivery } from './insert';

describe('an attempt that is only logged, since another had taken over', () => {
  const stack = useStack();
  const receiver = useFreshReceiver();

  it.each(['workflow', 'express'] as const)(
    'is not what became of its delivery, dispatched %s',
    async (dispatch) => {
      const { client } = await stack.project({ dispatch });
      // Its answer is held back for as long as a busy machine needs for the rest.
      const policy = { timeoutMs: 60_000, retryDelaysMs: [1000] };
      await makeWebhook(client, receiver.url, { policy });
      let answer!: () => void;
      const after = new Promise<void>((resolve) => (answer = resolve));
      receiver.respondWith((_request, n) =>
        n === 1 ? { kind: 'answer', status: 500, after } : 200,
      );
      const id = await postEvent(client);
      await receiver.waitFor(1);
      await client.post(`/v1/deliveries/${id}/cancel`);
      await client.post(`/v1/deliveries/${id}/replay`);
      if (dispatch === 'workflow') await deliveryWith(client, id, { status: 'succeeded' });
      answer();
      const shown = await eventually('both are logged', async () => {
        const { data } = (await client.get(`/v1/deliveries/${id}`)).body;
        return data.attemptCount === 2 && data.status === 'succeeded' && data;
      });
      const { number } = shown.attempts.find((one: { superseded?: true }) => !one.superseded);
      expect(shown.attempts).toContainEqual(
        expect.objectContaining({ statusCode: 500, superseded: true }),
      );
      const lastAttempt = { number, outcome: 'succeeded', statusCode: 200 };
      expect(shown).toMatchObject({ lastAttempt });
      const listed = async (query: string): Promise<object[]> =>
        (await client.get(`/v1/deliveries?${query}`)).body.data.deliveries;
      expect(await listed('statusCode=200')).toMatchObject([{ id, lastAttempt }]);
      expect(await listed('statusCode=500,5xx')).toEqual([]);
    },
  );

  it('is not why the next one waits', async () => {
    const { id: projectId, client } = await stack.project();
    const { id: webhookId } = await makeWebhook(client, receiver.url);
    const at = new Date();
    const made = { runId: 'run', startedAt: at, durationMs: 5, requestHeaders: {} };
    const id = await insertDelivery(stack, {
      projectId,
      status: 'pending',
      completedAt: null,
      webhookId,
      isExpress: true,
      attemptCount: 2,
      nextAttemptAt: new Date(at.getTime() + 3_600_000),
      attempts: [
        { ...made, number: 1, outcome: 'failed', statusCode: 503 },
        { ...made, number: 2, outcome: 'failed', statusCode: 500, superseded: true },
      ],
    });
    const { pending } = (await client.get(`/v1/deliveries/${id}`)).body.data;
    expect(pending.message).toMatch(/because attempt 1 failed with status 503$/);
  });
});
