import type { ApiClient } from '../support/api-client';
import { deliveryWith, makeWebhook } from '../support/deliveries';
import { WAYS } from '../support/dispatch';
import { eventually } from '../support/eventually';
import { emailSent } from '../support/samples';
import { useFreshReceiver, useStack } from '../support/use';

const STOPS = {
  disabled: {
    stop: (client: ApiClient, path: string) => client.patch(path, { isActive: false }),
    expected: { status: 'skipped', endReason: 'webhook_disabled' },
  },
  deleted: {
    stop: (client: ApiClient, path: string) => client.delete(path),
    expected: { status: 'cancelled', endReason: 'webhook_deleted' },
  },
};

describe.each(WAYS)('a first attempt in progress, dispatched %s,', (dispatch) => {
  const stack = useStack();
  const receiver = useFreshReceiver();

  describe.each(['disabled', 'deleted'] as const)('when its webhook is %s', (how) => {
    const { stop, expected } = STOPS[how];

    it.each([
      { since: 'that was just sent', isShown: false, status: 500, end: expected },
      { since: 'that was just sent', isShown: false, status: 200, end: { status: 'succeeded' } },
      { since: 'that was shown as pending', isShown: true, status: 500, end: expected },
      {
        since: 'that was shown as pending',
        isShown: true,
        status: 200,
        end: { status: 'succeeded' },
      },
    ])('and $since, and answered $status, is $end.status', async ({ isShown, status, end }) => {
      // The answer is held back for as long as a busy machine needs for the rest.
      const policy = { timeoutMs: 60_000, retryDelaysMs: [86_400_000] };
      const { client } = await stack.project({ dispatch, policy });
      const { id: webhookId } = await makeWebhook(client, receiver.url);
      let answer!: () => void;
      const after = new Promise<void>((resolve) => (answer = resolve));
      receiver.respondWith(() => ({ kind: 'answer', status, after }));
      const posted = await client.post('/v1/events', { type: 'email.sent', data: emailSent });
      await receiver.waitFor(1);
      const path = `/v1/deliveries?eventId=${posted.body.data.id}`;
      const listed = () =>
        eventually('it is listed', async () => {
          return (await client.get(path)).body.data.deliveries[0];
        });
      if (isShown) await listed();
      expect((await stop(client, `/v1/webhooks/${webhookId}`)).status).toBeLessThan(300);
      answer();
      const delivery = await deliveryWith(client, (await listed()).id, { attemptCount: 1, ...end });
      expect(delivery).toMatchObject({ nextAttemptAt: null, attempts: [{ statusCode: status }] });
      expect(delivery.completedAt).not.toBeNull();
      expect(delivery.pending).toBeUndefined();
      expect(receiver.requests).toHaveLength(1);
    });
  });
});
