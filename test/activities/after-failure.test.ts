import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { followSettled } from '../../activities/attempt/after-failure';
import { expungeEvent } from '../../src/store/expunge';
import type { ProjectRecord } from '../../src/store/projects';
import { CourierCalls } from '../../src/temporal/courier-calls';
import { useFixture } from '../support/use';

describe('the event that tells of a failed delivery', () => {
  const fixture = useFixture();

  /** What a delivery needs to fail, in a project that is told of it. */
  async function planned() {
    const url = 'http://127.0.0.1:9/';
    const made = await fixture.planned(url);
    await fixture.webhook(made.project, url, { events: ['delivery.failed'] });
    return made;
  }

  /** What is told of them, oldest first. */
  async function told({ _id: projectId }: ProjectRecord): Promise<unknown[]> {
    const events = await fixture.store.events.model
      .find({ projectId, type: 'delivery.failed' })
      .sort({ _id: 1 })
      .lean();
    return events.map(({ body }) => JSON.parse(body!).data);
  }

  it.each([
    ['express', 'to its project’s courier, by the calls that all share'],
    ['workflow', 'to a fan-out of its own'],
  ] as const)('dispatched %s, is left %s', async (dispatch, _to) => {
    const {
      project,
      planned: { deliveryId },
    } = await planned();
    await fixture.store.projects.model.updateOne({ _id: project._id }, { dispatch });
    await fixture.store.deliveries.model.updateOne(
      { _id: deliveryId },
      {
        status: 'failed',
        followUp: true,
        attemptCount: 1,
        attempts: [
          {
            number: 1,
            runId: 'run',
            startedAt: new Date(),
            durationMs: 1,
            outcome: 'failed',
            statusCode: 500,
            requestHeaders: {},
            failedRound: 0,
          },
        ],
      },
    );
    const woken: string[] = [];
    const started: string[] = [];
    const wakeCourier = async (projectId: string): Promise<void> => void woken.push(projectId);
    const { engine, store, log } = fixture.dependencies;
    const startFanOut = async ({ type }: { type: string }): Promise<boolean> =>
      started.push(type) > 0;
    const deps = {
      ...fixture.dependencies,
      engine: { ...engine, startFanOut },
      couriers: new CourierCalls({ wakeCourier }, store.couriers, log),
    };
    expect(await followSettled(deps, deliveryId)).toBe(true);
    await deps.couriers.drained();
    const isExpress = dispatch === 'express';
    expect(started).toEqual(isExpress ? [] : ['delivery.failed']);
    expect(woken).toEqual(isExpress ? [project._id] : []);
  });

  it('tells of the attempt that counts, though a superseded 410 has come after it', async () => {
    const {
      project,
      planned: { deliveryId },
      webhook,
    } = await planned();
    const made = { runId: 'run', startedAt: new Date(), durationMs: 1, requestHeaders: {} };
    await fixture.store.deliveries.model.updateOne(
      { _id: deliveryId },
      {
        status: 'failed',
        followUp: true,
        attemptCount: 3,
        attempts: [
          { ...made, number: 1, outcome: 'failed', statusCode: 503, failedRound: 0 },
          { ...made, number: 2, outcome: 'failed', statusCode: 410, superseded: true },
          { ...made, number: 3, outcome: 'failed', statusCode: 500, superseded: true },
        ],
      },
    );
    expect(await followSettled(fixture.dependencies, deliveryId)).toBe(true);
    const disabled = await fixture.store.webhooks.get(project._id, webhook._id);
    expect(disabled).toMatchObject({ isActive: false, disabledReason: 'gone' });
    expect(await told(project)).toMatchObject([{ statusCode: 503, attempts: 1 }]);
  });

  it('tells of each round that has failed, once, whatever the delivery has become since', async () => {
    const {
      project,
      planned: { deliveryId },
    } = await planned();
    const made = { runId: 'run', startedAt: new Date(0), durationMs: 1000, requestHeaders: {} };
    const failed = { ...made, outcome: 'failed' };
    const attempts = [
      { ...failed, number: 1, statusCode: 500 },
      { ...failed, number: 2, statusCode: 503, failedRound: 0 },
      // Cancelled during this one.
      { ...failed, number: 3, statusCode: 501 },
      { ...failed, number: 4, errorCode: 'timeout', failedRound: 2 },
    ];
    const { model } = fixture.store.deliveries;
    const settled = { followUp: true, replays: 3, attempts, roundStart: 4, attemptCount: 4 };
    await model.updateOne({ _id: deliveryId }, settled);
    expect(await followSettled(fixture.dependencies, deliveryId)).toBe(true);
    const rounds = [
      {
        deliveryId,
        replays: 0,
        attempts: 2,
        statusCode: 503,
        errorCode: null,
        failedAt: new Date(1000).toISOString(),
      },
      { deliveryId, replays: 2, attempts: 4, statusCode: null, errorCode: 'timeout' },
    ];
    expect(await told(project)).toMatchObject(rounds);

    // What was told is not told again, when it is long forgotten.
    await fixture.store.events.model.deleteMany({ type: 'delivery.failed' });
    attempts.push({ ...failed, number: 5, statusCode: 502, failedRound: 3 });
    await model.updateOne({ _id: deliveryId }, { ...settled, attempts, attemptCount: 5 });
    await followSettled(fixture.dependencies, deliveryId);
    expect(await told(project)).toMatchObject([{ replays: 3, attempts: 5, statusCode: 502 }]);
  });

  it('tells of one that an earlier version has stored, without its round', async () => {
    const {
      project,
      planned: { deliveryId },
    } = await planned();
    const failed = { runId: 'run', startedAt: new Date(), durationMs: 1, requestHeaders: {} };
    const attempts = [
      { ...failed, number: 1, outcome: 'failed', statusCode: 500 },
      { ...failed, number: 2, outcome: 'failed', statusCode: 503 },
    ];
    await fixture.store.deliveries.model.updateOne(
      { _id: deliveryId },
      { status: 'failed', followUp: true, replays: 1, attempts, attemptCount: 2 },
    );
    expect(await followSettled(fixture.dependencies, deliveryId)).toBe(true);
    expect(await told(project)).toMatchObject([{ replays: 1, attempts: 2, statusCode: 503 }]);
  });

  /** As the activity that a run has begun; answers its result, or the failure's type. */
  const inRun = (runId: string, work: () => Promise<{ result: string }>): Promise<unknown> =>
    new MockActivityEnvironment(
      { workflowExecution: { workflowId: 'delivery', runId } },
      { logger: new DefaultLogger('ERROR') },
    )
      .run(async () => (await work()).result)
      .catch((error: unknown) => (error as { type: string }).type);
  const attempt = (deliveryId: string, runId: string): Promise<unknown> =>
    inRun(runId, () =>
      fixture.activities().attemptDelivery(deliveryId, { timeoutMs: 1000, retryDelaysMs: [] }),
    );

  /** Its worker dies when its last attempt is recorded. @param isCancelled it is cancelled before */
  async function unfollowed(isCancelled = false) {
    const made = await planned();
    const { deliveryId } = made.planned;
    const { deliveries, rounds } = fixture.store;
    const record = rounds.record.bind(rounds);
    const dying = jest.spyOn(rounds, 'record').mockImplementation(async (...of) => {
      if (isCancelled) await deliveries.cancel(deliveryId);
      await record(...of);
      throw new Error('died');
    });
    try {
      expect(await attempt(deliveryId, 'run-1')).toBe('AttemptLost');
    } finally {
      dying.mockRestore();
    }
    return { ...made, deliveryId };
  }

  it.each([
    ['that had failed before its replay, after its worker has died', false, [{ replays: 0 }]],
    ['that was cancelled during its last attempt, and not', true, []],
  ] as const)('tells of one %s', async (_which, isCancelled, expected) => {
    const { project, deliveryId } = await unfollowed(isCancelled);
    await fixture.store.deliveries.beginReplay(project._id, deliveryId);
    expect(await attempt(deliveryId, 'run-2')).toBe('AttemptDeferred');
    expect(await told(project)).toMatchObject(expected);
    expect(await attempt(deliveryId, 'run-2')).toBe('DeliveryFailed');
    expect(await told(project)).toMatchObject([...expected, { replays: 1 }]);
  });

  it('tells of one whose replay was cancelled before its run has attempted it', async () => {
    const { project, webhook, deliveryId } = await unfollowed();
    const { deliveries } = fixture.store;
    await deliveries.beginReplay(project._id, deliveryId);
    await deliveries.cancel(deliveryId);
    const cancel = () => fixture.activities().cancelDelivery(deliveryId, true, Date.now());
    expect(await inRun('run-2', cancel)).toBe('cancelled');
    expect(await told(project)).toMatchObject([{ replays: 0 }]);
    expect(await fixture.health(webhook)).toMatchObject({ failureCount: 1 });
  });

  it('tells of one whose payload was deleted before that', async () => {
    const { project, webhook, event, deliveryId } = await unfollowed();
    await expungeEvent(fixture.store, project._id, event._id);
    expect(await attempt(deliveryId, 'run-1')).toBe('failed');
    expect(await told(project)).toMatchObject([{ replays: 0 }]);
    expect(await fixture.health(webhook)).toMatchObject({ failureCount: 1 });
  });
});
