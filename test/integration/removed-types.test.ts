import type { ApiClient } from '../support/api-client';
import { insertDelivery } from './api/insert';
import { expectRefusal } from './api/refusal';
import { useStack } from '../support/use';

const url = 'https://hooks.example.com/';
const definition = { description: 'A test.', schema: { type: 'object' }, sample: {} };

describe('an event type that has been removed', () => {
  const stack = useStack({}, { worker: false });
  let client: ApiClient;
  let projectId: string;
  let path: string;

  beforeEach(async () => {
    ({ client, id: projectId } = await stack.project({ profile: 'custom' }));
    for (const type of ['order.paid', 'order.old', 'invoice.old']) {
      await client.send('PUT', `/v1/event-types/${type}`, definition);
    }
    const events = ['order.paid', 'order.old', 'invoice.*'];
    const { body } = await client.post('/v1/webhooks', { name: 'Orders', url, events });
    path = `/v1/webhooks/${body.data.id}`;
    for (const type of ['order.old', 'invoice.old']) {
      expect((await client.delete(`/v1/event-types/${type}`)).status).toBe(200);
    }
  });

  it('can stay in a webhook’s subscriptions when they are sent back, and be left out', async () => {
    const { events } = (await client.get(path)).body.data;
    const same = await client.patch(path, { name: 'Shop', events });
    expect(same).toMatchObject({ status: 200, body: { data: { name: 'Shop', events } } });
    const fewer = await client.patch(path, { events: ['order.paid'] });
    expect(fewer.body.data.events).toEqual(['order.paid']);
  });

  it('is said to be all that a webhook is subscribed to, when it is tested', async () => {
    const { events } = (await client.get(path)).body.data;
    await client.delete('/v1/event-types/order.paid');
    expect((await client.patch(path, { events })).status).toBe(200);
    const refused = await client.post(`${path}/test`, {});
    expectRefusal(refused, 'validation_failed', ['events']);
    expect(refused.body.error.details[0].message).toContain('none of the event types');
  });

  it('is refused where the webhook does not have it', async () => {
    const added = await client.patch(path, { events: ['order.old', 'order.older', 'order.*'] });
    expectRefusal(added, 'validation_failed', ['events.1']);
    await client.patch(path, { events: ['order.paid'] });
    const again = await client.patch(path, { events: ['order.paid', 'order.old', 'invoice.*'] });
    expectRefusal(again, 'validation_failed', ['events.1', 'events.2']);
  });

  it('of a catalogue can stay too', async () => {
    const type = '/v1/catalogs/removed-types/event-types';
    for (const name of ['shop.kept', 'shop.old']) {
      await stack.admin.send('PUT', `${type}/${name}`, definition);
    }
    await stack.admin.patch(`/v1/projects/${projectId}`, { catalog: 'removed-types' });
    const events = ['shop.kept', 'shop.old'];
    expect((await client.patch(path, { events })).status).toBe(200);
    await stack.admin.delete(`${type}/shop.old`);
    expect((await client.patch(path, { events })).body.data.events).toEqual(events);
  });

  it('still selects its deliveries, in lists and in bulk replays', async () => {
    const webhookId = path.slice('/v1/webhooks/'.length);
    const completedAt = new Date();
    for (const eventType of ['order.old', 'order.old', 'order.paid']) {
      await insertDelivery(stack, {
        projectId,
        webhookId,
        eventType,
        status: 'failed',
        completedAt,
      });
    }
    const listed = await client.get('/v1/deliveries?type=order.old');
    expect(listed.body.data.deliveries).toHaveLength(2);
    const range = { since: '2000-01-01T00:00:00Z', until: '2100-01-01T00:00:00Z', dryRun: true };
    const ask = (types: string[]) => client.post('/v1/replays', { ...range, types });
    expect((await ask(['order.old'])).body.data.matched).toBe(2);
    expect((await ask(['order.*', 'order.old'])).body.data.matched).toBe(3);
    expectRefusal(await ask(['order old', 'refund.*']), 'validation_failed', [
      'types.0',
      'types.1',
    ]);
  });
});
