import { WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure, TimeoutFailure, TimeoutType } from '@temporalio/common';
import type { Store } from '../../src/store/store';
import { intercept } from '../support/intercept';
import type { Behaviour } from '../support/receiver';
import { useFreshReceiver } from '../support/use';
import { Harness } from './harness';
import { expectWaits } from './waits';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const SCHEDULE = [1 * MINUTE, 5 * MINUTE, 15 * MINUTE];

describe('a delivery', () => {
  let harness: Harness;
  const receiver = useFreshReceiver();

  beforeAll(async () => {
    harness = await Harness.start();
  });
  afterAll(() => harness.stop());

  /** Answers in this order, the last one for ever. */
  function respond(...behaviours: Behaviour[]): void {
    receiver.respondWith((_request, n) => behaviours[Math.min(n, behaviours.length) - 1]!);
  }

  it('to a receiver answering 500 is attempted at 0, 1, 6 and 21 minutes, and failed', async () => {
    respond(500);
    const { planned, webhook } = await harness.fixture.planned(receiver.url);
    const handle = await harness.start(planned);
    const failure = await harness.working(() => handle.result().catch((error: unknown) => error));

    expect(failure).toBeInstanceOf(WorkflowFailedError);
    const { cause } = failure as WorkflowFailedError;
    expect(cause).toBeInstanceOf(ApplicationFailure);
    expect((cause as ApplicationFailure).type).toBe('DeliveryFailed');
    expect(receiver.requests).toHaveLength(4);
    expectWaits(harness, planned, SCHEDULE);
    expect(await harness.fixture.delivery(planned.deliveryId)).toMatchObject({
      status: 'failed',
      nextAttemptAt: null,
      replays: 0,
      attempts: [1, 2, 3, 4].map((number) => ({ number, outcome: 'failed', statusCode: 500 })),
    });
    expect(await harness.fixture.health(webhook)).toMatchObject({
      failureCount: 4,
      lastStatus: 500,
      lastSuccessAt: null,
      isActive: true,
    });
  });

  it.each([1, 2, 3, 4])('that the receiver takes on attempt %d succeeds there', async (n) => {
    respond(...Array.from({ length: n - 1 }, () => 500), 204);
    const { planned, webhook } = await harness.fixture.planned(receiver.url);
    const handle = await harness.start(planned);
    expect(await harness.working(() => handle.result())).toBe('succeeded');

    expect(receiver.requests).toHaveLength(n);
    expectWaits(harness, planned, SCHEDULE.slice(0, n - 1));
    const { status, attempts } = await harness.fixture.delivery(planned.deliveryId);
    expect(status).toBe('succeeded');
    expect(attempts.map(({ statusCode }) => statusCode)).toEqual([
      ...Array.from({ length: n - 1 }, () => 500),
      204,
    ]);
    expect(await harness.fixture.health(webhook)).toMatchObject({
      failureCount: 0,
      lastStatus: 204,
      lastSuccessAt: expect.any(Date) as Date,
    });
  });

  it('sends the same bytes under the same id on every attempt', async () => {
    respond(500);
    const { planned, event } = await harness.fixture.planned(receiver.url);
    const handle = await harness.start(planned);
    await harness.working(() => handle.result().catch(() => {}));
    for (const { rawBody, headers } of receiver.requests) {
      expect(rawBody.toString()).toBe(event.body);
      expect(headers['x-webhook-delivery-id']).toBe(planned.deliveryId);
    }
  });

  it('by a webhook’s own schedule, which no retry policy can say, waits exactly that', async () => {
    const own = [5 * SECOND, 300 * SECOND, 30 * SECOND, 45 * SECOND];
    respond(503);
    const { planned } = await harness.fixture.planned(receiver.url, {
      policy: { retryDelaysMs: own },
    });
    const handle = await harness.start(planned);
    await harness.working(() => handle.result().catch(() => {}));
    expect(receiver.requests).toHaveLength(5);
    expectWaits(harness, planned, own);
  });

  it('waits as long as a 429 asks, and goes back to the schedule after it', async () => {
    const headers = { 'Retry-After': '7200' };
    respond({ kind: 'answer', status: 429, headers }, 500, 200);
    const { planned } = await harness.fixture.planned(receiver.url);
    const handle = await harness.start(planned);
    await harness.working(() => handle.result());
    expectWaits(harness, planned, [120 * MINUTE, 5 * MINUTE]);
    expect(harness.executionsOf(planned)[0]?.nextDelayMs).toBe(120 * MINUTE);
  });

  describe('whose worker dies', () => {
    /** What the server does after a process is gone; its clock can't skip a running attempt's timeout. */
    const dead = (): Promise<never> =>
      Promise.reject(new TimeoutFailure('worker died', undefined, TimeoutType.START_TO_CLOSE));

    const deaths: [string, (store: Store, dies: () => boolean) => Store][] = [
      [
        'before the POST',
        (store, dies) =>
          intercept(
            store,
            'deliveries',
            intercept(store.deliveries, 'findWithParts', (id) =>
              dies() ? dead() : store.deliveries.findWithParts(id),
            ),
          ),
      ],
      [
        'between POST and record',
        (store, dies) =>
          intercept(
            store,
            'rounds',
            intercept(store.rounds, 'record', (...args) =>
              dies() ? dead() : store.rounds.record(...args),
            ),
          ),
      ],
      [
        'between record and health',
        (store, dies) =>
          intercept(
            store,
            'webhookHealth',
            intercept(store.webhookHealth, 'countAttempt', (...args) =>
              dies() ? dead() : store.webhookHealth.countAttempt(...args),
            ),
          ),
      ],
    ];

    it.each(deaths)('%s, on each of its Temporal attempts, has 4 recorded', async (_at, dying) => {
      respond(500);
      const { planned, webhook } = await harness.fixture.planned(receiver.url);
      let calls = 0;
      const store = dying(harness.fixture.store, () => (calls += 1) <= 4);
      const activities = harness.fixture.activities({ store });
      const handle = await harness.start(planned);
      await harness.working(
        () => expect(handle.result()).rejects.toBeInstanceOf(WorkflowFailedError),
        activities,
      );
      const { status, attempts } = await harness.fixture.delivery(planned.deliveryId);
      expect(status).toBe('failed');
      expect(attempts.map(({ number }) => number)).toEqual([1, 2, 3, 4]);
      expect(await harness.fixture.health(webhook)).toMatchObject({ failureCount: 4 });
    });
  });
});
