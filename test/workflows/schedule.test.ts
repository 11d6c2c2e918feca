import { WorkflowFailedError } from '@temporalio/client';
import { Receiver } from '../support/receiver';
import { Harness } from './harness';

const MINUTE = 60_000;

describe('a delivery by the schedule of 1, 5, 15 minutes', () => {
  let harness: Harness;
  let receiver: Receiver;

  beforeAll(async () => {
    [harness, receiver] = await Promise.all([Harness.start(), Receiver.start()]);
  });
  afterAll(async () => {
    await Promise.all([harness.stop(), receiver.close()]);
  });

  it('x', async () => {
    receiver.respondWith(500);
    const { planned } = await harness.fixture.planned(receiver.url);
    const handle = await harness.start(planned);
    await harness.working(() =>
      expect(handle.result()).rejects.toBeInstanceOf(WorkflowFailedError),
    );
    console.log(harness.executionsOf(planned), await harness.fixture.delivery(planned.deliveryId));
    const h = await handle.fetchHistory();
    console.log(JSON.stringify(h.events, null, 1).slice(0, 100), h.events!.map(e => [e.eventTime!.seconds!.toString(), e.eventType]));
  });
});
