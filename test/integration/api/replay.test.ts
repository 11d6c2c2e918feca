import { createHmac, randomUUID } from 'node:crypto';
import { newId } from '../../../src/contracts/ids';
import type { ApiClient } from '../../support/api-client';
import { deliveryWith, makeWebhook, postEvent } from '../../support/deliveries';
import { eventually } from '../../support/eventually';
import { withOwnWorkers } from '../../support/own-workers';
import { emailSent } from '../../support/samples';
import type { Stack } from '../../support/stack';
import { useFreshReceiver, useStack } from '../../support/use';
import { insertDelivery } from './insert';
import { expectRefusal } from './refusal';

describe('a replay', () => {
  const stack = useStack();
  const receiver = useFreshReceiver();

  const replay = (client: ApiClient, id: string) => client.post(`/v1/deliveries/${id}/replay`);

  /** An attempt is recorded before it is counted. */
  const becomes = (client: ApiClient, path: string, expected: Record<string, unknown>) =>
    eventually(`the webhook is ${JSON.stringify(expected)}`, async () => {
      const { data } = (await client.get(path)).body;
      return Object.entries(expected).every(([name, value]) => data[name] === value);
    });

  it('sends the same bytes under the same delivery id, and is logged after the first attempt', async () => {
    const { client } = await stack.project();
    const { secret } = await makeWebhook(client, receiver.url);
    const id = await postEvent(client);
    const before = await deliveryWith(client, id, { status: 'succeeded' });

    const asked = await replay(client, id);
    expect(asked.status).toBe(202);
    expect(asked.body.data).toMatchObject({ id, status: 'pending', replays: 1, completedAt: null });
    const after = await deliveryWith(client, id, { status: 'succeeded', replays: 1 });

    expect(after.attempts).toMatchObject([
      before.attempts[0],
      { number: 2, outcome: 'succeeded', statusCode: 200 },
    ]);
    expect(after.attempts[1].runId).not.toBe(before.attempts[0].runId);
    expect(after.workflow.runId).toBe(after.attempts[1].runId);
    expect(after).toMatchObject({ attemptCount: 2, createdAt: before.createdAt });
    expect(Date.parse(after.completedAt)).toBeGreaterThanOrEqual(Date.parse(before.completedAt));

    const [first, second] = await receiver.waitFor(2);
    expect(second!.rawBody.equals(first!.rawBody)).toBe(true);
    expect(second!.headers['x-webhook-delivery-id']).toBe(id);
    expect(first!.headers['x-webhook-delivery-id']).toBe(id);
    expect(second!.headers['x-webhook-signature']).toBe(
      createHmac('sha256', secret).update(second!.rawBody).digest('hex'),
    );
    expect(Number(second!.headers['x-webhook-timestamp'])).toBeGreaterThan(
      Number(first!.headers['x-webhook-timestamp']),
    );
  });

  it('of a failed delivery continues its attempt numbers, and makes the webhook healthy', async () => {
    const { client } = await stack.project();
    receiver.respondWith(500);
    const webhook = await makeWebhook(client, receiver.url, { policy: { retryDelaysMs: [1000] } });
    const id = await postEvent(client);
    await deliveryWith(client, id, { status: 'failed' });
    const path = `/v1/webhooks/${webhook.id}`;
    await becomes(client, path, { failureCount: 2, lastStatus: 500 });

    receiver.respondWith(204);
    expect((await replay(client, id)).status).toBe(202);
    const after = await deliveryWith(client, id, { status: 'succeeded' });
    expect(after.replays).toBe(1);
    expect(after.attempts).toMatchObject([
      { number: 1, outcome: 'failed', statusCode: 500 },
      { number: 2, outcome: 'failed', statusCode: 500 },
      { number: 3, outcome: 'succeeded', statusCode: 204 },
    ]);
    await becomes(client, path, { failureCount: 0, lastStatus: 204 });
  });

  it('has the whole schedule before it, and can fail again', async () => {
    const { client } = await stack.project();
    receiver.respondWith(500);
    await makeWebhook(client, receiver.url, { policy: { retryDelaysMs: [1000] } });
    const id = await postEvent(client);
    await deliveryWith(client, id, { status: 'failed' });
    await replay(client, id);
    const after = await deliveryWith(client, id, { status: 'failed', replays: 1 });
    expect(after.attempts.map(({ number }: { number: number }) => number)).toEqual([1, 2, 3, 4]);
  });

  it('can be asked for again and again', async () => {
    const { client } = await stack.project();
    await makeWebhook(client, receiver.url);
    const id = await postEvent(client);
    for (const replays of [0, 1, 2, 3]) {
      const { attempts } = await deliveryWith(client, id, { status: 'succeeded', replays });
      expect(attempts).toHaveLength(replays + 1);
      if (replays < 3) await replay(client, id);
    }
    expect(receiver.requests).toHaveLength(4);
    expect(new Set(receiver.requests.map(({ rawBody }) => rawBody.toString())).size).toBe(1);
  });

  it('is refused while the delivery is pending, and changes nothing', async () => {
    const { client } = await stack.project();
    receiver.respondWith(500);
    await makeWebhook(client, receiver.url);
    const id = await postEvent(client);
    const before = await eventually('it waits', async () => {
      const { data } = (await client.get(`/v1/deliveries/${id}`)).body;
      return data.pending?.reason === 'waiting_for_retry' && data;
    });
    // The profile's second and third delay: 5 and 15 minutes.
    expect(before.pending.laterDelaysMs).toEqual([300_000, 900_000]);
    expectRefusal(await replay(client, id), 'delivery_in_progress');
    expect((await client.get(`/v1/deliveries/${id}`)).body.data).toEqual(before);
    expect(receiver.requests).toHaveLength(1);
  });

  it('is taken once when ten are asked for at once', async () => {
    const { client } = await stack.project();
    receiver.respondWith((_request, n) => (n === 1 ? 200 : 500));
    await makeWebhook(client, receiver.url);
    const id = await postEvent(client);
    await deliveryWith(client, id, { status: 'succeeded' });
    const answers = await Promise.all(Array.from({ length: 10 }, () => replay(client, id)));
    expect(answers.filter(({ status }) => status === 202)).toHaveLength(1);
    answers
      .filter(({ status }) => status !== 202)
      .forEach((answer) => expectRefusal(answer, 'delivery_in_progress'));
    const after = await deliveryWith(client, id, { attemptCount: 2 });
    expect(after).toMatchObject({ status: 'pending', replays: 1 });
    expect(receiver.requests).toHaveLength(2);
  });

  /** One that has failed, and whose workflow is past Temporal's retention, or, with `null`, was never started. */
  const forgotten = async (
    on: Stack,
    projectId: string,
    client: ApiClient,
    url: string,
    runId: string | null = randomUUID(),
  ) => {
    const webhook = await makeWebhook(client, url, { events: ['email.bounced'] });
    const event = await client.post('/v1/events', { type: 'email.sent', data: emailSent });
    return insertDelivery(on, {
      projectId,
      webhookId: webhook.id,
      eventId: event.body.data.id,
      status: 'failed',
      runId,
      ...(runId !== null && { openedAt: new Date() }),
    });
  };

  it.each([
    ['has ended', 'resets a workflow', 'runDelivery'],
    ['is sending', 'resets a workflow', 'runDelivery'],
    ['has ended', 'finds no workflow', 'runDelivery'],
    ['is sending', 'finds no workflow', 'runDelivery'],
    ['has ended', 'found no workflow before', 'startDelivery'],
  ])(
    'that is cancelled, and asked for again, before its run has begun, is sent once, though that run %s by then: %s',
    async (state, which, step) => {
      const project = await stack.project({ policy: { timeoutMs: 60_000 } });
      const { client } = project;
      let id: string;
      if (which === 'resets a workflow') {
        await makeWebhook(client, receiver.url);
        id = await postEvent(client);
        await deliveryWith(client, id, { status: 'succeeded' });
      } else id = await forgotten(stack, project.id, client, receiver.url);
      const before = receiver.requests.length;
      let answer!: () => void;
      const after = new Promise<void>((resolve) => (answer = resolve));
      receiver.respondWith({ kind: 'answer', status: 200, after });
      const { engine } = stack;
      const steps = engine as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;
      const asItIs = steps[step]!.bind(engine);
      let goOn!: () => void;
      const isAskedAgain = new Promise<void>((resolve) => (goOn = resolve));
      let asking = 0;
      const spy = jest.spyOn(steps, step).mockImplementation(async (...args) => {
        asking += 1;
        if (asking === 1) await isAskedAgain;
        else {
          goOn();
          await receiver.waitFor(before + 1);
          if (state === 'has ended') {
            answer();
            await eventually('it ends', async () => (await engine.findRun(id)) === 'ended');
          }
        }
        return asItIs(...args);
      });
      try {
        const first = replay(client, id);
        await eventually('Temporal is about to be asked', () => asking === 1);
        expect((await client.post(`/v1/deliveries/${id}/cancel`)).status).toBe(202);
        const asked = await Promise.all([first, replay(client, id)]);
        expect(asked).toMatchObject([{ status: 202 }, { status: 202 }]);
      } finally {
        answer();
        spy.mockRestore();
      }
      await eventually('no run is in progress', async () => {
        return (await engine.findRun(id)) === 'ended';
      });
      const attemptCount = before + 1;
      const ended = { status: 'succeeded', attemptCount, replays: 2 };
      const { attempts, workflow } = await deliveryWith(client, id, ended);
      // A run that is reset as it sends is followed by one that sends again, unless its answer comes first.
      if (state === 'is sending') expect(attempts.at(-1).runId).toBe(workflow.runId);
      expect(receiver.requests).toHaveLength(attemptCount);
    },
  );

  it.each([
    ['the delivery before it', 0],
    ['the replay before it', 1],
  ])(
    'is not ended by the cancel of %s, however slow that is to reach Temporal',
    async (_which, replayed) => {
      // The first answer of each run is held back until the rest is done.
      const policy = { timeoutMs: 60_000, retryDelaysMs: [1000] };
      const { client, id: projectId } = await stack.project({ policy });
      const answers: (() => void)[] = [];
      const held = [1, 2].map(() => new Promise<void>((resolve) => answers.push(resolve)));
      receiver.respondWith((_request, n) => {
        const after = held[n - 1];
        return after ? { kind: 'answer', status: 500, after } : 200;
      });
      await makeWebhook(client, receiver.url);
      const id = await postEvent(client);
      await receiver.waitFor(1);
      const cancel = () => client.post(`/v1/deliveries/${id}/cancel`);
      const { engine, store } = stack;
      if (replayed === 1) {
        expect((await cancel()).status).toBe(202);
        // As an API leaves it that dies before it asks Temporal.
        await store.deliveries.beginReplay(projectId, id);
      }
      const signalDelivery = engine.signalDelivery.bind(engine);
      let goOn!: () => void;
      const isReplayed = new Promise<void>((resolve) => (goOn = resolve));
      const signal = jest.spyOn(engine, 'signalDelivery').mockImplementation(async (...args) => {
        await isReplayed;
        return signalDelivery(...args);
      });
      try {
        const cancelling = cancel();
        await deliveryWith(client, id, { status: 'cancelled', replays: replayed });
        expect((await replay(client, id)).status).toBe(202);
        await receiver.waitFor(2);
        goOn();
        expect((await cancelling).status).toBe(202);
      } finally {
        goOn();
        signal.mockRestore();
      }
      for (const answer of answers) answer();
      await deliveryWith(client, id, { status: 'succeeded', replays: replayed + 1 });
    },
  );

  it('sends what was skipped while the webhook was off', async () => {
    const { client } = await stack.project();
    const webhook = await makeWebhook(client, receiver.url);
    await client.patch(`/v1/webhooks/${webhook.id}`, { isActive: false });
    const id = await postEvent(client);
    const skipped = await deliveryWith(client, id, { status: 'skipped' });
    expect(skipped).toMatchObject({ attempts: [], nextAttemptAt: null });
    expect(skipped.completedAt).not.toBeNull();

    await client.patch(`/v1/webhooks/${webhook.id}`, { isActive: true });
    const next = await postEvent(client);
    await deliveryWith(client, next, { status: 'succeeded' });
    expect(receiver.requests).toHaveLength(1);

    expect((await replay(client, id)).status).toBe(202);
    await deliveryWith(client, id, { status: 'succeeded', replays: 1 });
    expect(receiver.requests.at(-1)!.headers['x-webhook-delivery-id']).toBe(id);
  });

  it('is refused when the webhook was deleted, and changes nothing', async () => {
    const { client } = await stack.project();
    const webhook = await makeWebhook(client, receiver.url);
    const id = await postEvent(client);
    const before = await deliveryWith(client, id, { status: 'succeeded' });
    await client.delete(`/v1/webhooks/${webhook.id}`);
    expectRefusal(await replay(client, id), 'webhook_deleted');
    expect((await client.get(`/v1/deliveries/${id}`)).body.data).toEqual(before);
    expect(receiver.requests).toHaveLength(1);
  });

  it('is answered 404 for another project’s delivery, which stays as it is', async () => {
    const { client } = await stack.project();
    const other = await stack.project();
    await makeWebhook(other.client, receiver.url);
    const theirs = await postEvent(other.client);
    const before = await deliveryWith(other.client, theirs, { status: 'succeeded' });
    for (const id of [theirs, newId('delivery'), newId('event'), 'dlv_1']) {
      expectRefusal(await replay(client, id), 'not_found');
    }
    expect((await other.client.get(`/v1/deliveries/${theirs}`)).body.data).toEqual(before);
    expect(receiver.requests).toHaveLength(1);
  });

  it('of a delivery that Temporal knows nothing of starts its workflow', async () => {
    const { id: projectId, client } = await stack.project();
    const webhook = await makeWebhook(client, receiver.url);
    const event = await client.post('/v1/events', { type: 'email.sent', data: emailSent });
    await receiver.waitFor(1);
    const { body } = await client.get('/v1/deliveries');
    const firstId = body.data.deliveries[0].id as string;
    await deliveryWith(client, firstId, { status: 'succeeded' });
    // As one whose workflow is past Temporal's retention.
    await stack.store.deliveries.model.deleteOne({ _id: firstId });
    const id = await insertDelivery(stack, {
      projectId,
      webhookId: webhook.id,
      eventId: event.body.data.id,
      status: 'failed',
    });
    expect((await replay(client, id)).status).toBe(202);
    const after = await deliveryWith(client, id, { status: 'succeeded', replays: 1 });
    expect(after.attempts).toMatchObject([{ number: 1, statusCode: 200 }]);
    expect(receiver.requests[1]!.rawBody.equals(receiver.requests[0]!.rawBody)).toBe(true);
  });

  it.each([
    ['is past Temporal’s retention', randomUUID()],
    ['was never started', null],
  ])(
    'of a delivery whose workflow %s is not cancelled with the replay before it, told before a worker has begun',
    async (_why, runId) => {
      await withOwnWorkers(async ({ stack: own, receiver: at, startWorker }) => {
        const { id: projectId, client } = await own.project();
        const id = await forgotten(own, projectId, client, at.url, runId);
        for (const asked of ['replay', 'cancel', 'replay']) {
          expect((await client.post(`/v1/deliveries/${id}/${asked}`)).status).toBe(202);
        }
        await startWorker();
        await deliveryWith(client, id, { status: 'succeeded', replays: 2 });
      });
    },
  );
});
