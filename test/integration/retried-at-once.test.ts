import type { Client } from '@temporalio/client';
import { deliveryWorkflowId } from '../../src/contracts/temporal';
import type { ApiClient } from '../support/api-client';
import { deliveryWith, makeWebhook, postEvent } from '../support/deliveries';
import { eventually } from '../support/eventually';
import { useFreshReceiver, useStack } from '../support/use';

/** Answers are held back for as long as a busy machine needs for the rest. */
const PATIENT = { timeoutMs: 60_000 };

describe('a delivery that two retry at the same moment, while it has no running workflow,', () => {
  const stack = useStack();
  const receiver = useFreshReceiver();
  let temporal: Client;

  beforeAll(async () => {
    temporal = await stack.connectTemporal();
  });
  afterAll(async () => {
    await temporal.connection.close();
  });

  const handleOf = (id: string) => temporal.workflow.getHandle(deliveryWorkflowId(id));
  /**
   * Both find that it has no running workflow. Then one asks for a run, and the other while that makes its attempt.
   * @param answer lets the receiver answer it
   */
  const retriedByTwo = async (client: ApiClient, id: string, answer: () => void): Promise<void> => {
    const { deliveries } = stack.store;
    const requestRun = deliveries.requestRun.bind(deliveries);
    let asking = 0;
    const spy = jest.spyOn(deliveries, 'requestRun').mockImplementation(async (...args) => {
      asking += 1;
      if (asking === 2) await receiver.waitFor(2);
      else await eventually('both ask', () => asking === 2);
      return requestRun(...args);
    });
    const retry = () => client.post(`/v1/deliveries/${id}/retry`);
    const answers = await Promise.all([retry(), retry()]).finally(() => spy.mockRestore());
    answer();
    expect(answers).toMatchObject([{ status: 202 }, { status: 202 }]);
    await handleOf(id).result();
  };

  it('is attempted once, and has no replay, if its workflow was terminated', async () => {
    const { client } = await stack.project({ policy: { ...PATIENT, retryDelaysMs: [3_600_000] } });
    await makeWebhook(client, receiver.url);
    receiver.respondWith(500);
    const id = await postEvent(client);
    await deliveryWith(client, id, { attemptCount: 1 });
    await handleOf(id).terminate();
    let answer!: () => void;
    const after = new Promise<void>((resolve) => (answer = resolve));
    receiver.respondWith(() => ({ kind: 'answer', status: 200, after }));
    await retriedByTwo(client, id, answer);
    await deliveryWith(client, id, { status: 'succeeded', attemptCount: 2, replays: 0 });
    expect(receiver.requests).toHaveLength(2);
  });

  it('is attempted once, and has no replay, if its workflow was terminated during its first attempt', async () => {
    const { client } = await stack.project({ policy: PATIENT });
    await makeWebhook(client, receiver.url);
    let answer!: () => void;
    const after = new Promise<void>((resolve) => (answer = resolve));
    receiver.respondWith((_request, n) => ({ kind: 'answer', status: n === 1 ? 500 : 200, after }));
    const id = await postEvent(client);
    await receiver.waitFor(1);
    await handleOf(id).terminate();
    expect(await stack.store.deliveries.find(id)).toMatchObject({ runId: null });
    await retriedByTwo(client, id, answer);
    expect(await stack.store.deliveries.find(id)).toMatchObject({
      status: 'succeeded',
      replays: 0,
    });
    expect(receiver.requests).toHaveLength(2);
  });

  it('is attempted once, and has no replay, if its event is still being fanned out', async () => {
    const { client } = await stack.project({ policy: PATIENT });
    await makeWebhook(client, receiver.url);
    const { engine, store } = stack;
    const plan = store.deliveries.plan.bind(store.deliveries);
    let goOn!: () => void;
    const isRetried = new Promise<void>((resolve) => (goOn = resolve));
    const planned = jest.spyOn(store.deliveries, 'plan').mockImplementation(async (deliveries) => {
      const stored = await plan(deliveries);
      await isRetried;
      return stored;
    });
    const id = await postEvent(client);
    const hasRun = (): Promise<true> =>
      eventually('it has run', async () => (await engine.findRun(id)) === 'ended');
    const runAgain = engine.runAgain.bind(engine);
    let asking = 0;
    const asked = jest.spyOn(engine, 'runAgain').mockImplementation(async (...args) => {
      asking += 1;
      if (asking === 2) await hasRun();
      else await eventually('both ask', () => asking === 2);
      return runAgain(...args);
    });
    const retry = () => client.post(`/v1/deliveries/${id}/retry`);
    const first = retry();
    await eventually('one asks', () => asking === 1);
    const answers = await Promise.all([first, retry()]).finally(() => {
      goOn();
      for (const spy of [planned, asked]) spy.mockRestore();
    });
    expect(answers).toMatchObject([{ status: 202 }, { status: 202 }]);
    await hasRun();
    await deliveryWith(client, id, { status: 'succeeded', attemptCount: 1, replays: 0 });
    expect(receiver.requests).toHaveLength(1);
  });
});
