import { Receiver } from '../support/receiver';
import { eventually } from '../support/eventually';
import { intercept } from '../support/intercept';
import { Harness } from './harness';

it('x', async () => {
  const [harness, receiver] = await Promise.all([Harness.start(), Receiver.start()]);
  receiver.respondWith(500);
  const { planned } = await harness.fixture.planned(receiver.url);
  const handle = await harness.start(planned);
  const { store } = harness.fixture;
  const { attemptDelivery } = harness.fixture.activities({
    store: intercept(store, 'deliveries', intercept(store.deliveries, 'recordAttempt', async (...args) => {
      if (args[0].attemptCount === 0) { await handle.signal('retryNow'); await handle.query('state'); }
      return store.deliveries.recordAttempt(...args);
    })),
  });
  await harness.working(async () => {
    await eventually('x', async () => (await harness.fixture.delivery(planned.deliveryId)).attemptCount >= 1);
    await new Promise((r) => setTimeout(r, 500));
    console.log(JSON.stringify((await handle.describe()).raw.pendingActivities, null, 1));
    await harness.env.sleep('10m');
    await new Promise((r) => setTimeout(r, 500));
    console.log(JSON.stringify((await handle.describe()).raw.pendingActivities, null, 1));
    console.log((await handle.fetchHistory()).events!.map((e) => e.eventType), receiver.requests.length);
    await handle.terminate();
  }, { attemptDelivery });
  await Promise.all([harness.stop(), receiver.close()]);
});
