import { getEventListeners } from 'node:events';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { type Client, WorkflowFailedError } from '@temporalio/client';
import type { ReconcilePart, ReconcileReport } from '../../src/contracts/activities';
import { newId } from '../../src/contracts/ids';
import {
  deliveryWorkflowId,
  fanOutWorkflowId,
  TASK_QUEUE,
  WORKFLOWS,
} from '../../src/contracts/temporal';
import { metrics } from '../../src/metrics';
import type { DeliveryRecord } from '../../src/store/delivery-record';
import { firstIdAt } from '../../src/store/paging';
import { deleteCutOff } from '../support/cut-off';
import type { ApiClient } from '../support/api-client';
import { makeWebhook } from '../support/deliveries';
import { eventually } from '../support/eventually';
import { Receiver } from '../support/receiver';
import { emailSent } from '../support/samples';
import { Stack } from '../support/stack';

const nothing = { events: 0, deliveries: 0, replays: 0, drains: 0, failures: 0 };

describe('a run of reconcile', () => {
  let stack: Stack;
  let temporal: Client;
  let receiver: Receiver;

  beforeAll(async () => {
    stack = await Stack.start();
    temporal = await stack.connectTemporal();
  });
  afterAll(async () => {
    await stack.stop();
    await temporal.connection.close();
  });
  beforeEach(async () => {
    receiver = await Receiver.start();
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    const { deliveries, events, searchPositions } = stack.store;
    await Promise.all(
      [deliveries, events, searchPositions].map(({ model }) => model.deleteMany({} as never)),
    );
    await receiver.close();
  });

  /** Deliveries of a project that have been due for a minute, the longest first. */
  const overdue = async (projectId: string, count: number): Promise<string[]> => {
    const at = Date.now() - 60_000;
    const made = Array.from({ length: count }, (_, n) => ({
      _id: newId('delivery'),
      eventId: newId('event'),
      webhookId: newId('webhook'),
      projectId,
      eventType: 'email.sent',
      status: 'pending' as const,
      nextAttemptAt: new Date(at + n),
      createdAt: new Date(at),
      completedAt: null,
      expiresAt: new Date(at + 3_600_000),
    }));
    await stack.store.deliveries.model.insertMany(made);
    return made.map(({ _id }) => _id);
  };
  /** All seem to run. @returns what is looked at, in that order */
  const allRun = (onLook: (count: number) => void = () => {}): string[] => {
    const looked: string[] = [];
    jest.spyOn(stack.engine, 'activityOf').mockImplementation(async (id) => {
      looked.push(id);
      onLook(looked.length);
      return 'queued';
    });
    return looked;
  };
  /** An event whose API died before it asked for the fan-out. */
  const acceptedOnly = async (client: ApiClient): Promise<string> => {
    const spy = jest.spyOn(stack.engine, 'startFanOut').mockRejectedValueOnce(new Error('died'));
    const { body } = await client.post('/v1/events', { type: 'email.sent', data: emailSent });
    spy.mockRestore();
    return body.data.id as string;
  };
  /**
   * Lets reconcile run once, which asks Temporal for all of these, and waits until they are fanned out. A
   * start that a busy Temporal did not take in time is made by a later run.
   */
  const startsAll = async (eventIds: Iterable<string>): Promise<void> => {
    jest.spyOn(stack.engine, 'state').mockResolvedValue('ok');
    const { calls } = jest.spyOn(stack.engine, 'startFanOut').mock;
    const before = calls.length;
    await stack.reconcile();
    const asked = calls.slice(before).map(([{ _id }]) => _id);
    expect(asked).toEqual(expect.arrayContaining([...eventIds]));
    await eventually(
      'all are fanned out',
      async () => {
        const _id = { $in: [...eventIds] };
        if (!(await stack.store.events.model.exists({ _id, fannedOutAt: null }))) return true;
        await stack.reconcile();
        return false;
      },
      60_000,
    );
  };
  /** One run of a part, here, which `env.cancel()` ends as Temporal does. */
  const running = (part: ReconcilePart) => {
    const env = new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') });
    const done: Promise<ReconcileReport> = env.run(() => stack.activities.reconcile(part));
    return { env, done };
  };

  it('gives each project its turn, however much another has lost', async () => {
    const [first, second, third] = [
      newId('project'),
      newId('project'),
      newId('project'),
    ].toSorted();
    const many = await overdue(first!, 500);
    const few = [...(await overdue(second!, 2)), ...(await overdue(third!, 1))];
    const looked = allRun();
    expect(await stack.reconcile()).toEqual(nothing);
    expect(looked.slice(0, 5)).toEqual(expect.arrayContaining(few));
    // Each of them once, those of one project in the order in which they are due.
    expect(looked.filter((id) => many.includes(id))).toEqual(many);
    expect(looked).toHaveLength(many.length + few.length);
  });

  it('continues where the previous one was interrupted, and starts again at the end', async () => {
    const many = await overdue(newId('project'), 700);
    let cancel = (): void => {};
    const looked = allRun((count) => {
      if (count === 251) cancel();
    });
    const first = running('deliveries');
    cancel = () => first.env.cancel();
    await first.done;
    const count = looked.length;
    expect(count).toBeLessThan(many.length);

    const second = running('deliveries');
    await eventually('it has come to the end', () => looked.includes(many.at(-1)!));
    // What it was cut off in is looked at again, not what came before.
    const from = many.indexOf(looked[count]!);
    expect(from).toBeGreaterThanOrEqual(200);
    expect(from).toBeLessThanOrEqual(count);
    second.env.cancel();
    await second.done;

    const again = looked.length;
    const [position] = await stack.store.searchPositions.model.find().lean();
    const [projectId] = Object.keys(position!.of);
    const isTime = { $set: { [`of.${projectId}.againAt`]: new Date(0) } };
    await stack.store.searchPositions.model.updateOne({ _id: position!._id }, isTime);
    const third = running('deliveries');
    await eventually('it has begun again', () => looked.length > again);
    expect(looked[again]).toBe(many[0]);
    third.env.cancel();
    await third.done;
  });

  it('stops at once when its workflow is terminated', async () => {
    await overdue(newId('project'), 3000);
    let looked = 0;
    jest.spyOn(stack.engine, 'activityOf').mockImplementation(async () => {
      looked += 1;
      // So slow that few are looked at meanwhile, and not so slow that fewer are at a time.
      await new Promise((resolve) => setTimeout(resolve, 400));
      return 'queued';
    });
    const saved: number[] = [];
    const save = stack.store.searchPositions.save.bind(stack.store.searchPositions);
    jest.spyOn(stack.store.searchPositions, 'save').mockImplementation(async (position) => {
      await save(position);
      if (position._id === 'deliveries') saved.push(performance.now());
    });
    const handle = await temporal.workflow.start(WORKFLOWS.reconcile, {
      workflowId: 'terminated',
      taskQueue: TASK_QUEUE,
      args: ['deliveries'],
    });
    await eventually('it is at work', () => looked > 50);
    await handle.terminate();
    await expect(handle.result()).rejects.toThrow(WorkflowFailedError);
    await eventually('it has stopped', () => saved.length > 0);
    // Its next heartbeat tells it, which a busy machine may delay.
    expect(looked).toBeLessThan(2500);
  });

  it('starts all others when a great many can not be started, and tries those again', async () => {
    const bad = await stack.project();
    const other = await stack.project();
    await makeWebhook(other.client, receiver.url);
    const poisoned = new Set<string>();
    for (let n = 0; n < 60; n += 1) poisoned.add(await acceptedOnly(bad.client));
    const sound = await acceptedOnly(bad.client);
    const others = await acceptedOnly(other.client);
    const start = stack.engine.startFanOut.bind(stack.engine);
    const spy = jest.spyOn(stack.engine, 'startFanOut');
    spy.mockImplementation((event) =>
      poisoned.has(event._id) ? Promise.reject(new Error('poison')) : start(event),
    );
    await startsAll([sound, others]);
    await receiver.waitFor(1);
    const asked = spy.mock.calls.map(([{ _id }]) => _id);
    expect(new Set(asked)).toEqual(new Set([...poisoned, sound, others]));
    spy.mockImplementation(start);
    await startsAll(poisoned);
  });

  it('waits while Temporal takes nothing, and does not ask it for each', async () => {
    const { client } = await stack.project();
    await makeWebhook(client, receiver.url);
    const lost: string[] = [];
    for (let n = 0; n < 100; n += 1) lost.push(await acceptedOnly(client));
    const start = jest
      .spyOn(stack.engine, 'startFanOut')
      .mockRejectedValue(new Error('unavailable'));
    jest.spyOn(stack.engine, 'state').mockResolvedValue('read_only');
    const asked = start.mock.calls.length;
    expect(await stack.reconcile()).toEqual(nothing);
    expect(start.mock.calls.length - asked).toBeLessThan(50);
    jest.restoreAllMocks();
    await startsAll(lost);
  });

  const failingOf = async (kind: string): Promise<number> => {
    const text = await metrics.getSingleMetricAsString('posthorn_workflows_failing_total');
    return Number(text.match(new RegExp(`\\{kind="${kind}"\\} (\\d+)`))?.[1] ?? 0);
  };

  it('wakes the couriers of many projects side by side', async () => {
    const at = new Date(Date.now() - 60_000);
    const ids = Array.from({ length: 3 }, () => newId('project'));
    for (const projectId of ids) {
      const _id = firstIdAt('event', at).slice(0, -20) + newId('event').slice(-20);
      const event = { _id, projectId, type: 'email.sent', createdAt: at, acceptedAt: at };
      const stored = { body: '{}', isExpress: true, expiresAt: new Date(Date.now() + 3_600_000) };
      await stack.store.events.insert({ ...event, ...stored });
    }
    const woken = new Set<string>();
    let goOn = (): void => {};
    const allWoken = new Promise<void>((resolve) => (goOn = resolve));
    // Temporal answers none before it has been asked for all.
    jest.spyOn(stack.engine, 'wakeCourier').mockImplementation(async (projectId) => {
      if (woken.add(projectId).size === ids.length) goOn();
      await allWoken;
    });
    const { env, done } = running('events');
    await eventually('all are woken', () => woken.size === ids.length);
    env.cancel();
    expect(await done).toEqual({ ...nothing, events: ids.length });
    expect([...woken].toSorted()).toEqual(ids.toSorted());
  });

  it('reports workflows that run but make no progress, as their tasks keep failing', async () => {
    const { client, id: projectId } = await stack.project();
    const { id: webhookId } = await makeWebhook(client, receiver.url);
    const eventId = await acceptedOnly(client);
    const [id] = (await overdue(projectId, 1)) as [string];
    const changes: Partial<DeliveryRecord> = { webhookId };
    await stack.store.deliveries.model.updateOne({ _id: id }, { $set: changes });
    // As by a worker of a faulty version, which can't run their code.
    const workflowIds = [fanOutWorkflowId(eventId), deliveryWorkflowId(id)];
    const [fanOut, delivery] = await Promise.all(
      workflowIds.map((workflowId) =>
        temporal.workflow.start('faulty', { workflowId, taskQueue: TASK_QUEUE }),
      ),
    );
    const pending = await eventually(
      'the delivery says so',
      async () => {
        const { data } = (await client.get(`/v1/deliveries/${id}`)).body;
        return data.pending?.reason === 'workflow_failing' && data.pending;
      },
      60_000,
    );
    expect(pending.message).toMatch(/tasks of its workflow keep failing/);
    await eventually(
      'the fan-out has failed as often',
      async () => (await stack.engine.find(fanOut!.workflowId)) === 'failing',
      60_000,
    );
    const before = await Promise.all(['events', 'deliveries'].map(failingOf));
    expect(await stack.reconcile()).toEqual(nothing);
    expect(await Promise.all(['events', 'deliveries'].map(failingOf))).toEqual(
      before.map((count) => count + 1),
    );
    // Once they are gone, they are started as they should be.
    await Promise.all([fanOut!.terminate(), delivery!.terminate()]);
    expect(await stack.reconcile()).toMatchObject({ events: 1, deliveries: 1 });
    await stack.store.deliveries.model.updateOne({ _id: id }, { $set: { status: 'cancelled' } });
    await eventually('the event is delivered', () => receiver.requests.length > 0);
  });

  it('does all once where a workflow of an earlier version asks for it', async () => {
    const { client } = await stack.project();
    await makeWebhook(client, receiver.url);
    const eventId = await acceptedOnly(client);
    // As if that were long ago.
    const { events, webhooks } = stack.store;
    const longAgo = new Date(Date.now() - 60_000);
    await webhooks.model.collection.updateMany({}, { $set: { createdAt: longAgo } });
    await events.model.updateOne({ _id: eventId }, { $set: { acceptedAt: longAgo } });
    const report = await temporal.workflow.execute(WORKFLOWS.reconcile, {
      workflowId: 'earlier',
      taskQueue: TASK_QUEUE,
    });
    expect(report).toEqual({ ...nothing, events: 1 });
    await receiver.waitFor(1);
  });

  it('continues each housekeeping task, whatever happens to another', async () => {
    const { webhooks, events } = stack.store;
    const { id, client } = await stack.project();
    const deliveries = await overdue(id, 1500);
    let goOn = (): void => {};
    const hangs = new Promise<void>((resolve) => (goOn = resolve));
    jest.spyOn(webhooks, 'removeEndedSecrets').mockReturnValue(hangs);
    jest.spyOn(events, 'listExpired').mockRejectedValue(new Error('MongoDB refuses'));
    await deleteCutOff(stack, id);
    expect((await client.get('/v1/deliveries')).status).toBe(401);
    const { env, done } = running('housekeeping');
    await eventually('the project is gone', async () => {
      return !(await stack.store.projects.listDeleted()).includes(id);
    });
    expect(await stack.store.deliveries.model.exists({ _id: { $in: deliveries } })).toBeNull();
    env.cancel();
    goOn();
    expect(await done).toEqual(nothing);
  });

  it('waits with all housekeeping tasks at once, without a warning of Node’s', async () => {
    const warn = jest.spyOn(process, 'emitWarning');
    const any = jest.spyOn(AbortSignal, 'any');
    const { env, done } = running('housekeeping');
    const stopped = await eventually('all wait', () => {
      const signals = any.mock.results.map(({ value }) => value as AbortSignal);
      return signals.find((signal) => getEventListeners(signal, 'abort').length > 10);
    });
    env.cancel();
    await done;
    const warnedOf = warn.mock.calls.map(([warning]) => (warning as { target?: unknown }).target);
    expect(warnedOf).not.toContain(stopped);
  });

  it('ends where its worker can’t reach MongoDB, so that another one may have it', async () => {
    const unreachable = new Error('no server was found');
    jest.spyOn(stack.store.endings, 'list').mockRejectedValue(unreachable);
    jest.spyOn(stack.store, 'readClock').mockRejectedValue(unreachable);
    const { env, done } = running('housekeeping');
    await expect(done).rejects.toThrow('no server was found');
    env.cancel();
  });
});
