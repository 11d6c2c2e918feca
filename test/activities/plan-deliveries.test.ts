import { MockActivityEnvironment } from '@temporalio/testing';
import { clock } from '../../src/clock';
import { newId } from '../../src/contracts/ids';
import { passesFilter } from '../../src/domain/payload-filter';
import { FAILURE_TYPES, type DeliveryPlan } from '../../src/contracts/activities';
import type { DeliveryRecord } from '../../src/store/delivery-record';
import type { EventRecord } from '../../src/store/event-record';
import type { ProjectRecord } from '../../src/store/projects';
import type { WebhookRecord } from '../../src/store/webhook-record';
import { CourierCalls } from '../../src/temporal/courier-calls';
import { profileOf } from '../support/profiler';
import { useFixture } from '../support/use';

const WEBHOOKS = 10_000;
const URL = 'http://127.0.0.1:9/';

describe('the plan of an event', () => {
  const fixture = useFixture();
  let template: WebhookRecord;

  afterEach(() => jest.restoreAllMocks());

  beforeAll(async () => {
    template = await fixture.webhook(await fixture.project(), URL);
  });

  /** Webhooks of the project, oldest first. @returns their ids */
  const webhooks = async (
    project: ProjectRecord,
    count: number,
    fields: Partial<WebhookRecord>,
  ): Promise<string[]> => {
    const made = Array.from({ length: count }, () => ({
      ...template,
      ...fields,
      _id: newId('webhook'),
      projectId: project._id,
    }));
    // oxlint-disable-next-line typescript/no-explicit-any -- ids are strings here
    await fixture.store.webhooks.model.db.collection<any>('webhooks').insertMany(made);
    return made.map(({ _id }) => _id);
  };

  /** All its pages, as the fan-out asks for them. */
  const plan = async ({ _id }: EventRecord): Promise<DeliveryPlan[]> => {
    const pages: DeliveryPlan[] = [];
    for (let next: string | undefined; pages.length === 0 || next !== undefined;) {
      const activities = fixture.activities();
      const first = await activities.planDeliveries(_id, next);
      const { filtersOf } = first;
      const page = filtersOf
        ? await activities.planFilteredDeliveries(_id, filtersOf, next)
        : first;
      pages.push(page);
      next = page.next;
    }
    return pages;
  };
  const planned = (pages: readonly DeliveryPlan[]): string[] =>
    pages.flatMap(({ deliveries }) => deliveries.map(({ webhookId }) => webhookId));

  it('leaves slots to attempts while filters are judged, and has one beside those of other projects', async () => {
    const activities = fixture.activities({ maxAttempts: 8 });
    let judge!: () => void;
    const judged = new Promise<null>((resolve) => (judge = () => resolve(null)));
    jest.spyOn(fixture.store.events, 'findBare').mockReturnValue(judged);
    const planOf = (projectId: string): Promise<DeliveryPlan> =>
      new MockActivityEnvironment().run(() =>
        activities.planFilteredDeliveries(newId('event'), projectId),
      );
    const plans = [planOf('one'), planOf('one')];
    const deferred = { type: FAILURE_TYPES.planDeferred };
    await expect(planOf('one')).rejects.toMatchObject(deferred);
    plans.push(planOf('other'));
    await expect(planOf('other')).rejects.toMatchObject(deferred);
    judge();
    for (const made of plans) expect(await made).toMatchObject({ deliveries: [] });
    expect(await planOf('one')).toMatchObject({ deliveries: [] });
  });

  it(`reads one subscriber among ${WEBHOOKS} webhooks, not them all`, async () => {
    const project = await fixture.project();
    await webhooks(project, WEBHOOKS / 2, { events: ['email.opened', 'contact.*'] });
    const [subscriber] = await webhooks(project, 1, { events: ['email.sent'] });
    await webhooks(project, WEBHOOKS / 2, { events: ['email.opened', 'contact.*'] });
    const event = await fixture.event(project);
    const db = fixture.store.webhooks.model.db.db!;
    const ofWebhooks = { ns: `${db.databaseName}.webhooks`, op: 'query' };
    const { answer: pages, profiled } = await profileOf(db, () => plan(event), ofWebhooks);

    expect(pages).toHaveLength(1);
    expect(planned(pages)).toEqual([subscriber]);
    expect(profiled).toMatchObject([{ docsExamined: 1, nreturned: 1 }]);
    expect(profiled[0]!.hasSortStage).toBeUndefined();
    expect(profiled[0]!.keysExamined).toBeLessThan(10);
  });

  it('is for those that are subscribed to the type, to its families, and to all, in their order, each once', async () => {
    const project = await fixture.project({}, 'custom');
    const expected: string[] = [];
    for (const [events, isSubscribed] of [
      [['order.line.added'], true],
      [['order.*'], true],
      [['*'], true],
      [['order'], false],
      [['order.line'], false],
      [['order.line.added.twice'], false],
      [['order.line.*'], true],
      [['line.*'], false],
      [['*', 'order.*', 'order.line.*', 'order.line.added', 'other.type'], true],
      [['other.type'], false],
    ] as const) {
      const [id] = await webhooks(project, 1, { events: [...events] });
      if (isSubscribed) expected.push(id!);
    }
    const pages = await plan(await fixture.event(project, 'order.line.added'));
    expect(planned(pages)).toEqual(expected);
  });

  it('of an operational event is for those that name it', async () => {
    const project = await fixture.project();
    await webhooks(project, 1, { events: ['*', 'webhook.*'] });
    const [named] = await webhooks(project, 1, { events: ['webhook.disabled'] });
    expect(planned(await plan(await fixture.event(project, 'webhook.disabled')))).toEqual([named]);
  });

  it.each([0, 99, 100, 101, 200, 250])('gives %d subscribers one delivery each', async (count) => {
    const project = await fixture.project();
    const expected: string[] = [];
    for (let left = count; left > 0; left -= 50) {
      expected.push(...(await webhooks(project, Math.min(left, 50), { events: ['email.*'] })));
      await webhooks(project, 50, { events: ['email.opened'] });
    }
    const event = await fixture.event(project);
    const pages = await plan(event);
    expect(planned(pages)).toEqual(expected);
    for (const { deliveries } of pages) expect(deliveries.length).toBeLessThanOrEqual(100);
    expect(pages.length).toBe(Math.floor(count / 100) + 1);
    // A fan-out that runs again finds the same ones.
    expect(planned(await plan(event))).toEqual(expected);
    const stored = await fixture.store.deliveries.model.countDocuments({ eventId: event._id });
    expect(stored).toBe(count);
  });

  it('leaves out webhooks made after the event, and those whose filter refuses it', async () => {
    const project = await fixture.project();
    const refusing = { type: 'email.opened' };
    expect(passesFilter(refusing, { type: 'email.sent' })).toBe(false);
    const createdAt = new Date(0);
    await webhooks(project, 1, { createdAt, filter: JSON.stringify(refusing) });
    const [first] = await webhooks(project, 1, { createdAt, filter: '{"type":"email.sent"}' });
    await webhooks(project, 1, { createdAt: new Date() });
    const [last] = await webhooks(project, 1, { createdAt });
    const event = await fixture.event(project);
    const acceptedAt = new Date(event.acceptedAt.getTime() - 60_000);
    await fixture.store.events.model.updateOne({ _id: event._id }, { acceptedAt });
    expect(planned(await plan(event))).toEqual([first, last]);
  });

  it('leaves out a webhook made after the event, while the others are being read', async () => {
    const project = await fixture.project();
    const [first] = await webhooks(project, 1, { createdAt: new Date(0) });
    const event = await fixture.event(project);
    const repository = fixture.store.webhooks;
    const list = repository.listSubscribers.bind(repository);
    jest.spyOn(repository, 'listSubscribers').mockImplementationOnce(async (...query) => {
      // The read takes that long.
      const createdAt = new Date(clock.now().getTime() + 60_000);
      jest.spyOn(clock, 'now').mockReturnValue(createdAt);
      await webhooks(project, 1, { createdAt });
      return list(...query);
    });
    expect(planned(await plan(event))).toEqual([first]);
  });

  describe('in a project that has 500 deliveries already', () => {
    /**
     * Plans an event beside them. @returns what is to be started, what is stored, and which couriers were
     * woken
     */
    const planBeside = async (fields: Partial<DeliveryRecord>) => {
      const project = await fixture.project();
      const [webhookId] = await webhooks(project, 1, {});
      const { planned: like } = await fixture.planned(URL);
      const { _id, ...likewise } = await fixture.delivery(like.deliveryId);
      const others = Array.from({ length: 500 }, () => ({
        ...likewise,
        _id: newId('delivery'),
        eventId: newId('event'),
        projectId: project._id,
        nextAttemptAt: new Date(Date.now() - 60_000),
        ...fields,
      }));
      await fixture.store.deliveries.model.insertMany(others);
      const woken: string[] = [];
      const wakeCourier = async (id: string): Promise<void> => void woken.push(id);
      const { store, log } = fixture.dependencies;
      const couriers = new CourierCalls({ wakeCourier }, store.couriers, log);
      const activities = fixture.activities({ couriers });
      const event = await fixture.event(project);
      const { deliveries } = await activities.planDeliveries(event._id, undefined);
      await couriers.drained();
      const [stored] = await fixture.store.deliveries.listOfEvent(event._id);
      expect(stored).toMatchObject({ webhookId, status: 'pending' });
      return { project, started: deliveries.length, stored: stored!, woken };
    };

    it('joins the queue when they are due: no other project is to wait behind them', async () => {
      const { project, started, stored, woken } = await planBeside({});
      expect(started).toBe(0);
      const { _id: queuedIn } = project;
      expect(stored).toMatchObject({
        queuedIn,
        deferredFor: 'project_busy',
        nextAttemptAt: null,
      });
      expect(woken).toEqual([queuedIn]);
    });

    it.each<[string, Partial<DeliveryRecord>]>([
      ['wait for a retry', { nextAttemptAt: new Date(Date.now() + 3_600_000) }],
      ['have ended', { status: 'succeeded', nextAttemptAt: null }],
      ['are their courier’s', { isExpress: true }],
    ])('is started when they %s', async (_what, fields) => {
      const { started, stored, woken } = await planBeside(fields);
      expect(started).toBe(1);
      expect(stored.queuedIn).toBeUndefined();
      expect(woken).toEqual([]);
    });
  });
});
