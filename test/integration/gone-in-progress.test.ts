import type { ApiClient } from '../support/api-client';
import { deliveryWith, makeWebhook } from '../support/deliveries';
import { WAYS } from '../support/dispatch';
import { eventually } from '../support/eventually';
import { emailSent } from '../support/samples';
import { useFreshReceiver, useStack } from '../support/use';

/** By their events: the first is answered 410, and the others after that. */
const STATUSES = { em_0: 410, em_1: 200, em_2: 500, em_3: 200, em_4: 500, em_5: 503, em_6: 200 };
const EMAIL_IDS = Object.keys(STATUSES) as (keyof typeof STATUSES)[];

/** What waits until it is let go. */
function gate(): { opened: Promise<void>; open: () => void } {
  let open!: () => void;
  return { opened: new Promise<void>((resolve) => (open = resolve)), open };
}

describe.each(WAYS)(
  'deliveries in progress, dispatched %s, when one is answered 410',
  (dispatch) => {
    const stack = useStack();
    const receiver = useFreshReceiver();
    let client: ApiClient;

    beforeEach(async () => {
      // Answers are held back for as long as a busy machine needs for the rest.
      const policy = { timeoutMs: 60_000, retryDelaysMs: [86_400_000] };
      ({ client } = await stack.project({ dispatch, policy }));
    });

    const listed = async (query = ''): Promise<{ id: string; eventId: string }[]> =>
      (await client.get(`/v1/deliveries?limit=100${query}`)).body.data.deliveries;

    /** All in progress; the receiver answers a status to each when its gate is opened. */
    async function inProgress() {
      const webhook = await makeWebhook(client, receiver.url);
      const [gone, accepted, failing] = [gate(), gate(), gate()];
      receiver.respondWith(({ rawBody }) => {
        const emailId = /em_\d/.exec(rawBody.toString())![0] as keyof typeof STATUSES;
        const status = STATUSES[emailId];
        const { opened: after } = status === 410 ? gone : status === 200 ? accepted : failing;
        return { kind: 'answer', status, after };
      });
      const events = EMAIL_IDS.map((emailId) => ({
        type: 'email.sent',
        data: { ...emailSent, emailId },
      }));
      const posted = await client.post('/v1/events/batch', { events });
      const eventIds = (posted.body.data.events as { id: string }[]).map(({ id }) => id);
      await receiver.waitFor(EMAIL_IDS.length);
      /** The deliveries of the events that are answered like that, once they have ended so. */
      const answered = async (status: number, expected: { status: string }) => {
        const those = eventIds.filter((_id, n) => STATUSES[EMAIL_IDS[n]!] === status);
        return Promise.all(
          those.map(async (eventId) => {
            const id = await eventually('it is listed', async () => {
              return (await listed(`&eventId=${eventId}`))[0]?.id;
            });
            return deliveryWith(client, id, { attemptCount: 1, ...expected });
          }),
        );
      };
      const path = `/v1/webhooks/${webhook.id}`;
      const isDisabled = () =>
        eventually('the webhook is disabled', async () => {
          return (await client.get(path)).body.data.isActive === false;
        });
      return { path, answered, isDisabled, gone, accepted, failing };
    }

    it.each([
      { since: 'were shown as pending', isShown: true, first: 'accepted' },
      { since: 'were shown as pending', isShown: true, first: 'failing' },
      { since: 'were just sent', isShown: false, first: 'accepted' },
      { since: 'were just sent', isShown: false, first: 'failing' },
    ] as const)(
      'that $since succeed if they are accepted and are skipped if they fail, first the $first',
      async ({ isShown, first }) => {
        const { path, answered, isDisabled, gone, ...others } = await inProgress();
        if (isShown) {
          await eventually('all are pending', async () => {
            return (await listed('&status=pending')).length === EMAIL_IDS.length;
          });
        }
        gone.open();
        await isDisabled();
        const order = first === 'accepted' ? [200, 500, 503] : [500, 503, 200];
        for (const status of order) {
          others[status === 200 ? 'accepted' : 'failing'].open();
          const expected =
            status === 200
              ? { status: 'succeeded' }
              : { status: 'skipped', endReason: 'webhook_disabled' };
          for (const delivery of await answered(status, expected)) {
            expect(delivery.nextAttemptAt).toBeNull();
            expect(delivery.attempts).toMatchObject([{ number: 1, statusCode: status }]);
            expect(delivery.completedAt).not.toBeNull();
            if (status === 200) expect(delivery).not.toHaveProperty('endReason');
          }
        }
        await answered(410, { status: 'failed' });

        await eventually('the successes are counted', async () => {
          return (await client.get(path)).body.data.failureCount === 0;
        });
        expect((await client.get(path)).body.data).toMatchObject({
          isActive: false,
          disabledReason: 'gone',
          lastStatus: 200,
          health: { state: 'disabled', reason: expect.stringContaining('410') },
        });
        expect(receiver.requests).toHaveLength(EMAIL_IDS.length);

        // What was skipped is all that enabling it suggests to send.
        receiver.respondWith(200);
        const { data } = (await client.patch(path, { isActive: true })).body;
        expect(data.skipped.count).toBe(3);
        expect((await client.post('/v1/replays', data.skipped.replay)).body.data.matched).toBe(3);
        await receiver.waitFor(EMAIL_IDS.length + 3);
      },
    );

    it('and that was cancelled meanwhile stays cancelled, and its webhook is disabled', async () => {
      const { opened: after, open } = gate();
      receiver.respondWith({ kind: 'answer', status: 410, after });
      await makeWebhook(client, receiver.url, { events: ['delivery.failed'] });
      const { id: webhookId } = await makeWebhook(client, receiver.url);
      await client.post('/v1/events', { type: 'email.sent', data: emailSent });
      await receiver.waitFor(1);
      const { id } = await eventually('it is listed', async () => (await listed())[0]);
      expect((await client.post(`/v1/deliveries/${id}/cancel`)).status).toBe(202);
      open();
      await eventually('its webhook is disabled', async () => {
        const { data } = (await client.get(`/v1/webhooks/${webhookId}`)).body;
        return data.disabledReason === 'gone';
      });
      const cancelled = { status: 'cancelled', attemptCount: 1 };
      await deliveryWith(client, id, cancelled);
      await stack.reconcile();
      expect(await deliveryWith(client, id, cancelled)).not.toHaveProperty('endReason');
      const failed = { aboutWebhookId: webhookId, type: 'delivery.failed' };
      expect(await stack.store.events.model.countDocuments(failed)).toBe(0);
    });

    it.each([
      { first: 'the replay', statuses: [200, 410], disabledReason: null },
      { first: 'the attempt before it', statuses: [410, 200], disabledReason: 'gone' },
    ])(
      'and that was cancelled and replayed meanwhile is sent at once, and if $first is answered first, its webhook is disabled: $disabledReason',
      async ({ statuses, disabledReason }) => {
        const [gone, accepted] = [gate(), gate()];
        const deciding = jest.spyOn(stack.store.webhookHealth, 'isDueForDisabling');
        receiver.respondWith((_request, n) =>
          n === 1
            ? { kind: 'answer', status: 410, after: gone.opened }
            : { kind: 'answer', status: 200, after: accepted.opened },
        );
        const { id: webhookId } = await makeWebhook(client, receiver.url);
        await client.post('/v1/events', { type: 'email.sent', data: emailSent });
        await receiver.waitFor(1);
        const { id } = await eventually('it is listed', async () => (await listed())[0]);
        const path = `/v1/deliveries/${id}`;
        expect((await client.post(`${path}/cancel`)).status).toBe(202);
        expect((await client.post(`${path}/replay`)).status).toBe(202);
        await receiver.waitFor(2);
        for (const [n, status] of statuses.entries()) {
          (status === 410 ? gone : accepted).open();
          await deliveryWith(client, id, { attemptCount: n + 1 });
        }
        const delivery = await deliveryWith(client, id, { status: 'succeeded', replays: 1 });
        expect(delivery.attempts).toMatchObject(
          statuses.map((statusCode, n) => ({
            number: n + 1,
            statusCode,
            ...(statusCode === 410 && { superseded: true }),
          })),
        );
        await eventually('the 410 is followed up', () => deciding.mock.calls.length > 0);
        expect(deciding.mock.calls[0]![0]).toBe(webhookId);
        const isDisabled = await deciding.mock.results[0]!.value;
        deciding.mockRestore();
        expect(isDisabled).toBe(disabledReason !== null);
        await eventually('its webhook is as expected', async () => {
          const { data } = (await client.get(`/v1/webhooks/${webhookId}`)).body;
          return data.disabledReason === disabledReason;
        });
      },
    );
  },
);
