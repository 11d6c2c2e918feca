import { newId } from '../../src/contracts/ids';
import { deleteCutOff } from '../support/cut-off';
import type { ApiClient } from '../support/api-client';
import { makeWebhook } from '../support/deliveries';
import { eventually } from '../support/eventually';
import { RoleProcess } from '../support/processes';
import { Receiver } from '../support/receiver';
import { emailSent } from '../support/samples';
import { Stack, testEnvironment } from '../support/stack';

const PATIENCE_MS = 90_000;
/** On a busy machine; a process that hangs would take more than a minute. */
const STOPS_WITHIN_MS = 40_000;

describe('reconcile by its schedules', () => {
  let environment: Record<string, string>;
  let stack: Stack;
  let receiver: Receiver;
  let worker: RoleProcess;

  beforeEach(async () => {
    environment = testEnvironment();
    [stack, receiver] = await Promise.all([
      Stack.start(environment, { worker: false, schedules: true }),
      Receiver.start(),
    ]);
    worker = await started();
  });
  afterEach(async () => {
    await worker.end('SIGKILL');
    await Promise.all([stack.stop(), receiver.close()]);
  });

  const started = async (): Promise<RoleProcess> => {
    const process = RoleProcess.start('worker', environment, null);
    await process.logged('RUNNING');
    return process;
  };
  const msUntilStopped = async (): Promise<number> => {
    const toldAt = performance.now();
    const ended = worker.end('SIGTERM');
    worker.signal('SIGCONT');
    expect(await ended).toBe(0);
    return performance.now() - toldAt;
  };
  /** An event whose API died before it asked for the fan-out. */
  const loseEvent = async (client: ApiClient): Promise<string> => {
    const spy = jest.spyOn(stack.engine, 'startFanOut').mockRejectedValueOnce(new Error('died'));
    const { body } = await client.post('/v1/events', { type: 'email.sent', data: emailSent });
    spy.mockRestore();
    return body.data.id as string;
  };
  /** Events that have been fanned out. @returns their ids */
  const insertEvents = async (projectId: string, count: number): Promise<string[]> => {
    const at = new Date(Date.now() - 60_000);
    const made = Array.from({ length: count }, () => ({
      _id: newId('event'),
      projectId,
      type: 'email.sent',
      createdAt: at,
      acceptedAt: at,
      fannedOutAt: at,
      expungedAt: null,
      body: '{}',
      expiresAt: new Date(Date.now() + 3_600_000),
    }));
    await stack.store.events.collection.insertMany(made);
    return made.map(({ _id }) => _id);
  };
  /** Deliveries that have been due for a minute, whose workflows Temporal has lost. */
  const loseDeliveries = async (
    projectId: string,
    webhookId: string,
    count: number,
  ): Promise<void> => {
    const at = new Date(Date.now() - 60_000);
    const eventIds = await insertEvents(projectId, count);
    await stack.store.deliveries.model.insertMany(
      eventIds.map((eventId) => ({
        _id: newId('delivery'),
        eventId,
        webhookId,
        projectId,
        eventType: 'email.sent',
        status: 'pending',
        nextAttemptAt: at,
        createdAt: at,
        completedAt: null,
        expiresAt: new Date(Date.now() + 3_600_000),
      })),
    );
  };

  it('finds an event without a fan-out within five seconds', async () => {
    const { client } = await stack.project();
    await makeWebhook(client, receiver.url);
    await eventually(
      'it runs',
      () => stack.store.searchPositions.model.exists({ _id: 'events' }),
      PATIENCE_MS,
    );
    // A busy machine may take longer now and then, but not each time.
    await eventually(
      'one is found in time',
      async () => {
        const before = receiver.requests.length;
        const id = await loseEvent(client);
        await receiver.waitFor(before + 1, PATIENCE_MS);
        const startedAt = await stack.temporal(async ({ workflow }) => {
          return (await workflow.getHandle(`event/${id}`).describe()).startTime;
        });
        const { acceptedAt } = (await stack.store.events.find(id))!;
        return startedAt.getTime() - acceptedAt.getTime() < 5000;
      },
      PATIENCE_MS,
    );
  });

  it('finds one among thousands of lost deliveries, long before those are done, and stops when asked to', async () => {
    const [bad, quiet] = [await stack.project(), await stack.project()];
    const { id: webhookId } = await makeWebhook(bad.client, `${receiver.url}/bad`);
    await makeWebhook(quiet.client, `${receiver.url}/quiet`);
    await loseDeliveries(bad.id, webhookId, 6000);
    await receiver.waitFor(1, PATIENCE_MS);
    await loseEvent(quiet.client);
    await eventually(
      'it has arrived',
      () => receiver.requests.some(({ path }) => path === '/quiet'),
      PATIENCE_MS,
    );
    expect(receiver.requests.length).toBeLessThan(4500);
    expect(await msUntilStopped()).toBeLessThan(STOPS_WITHIN_MS);
  });

  it('deletes a large project, and stops when asked to; the next worker continues', async () => {
    const { id: projectId } = await stack.project();
    const { model } = stack.store.events;
    for (let n = 0; n < 60; n += 1) await insertEvents(projectId, 1000);
    const left = () => model.countDocuments({ projectId });
    // Where some of it is deleted, it waits to be told that it should stop.
    await worker.dieAt('store/delete-batch deleteBatch after 4 SIGSTOP');
    await deleteCutOff(stack, projectId);
    await eventually('it has begun', () => worker.isStopped(), PATIENCE_MS);
    expect(await left()).toBeLessThan(60_000);
    expect(await msUntilStopped()).toBeLessThan(STOPS_WITHIN_MS);
    expect(await left()).toBeGreaterThan(0);
    worker = await started();
    await eventually(
      'the rest is, too',
      async () => !(await stack.store.projects.listDeleted()).includes(projectId),
      PATIENCE_MS,
    );
    expect(await left()).toBe(0);
  });
});
