import { Attempts } from '../../activities/courier/attempts';
import { Hand } from '../../activities/courier/hand';
import { Shift } from '../../activities/courier/shift';
import { START_LIMIT } from '../../src/domain/concurrency-limit';
import { deleteProject } from '../../src/store/delete-project';
import type { ApiClient } from '../support/api-client';
import { deliveryWith, makeWebhook } from '../support/deliveries';
import { eventually } from '../support/eventually';
import { useExpress } from '../support/express';
import { emailSent } from '../support/samples';
import { insertDelivery, insertUnplanned } from './api/insert';

/** More than go at a time. */
const MANY = 30;
/** Failures that are followed up one after the other. */
const FAILURES = 3;
/** That many take longer than a webhook stands still for any other reason. */
const SWEEPS = 60;

describe('what a courier has in hand', () => {
  const { stack, receiver, client, batch, withStatus } = useExpress();

  it('is not sent once its project is deleted, though places become free', async () => {
    // Answers are held back for as long as a busy machine needs for the rest.
    const policy = { timeoutMs: 60_000 };
    const { id: projectId, client: owner } = await stack.project({ dispatch: 'express', policy });
    const webhook = await makeWebhook(owner, receiver.url);
    let answer!: () => void;
    const after = new Promise<void>((resolve) => (answer = resolve));
    receiver.respondWith({ kind: 'answer', status: 200, after });
    const work = jest.spyOn(Shift, 'work');
    const send = jest.spyOn(stack.sender, 'send');
    const pump = jest.spyOn(Attempts.prototype, 'pump');
    const pumps = (): number =>
      pump.mock.calls.filter(([lane]) => lane.webhook._id === webhook.id).length;
    const events = Array.from({ length: MANY }, () => ({ type: 'email.sent', data: emailSent }));
    await owner.post('/v1/events/batch', { events });
    await receiver.waitFor(START_LIMIT);
    await deleteProject(stack.store, projectId);
    const shifts = work.mock.calls.flatMap(([parts], n) =>
      parts.projectId === projectId ? [work.mock.results[n]!.value as Promise<unknown>] : [],
    );
    await Promise.all(shifts);
    const pumped = pumps();
    answer();
    await eventually('the attempts have ended', () => pumps() >= pumped + START_LIMIT);
    const sent = send.mock.calls.filter(([{ url }]) => url.startsWith(receiver.url));
    expect(sent).toHaveLength(START_LIMIT);
    for (const spy of [work, send, pump]) spy.mockRestore();
  });

  it('is not sent to a webhook that is gone, which is disabled before other failures are followed up', async () => {
    const failing = await makeWebhook(client, `${receiver.url}/failing`, {
      events: ['email.delivered'],
      policy: { retryDelaysMs: [1000] },
    });
    const gone = await makeWebhook(client, `${receiver.url}/gone`, { events: ['email.sent'] });
    receiver.respondWith(({ path }) => (path === '/gone' ? 410 : 500));
    const { deliveries } = stack.store;
    const find = deliveries.findWithParts.bind(deliveries);
    let goOn!: () => void;
    const going = new Promise<void>((resolve) => (goOn = resolve));
    const follow = jest.spyOn(deliveries, 'findWithParts').mockImplementation(async (id) => {
      await going;
      return find(id);
    });
    const sweep = jest.spyOn(Hand.prototype, 'sweep');
    const sweeps = (): number =>
      sweep.mock.contexts.filter((hand) => (hand as Hand).lanes.has(gone.id)).length;
    const failed = (webhookId: string, count: number): Promise<boolean> =>
      eventually(`${count} have failed`, async () => {
        const found = await deliveries.model.countDocuments({ webhookId, status: 'failed' });
        return found === count;
      });
    for (let n = 0; n < FAILURES; n += 1) {
      await client.post('/v1/events', { type: 'email.delivered', data: emailSent });
    }
    await failed(failing.id, FAILURES);
    await eventually('one is being followed up', () => follow.mock.calls.length === 1);
    await batch(1);
    await failed(gone.id, 1);
    const answered = await deliveries.model.findOne({ webhookId: gone.id }).lean();
    const from = sweeps();
    await batch(MANY);
    await eventually('the courier has looked often', () => sweeps() >= from + SWEEPS);
    expect(receiver.requests.filter(({ path }) => path === '/gone')).toHaveLength(1);
    goOn();
    await eventually('the others are skipped', async () => {
      return (await withStatus('skipped')).length === MANY;
    });
    await eventually('all are followed up', () => follow.mock.calls.length === FAILURES + 1);
    expect(follow.mock.calls[1]).toEqual([answered!._id]);
    expect(receiver.requests.filter(({ path }) => path === '/gone')).toHaveLength(1);
    for (const spy of [follow, sweep]) spy.mockRestore();
  });

  it('is not sent to a webhook that is gone, though at first that can not be followed up', async () => {
    await makeWebhook(client, receiver.url);
    receiver.respondWith(410);
    const { deliveries } = stack.store;
    const follow = jest.spyOn(deliveries, 'findWithParts');
    follow.mockRejectedValueOnce(new Error('MongoDB is not available'));
    await batch(1);
    await eventually('it is followed up', () => follow.mock.calls.length > 0);
    await batch(MANY);
    await eventually('the others are skipped', async () => {
      return (await withStatus('skipped')).length === MANY;
    });
    expect(receiver.requests).toHaveLength(1);
    follow.mockRestore();
  });

  it.each([
    { its: 'has failed', fields: { status: 'failed' as const } },
    {
      its: 'was replayed meanwhile',
      fields: { status: 'pending' as const, replays: 1, completedAt: null },
    },
    {
      its: 'was replayed and attempted again meanwhile',
      fields: { status: 'pending' as const, replays: 1, completedAt: null },
      statusAfter: 500,
    },
  ])(
    'is not sent to a webhook that is gone after its courier was killed, though the delivery $its',
    async ({ fields, statusAfter }) => {
      const { id: projectId, client: owner } = await stack.project({ dispatch: 'express' });
      const { id: webhookId } = await makeWebhook(owner, receiver.url);
      const now = new Date();
      const isExpress = true;
      const of = { projectId, isExpress, fannedOutAt: now, acceptedAt: now };
      const eventId = await insertUnplanned(stack, of);
      const gone = {
        number: 1,
        runId: 'run',
        startedAt: now,
        durationMs: 1,
        outcome: 'failed' as const,
        statusCode: 410,
        requestHeaders: {},
        ...(fields.status === 'pending' && { superseded: true as const }),
      };
      const attempts = [
        gone,
        ...(statusAfter
          ? [{ ...gone, number: 2, statusCode: statusAfter, superseded: undefined }]
          : []),
      ];
      const left = { projectId, webhookId, eventId, isExpress, followUp: true, ...fields };
      const nextAttemptAt = new Date(Date.now() + 86_400_000);
      await insertDelivery(stack, {
        ...left,
        ...(fields.status === 'pending' && { nextAttemptAt }),
        attempts,
        attemptCount: attempts.length,
        roundStart: fields.status === 'pending' ? 1 : 0,
      });
      await owner.post('/v1/events', { type: 'email.sent', data: emailSent });
      const skipped = { projectId, webhookId, status: 'skipped', attemptCount: 0 } as const;
      await eventually('what came since is skipped', async () => {
        return (await stack.store.deliveries.model.countDocuments(skipped)) === 1;
      });
      expect(receiver.requests).toHaveLength(0);
      const { data } = (await owner.get(`/v1/webhooks/${webhookId}`)).body;
      expect(data).toMatchObject({ isActive: false, disabledReason: 'gone' });
    },
  );

  describe('beside a 410 of before its delivery was replayed, which disables nothing since the webhook has succeeded', () => {
    /** Answers are held back for as long as a busy machine needs for the rest. */
    const policy = { timeoutMs: 60_000 };
    let owner: ApiClient;
    let webhookId: string;
    let answer: (() => void)[];

    const listed = (query: string) =>
      eventually('it is listed', async () => {
        const { body } = await owner.get(`/v1/deliveries?${query}`);
        return body.data.deliveries[0] as { id: string } | undefined;
      });
    const post = async (): Promise<{ id: string }> => {
      const { body } = await owner.post('/v1/events', { type: 'email.sent', data: emailSent });
      return listed(`eventId=${body.data.id}`);
    };
    /** Replayed while its attempt is in progress. */
    const replay = async (id: string): Promise<void> => {
      await owner.post(`/v1/deliveries/${id}/cancel`);
      expect((await owner.post(`/v1/deliveries/${id}/replay`)).status).toBe(202);
    };
    const isDisabled = () =>
      eventually('it is disabled', async () => {
        const { data } = (await owner.get(`/v1/webhooks/${webhookId}`)).body;
        return data.disabledReason === 'gone';
      });

    /** The requests are answered with these, once that is asked for. */
    async function answers(...statuses: number[]): Promise<void> {
      ({ client: owner } = await stack.project({ dispatch: 'express', policy }));
      ({ id: webhookId } = await makeWebhook(owner, receiver.url));
      answer = [];
      const gates = statuses.map(() => new Promise<void>((resolve) => answer.push(resolve)));
      receiver.respondWith((_request, n) => {
        return { kind: 'answer', status: statuses[n - 1] ?? 200, after: gates[n - 1]! };
      });
    }

    it('is not sent while another 410 of the webhook is not followed up', async () => {
      await answers(410, 410, 200);
      const { deliveries } = stack.store;
      const [replayed, gone] = [await post(), await post()];
      await receiver.waitFor(2);
      const goOn: Record<string, () => void> = {};
      const going = Object.fromEntries(
        [replayed, gone].map(({ id }) => [id, new Promise<void>((go) => (goOn[id] = go))]),
      );
      const find = deliveries.findWithParts.bind(deliveries);
      const follow = jest.spyOn(deliveries, 'findWithParts').mockImplementation(async (id) => {
        await going[id];
        return find(id);
      });
      const sweep = jest.spyOn(Hand.prototype, 'sweep');
      const sweeps = (): number =>
        sweep.mock.contexts.filter((hand) => (hand as Hand).lanes.has(webhookId)).length;
      const isFollowedNow = (id: string) =>
        eventually('it is being followed up', () => follow.mock.calls.some(([of]) => of === id));
      await replay(replayed.id);
      await receiver.waitFor(3);
      answer[2]!();
      await deliveryWith(owner, replayed.id, { status: 'succeeded', replays: 1 });
      answer[0]!();
      await isFollowedNow(replayed.id);
      answer[1]!();
      await deliveryWith(owner, gone.id, { status: 'failed' });
      goOn[replayed.id]!();
      await isFollowedNow(gone.id);
      const { id: later } = await post();
      const from = sweeps();
      await eventually('the courier has looked often', () => sweeps() >= from + SWEEPS);
      expect(receiver.requests).toHaveLength(3);
      goOn[gone.id]!();
      await isDisabled();
      await deliveryWith(owner, later, { status: 'skipped' });
      expect(receiver.requests).toHaveLength(3);
      for (const spy of [follow, sweep]) spy.mockRestore();
    });

    it('is not sent after the 410 of its replay, which comes while that is followed up', async () => {
      await answers(410, 200, 410);
      const { deliveries } = stack.store;
      const { id } = await post();
      await receiver.waitFor(1);
      const accepted = await post();
      await receiver.waitFor(2);
      answer[1]!();
      await deliveryWith(owner, accepted.id, { status: 'succeeded' });
      await replay(id);
      await receiver.waitFor(3);
      let goOn!: () => void;
      const going = new Promise<void>((resolve) => (goOn = resolve));
      const find = deliveries.findWithParts.bind(deliveries);
      const follow = jest.spyOn(deliveries, 'findWithParts').mockImplementation(async (of) => {
        const found = await find(of);
        await going;
        return found;
      });
      const remove = jest.spyOn(Hand.prototype, 'remove');
      const areSettled = (count: number) =>
        eventually('they are settled', () => {
          return remove.mock.calls.filter(([{ _id }]) => _id === id).length === count;
        });
      answer[0]!();
      await areSettled(1);
      await eventually('it is being followed up', () => follow.mock.calls.length > 0);
      answer[2]!();
      await areSettled(2);
      goOn();
      await isDisabled();
      for (const spy of [follow, remove]) spy.mockRestore();
      await deliveryWith(owner, (await post()).id, { status: 'skipped' });
      expect(receiver.requests).toHaveLength(3);
    });
  });

  it('is not sent to a webhook that is gone by a next shift, since the last one disables it', async () => {
    const gone = await makeWebhook(client, receiver.url);
    const { projectId } = (await stack.store.webhooks.model.findById(gone.id).lean())!;
    receiver.respondWith(410);
    const { couriers, deliveries, webhooks } = stack.store;
    const end = jest.spyOn(couriers, 'end');
    const hasEnded = (): boolean => end.mock.calls.some(([id]) => id === projectId);
    const find = deliveries.findWithParts.bind(deliveries);
    let endedBefore = true;
    const follow = jest.spyOn(deliveries, 'findWithParts').mockImplementation(async (id) => {
      const from = performance.now();
      const length = jest.replaceProperty(Shift, 'lengthMs', 0);
      await eventually('it ends, or waits', () => hasEnded() || performance.now() - from > 1000);
      length.restore();
      endedBefore = hasEnded();
      return find(id);
    });
    await batch(1);
    await eventually('it is disabled', async () => {
      return !(await webhooks.model.findById(gone.id).lean())?.isActive;
    });
    expect(endedBefore).toBe(false);
    end.mockRestore();
    follow.mockRestore();
  });
});
