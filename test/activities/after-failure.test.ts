import { followSettled } from '../../activities/attempt/after-failure';
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
          },
        ],
      },
    );
    const woken: string[] = [];
    const started: string[] = [];
    const wakeCourier = async (projectId: string): Promise<void> => void woken.push(projectId);
    const { engine, log } = fixture.dependencies;
    const startFanOut = async ({ type }: { type: string }): Promise<boolean> =>
      started.push(type) > 0;
    const deps = {
      ...fixture.dependencies,
      engine: { ...engine, startFanOut },
      couriers: new CourierCalls({ wakeCourier }, log),
    };
    expect(await followSettled(deps, deliveryId)).toBe(true);
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
          { ...made, number: 1, outcome: 'failed', statusCode: 503 },
          { ...made, number: 2, outcome: 'failed', statusCode: 410, superseded: true },
          { ...made, number: 3, outcome: 'failed', statusCode: 500, superseded: true },
        ],
      },
    );
    expect(await followSettled(fixture.dependencies, deliveryId)).toBe(true);
    const disabled = await fixture.store.webhooks.get(project._id, webhook._id);
    expect(disabled).toMatchObject({ isActive: false, disabledReason: 'gone' });
    const told = await fixture.store.events.model
      .findOne({ projectId: project._id, type: 'delivery.failed' })
      .lean();
    expect(JSON.parse(told!.body!)).toMatchObject({ data: { statusCode: 503, attempts: 3 } });
  });
});
