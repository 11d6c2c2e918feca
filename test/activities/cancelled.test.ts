import { MockActivityEnvironment } from '@temporalio/testing';
import type { Activities, RoundResult } from '../../src/contracts/activities';
import { newId } from '../../src/contracts/ids';
import { deliveriesEnded } from '../../src/metrics';
import { queueOf, type DeliveryRecord } from '../../src/store/delivery-record';
import { release } from '../../src/store/queue';
import { queueReplays } from '../../src/store/replay-selection';
import type { ReplayRecord } from '../../src/store/replays';
import { stopReplay } from '../../src/store/stop-replay';
import { eventually } from '../support/eventually';
import { useFixture, useReceiver } from '../support/use';

const policy = { timeoutMs: 10_000, retryDelaysMs: [] };

describe('a cancelled delivery', () => {
  const fixture = useFixture();
  const receiver = useReceiver();
  let activities: Activities;

  beforeAll(async () => {
    activities = fixture.activities();
  });
  beforeEach(() => receiver.requests.splice(0));

  /** As an activity of that run. */
  const inRun = <T>(runId: string, work: () => Promise<T>, scheduledAt = 1): Promise<T> =>
    new MockActivityEnvironment({
      workflowExecution: { workflowId: 'delivery', runId },
      currentAttemptScheduledTimestampMs: scheduledAt,
    }).run(work);
  const attempt = async (id: string, runId: string): Promise<RoundResult> =>
    (await inRun(runId, () => activities.attemptDelivery(id, policy))).result;
  const planned = async (): Promise<string> =>
    (await fixture.planned(receiver.url)).planned.deliveryId;

  it('is not sent when its first run comes after the cancel', async () => {
    const id = await planned();
    await fixture.store.deliveries.cancel(id);
    expect(await attempt(id, 'run-1')).toBe('cancelled');
    expect(receiver.requests).toHaveLength(0);
    expect(await fixture.delivery(id)).toMatchObject({ status: 'cancelled', replays: 0 });
  });

  it('is counted once, by a run that is told to cancel it or before', async () => {
    const counted = async (): Promise<number> => {
      const { values } = await deliveriesEnded.get();
      return values.find(({ labels }) => labels.status === 'cancelled')?.value ?? 0;
    };
    const cancelIn = (id: string) => inRun('run-1', () => activities.cancelDelivery(id, false, 1));
    const before = await counted();
    const id = await planned();
    await cancelIn(id);
    expect(await counted()).toBe(before + 1);
    // As if its worker had been killed, and it was executed again.
    await cancelIn(id);
    const other = await planned();
    await fixture.store.deliveries.cancel(other);
    await cancelIn(other);
    expect(await counted()).toBe(before + 2);
  });

  it('is sent when an operator resets the run that cancelled it', async () => {
    const id = await planned();
    await inRun('run-1', () => activities.cancelDelivery(id, false, 1));
    expect((await fixture.delivery(id)).status).toBe('cancelled');
    expect(await attempt(id, 'run-2')).toBe('succeeded');
    expect(receiver.requests).toHaveLength(1);
    expect(await fixture.delivery(id)).toMatchObject({ status: 'succeeded', replays: 1 });
  });

  it('is sent when an operator resets the run that found its webhook paused', async () => {
    const { planned: delivery, webhook } = await fixture.planned(receiver.url);
    const id = delivery.deliveryId;
    const { projectId, _id } = webhook;
    await fixture.store.webhooks.update(projectId, _id, { isPaused: true });
    expect(await attempt(id, 'run-1')).toBe('held');
    await fixture.store.deliveries.cancel(id);
    await fixture.store.webhooks.update(projectId, _id, { isPaused: false });
    expect(await attempt(id, 'run-2')).toBe('succeeded');
    expect(receiver.requests).toHaveLength(1);
  });

  describe('that is replayed before its run has ended', () => {
    const runs = {
      'never begun': async () => {},
      'waiting for a retry': async (id: string) => {
        receiver.respondWith(500);
        const retrying = { ...policy, retryDelaysMs: [3_600_000] };
        const failing = inRun('run-1', () => activities.attemptDelivery(id, retrying));
        await expect(failing).rejects.toMatchObject({ type: 'AttemptFailed' });
        receiver.respondWith(200);
      },
      'released and in progress': async (id: string) => {
        const { projectId } = await fixture.delivery(id);
        const queuedIn = queueOf(projectId);
        await fixture.store.deliveries.model.updateOne({ _id: id }, { $set: { queuedIn } });
        await release(fixture.store, { _id: id, queuedIn });
        const opening = { runId: 'run-1', isReset: false, isForced: false };
        await fixture.store.rounds.open(id, { ...opening, scheduledAt: new Date(1) });
      },
    };
    const replayInBulk = async (delivery: DeliveryRecord): Promise<ReplayRecord> => {
      const { projectId, createdAt, completedAt } = delivery;
      const until = new Date(createdAt.getTime() + 1);
      const replay = await fixture.store.replays.create({
        _id: newId('replay'),
        projectId,
        query: { since: createdAt, until, statuses: ['cancelled'] },
        ratePerSecond: 100,
        status: 'running',
        matched: 1,
        endedBy: completedAt!,
        completedAt: null,
      });
      expect(await queueReplays(fixture.store, replay, [delivery])).toBe(true);
      return replay;
    };
    const replays = {
      singly: async ({ projectId, _id }: DeliveryRecord) => {
        await fixture.store.deliveries.beginReplay(projectId, _id);
      },
      'with others': replayInBulk,
      'with others, and released': async (delivery: DeliveryRecord) => {
        await replayInBulk(delivery);
        await release(fixture.store, await fixture.delivery(delivery._id));
      },
      'with others, and retried': async (delivery: DeliveryRecord) => {
        await replayInBulk(delivery);
        await fixture.store.deliveries.hasten(delivery._id);
      },
    };
    const cases = Object.keys(runs).flatMap((run) =>
      Object.keys(replays).map((how) => [run, how] as [keyof typeof runs, keyof typeof replays]),
    );

    it.each(cases)('(%s, %s) is sent by the run that follows', async (run, how) => {
      const id = await planned();
      await runs[run](id);
      await fixture.store.deliveries.cancel(id);
      await replays[how](await fixture.delivery(id));
      receiver.requests.splice(0);
      expect(await inRun('run-1', () => activities.cancelDelivery(id, false, 1))).toMatchObject({
        result: 'cancelled',
        runId: 'run-1',
      });
      const replayed = await fixture.delivery(id);
      expect(replayed).toMatchObject({ status: 'pending', replays: 1, completedAt: null });
      expect(replayed.hasTurn ?? false).toBe(how === 'with others, and released');
      if (how === 'with others') await release(fixture.store, replayed);
      if (how === 'with others, and retried') {
        await eventually('reconcile requests a run', () =>
          fixture.store.deliveries.requestRun(replayed, 'ended', 0),
        );
      }
      expect(await attempt(id, 'run-2')).toBe('succeeded');
      expect(receiver.requests).toHaveLength(1);
      expect(await fixture.delivery(id)).toMatchObject({ status: 'succeeded', replays: 1 });
    });

    it.each([
      ['its last', []],
      ['not its last', [3_600_000]],
    ])('with others, is not decided by an attempt of before, %s', async (_which, retryDelaysMs) => {
      const id = await planned();
      let answer!: () => void;
      const after = new Promise<void>((resolve) => (answer = resolve));
      receiver.respondWith({ kind: 'answer', status: 500, after });
      const attempting = inRun('run-1', () =>
        activities.attemptDelivery(id, { ...policy, retryDelaysMs }),
      );
      const superseded = expect(attempting).rejects.toMatchObject({ type: 'AttemptDeferred' });
      await receiver.waitFor(1);
      await fixture.store.deliveries.cancel(id);
      const replay = await replayInBulk(await fixture.delivery(id));
      const { queuedIn, bulkReplay } = await fixture.delivery(id);
      answer();
      await superseded;
      receiver.respondWith(200);
      expect(await fixture.delivery(id)).toMatchObject({
        status: 'pending',
        attempts: [{ statusCode: 500, superseded: true }],
        queuedIn,
        bulkReplay,
      });
      await stopReplay(fixture.store, replay, ['running'], 'cancelled', 'platform');
      expect(await fixture.delivery(id)).toMatchObject({ status: 'cancelled', replays: 0 });
    });

    it('is not ended by the run that was requested for the replay before, and cancelled with that', async () => {
      const id = await planned();
      let answer!: () => void;
      const after = new Promise<void>((resolve) => (answer = resolve));
      receiver.respondWith({ kind: 'answer', status: 500, after });
      const patient = { ...policy, timeoutMs: 60_000 };
      const first = inRun('run-1', () => activities.attemptDelivery(id, patient, 'first'));
      const superseded = expect(first).rejects.toMatchObject({ type: 'AttemptDeferred' });
      await receiver.waitFor(1);
      for (let replayed = 0; replayed < 2; replayed += 1) {
        await fixture.store.deliveries.cancel(id);
        await replays.singly(await fixture.delivery(id));
      }
      const told = inRun('run-2', () => activities.cancelDelivery(id, true, Date.now(), 1));
      expect((await told).runId).not.toBe('run-2');
      expect(await fixture.delivery(id)).toMatchObject({ status: 'pending', runRequested: true });
      answer();
      await superseded;
      receiver.respondWith(200);
      const next = inRun('run-3', () => activities.attemptDelivery(id, policy, 'reset'));
      expect((await next).result).toBe('succeeded');
      expect(await fixture.delivery(id)).toMatchObject({ status: 'succeeded', replays: 2 });
    });

    it('goes on in its own run, which was told of the cancel when it had begun', async () => {
      const id = await planned();
      await fixture.store.deliveries.cancel(id);
      await replays.singly(await fixture.delivery(id));
      receiver.respondWith(500);
      const retrying = { ...policy, retryDelaysMs: [3_600_000] };
      const failing = inRun('run-2', () => activities.attemptDelivery(id, retrying, 'reset'));
      await expect(failing).rejects.toMatchObject({ type: 'AttemptFailed' });
      receiver.respondWith(200);
      const tell = (about?: number) =>
        inRun('run-2', () => activities.cancelDelivery(id, true, Date.now(), about));
      expect((await tell(0)).runId).not.toBe('run-2');
      expect(await fixture.delivery(id)).toMatchObject({ status: 'pending', runId: 'run-2' });
      expect(await tell()).toEqual({ result: 'cancelled', runId: 'run-2' });
      expect(await fixture.delivery(id)).toMatchObject({ status: 'cancelled', replays: 1 });
    });

    it('is ended by an operator’s cancel of the run that was requested, before that has begun', async () => {
      const id = await planned();
      await fixture.store.deliveries.cancel(id);
      await replays.singly(await fixture.delivery(id));
      const told = inRun('run-2', () => activities.cancelDelivery(id, true, Date.now()));
      expect(await told).toEqual({ result: 'cancelled', runId: 'run-2' });
      expect(await fixture.delivery(id)).toMatchObject({ status: 'cancelled', replays: 1 });
    });

    it('is not ended by what that run had still to do', async () => {
      const id = await planned();
      await runs['waiting for a retry'](id);
      await fixture.store.deliveries.cancel(id);
      await replays.singly(await fixture.delivery(id));
      receiver.respondWith(500);
      const at = Date.now();
      const retrying = { ...policy, retryDelaysMs: [3_600_000, 3_600_000] };
      const failing = inRun('run-2', () => activities.attemptDelivery(id, retrying), at);
      await expect(failing).rejects.toMatchObject({ type: 'AttemptFailed' });
      await inRun('run-1', () => activities.cancelDelivery(id, false, at - 1), at + 4000);
      expect(await fixture.delivery(id)).toMatchObject({ status: 'pending', runId: 'run-2' });
      await inRun('run-3', () => activities.cancelDelivery(id, true, at + 1));
      expect(await fixture.delivery(id)).toMatchObject({ status: 'cancelled', runId: 'run-3' });
      receiver.respondWith(200);
    });
  });
});
