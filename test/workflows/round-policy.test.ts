import { eventually } from '../support/eventually';
import { useFreshReceiver } from '../support/use';
import { Harness } from './harness';
import { Running } from './running';

const FORMER = { timeoutMs: 1000, retryDelaysMs: [1000] };
const PRESENT = { timeoutMs: 10_000, retryDelaysMs: [1000, 1000] };
const SLOW = { kind: 'answer', status: 500, delayMs: 1500 } as const;

/** On the real server: the time-skipping one knows no reset. */
describe("a delivery's workflow, whose webhook has another policy by now,", () => {
  let harness: Harness;
  const receiver = useFreshReceiver();

  beforeAll(async () => {
    harness = await Harness.startReal();
  });
  afterAll(() => harness.stop());

  const change = async ({ planned }: Running): Promise<void> => {
    const { model } = harness.fixture.store.webhooks;
    await model.updateOne({ _id: planned.webhookId }, { $set: { policy: PRESENT } });
  };
  const failsAfter = (running: Running, attempts: number) =>
    eventually(`attempt ${attempts} was the last one`, async () => {
      const { status, attemptCount } = await running.record();
      return status === 'failed' && attemptCount === attempts;
    });
  /** The timeouts and maximums of its attempts' activities, by its latest run's history. */
  async function scheduled({ handle }: Running): Promise<[number, number][]> {
    const { workflowId } = handle;
    const { events } = await harness.env.client.workflow.getHandle(workflowId).fetchHistory();
    return events!.flatMap(({ activityTaskScheduledEventAttributes: of }) =>
      of ? [[Number(of.startToCloseTimeout!.seconds), of.retryPolicy!.maximumAttempts!]] : [],
    );
  }
  const OF_FORMER = [11, 2];
  const OF_PRESENT = [20, 3];

  it('makes the first attempt, and the others, by the present one', async () => {
    receiver.respondWith(SLOW);
    const running = await Running.start(harness, receiver, { policy: FORMER });
    await change(running);
    await harness.working(() => failsAfter(running, 3));
    const { attempts } = await running.record();
    expect(attempts).toMatchObject(Array.from({ length: 3 }, () => ({ statusCode: 500 })));
    expect(await scheduled(running)).toEqual([OF_FORMER, OF_PRESENT]);
  });

  it('delivers by the present one after a reset in the Web UI, on a worker that never saw it', async () => {
    receiver.respondWith(500);
    const running = await Running.start(harness, receiver, { policy: FORMER });
    await harness.working(() => failsAfter(running, 2));
    await change(running);
    await running.reset();
    await harness.working(() => failsAfter(running, 5));
    expect(await running.record()).toMatchObject({ replays: 1 });
    expect((await scheduled(running)).slice(-2)).toEqual([OF_FORMER, OF_PRESENT]);
  });

  it('is scheduled no second time where the policy is the same', async () => {
    receiver.respondWith(500);
    const running = await Running.start(harness, receiver, { policy: FORMER });
    await harness.working(() => failsAfter(running, 2));
    expect(await scheduled(running)).toEqual([OF_FORMER]);
  });
});
