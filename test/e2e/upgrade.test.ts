import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Client } from '@temporalio/client';
import { bundleWorkflowCode } from '@temporalio/worker';
import { RECONCILE_SCHEDULES } from '../../src/contracts/temporal';
import type { ApiClient } from '../support/api-client';
import { deliveryWith, makeWebhook, postEvent } from '../support/deliveries';
import { eventually } from '../support/eventually';
import { RoleProcess } from '../support/processes';
import { Receiver } from '../support/receiver';
import { emailSent } from '../support/samples';
import { Stack, testEnvironment } from '../support/stack';

const PATIENCE_MS = 180_000;
jest.setTimeout(400_000);

/** Other workflows than this version's, as a worker loads them. @returns the file */
async function bundleOf(workflows: string, folder: string): Promise<string> {
  const bundle = path.join(folder, `${workflows}.js`);
  const { code } = await bundleWorkflowCode({
    workflowsPath: path.resolve(__dirname, `../support/${workflows}.ts`),
    logger: { log() {}, trace() {}, debug() {}, info() {}, warn() {}, error() {} },
  });
  writeFileSync(bundle, code);
  return bundle;
}

describe('a worker of the next version together with one of this version', () => {
  let folder: string;
  let environment: Record<string, string>;
  let stack: Stack;
  let receiver: Receiver;
  let client: ApiClient;
  let temporal: Client;
  let old: RoleProcess;

  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'posthorn-next-'));
    environment = testEnvironment();
    stack = await Stack.start(environment, { worker: false });
    receiver = await Receiver.start();
    // Until the retries the next version's worker starts, and the old one ends.
    ({ client } = await stack.project({ policy: { retryDelaysMs: [120_000, 1000] } }));
    await makeWebhook(client, receiver.url);
    temporal = await stack.connectTemporal();
    old = RoleProcess.start('worker', environment);
    await old.logged('RUNNING');
  });
  afterAll(async () => {
    await old.end('SIGKILL');
    await Promise.all([stack.stop(), receiver.close(), temporal.connection.close()]);
    rmSync(folder, { recursive: true });
  });

  it('takes over deliveries in the middle of their retries, without losing or repeating an attempt', async () => {
    const bundle = await bundleOf('next-workflows', folder);
    // Each is attempted once, and waits until the next version's worker is the only one.
    const seen = new Set<unknown>();
    receiver.respondWith(({ headers }) => {
      const id = headers['x-webhook-delivery-id'];
      if (seen.has(id)) return 200;
      seen.add(id);
      return 500;
    });
    const ids = [await postEvent(client), await postEvent(client), await postEvent(client)];
    await Promise.all(ids.map((id) => deliveryWith(client, id, { attemptCount: 1 })));

    const next = await Stack.start(environment, { bundle });
    ids.push(await postEvent(client), await postEvent(client));
    await eventually('all have been attempted', () => seen.size === ids.length);
    await old.drains();

    for (const id of ids) {
      const delivery = await deliveryWith(client, id, { status: 'succeeded' }, PATIENCE_MS);
      expect(delivery.replays).toBe(0);
      expect(delivery.attempts.map(({ outcome }: { outcome: string }) => outcome)).toEqual([
        'failed',
        'succeeded',
      ]);
      const ended = await eventually('its workflow has ended', async () => {
        const description = await temporal.workflow.getHandle(`delivery/${id}`).describe();
        return description.status.name === 'COMPLETED' && description;
      });
      // Finished by the next version's code, whichever version had started it.
      expect(ended.memo).toEqual({ version: 'next' });
    }
    expect(receiver.requests).toHaveLength(ids.length * 2);
    await next.stop();
  });
});

describe('a worker of an earlier version together with one of this version', () => {
  it('runs reconcile by the schedules of this one, whichever of the two has its activity', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'posthorn-former-'));
    const bundle = await bundleOf('former-reconcile', folder);
    const [stack, receiver] = await Promise.all([Stack.start({}, { bundle }), Receiver.start()]);
    try {
      const { client } = await stack.project();
      await makeWebhook(client, receiver.url);
      const start = jest
        .spyOn(stack.engine, 'startFanOut')
        .mockRejectedValueOnce(new Error('died'));
      await client.post('/v1/events', { type: 'email.sent', data: emailSent });
      start.mockRestore();
      const { model } = stack.store.events;
      const isLate = () => model.exists({ acceptedAt: { $lt: new Date(Date.now() - 4000) } });
      await eventually('it is late', isLate);
      await stack.temporal(({ schedule }) =>
        schedule.getHandle(RECONCILE_SCHEDULES.events).trigger(),
      );
      await receiver.waitFor(1, PATIENCE_MS);
    } finally {
      await Promise.all([stack.stop(), receiver.close()]);
      rmSync(folder, { recursive: true });
    }
  });
});
