import type { DeliveryStatus } from '../../src/contracts/delivery';
import type { ApiClient } from '../support/api-client';
import { makeWebhook } from '../support/deliveries';
import { eventually } from '../support/eventually';
import { RoleProcess } from '../support/processes';
import { emailSent } from '../support/samples';
import { Stack, testEnvironment } from '../support/stack';
import { useFreshReceiver } from '../support/use';

/** Small for every run; `POSTHORN_TEST_DELIVERIES=2000` for the figures in the docs. */
const DELIVERIES = Number(process.env.POSTHORN_TEST_DELIVERIES ?? 60);
const PATIENCE_MS = 60_000 + DELIVERIES * 300;

describe('a worker killed with -9 in the middle of much to do', () => {
  let environment: Record<string, string>;
  let stack: Stack;
  const receiver = useFreshReceiver();
  let client: ApiClient;
  let worker: RoleProcess;
  let webhook: { id: string };

  beforeAll(async () => {
    environment = testEnvironment();
    stack = await Stack.start(environment, { worker: false });
    worker = RoleProcess.start('worker', environment);
    await worker.logged('RUNNING');
  });
  afterAll(async () => {
    await worker.end('SIGKILL');
    await stack.stop();
  });
  beforeEach(async () => {
    // More retries than a busy machine's timeouts use up; short, since a dead worker's attempts are waited for.
    const policy = { timeoutMs: 3000, retryDelaysMs: [1000, 1000, 1000, 1000] };
    ({ client } = await stack.project({ policy }));
    webhook = await makeWebhook(client, receiver.url);
  });

  const delivered = (): number =>
    new Set(receiver.requests.map(({ headers }) => headers['x-webhook-delivery-id'])).size;
  const count = (status: DeliveryStatus): Promise<number> =>
    stack.store.deliveries.model.countDocuments({ webhookId: webhook.id, status });

  /** Posts the events, and waits until their deliveries stand with `status`. */
  const postAll = async (status: DeliveryStatus): Promise<void> => {
    const event = { type: 'email.sent', data: emailSent };
    for (let left = DELIVERIES; left > 0; left -= 500) {
      const events = Array.from({ length: Math.min(left, 500) }, () => event);
      await client.post('/v1/events/batch', { events });
    }
    await eventually(
      `all are ${status}`,
      async () => (await count(status)) === DELIVERIES,
      PATIENCE_MS,
    );
  };

  const killWorker = async (): Promise<void> => {
    await worker.end('SIGKILL');
    worker = RoleProcess.start('worker', environment);
    await worker.logged('RUNNING');
  };

  /** What a crash cut off between MongoDB and Temporal is found by reconcile, here without its minute. */
  const settle = (expected: () => Promise<boolean>): Promise<boolean> =>
    eventually(
      'all is settled',
      async () => {
        if (await expected()) return true;
        await stack.reconcile();
        return false;
      },
      PATIENCE_MS,
    );

  it(
    'all deliveries that a pause held arrive after the resume',
    async () => {
      await client.post(`/v1/webhooks/${webhook.id}/pause`);
      await postAll('held');
      const start = Date.now();
      await client.post(`/v1/webhooks/${webhook.id}/resume`);
      await receiver.waitFor(Math.ceil(DELIVERIES / 4), PATIENCE_MS);

      await killWorker();

      await settle(async () => (await count('succeeded')) === DELIVERIES);
      report('drained', start);
      expect(delivered()).toBe(DELIVERIES);
    },
    PATIENCE_MS * 3,
  );

  it(
    'a bulk replay replays each delivery exactly once, its progress right all the way',
    async () => {
      await client.patch(`/v1/webhooks/${webhook.id}`, { isActive: false });
      await postAll('skipped');
      await client.patch(`/v1/webhooks/${webhook.id}`, { isActive: true });
      const start = Date.now();
      const { id } = (
        await client.post('/v1/replays', {
          since: new Date(start - 3_600_000).toISOString(),
          until: new Date(start + 1000).toISOString(),
          ratePerSecond: 50,
        })
      ).body.data;
      const progress: number[] = [];
      const look = async (): Promise<number> => {
        const { replayed, failed } = (await client.get(`/v1/replays/${id}`)).body.data;
        expect(failed).toBe(0);
        progress.push(replayed);
        return replayed;
      };
      await eventually(
        'a quarter is replayed',
        async () => (await look()) >= DELIVERIES / 4,
        PATIENCE_MS,
      );

      await killWorker();

      await eventually('all are replayed', async () => (await look()) === DELIVERIES, PATIENCE_MS);
      await settle(async () => (await count('succeeded')) === DELIVERIES);
      report('replayed', start);
      const { data } = (await client.get(`/v1/replays/${id}`)).body;
      expect(data).toMatchObject({ matched: DELIVERIES, replayed: DELIVERIES, failed: 0 });
      expect(progress).toEqual(progress.toSorted((a, b) => a - b));
      expect(
        await stack.store.deliveries.model.countDocuments({ webhookId: webhook.id, replays: 1 }),
      ).toBe(DELIVERIES);
      expect(delivered()).toBe(DELIVERIES);
    },
    PATIENCE_MS * 3,
  );

  const report = (what: string, start: number): void => {
    if (process.env.POSTHORN_TEST_DELIVERIES === undefined) return;
    const seconds = (Date.now() - start) / 1000;
    process.stderr.write(
      `${DELIVERIES} ${what} in ${seconds.toFixed(0)} s, ${receiver.requests.length} requests\n`,
    );
  };
});
