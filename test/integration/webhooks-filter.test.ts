import { passesFilter, type PayloadFilter } from '../../src/domain/payload-filter';
import { filterProblems } from '../../src/domain/filter-problems';
import { newId } from '../../src/contracts/ids';
import { COSTLY_FILTERS } from '../support/costly-filters';
import { deliveryWith, makeWebhook, postEvent } from '../support/deliveries';
import { eventually } from '../support/eventually';
import { emailSent } from '../support/samples';
import { useReceiver, useStack } from '../support/use';
import { expectRefusal } from './api/refusal';

const url = 'https://example.com/hooks';

const stack = useStack();
const receiver = useReceiver();

describe('a webhook’s filter', () => {
  const filter = {
    'data.to.email': { $regex: '@vip\\.example$', $options: 'i' },
    $or: [{ 'data.campaignId': { $in: ['c1', 'c2'] } }, { 'data.test': true }],
  };

  it('lets through the events that match it, and of the others no delivery is made', async () => {
    const { client } = await stack.project();
    const chosen = await makeWebhook(client, `${receiver.url}/chosen`, { filter });
    const disabled = await makeWebhook(client, `${receiver.url}/disabled`, { filter });
    await client.patch(`/v1/webhooks/${disabled.id}`, { isActive: false });
    const all = await makeWebhook(client, `${receiver.url}/all`);
    const send = async (to: string, campaignId: string): Promise<string[]> => {
      const data = { ...emailSent, to: { email: to }, campaignId };
      const event = await client.post('/v1/events', { type: 'email.sent', data });
      await eventually('the event is fanned out', async () => {
        return (await stack.store.events.find(event.body.data.id))?.fannedOutAt;
      });
      const { deliveries } = (await client.get(`/v1/events/${event.body.data.id}`)).body.data;
      return deliveries.map(({ webhookId }: { webhookId: string }) => webhookId);
    };
    expect(await send('ada@VIP.example', 'c2')).toEqual([chosen.id, disabled.id, all.id]);
    expect(await send('ada@vip.example', 'c3')).toEqual([all.id]);
    expect(await send('ada@vip.example.org', 'c2')).toEqual([all.id]);
  });

  it('does not stop a test', async () => {
    const { client } = await stack.project();
    const webhook = await makeWebhook(client, receiver.url, { filter });
    const sent = await client.post(`/v1/webhooks/${webhook.id}/test`, { events: ['email.sent'] });
    expect(sent.body.data.deliveries).toHaveLength(1);
  });

  it('is shown as it was given, and can be changed and removed', async () => {
    const { client } = await stack.project();
    const body = { name: 'Filtered', url, events: ['*'] };
    const made = await client.post('/v1/webhooks', { ...body, filter });
    expect([made.status, made.body.data?.filter]).toEqual([201, filter]);
    const path = `/v1/webhooks/${made.body.data.id}`;
    expect((await client.get(path)).body.data.filter).toEqual(filter);
    expect((await client.get('/v1/webhooks')).body.data.webhooks[0].filter).toEqual(filter);

    const changed = { type: { $ne: 'email.opened' } };
    expect((await client.patch(path, { filter: changed })).body.data.filter).toEqual(changed);
    expect((await client.patch(path, { name: 'Kept' })).body.data.filter).toEqual(changed);
    expect((await client.patch(path, { filter: null })).body.data.filter).toBeNull();
    const without = await client.post('/v1/webhooks', { ...body, filter: null });
    expect(without.body.data.filter).toBeNull();
  });

  it.each<[string, unknown, string]>([
    ['that is text', 'type = 1', 'filter'],
    ['that runs code', { $where: 'true' }, 'filter.$where'],
    ['with an unknown operator', { $or: [{ a: { $like: 1 } }] }, 'filter.$or.0.a.$like'],
    ['with a broken pattern', { 'data.a': { $regex: '(' } }, 'filter.data.a.$regex'],
    ['with too costly a class', { a: { $regex: '(?i)[\\x{100}-\\x{ffff}]' } }, 'filter.a.$regex'],
    ['that is too long', { a: 'x'.repeat(5000) }, 'filter'],
  ])('%s is refused by POST and PATCH', async (_title, refused, field) => {
    const { client } = await stack.project();
    const body = { name: 'Filtered', url, events: ['*'] };
    const posted = await client.post('/v1/webhooks', { ...body, filter: refused });
    expectRefusal(posted, 'validation_failed', [field]);
    const made = await client.post('/v1/webhooks', { ...body, filter });
    const path = `/v1/webhooks/${made.body.data.id}`;
    expectRefusal(await client.patch(path, { filter: refused }), 'validation_failed', [field]);
    expect((await client.get(path)).body.data.filter).toEqual(filter);
  });
});

describe('a filter on a member that the project’s envelope does not have', () => {
  it.each([
    ['emailsendx', { type: 'email.sent' }, ['filter.type']],
    ['ahasend', { createdAt: { $gt: '2026' } }, ['filter.createdAt']],
    [
      'custom',
      { $or: [{ 'data.a': 1 }, { $nor: [{ 'to.email': 1 }] }] },
      ['filter.$or.1.$nor.0.to.email'],
    ],
    ['platform', { workspaceId: 'a', data: { $exists: true } }, ['filter.workspaceId']],
  ])(
    'is refused (%s), unless an earlier version has stored it',
    async (profile, refused, fields) => {
      const { client } = await stack.project({ profile });
      const body = { name: 'Filtered', url, events: ['*'] };
      const posted = await client.post('/v1/webhooks', { ...body, filter: refused });
      expectRefusal(posted, 'validation_failed', fields);
      const { id } = await makeWebhook(client, receiver.url);
      const path = `/v1/webhooks/${id}`;
      expectRefusal(await client.patch(path, { filter: refused }), 'validation_failed', fields);
      const stored = { filter: JSON.stringify(refused) };
      await stack.store.webhooks.model.updateOne({ _id: id }, stored);
      const renamed = await client.patch(path, { name: 'Renamed', filter: refused });
      expect([renamed.status, renamed.body.data?.filter]).toEqual([200, refused]);
    },
  );

  it('is none of those that it has', async () => {
    const { client } = await stack.project({ profile: 'emailsendx' });
    const filter = {
      event: 'email.sent',
      workspaceId: 'a',
      timestamp: { $gt: '2026' },
      'data.a': { $elemMatch: { type: 1 } },
    };
    const { id } = await makeWebhook(client, receiver.url, { filter });
    expect((await client.get(`/v1/webhooks/${id}`)).body.data.filter).toEqual(filter);
  });
});

describe('a hundred filters that would take minutes', () => {
  it('let the event pass, and delay no other deliveries', async () => {
    const quiet = await stack.project();
    await makeWebhook(quiet.client, `${receiver.url}/quiet`);
    const { client } = await stack.project({ profile: 'custom' });
    const type = { description: 'Any', schema: { type: 'object' }, sample: {} };
    expect((await client.send('PUT', '/v1/event-types/any.thing', type)).status).toBe(201);
    // Disabled ones are judged as well, and their deliveries cost the test nothing.
    const { id } = await makeWebhook(client, `${receiver.url}/costly`, { filter: {} });
    await client.patch(`/v1/webhooks/${id}`, { isActive: false });
    const { model } = stack.store.webhooks;
    const webhook = await model.findById(id).lean();
    for (const [way, filter, x] of COSTLY_FILTERS) {
      await model.deleteMany({ projectId: webhook!.projectId });
      await model.insertMany(
        Array.from({ length: 100 }, () => ({
          ...webhook,
          _id: newId('webhook'),
          filter: JSON.stringify(filter),
        })),
      );
      const event = await client.post('/v1/events', { type: 'any.thing', data: { x } });
      expect([way, event.status]).toEqual([way, 202]);
      const delivery = await postEvent(quiet.client);
      const { attempts } = await deliveryWith(quiet.client, delivery, { status: 'succeeded' });
      expect(attempts).toHaveLength(1);
      const eventId = event.body.data.id as string;
      const isFannedOut = async () => (await stack.store.events.find(eventId))?.fannedOutAt;
      await eventually('the event is fanned out', isFannedOut, 200_000);
      expect([way, await stack.store.deliveries.model.countDocuments({ eventId })]).toEqual([
        way,
        100,
      ]);
    }
  }, 600_000);
});

describe('a filter means what it means to MongoDB', () => {
  const envelopes = [
    { type: 'a', data: { n: 1, s: 'Anna', tags: ['x', 'y'], to: { email: 'a@b.example' } } },
    { type: 'a', data: { n: 5, s: 'bert', tags: [], to: null } },
    {
      type: 'b',
      data: {
        n: null,
        tags: ['x'],
        items: [
          { sku: 'p', n: 1 },
          { sku: 'q', n: 9 },
        ],
      },
    },
    { type: 'b', data: { s: 'anna\nbert', items: [{ sku: 'p', n: 9 }], deep: [[1, 2], [3]] } },
    { type: 'c', data: {} },
    { type: 'd', data: { s: ['x', 'long'], tags: [1, 2], to: [1], items: [[{ sku: 'p' }], []] } },
    {
      type: 'd',
      data: {
        s: { length: 4, 0: 'A' },
        tags: [['x', 'y'], null],
        to: { b: 1, a: 2 },
        deep: [[[1]]],
      },
    },
  ];
  const FILTERS: PayloadFilter[] = [
    {},
    { type: 'a' },
    { type: { $ne: 'a' } },
    { 'data.n': 1 },
    { 'data.n': null },
    { 'data.n': { $ne: null } },
    { 'data.n': { $exists: true } },
    { 'data.n': { $exists: false } },
    { 'data.n': { $gt: 1 } },
    { 'data.n': { $gte: 1, $lt: 5 } },
    { 'data.n': { $not: { $gt: 1 } } },
    { 'data.n': { $in: [1, null] } },
    { 'data.n': { $nin: [1, 5] } },
    { 'data.s': { $gte: 'b' } },
    { 'data.s': { $regex: '^anna', $options: 'i' } },
    { 'data.s': { $regex: '^bert$', $options: 'm' } },
    { 'data.s': { $not: { $regex: 'n{2}' } } },
    { 'data.tags': 'x' },
    { 'data.tags': ['x', 'y'] },
    { 'data.tags': ['y', 'x'] },
    { 'data.tags': { $all: ['x', 'y'] } },
    { 'data.tags': { $size: 0 } },
    { 'data.tags': { $size: 2 } },
    { 'data.tags': { $ne: 'x' } },
    { 'data.tags.0': 'x' },
    { 'data.tags': { $elemMatch: { $regex: 'y' } } },
    { 'data.to': { email: 'a@b.example' } },
    { 'data.to': null },
    { 'data.to.email': { $exists: false } },
    { 'data.items.sku': 'q' },
    { 'data.items': { $elemMatch: { sku: 'p', n: { $gt: 5 } } } },
    { 'data.items.sku': 'p', 'data.items.n': 9 },
    { 'data.items': { $elemMatch: { $or: [{ sku: 'q' }, { n: 2 }] } } },
    { 'data.deep': { $elemMatch: { $gt: 2 } } },
    { 'data.s.length': 4 },
    { 'data.s.length': { $exists: true } },
    { 'data.tags.length': { $gt: 0 } },
    { 'data.s.0': 'A' },
    { 'data.s.0': 'x' },
    { 'data.s.constructor': { $exists: true } },
    { 'data.tags': null },
    { 'data.tags.x': null },
    { 'data.tags.x': { $exists: false } },
    { 'data.tags': { $nin: ['x', null] } },
    { 'data.tags': { $not: { $gt: 1 } } },
    { 'data.tags': { $all: [['x', 'y'], null] } },
    { 'data.tags.0': ['x', 'y'] },
    { 'data.tags.0.0': 'x' },
    { 'data.to': { a: 2, b: 1 } },
    { 'data.to': { b: 1, a: 2 } },
    { 'data.items.sku': { $exists: true } },
    { 'data.items.0.sku': 'p' },
    { 'data.items': { $elemMatch: { sku: null } } },
    { 'data.items': { $elemMatch: { '0.sku': 'p' } } },
    { 'data.deep': 1 },
    { 'data.deep': [1, 2] },
    { 'data.deep.0': 1 },
    { 'data.deep.0.0': 1 },
    { 'data.deep': { $elemMatch: { $elemMatch: { $gte: 2 } } } },
    { 'data.deep': { $size: 2 } },
    { 'data.n': { $gt: '' } },
    { 'data.s': { $lt: 5 } },
    { $or: [{ type: 'c' }, { 'data.n': 5 }] },
    { $nor: [{ type: 'a' }, { type: 'b' }] },
    { $and: [{ type: 'b' }, { 'data.tags': 'x' }] },
  ];

  it('for every operator that it may use', async () => {
    const collection = stack.store.events.model.db.collection<{ n: number }>('envelopes');
    await collection.insertMany(envelopes.map((envelope, n) => ({ ...envelope, n })));
    for (const filter of FILTERS) {
      expect([filter, filterProblems(filter)]).toEqual([filter, []]);
      const found = await collection.find(filter).sort({ n: 1 }).toArray();
      const passed = envelopes.flatMap((envelope, n) =>
        passesFilter(filter, envelope) ? [n] : [],
      );
      expect([filter, passed]).toEqual([filter, found.map(({ n }) => n)]);
    }
  });
});
