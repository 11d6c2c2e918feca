import { deliveryWorkflowId } from '../../src/contracts/temporal';
import { resetToStart } from '../../src/temporal/reset';
import { useCrashes, type Crash } from '../support/crash';
import { eventually } from '../support/eventually';

// What a dead worker held is given to another one when its time is up, 10 seconds and more: the cases
// wait beside each other, each on a stack that it has for itself meanwhile.
jest.setTimeout(300_000);

const once = { status: 'succeeded', attemptCount: 1, replays: 0 };
const range = { since: '2020-01-01T00:00:00Z', until: '2099-01-01T00:00:00Z' };

/** Each case has one worker that kills itself at one point, and then another one that lives. */
describe('a worker killed with -9', () => {
  const on = useCrashes();

  it.concurrent.each([
    ['before the deliveries are written', 'store/deliveries Deliveries.plan before'],
    ['between the deliveries and the mark', 'store/deliveries Deliveries.plan after'],
    ['between the mark and the workflows', 'store/events Events.markFannedOut after'],
  ])('while it fans an event out, %s: one delivery, once', (_title, dieAt) =>
    on(async (crash) => {
      await crash.dying(dieAt, () => crash.post());
      await crash.becomes(once);
      expect(crash.receiver.requests).toHaveLength(1);
      await crash.until('it is marked', async () => {
        const { stack, projectId } = crash;
        const { model } = stack.store.events;
        return (await model.countDocuments({ projectId, fannedOutAt: null })) === 0;
      });
    }),
  );

  it.concurrent('while it attempts, before the request: it is sent once', () =>
    on(async (crash) => {
      await crash.dying('delivery/http HttpSender.send before', () => crash.post());
      await crash.becomes(once);
      expect(crash.receiver.requests).toHaveLength(1);
    }),
  );

  it.concurrent(
    'while it attempts, between the answer and the record: it is sent again, the same',
    () =>
      on(async (crash) => {
        await crash.dying('delivery/http HttpSender.send after', () => crash.post());
        await crash.becomes(once);
        expect(crash.receiver.requests).toHaveLength(2);
        const [first, second] = crash.receiver.requests;
        expect(second!.rawBody).toEqual(first!.rawBody);
        expect(second!.headers['x-webhook-delivery-id']).toBe(
          first!.headers['x-webhook-delivery-id'],
        );
      }),
  );

  // At once: within the workflow's first task, since the webhook has accepted an event quickly before.
  it.concurrent.each([
    ['before it is loaded', 'store/deliveries Deliveries.findWithParts before 2', 2],
    ['before the request', 'delivery/http HttpSender.send before 2', 2],
    ['between the answer and the record', 'delivery/http HttpSender.send after 2', 3],
    ['between the record and the health', 'store/rounds Rounds.record after 2', 2],
    [
      'between the health and the end',
      'store/webhook-health WebhookHealth.countAttempt after 2',
      2,
    ],
  ])(
    'while it attempts at once, %s: it is delivered, and sent again only if not recorded',
    (_title, dieAt, requests) =>
      on(async (crash) => {
        const delivered = (count: number) =>
          crash.until(`${count} are delivered`, async () => {
            const found = await crash.deliveries();
            return found.filter(({ status }) => status === 'succeeded').length === count;
          });
        await crash.dying(dieAt, async () => {
          await crash.post();
          await delivered(1);
          await crash.post();
        });
        await delivered(2);
        for (const { id } of await crash.deliveries()) {
          await crash.until('its workflow has ended', async () => {
            return (await crash.stack.engine.findRun(id)) === 'ended';
          });
        }
        expect(await crash.deliveries()).toMatchObject([once, once]);
        expect(crash.receiver.requests).toHaveLength(requests);
      }),
  );

  it.concurrent('while it puts an attempt off: it is sent once, when its turn comes', () =>
    on(async (crash) => {
      const { client, webhookId, stack } = crash;
      await client.patch(`/v1/webhooks/${webhookId}`, { policy: { ratePerSecond: 0.025 } });
      await crash.dying('store/rounds Rounds.queue after', async () => {
        // As if another one had taken the last slot, and far enough for a busy machine to find it so.
        await stack.store.webhooks.model.updateOne(
          { _id: webhookId },
          { $set: { nextSlotAt: new Date(Date.now() + 35_000) } },
        );
        await crash.post();
      });
      await crash.becomes(once);
      expect(crash.receiver.requests).toHaveLength(1);
    }),
  );

  it.concurrent.each([
    ['between the record and the health', 'store/rounds Rounds.record after'],
    ['between the health and the end', 'store/webhook-health WebhookHealth.countAttempt after'],
  ])('while it records, a success, %s: it is sent once', (_title, dieAt) =>
    on(async (crash) => {
      await crash.dying(dieAt, () => crash.post());
      await crash.becomes(once);
      expect(crash.receiver.requests).toHaveLength(1);
      await eventually('it is counted', async () => (await crash.webhook()).lastSuccessAt);
      expect(await crash.webhook()).toMatchObject({ failureCount: 0, lastStatus: 200 });
    }),
  );

  it.concurrent.each([
    ['between the record and the health', 'store/rounds Rounds.record after'],
    ['between the health and the end', 'store/webhook-health WebhookHealth.countAttempt after'],
    ['between the health and its note', 'store/rounds Rounds.noteHealthCounted before'],
    ['after the note', 'store/rounds Rounds.noteHealthCounted after'],
  ])('while it records, a failure, %s: it is counted once', (_title, dieAt) =>
    on(async (crash) => {
      crash.receiver.respondWith(500);
      await crash.dying(dieAt, () => crash.post());
      await crash.becomes({ status: 'failed', attemptCount: 2 });
      expect(crash.receiver.requests).toHaveLength(2);
      expect(await crash.webhook()).toMatchObject({ failureCount: 2, lastStatus: 500 });
    }),
  );

  it.concurrent('while it records, with a Retry-After: it waits at least that long', () =>
    on(async (crash) => {
      const wanted = { kind: 'answer', status: 429, headers: { 'retry-after': '25' } } as const;
      crash.receiver.respondWith((_request, n) => (n === 1 ? wanted : 200));
      await crash.dying('store/rounds Rounds.record after', () => crash.post());
      await crash.becomes({ ...once, attemptCount: 2 });
      // As the log has it: by that clock the second one was too early, or not.
      const [delivery] = await crash.deliveries();
      const { attempts } = (await crash.client.get(`/v1/deliveries/${delivery!.id}`)).body.data;
      const [first, second] = attempts.map(({ startedAt }: { startedAt: string }) =>
        Date.parse(startedAt),
      );
      expect(second - first).toBeGreaterThanOrEqual(25_000);
    }),
  );

  it.concurrent.each([
    ['before it', 'store/webhook-health WebhookHealth.disable before'],
    ['inside the transaction', 'store/webhook-health WebhookHealth.disable after'],
    ['between the transaction and the fan-out', 'store/store Store.transaction after'],
    ['after the fan-out is asked for', 'temporal/engine Engine.startFanOut after'],
  ])(
    'while it disables a webhook whose receiver is gone, %s: it is disabled, and told once',
    (_title, dieAt) =>
      on(async (crash) => {
        await crash.expectTold(async () => {
          crash.receiver.respondWith(410);
          await crash.dying(dieAt, () => crash.post());
          await crash.becomes({ status: 'failed', attemptCount: 1 });
          expect(await crash.webhook()).toMatchObject({
            isActive: false,
            disabledReason: 'gone',
            failureCount: 1,
          });
        });
      }),
  );

  it.concurrent.each([
    ['inside the transaction', 'store/webhook-health WebhookHealth.disable after'],
    ['between the transaction and the fan-out', 'store/store Store.transaction after'],
  ])(
    'while it disables a webhook that has failed too often, %s: it is disabled, and told once',
    (_title, dieAt) =>
      on(
        async (crash) => {
          await crash.expectTold(async () => {
            crash.receiver.respondWith(500);
            await crash.dying(dieAt, () => crash.post());
            await crash.becomes({ status: 'failed', attemptCount: 2 });
            expect(await crash.webhook()).toMatchObject({
              isActive: false,
              disabledReason: 'consecutive_failures',
              failureCount: 2,
            });
          });
        },
        { policy: { timeoutMs: 9000, retryDelaysMs: [1000], autoDisableAfter: 2 } },
      ),
  );

  it.concurrent.each([
    ['before a delivery is held', 'store/rounds Rounds.queue before'],
    ['after a delivery is held', 'store/rounds Rounds.queue after'],
  ])('while it holds, and lets go, %s: it waits, and goes out when resumed', (_title, dieAt) =>
    on(async (crash) => {
      const { client, receiver, webhookId } = crash;
      receiver.respondWith((_request, n) => (n === 1 ? 500 : 200));
      // Paused before the second attempt, which finds it so.
      await client.patch(`/v1/webhooks/${webhookId}`, { policy: { retryDelaysMs: [30_000] } });
      await crash.dying(dieAt, async () => {
        await crash.post();
        await receiver.waitFor(1);
        await client.post(`/v1/webhooks/${webhookId}/pause`);
      });
      await crash.becomes({ status: 'held', attemptCount: 1 });
      await client.post(`/v1/webhooks/${webhookId}/resume`);
      await crash.becomes({ ...once, attemptCount: 2 });
      expect(receiver.requests).toHaveLength(2);
    }),
  );

  it.concurrent.each([
    ['before the release', 'store/queue release before'],
    ['between the release and the run', 'temporal/engine Engine.runAgain before'],
    ['after the run is asked for', 'temporal/engine Engine.runAgain after'],
  ])(
    'while it holds, and lets go, a resumed webhook, %s: its delivery goes out once',
    (_title, dieAt) =>
      on(async (crash) => {
        const { client, receiver, webhookId } = crash;
        await client.post(`/v1/webhooks/${webhookId}/pause`);
        await crash.dying(dieAt, async () => {
          await crash.post();
          // With its workflow ended: one that runs would be signalled.
          await crash.becomes({ status: 'held' });
          await client.post(`/v1/webhooks/${webhookId}/resume`);
        });
        await crash.becomes(once);
        expect(receiver.requests).toHaveLength(1);
      }),
  );

  /** A succeeded delivery. @returns its id */
  const delivered = async (crash: Crash): Promise<string> => {
    await crash.startWorker();
    await crash.post();
    await crash.becomes(once);
    return (await crash.deliveries())[0]!.id;
  };
  const replayed = { status: 'succeeded', attemptCount: 2, replays: 1 };

  it.concurrent.each([
    ['before its round is opened', 'store/rounds Rounds.open before'],
    ['between the opened round and the attempt', 'store/rounds Rounds.open after'],
  ])('while it replays, %s: it is replayed once', (_title, dieAt) =>
    on(async (crash) => {
      const id = await delivered(crash);
      await crash.dying(dieAt, () => crash.client.post(`/v1/deliveries/${id}/replay`));
      await crash.becomes(replayed);
      expect(crash.receiver.requests).toHaveLength(2);
    }),
  );

  it.concurrent.each([
    ['before Temporal is asked whose it is', 'temporal/engine Engine.isOwnReset before'],
    ['between the answer and the round', 'temporal/engine Engine.isOwnReset after'],
  ])('while an operator’s reset begins, %s: it is replayed once', (_title, dieAt) =>
    on(async (crash) => {
      const workflowId = deliveryWorkflowId(await delivered(crash));
      await crash.dying(dieAt, () =>
        resetToStart(crash.temporal, workflowId, { priorityKey: 3 }, 'by an operator'),
      );
      await crash.becomes(replayed);
      expect(crash.receiver.requests).toHaveLength(2);
    }),
  );

  it.concurrent.each([
    ['inside the transaction', 'store/replays Replays.advance after'],
    ['before the courier is told', 'store/replay-selection queueReplays after'],
    ['between the transaction and the release', 'store/queue release before'],
    ['between the release and the run', 'temporal/engine Engine.runAgain before'],
    ['after the run is asked for', 'temporal/engine Engine.runAgain after'],
    ['before it is completed', 'store/replays Replays.complete before'],
    ['after it is completed', 'store/replays Replays.complete after'],
  ])('while it replays, many, %s: each is replayed once, and counted once', (_title, dieAt) =>
    on(async (crash) => {
      await delivered(crash);
      const query = { ...range, statuses: ['succeeded'] };
      await crash.dying(dieAt, () => crash.client.post('/v1/replays', query));
      await crash.becomes(replayed);
      expect(crash.receiver.requests).toHaveLength(2);
      const replay = await crash.until('the replay is completed', async () => {
        const [newest] = (await crash.client.get('/v1/replays')).body.data.replays;
        return newest.status === 'completed' && newest;
      });
      expect(replay).toMatchObject({ matched: 1, replayed: 1, failed: 0 });
    }),
  );

  it.concurrent.each([
    ['before the delivery has ended', 'store/rounds Rounds.cancel before'],
    ['after the delivery has ended', 'store/rounds Rounds.cancel after'],
  ])('while it cancels, %s: it is cancelled', (_title, dieAt) =>
    on(async (crash) => {
      const { client, receiver, webhookId } = crash;
      receiver.respondWith(500);
      await client.patch(`/v1/webhooks/${webhookId}`, { policy: { retryDelaysMs: [3_600_000] } });
      await crash.dying(dieAt, async () => {
        const id = await crash.firstAttempt();
        await crash.temporal.workflow.getHandle(`delivery/${id}`).signal('cancel');
      });
      await crash.becomes({ status: 'cancelled', attemptCount: 1 });
      expect(receiver.requests).toHaveLength(1);
    }),
  );

  it.concurrent.each([
    ['before the delivery is marked', 'store/deliveries Deliveries.requestRun before'],
    ['between the mark and the run', 'temporal/engine Engine.runDelivery before'],
    ['after the run is asked for', 'temporal/engine Engine.runDelivery after'],
  ])('while it reconciles, %s: it is sent once more', (_title, dieAt) =>
    on(async (crash) => {
      const { client, receiver, webhookId, temporal } = crash;
      receiver.respondWith(500);
      await client.patch(`/v1/webhooks/${webhookId}`, { policy: { retryDelaysMs: [3_600_000] } });
      await crash.startWorker();
      const id = await crash.firstAttempt();
      await temporal.workflow.getHandle(`delivery/${id}`).terminate();
      receiver.respondWith(200);
      // As if it had been due for long: reconcile's own grace is 10 seconds.
      await crash.stack.store.deliveries.model.updateOne(
        { _id: id },
        { $set: { nextAttemptAt: new Date(Date.now() - 60_000) } },
      );
      await crash.dying(dieAt, () =>
        temporal.schedule.getHandle('posthorn-reconcile-deliveries').trigger(),
      );
      await crash.becomes({ ...once, attemptCount: 2 });
      expect(receiver.requests).toHaveLength(2);
    }),
  );
});
