import { Receiver } from '../support/receiver';
import { eventually } from '../support/eventually';
import { Harness } from './harness';
import { Running } from './running';

/** On the real server: the time-skipping one knows no reset. */
describe("a delivery that the Web UI has reset, its old run's signals applied again", () => {
  let harness: Harness;
  let receiver: Receiver;

  beforeAll(async () => {
    [harness, receiver] = await Promise.all([Harness.startReal(), Receiver.start()]);
  });
  afterAll(() => Promise.all([harness.stop(), receiver.close()]));

  it('continues on a worker that never saw it', async () => {
    const { client } = harness.env;
    receiver.respondWith(500);
    const running = await Running.start(harness, receiver, {
      // Long enough to ask it something, and to replace its worker, before the second attempt.
      policy: { retryDelaysMs: [20_000] },
    });
    await harness.working(async () => {
      await eventually('the first attempt has failed', async () => {
        return (await running.record()).attemptCount === 1;
      });
      await running.ask('cancel');
      await running.expectCancelled(1);

      await running.reset();
      await eventually('it was attempted again', async () => {
        return (await running.record()).attemptCount === 2;
      });
    });
    receiver.respondWith(200);

    await harness.working(() => client.workflow.getHandle(running.handle.workflowId).result());

    expect(await running.record()).toMatchObject({ status: 'succeeded', attemptCount: 3 });
  });
});
