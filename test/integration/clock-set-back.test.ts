import { MockActivityEnvironment } from '@temporalio/testing';
import type { ReconcileReport } from '../../src/contracts/activities';
import { newId, noneBefore } from '../../src/contracts/ids';
import { endDeliveriesOf } from '../../src/store/end-deliveries';
import { firstIdAt } from '../../src/store/paging';
import { deliveryWith, makeWebhook, postEvent } from '../support/deliveries';
import { eventually } from '../support/eventually';
import { useExpress } from '../support/express';
import { emailSent } from '../support/samples';
import type { Stack } from '../support/stack';
import { useStack } from '../support/use';

const HOUR = 3_600_000;
const ALWAYS = { since: '2020-01-01T00:00:00Z', until: '2099-01-01T00:00:00Z' };

/** By the driver: Mongoose never changes when a webhook was created. */
const createdAhead = ({ store }: Stack, id: string): Promise<unknown> => {
  const createdAt = new Date(Date.now() + HOUR);
  return store.webhooks.model.collection.updateOne({ _id: id as never }, { $set: { createdAt } });
};

describe('after MongoDB’s clock was set back,', () => {
  const stack = useStack({}, { worker: false });
  const inMs = (ms: number): Date => new Date(Date.now() + ms);

  afterEach(() => jest.restoreAllMocks());

  /** By the driver: what nobody drives, stored by the clock of before. */
  const insertAhead = (
    collection: 'events' | 'replays' | 'deliveries',
    fields: Record<string, unknown>,
  ): Promise<unknown> => {
    const ahead = inMs(HOUR);
    const ids = { events: 'event', replays: 'replay', deliveries: 'delivery' } as const;
    const of = {
      events: { type: 'email.sent', acceptedAt: ahead, fannedOutAt: null },
      replays: { status: 'running', updatedAt: ahead },
      deliveries: { eventId: newId('event'), attempts: [], followUp: true, completedAt: ahead },
    };
    const _id = firstIdAt(ids[collection], ahead) as never;
    return stack.store[collection].model.collection.insertOne({
      _id,
      ...of[collection],
      ...fields,
    });
  };

  it('lost work is found although a search had come further by the clock of before', async () => {
    const { deliveries, searchPositions } = stack.store;
    const [projectId, id] = [newId('project'), newId('delivery')];
    const seen = { at: inMs(HOUR), id: newId('delivery') };
    const position = { seen, again: null, againAt: inMs(HOUR) };
    await searchPositions.save({ _id: 'deliveries', project: '', of: { [projectId]: position } });
    await deliveries.model.create({
      _id: id,
      eventId: newId('event'),
      webhookId: newId('webhook'),
      projectId,
      eventType: 'email.sent',
      status: 'pending',
      nextAttemptAt: inMs(-60_000),
      createdAt: inMs(-60_000),
      expiresAt: inMs(HOUR),
    });
    const look = jest.spyOn(stack.engine, 'activityOf').mockResolvedValue('queued');
    const env = new MockActivityEnvironment();
    const done = env.run(() => stack.activities.reconcile('deliveries'));
    await eventually('it is looked at', () => look.mock.calls.some(([found]) => found === id));
    env.cancel();
    await done;
  });

  it.each<[string, keyof ReconcileReport, (projectId: string) => Promise<unknown>]>([
    [
      'an event',
      'events',
      (projectId) => insertAhead('events', { projectId, _id: newId('event') }),
    ],
    [
      'a courier’s event',
      'events',
      (projectId) => insertAhead('events', { projectId, isExpress: true }),
    ],
    ['a bulk replay', 'replays', (projectId) => insertAhead('replays', { projectId })],
    ['a courier’s failure', 'failures', (projectId) => insertAhead('deliveries', { projectId })],
  ])('%s of before that nobody drives is found now', async (_what, kind, insert) => {
    const { id } = await stack.project();
    const { [kind]: before } = await stack.reconcile();
    expect(before).toBe(0);
    await insert(id);
    const { [kind]: found } = await stack.reconcile();
    expect(found).toBe(1);
  });

  it('all that nobody drives is found now, however much there is', async () => {
    const { id } = await stack.project();
    const many = 201;
    for (let n = 0; n < many; n += 1) {
      await insertAhead('deliveries', { projectId: id, _id: newId('delivery') });
    }
    const { failures } = await stack.reconcile();
    expect(failures).toBe(many);
  });

  it('what is made is found by the time that it shows', async () => {
    const { client } = await stack.project({ profile: 'platform' });
    // Ids don't go back with it.
    noneBefore(inMs(3000));
    // It becomes an event.
    await client.post('/api/webhooks', { type: 'opened', email_id: 'e' });
    await client.post('/v1/portal-links', { capabilities: 'read' });
    for (const [list, plural, field] of [
      ['/v1/reports', 'reports', 'receivedAt'],
      ['/v1/events', 'events', 'acceptedAt'],
      ['/v1/audit', 'entries', 'time'],
    ] as const) {
      const [shown] = (await client.get(list)).body.data[plural];
      const since = new Date(shown[field]);
      const until = new Date(since.getTime() + 1);
      const range = `since=${since.toISOString()}&until=${until.toISOString()}`;
      expect((await client.get(`${list}?${range}`)).body.data[plural]).toEqual([shown]);
    }
  });

  it('a webhook of before gets the events of now', async () => {
    const { client } = await stack.project();
    const { id } = await makeWebhook(client, 'http://127.0.0.1:9');
    await createdAhead(stack, id);
    const { body } = await client.post('/v1/events', { type: 'email.sent', data: emailSent });
    const { deliveries } = await stack.activities.planDeliveries(body.data.id);
    expect(deliveries).toMatchObject([{ webhookId: id }]);
  });

  it.each([
    ['does not count', HOUR, false],
    ['in a few seconds’ doubt counts', 2000, true],
    ['of now counts', 0, true],
    ['of a while ago does not count', -10_000, false],
  ])('a courier’s report that it is at work %s', async (_which, ms, isAtWork) => {
    const { couriers } = stack.store;
    const projectId = newId('project');
    await couriers.model.create({ _id: projectId, shift: 1, renewedAt: inMs(ms) });
    expect(await couriers.isAtWork(projectId)).toBe(isAtWork);
    await couriers.end(projectId, 1);
    expect(await couriers.isAtWork(projectId)).toBe(false);
    expect(await couriers.renew(projectId, 1)).toBe(false);
    expect(await couriers.isAtWork(projectId)).toBe(false);
  });

  it.each([
    ['enabled', { enabledAt: inMs(HOUR) }],
    ['successful', { lastSuccessAt: inMs(HOUR) }],
  ])('failures count of a webhook that was %s by the clock of before', async (_how, before) => {
    const { store } = stack;
    const { client } = await stack.project();
    const { id } = await makeWebhook(client, 'http://127.0.0.1:9');
    await store.webhooks.model.updateOne({ _id: id }, before);
    const startedAt = inMs(-1000);
    const made = { number: 1, runId: 'run', requestHeaders: {}, startedAt, durationMs: 1 };
    const failed = { ...made, outcome: 'failed', statusCode: 500 } as const;
    await store.webhookHealth.countAttempt(id, 'dlv_1#1', failed);
    const find = () => store.webhooks.model.findById(id).lean();
    expect(await find()).toMatchObject({ failureCount: 1, lastStatus: 500 });
    const condition = { minFailures: 1, failedFrom: startedAt };
    expect(await store.webhookHealth.isDueForDisabling(id, condition)).toBe(true);
    const succeeded = {
      ...made,
      startedAt: inMs(0),
      outcome: 'succeeded',
      statusCode: 200,
    } as const;
    await store.webhookHealth.countAttempt(id, 'dlv_2#1', succeeded);
    expect(await find()).toMatchObject({ failureCount: 0, lastStatus: 200 });
  });

  it('a success resets failures that began by the clock of before', async () => {
    const { store } = stack;
    const { client } = await stack.project();
    const { id } = await makeWebhook(client, 'http://127.0.0.1:9');
    const row = {
      failureCount: 2,
      failingSince: inMs(HOUR),
      failuresBeganAt: [inMs(HOUR), inMs(HOUR)],
    };
    await store.webhooks.model.collection.updateOne({ _id: id as never }, { $set: row });
    const made = {
      number: 1,
      runId: 'run',
      requestHeaders: {},
      startedAt: inMs(-1000),
      durationMs: 1,
    };
    const succeeded = { ...made, outcome: 'succeeded', statusCode: 200 } as const;
    await store.webhookHealth.countAttempt(id, 'dlv_1#1', succeeded);
    expect(await store.webhooks.model.findById(id).lean()).toMatchObject({ failureCount: 0 });
  });

  it.each([
    ['now', 'pending', 0],
    ['before', 'skipped', HOUR - 1000],
  ])(
    'a replay to a webhook disabled by the clock of before, requested %s, ends as %s',
    async (_when, status, requestedInMs) => {
      const { deliveries, endings, webhooks } = stack.store;
      const { client } = await stack.project();
      const webhook = { _id: (await makeWebhook(client, 'http://127.0.0.1:9')).id };
      const disabled = { isActive: false, disabledAt: inMs(HOUR) };
      const { projectId } = (await webhooks.model.findOneAndUpdate(webhook, disabled))!;
      const replayRequestedAt = inMs(requestedInMs);
      const { id } = await deliveries.model.create({
        _id: newId('delivery'),
        eventId: newId('event'),
        webhookId: webhook._id,
        projectId,
        eventType: 'email.sent',
        status: 'pending',
        replays: 1,
        replayRequestedAt,
        createdAt: inMs(0),
        expiresAt: inMs(HOUR),
      });
      await endings.note({ ...webhook, projectId }, 'webhook_disabled');
      await endDeliveriesOf(stack.store, webhook._id);
      expect(await deliveries.find(id)).toMatchObject({ status });
      const sent = await webhooks.whetherPaused([webhook._id], { since: replayRequestedAt });
      expect(sent.size).toBe(status === 'pending' ? 1 : 0);
    },
  );

  it('mails written by the clock of before leave those of now their place', async () => {
    const { store } = stack;
    const insert = (createdAt: Date) =>
      store.transaction((session) =>
        store.mails.insert(
          {
            _id: newId('mail'),
            projectId: 'proj_mails',
            webhookId: 'wh_mails',
            warning: null,
            disabledReason: 'gone',
            projectName: 'Test',
            webhookName: 'Test',
            failureCount: 1,
            threshold: null,
            createdAt,
            expiresAt: inMs(HOUR),
          },
          session,
        ),
      );
    for (let n = 0; n < 5; n += 1) expect(await insert(inMs(HOUR))).toBe(true);
    expect(await insert(inMs(HOUR))).toBe(false);
    expect(await insert(inMs(0))).toBe(true);
  });
});

describe('after MongoDB’s clock was set back, a courier', () => {
  const { stack, receiver, client, batch, withStatus } = useExpress();

  it('sends a webhook of before the events of now', async () => {
    const { id } = await makeWebhook(client, receiver.url);
    await createdAhead(stack, id);
    await batch(1);
    await eventually('it is delivered', async () => (await withStatus('succeeded')).length === 1);
  });

  it.each([
    ['one by one', (id: string) => client.post(`/v1/deliveries/${id}/replay`)],
    ['in bulk', () => client.post('/v1/replays', { statuses: ['skipped'], ...ALWAYS })],
  ])('sends what is replayed now, %s, to a webhook disabled before', async (_how, replay) => {
    const { id } = await makeWebhook(client, receiver.url);
    await client.patch(`/v1/webhooks/${id}`, { isActive: false });
    const disabledAt = new Date(Date.now() + HOUR);
    await stack.store.webhooks.model.updateOne({ _id: id }, { disabledAt });
    const delivery = await postEvent(client);
    await deliveryWith(client, delivery, { status: 'skipped' });
    expect((await replay(delivery)).status).toBe(202);
    await deliveryWith(client, delivery, { status: 'succeeded' });
  });

  it('does not send again what was stored by the clock of before', async () => {
    await makeWebhook(client, receiver.url);
    await batch(1);
    await eventually('it is delivered', async () => (await withStatus('succeeded')).length === 1);
    const { model } = stack.store.events;
    const isPlanned = (): Promise<boolean> =>
      eventually('it is planned', async () => {
        await stack.reconcile();
        return (await model.exists({ fannedOutAt: null })) === null;
      });
    await isPlanned();
    // As if its courier had been killed before it noted that.
    await model.updateOne({}, { fannedOutAt: null, acceptedAt: new Date(Date.now() + HOUR) });
    await isPlanned();
    expect(receiver.requests).toHaveLength(1);
  });
});
