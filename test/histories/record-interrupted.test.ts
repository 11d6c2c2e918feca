import { useFreshReceiver } from '../support/use';
import { Harness } from '../workflows/harness';
import { releasing } from '../workflows/releasing';
import { Running } from '../workflows/running';
import { keep } from './keep';

describe('keeping the history of a delivery', () => {
  let harness: Harness;
  const receiver = useFreshReceiver();

  beforeAll(async () => {
    harness = await Harness.startReal();
  });
  afterAll(async () => {
    await harness.stop();
  });

  it('that is released while it is put into the queue', async () => {
    const policy = { retryDelaysMs: [], ratePerSecond: 1 };
    const running = await Running.start(harness, receiver, { policy });
    const { store } = harness.fixture;
    const activities = harness.fixture.activities({ store: releasing(store, running) });
    await harness.working(async () => {
      await running.handle.result();
      await keep(harness.env.client, 'delivery-woken-while-queueing', running.handle.workflowId);
    }, activities);
  });

  it('whose attempt was lost, while it waits, and retried now', async () => {
    const running = await Running.start(harness, receiver, { policy: { retryDelaysMs: [] } });
    const activities = harness.fixture.activities();
    let lost = 0;
    const losing: typeof activities.attemptDelivery = (...args) => {
      lost += 1;
      if (lost === 1) throw new Error('the store is unreachable');
      return activities.attemptDelivery(...args);
    };
    await harness.working(
      async () => {
        const { client } = harness.env;
        await running.becomes('waiting');
        await keep(client, 'delivery-lost-attempt', running.handle.workflowId);
        await running.ask('retryNow');
        await running.expectSucceeded(1);
        await keep(client, 'delivery-lost-attempt-retried-now', running.handle.workflowId);
      },
      { attemptDelivery: losing },
    );
  });
});
