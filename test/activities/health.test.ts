import { MockActivityEnvironment } from '@temporalio/testing';
import { deleteWebhook } from '../../src/store/delete-webhook';
import type { Activities } from '../../src/contracts/activities';
import type { Attempt } from '../../src/contracts/delivery';
import { countingOf } from '../../src/store/webhook-health';
import { eventually } from '../support/eventually';
import { useFixture, useReceiver } from '../support/use';

const permutations = <T>(of: readonly T[]): T[][] =>
  of.length < 2
    ? [[...of]]
    : of.flatMap((first, n) =>
        permutations(of.filter((_one, at) => at !== n)).map((rest) => [first, ...rest]),
      );

const policy = { timeoutMs: 10_000, retryDelaysMs: [60_000, 60_000] };

describe('the health that attempts make', () => {
  const fixture = useFixture();
  const receiver = useReceiver();
  let activities: Activities;

  beforeAll(async () => {
    activities = fixture.activities();
  });

  /** As an activity of that run; answers the failure's type, where it fails. */
  const attempt = (id: string, runId: string): Promise<unknown> =>
    new MockActivityEnvironment({ workflowExecution: { workflowId: 'delivery', runId } })
      .run(async () => (await activities.attemptDelivery(id, policy)).result)
      .catch((error: unknown) => (error as { type: string }).type);
  /** More attempts of the webhook than it remembers have been counted since. */
  const forget = (id: string) =>
    fixture.store.webhooks.model.updateOne({ _id: id }, { $set: { countedAttempts: [] } });

  it('counts a failure once, however many other attempts come before the next one', async () => {
    receiver.respondWith(500);
    const { planned, webhook } = await fixture.planned(receiver.url);
    expect(await attempt(planned.deliveryId, 'run-1')).toBe('AttemptFailed');
    await forget(webhook._id);
    await fixture.store.deliveries.hasten(planned.deliveryId);
    expect(await attempt(planned.deliveryId, 'run-1')).toBe('AttemptFailed');
    expect((await fixture.health(webhook)).failureCount).toBe(2);
  });

  it('counts what a worker died over before the delivery was replayed, and follows it up', async () => {
    receiver.respondWith(410);
    const { planned, webhook } = await fixture.planned(receiver.url);
    const { deliveries, webhooks } = fixture.store;
    expect(await attempt(planned.deliveryId, 'run-1')).toBe('DeliveryFailed');
    // As if the worker had died between the record and the count.
    await deliveries.model.updateOne(
      { _id: planned.deliveryId },
      { $unset: { healthCounted: '' } },
    );
    await webhooks.model.updateOne(
      { _id: webhook._id },
      { $set: { isActive: true, disabledReason: null, failureCount: 0, countedAttempts: [] } },
    );
    await deliveries.beginReplay(webhook.projectId, planned.deliveryId);
    expect(await attempt(planned.deliveryId, 'run-2')).toBe('AttemptDeferred');
    await eventually('its webhook is disabled, and it has ended', async () => {
      return (await fixture.delivery(planned.deliveryId)).status === 'skipped';
    });
    expect(await attempt(planned.deliveryId, 'run-2')).toBe('skipped');
    expect(await fixture.health(webhook)).toMatchObject({
      failureCount: 1,
      isActive: false,
      disabledReason: 'gone',
    });
  });

  it('is left alone by a failure that began before the last success', async () => {
    const { planned, webhook } = await fixture.planned(receiver.url);
    const number = { number: 1, runId: 'run', requestHeaders: {} };
    const beganAt = Date.now() - 60_000;
    const at = (ms: number): Date => new Date(beganAt + ms);
    const { webhookHealth } = fixture.store;
    const success = {
      ...number,
      outcome: 'succeeded',
      startedAt: at(5000),
      durationMs: 1000,
    } as const;
    await webhookHealth.countAttempt(webhook._id, 'another#1', { ...success, statusCode: 200 });
    const failure = { ...number, outcome: 'failed', startedAt: at(0), durationMs: 10_000 } as const;
    await webhookHealth.countAttempt(webhook._id, 'slow#1', { ...failure, errorCode: 'timeout' });
    expect(await fixture.health(webhook)).toMatchObject({
      failureCount: 0,
      lastFailedAt: null,
      lastStatus: 200,
    });
    receiver.respondWith(500);
    expect(await attempt(planned.deliveryId, 'run-1')).toBe('AttemptFailed');
    expect(await fixture.health(webhook)).toMatchObject({ failureCount: 1, lastStatus: 500 });
  });

  /** The two ways to count. */
  const counts: [string, (webhookId: string, attempt: Attempt) => Promise<unknown>][] = [
    ['alone', (id, made) => fixture.store.webhookHealth.countAttempt(id, `${made.number}`, made)],
    [
      'with others',
      (webhookId, made) =>
        fixture.store.webhooks.model.collection.bulkWrite([countingOf(webhookId, [made]) as never]),
    ],
  ];

  const at = (second: number): Date => new Date(1_700_000_000_000 + second * 1000);
  const made = (second: number, seconds: number, outcome: Attempt['outcome']): Attempt => ({
    number: second,
    runId: 'run',
    requestHeaders: {},
    startedAt: at(second),
    durationMs: seconds * 1000,
    outcome,
    statusCode: outcome === 'failed' ? 500 : 200,
  });

  it.each(counts)(
    'is the same in whatever order attempts are counted %s: the failures since the last success',
    async (_how, count) => {
      const project = await fixture.project();
      const attempts = [
        made(0, 1, 'succeeded'),
        // Ends last, and began before the last success had ended.
        made(3, 9, 'failed'),
        made(4, 2, 'succeeded'),
        made(6, 1, 'failed'),
        made(7, 1, 'failed'),
      ];
      const inOrder = async (order: Attempt[]): Promise<void> => {
        const { _id } = await fixture.webhook(project, receiver.url);
        for (const each of order) await count(_id, each);
        const found = (await fixture.store.webhooks.model.findById(_id).lean())!;
        expect([order, found]).toMatchObject([
          order,
          { failureCount: 2, lastStatus: 500, lastSuccessAt: at(6) },
        ]);
      };
      await Promise.all(permutations(attempts).map(inOrder));
    },
  );

  it.each(counts)(
    'knows since when failures counted %s come in a row, whatever an earlier version has left',
    async (_how, count) => {
      const { webhook } = await fixture.planned(receiver.url);
      const { model } = fixture.store.webhooks;
      /** Counts an attempt of one second. @returns since when it fails then */
      const counted = async (second: number, outcome: 'failed' | 'succeeded') => {
        await count(webhook._id, made(second, 1, outcome));
        return (await model.findById(webhook._id).lean())!.failingSince;
      };
      expect(await counted(0, 'failed')).toEqual(at(1));
      expect(await counted(1, 'failed')).toEqual(at(1));
      await counted(10, 'succeeded');
      expect(await counted(20, 'failed')).toEqual(at(21));
      // A success of an earlier version leaves it as it was.
      await model.updateOne({ _id: webhook._id }, { failureCount: 0, lastSuccessAt: at(30) });
      expect(await counted(40, 'failed')).toEqual(at(41));
      await model.updateOne({ _id: webhook._id }, { failureCount: 1, lastSuccessAt: at(50) });
      expect(await counted(60, 'failed')).toBeUndefined();
      expect(await counted(61, 'failed')).toBeUndefined();
      // So does enabling it, which is no success.
      await model.updateOne({ _id: webhook._id }, { failureCount: 0, failingSince: at(55) });
      expect(await counted(70, 'failed')).toEqual(at(71));
    },
  );

  it.each(counts)(
    'begins a new row, with its own warnings, by a success that is counted late %s',
    async (_how, count) => {
      const { webhook } = await fixture.planned(receiver.url);
      const { model } = fixture.store.webhooks;
      const counted = (second: number, outcome: 'failed' | 'succeeded') =>
        count(webhook._id, made(second, 1, outcome));
      await counted(0, 'failed');
      await model.updateOne({ _id: webhook._id }, { warnings: [50] });
      await counted(20, 'failed');
      await counted(10, 'succeeded');
      expect(await model.findById(webhook._id).lean()).toMatchObject({
        failureCount: 1,
        warnings: [],
        failingSince: at(20),
      });
    },
  );

  it.each(counts)(
    'is not changed by a success before all of its failures that is counted late %s',
    async (_how, count) => {
      const { webhook } = await fixture.planned(receiver.url);
      const { model } = fixture.store.webhooks;
      for (const second of [10, 11, 12]) await count(webhook._id, made(second, 1, 'failed'));
      await model.updateOne({ _id: webhook._id }, { warnings: [50] });
      await count(webhook._id, made(5, 1, 'succeeded'));
      expect(await model.findById(webhook._id).lean()).toMatchObject({
        failureCount: 3,
        failingSince: at(11),
        lastSuccessAt: at(6),
        lastStatus: 500,
        warnings: [50],
      });
    },
  );

  it.each(counts)(
    'is not lowered by a success that more failures than are remembered have overtaken, counted %s',
    async (_how, count) => {
      const { webhook } = await fixture.planned(receiver.url);
      const { model } = fixture.store.webhooks;
      const counted = (second: number, outcome: 'failed' | 'succeeded') =>
        count(webhook._id, made(second, 1, outcome));
      for (let second = 10; second < 160; second += 1) await counted(second, 'failed');
      await model.updateOne({ _id: webhook._id }, { warnings: [50] });
      await counted(5, 'succeeded');
      expect(await model.findById(webhook._id).lean()).toMatchObject({
        failureCount: 150,
        failingSince: at(11),
        lastSuccessAt: at(6),
        lastStatus: 500,
        warnings: [50],
      });
      await counted(99, 'succeeded');
      expect(await model.findById(webhook._id).lean()).toMatchObject({
        failureCount: 60,
        failingSince: at(100),
        warnings: [],
      });

      // Of a row that began before the success, no more are counted than are known to have come after it.
      await model.updateOne({ _id: webhook._id }, { warnings: [50] });
      for (let second = 170; second < 290; second += 1) await counted(second, 'failed');
      await counted(165, 'succeeded');
      expect(await model.findById(webhook._id).lean()).toMatchObject({
        failureCount: 100,
        failingSince: at(190),
        lastSuccessAt: at(166),
        warnings: [],
      });
    },
  );

  it('is not cleared by a success before a replay', async () => {
    receiver.respondWith(200);
    const { planned, webhook } = await fixture.planned(receiver.url);
    expect(await attempt(planned.deliveryId, 'run-1')).toBe('succeeded');
    await fixture.store.webhooks.model.updateOne(
      { _id: webhook._id },
      { $set: { failureCount: 7, countedAttempts: [] } },
    );
    await fixture.store.deliveries.beginReplay(webhook.projectId, planned.deliveryId);
    receiver.respondWith(500);
    expect(await attempt(planned.deliveryId, 'run-2')).toBe('AttemptFailed');
    expect((await fixture.health(webhook)).failureCount).toBe(8);
  });

  it('leaves a delivery as it ended whose webhook is gone, whatever resets it', async () => {
    receiver.respondWith(200);
    const { planned, webhook, project } = await fixture.planned(receiver.url);
    expect(await attempt(planned.deliveryId, 'run-1')).toBe('succeeded');
    const ended = await fixture.delivery(planned.deliveryId);
    await deleteWebhook(fixture.store, project._id, webhook._id);
    expect(await attempt(planned.deliveryId, 'run-2')).toBe('succeeded');
    expect(await fixture.delivery(planned.deliveryId)).toEqual(ended);
  });
});
