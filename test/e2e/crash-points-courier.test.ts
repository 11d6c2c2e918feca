import type { DeliveryStatus } from '../../src/contracts/delivery';
import { useCrashes, type Crash } from '../support/crash';
import { deliveryWith } from '../support/deliveries';
import { emailSent } from '../support/samples';

jest.setTimeout(300_000);

const once = { status: 'succeeded', attemptCount: 1, replays: 0 };
/** Enough for a burst, and taken out of the queue together. */
const MANY = 9;
const express = { dispatch: 'express' };

/** Each case has one worker whose courier kills it at one point, and then another one that takes over. */
describe('a courier killed with -9', () => {
  const on = useCrashes();

  /** Delivers an event. @returns how many requests that took */
  const requestsBeside = async (crash: Crash, dieAt: string): Promise<number> => {
    await crash.dying(dieAt, () => crash.post());
    await crash.becomes(once);
    expect(await crash.webhook()).toMatchObject({ failureCount: 0, lastStatus: 200 });
    return crash.receiver.requests.length;
  };

  describe('while it delivers an event', () => {
    it.concurrent.each([
      [1, 'after its shift has begun', 'store/couriers Couriers.begin after'],
      [1, 'before the request', 'delivery/http HttpSender.send before'],
      [2, 'between the answer and the record', 'delivery/http HttpSender.send after'],
      [2, 'before what came of it is written', 'store/settlement settle before'],
    ])('sent %d times: %s', (times, _title, dieAt) =>
      on(async (crash) => {
        expect(await requestsBeside(crash, dieAt)).toBe(times);
      }, express),
    );

    it.concurrent.each([
      ['after what came of it is written', 'store/settlement settle after'],
      ['after its event is noted as planned', 'store/events Events.markPlanned after'],
    ])('sent once: %s', (_title, dieAt) =>
      on(async (crash) => {
        const requests = await requestsBeside(crash, dieAt);
        const [delivery] = await crash.deliveries();
        const { attempts } = await deliveryWith(crash.client, delivery!.id, once);
        const sentAt = Number(crash.receiver.requests[0]!.headers['x-webhook-timestamp']);
        // Of a busy machine's answer nothing is written by then: it was shown as pending first.
        const isWritten = Date.parse(attempts[0].startedAt as string) === sentAt;
        expect(requests).toBe(isWritten ? 1 : 2);
      }, express),
    );
  });

  it.concurrent(
    'between the queue and the requests: each is sent once, whatever was to drive it',
    () =>
      on(
        async (crash) => {
          const { client, projectId, receiver, webhookId } = crash;
          const { model } = crash.stack.store.deliveries;
          const withStatus = (status: DeliveryStatus) =>
            model.countDocuments({ projectId, status });
          await crash.startWorker();
          await client.post(`/v1/webhooks/${webhookId}/pause`);
          // The first one's is a workflow.
          await crash.post();
          const events = Array.from({ length: MANY }, () => ({
            type: 'email.sent',
            data: emailSent,
          }));
          await client.post('/v1/events/batch', { events });
          await crash.until('all are held', async () => (await withStatus('held')) === MANY + 1);
          const workflows = () => model.countDocuments({ projectId, isExpress: null });
          expect(await workflows()).toBeGreaterThan(0);
          await crash.dying('store/queue takeQueued after', () =>
            client.post(`/v1/webhooks/${webhookId}/resume`),
          );
          await crash.until('all have ended', async () => {
            return (await withStatus('succeeded')) === MANY + 1;
          });
          expect(receiver.requests).toHaveLength(MANY + 1);
          expect(await workflows()).toBe(0);
        },
        { dispatch: 'auto' },
      ),
  );

  it.concurrent.each([
    ['before it', 'store/webhook-health WebhookHealth.disable before'],
    ['inside the transaction', 'store/webhook-health WebhookHealth.disable after'],
    ['before that is noted', 'store/queue noteFollowedUp before'],
  ])(
    'while it disables a webhook whose receiver is gone, %s: it is disabled, and told once',
    (_title, dieAt) =>
      on(async (crash) => {
        await crash.expectTold(async () => {
          crash.receiver.respondWith(410);
          await crash.dying(dieAt, () => crash.post());
          await crash.becomes({ status: 'failed', attemptCount: 1 });
          await crash.until(
            'it is disabled',
            async () => (await crash.webhook()).isActive === false,
          );
          const disabled = { disabledReason: 'gone', failureCount: 1 };
          expect(await crash.webhook()).toMatchObject(disabled);
        });
        expect(crash.receiver.requests).toHaveLength(1);
      }, express),
  );
});
