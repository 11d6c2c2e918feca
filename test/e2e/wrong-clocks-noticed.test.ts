import { ApiClient } from '../support/api-client';
import { deliveryWith, makeWebhook, postEvent } from '../support/deliveries';
import { eventually } from '../support/eventually';
import { freePort } from '../support/free-port';
import { HOUR, useWrongClocks } from '../support/wrong-clocks';

/** An hour, as a busy machine may measure it: a first answer of MongoDB that took seconds is not corrected later. */
const AN_HOUR = String.raw`(35[5-9]\d|36[0-4]\d) s`;
const on = useWrongClocks();

/** MongoDB, Temporal, the tests and their API agree about the time. */
describe('a process whose clock is wrong', () => {
  it.concurrent.each([
    ['ahead of', HOUR],
    ['behind', -HOUR],
  ])(
    'an API, an hour %s MongoDB, says so, is not ready, and recovers automatically',
    (side, aheadMs) =>
      on(async ({ client, start, post }) => {
        const port = await freePort();
        const api = start('api', aheadMs, { PORT: String(port) });
        const said = new RegExp(`${AN_HOUR} ${side} MongoDB's`);
        await api.logged(said);
        const asked = new ApiClient(`http://127.0.0.1:${port}`, client.key);
        await eventually('it says so', async () => {
          const { status, body } = await asked.get('/readyz');
          return status === 503 && said.test(body.error.message as string);
        });
        // Its decisions are right nevertheless.
        expect((await post(1, asked)).status).toBe(202);
        api.signal('SIGUSR2');
        await api.logged('is right again');
        await eventually('it is ready', async () => (await asked.get('/readyz')).status === 200);
        api.signal('SIGUSR2');
        await eventually(
          'it is not ready',
          async () => (await asked.get('/readyz')).status === 503,
        );
      }),
  );

  it.concurrent(
    'a worker says so, finishes its work, takes nothing more, and recovers automatically',
    () =>
      on(async ({ receiver, client, start, post }) => {
        await makeWebhook(client, receiver.url);
        const port = await freePort();
        const settings = { METRICS_ADDRESS: `127.0.0.1:${port}` };
        const readyz = (): Promise<Response> => fetch(`http://127.0.0.1:${port}/readyz`);
        const worker = start('worker', -HOUR, settings);
        const said = new RegExp(`${AN_HOUR} behind MongoDB's`);
        await worker.logged(said);
        await eventually('it says so', async () => {
          const unready = await readyz();
          return unready.status === 503 && said.test(await unready.text());
        });
        expect(worker.log()).not.toContain('worker polls');
        worker.signal('SIGUSR2');
        await worker.logged('worker polls');
        const slow = { kind: 'answer', status: 200, delayMs: 2000 } as const;
        receiver.respondWith(slow);
        const underWay = await postEvent(client);
        await receiver.waitFor(1);
        worker.signal('SIGUSR2');
        await deliveryWith(client, underWay, { status: 'succeeded' });
        await worker.logged('STOPPED');
        expect((await readyz()).status).toBe(503);
        await post(2);
        const { body } = await client.get('/v1/deliveries?status=succeeded');
        expect(body.data.deliveries).toHaveLength(1);
        worker.signal('SIGUSR2');
        await receiver.waitFor(3);
        await eventually('it is ready', async () => (await readyz()).status === 200);
        await worker.drains();
      }),
  );
});
