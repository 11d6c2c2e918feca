import { Ajv2020 } from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import type { ApiClient } from '../support/api-client';
import { define, orderCreated } from '../support/event-types';
import { eventually } from '../support/eventually';
import { useReceiver, useStack } from '../support/use';

describe('event types', () => {
  const stack = useStack();
  const receiver = useReceiver();

  const customProject = async (): Promise<ApiClient> =>
    (await stack.project({ profile: 'custom' })).client;

  describe('of a profile', () => {
    it.each(['autosend', 'platform', 'emailsendx', 'ahasend'])(
      'of %s are listed in its order, each with a schema that its sample passes',
      async (profile) => {
        const { client } = await stack.project({ profile });
        const list = await client.get('/v1/event-types?limit=100');
        expect(list.status).toBe(200);
        const { eventTypes, nextCursor } = list.body.data;
        expect(nextCursor).toBeNull();
        const available = await client.get('/v1/webhooks/events/available');
        expect(eventTypes.map(({ type }: { type: string }) => type)).toEqual(
          available.body.data.events,
        );
        const ajv = addFormats(new Ajv2020());
        for (const { description, schema, sample } of eventTypes) {
          expect(description).toMatch(/\w+/);
          expect(schema.$schema).toBe('https://json-schema.org/draft/2020-12/schema');
          const validate = ajv.compile(schema);
          expect({ ok: validate(sample), errors: validate.errors }).toMatchObject({ ok: true });
        }
      },
    );

    it('are paged', async () => {
      const { client } = await stack.project();
      const types: string[] = [];
      let cursor: string | null = '';
      do {
        const query: string = cursor === '' ? '' : `&cursor=${cursor}`;
        const { body } = await client.get(`/v1/event-types?limit=5${query}`);
        types.push(...body.data.eventTypes.map(({ type }: { type: string }) => type));
        cursor = body.data.nextCursor;
      } while (cursor !== null);
      const available = await client.get('/v1/webhooks/events/available');
      expect(types).toEqual(available.body.data.events);
      expect(await client.get('/v1/event-types?cursor=email.nothing')).toMatchObject({
        status: 422,
        body: { error: { details: [{ field: 'cursor' }] } },
      });
    });

    it('can not be changed', async () => {
      const { client } = await stack.project();
      expect(await define(client, 'order.created')).toMatchObject({
        status: 403,
        body: { error: { code: 'forbidden', message: expect.stringContaining('autosend') } },
      });
      expect((await client.delete('/v1/event-types/email.sent')).status).toBe(403);
    });
  });

  describe('of a project', () => {
    it('are defined, redefined, listed newest first and deleted', async () => {
      const client = await customProject();
      const made = await define(client, 'order.created');
      expect(made.status).toBe(201);
      expect(made.body.data).toEqual({ type: 'order.created', ...orderCreated });
      for (const type of ['order.paid', 'order.shipped']) await define(client, type);

      const again = await define(client, 'order.created', {
        ...orderCreated,
        description: 'Somebody bought something.',
      });
      expect(again.status).toBe(200);

      const first = await client.get('/v1/event-types?limit=2');
      const second = await client.get(
        `/v1/event-types?limit=2&cursor=${first.body.data.nextCursor}`,
      );
      expect(
        [...first.body.data.eventTypes, ...second.body.data.eventTypes].map(
          ({ type, description }) => [type, description],
        ),
      ).toEqual([
        ['order.shipped', orderCreated.description],
        ['order.paid', orderCreated.description],
        ['order.created', 'Somebody bought something.'],
      ]);
      expect(second.body.data.nextCursor).toBeNull();
      const available = await client.get('/v1/webhooks/events/available');
      expect(available.body.data.events).toEqual(['order.shipped', 'order.paid', 'order.created']);

      expect((await client.delete('/v1/event-types/order.paid')).body.data).toEqual({
        type: 'order.paid',
        deleted: true,
      });
      expect((await client.delete('/v1/event-types/order.paid')).status).toBe(404);
      const posted = await client.post('/v1/events', { type: 'order.paid', data: {} });
      expect(posted.status).toBe(422);
    });

    it('defined by many requests at once are there once', async () => {
      const client = await customProject();
      const all = await Promise.all(Array.from({ length: 10 }, () => define(client, 'a.b')));
      expect(all.map(({ status }) => status).toSorted((a, b) => b - a)).toEqual([
        201,
        ...Array.from({ length: 9 }, () => 200),
      ]);
    });

    it('belong to one project, and only an owner may define them', async () => {
      const { id, client } = await stack.project({ profile: 'custom' });
      await define(client, 'order.created');
      const other = await customProject();
      expect((await other.get('/v1/event-types')).body.data.eventTypes).toEqual([]);
      expect((await other.delete('/v1/event-types/order.created')).status).toBe(404);
      for (const role of ['sender', 'reader']) {
        expect((await define(await stack.client(id, role), 'order.paid')).status).toBe(403);
      }
    });

    it('are deleted with their project', async () => {
      const { id, client } = await stack.project({ profile: 'custom' });
      await define(client, 'order.created');
      await stack.admin.delete(`/v1/projects/${id}`);
      expect(await stack.store.eventTypes.listNames(id)).toEqual([]);
    });

    it('check the data of events, and name each field that is wrong', async () => {
      const client = await customProject();
      await define(client, 'order.created');
      const good = await client.post('/v1/events', {
        type: 'order.created',
        data: orderCreated.sample,
      });
      expect(good.status).toBe(202);
      const bad = await client.post('/v1/events', {
        type: 'order.created',
        data: { orderId: 'x', user: { email: 'nobody' }, total: -1, colour: 'red' },
      });
      expect(bad.status).toBe(422);
      const fields = ({ body }: typeof bad) =>
        body.error.details.map(({ field }: { field: string }) => field).toSorted();
      expect(fields(bad)).toEqual(['data.colour', 'data.orderId', 'data.total', 'data.user.email']);
      const batch = await client.post('/v1/events/batch', {
        events: [
          { type: 'order.created', data: orderCreated.sample },
          { type: 'order.created', data: { orderId: 'ord_2', user: {} } },
          { type: 'order.lost', data: {} },
        ],
      });
      expect(batch.status).toBe(422);
      expect(fields(batch)).toEqual(['events.1.data.user.email', 'events.2.type']);
    });

    it('check by the newest schema', async () => {
      const client = await customProject();
      const event = { type: 'order.created', data: { orderId: 'ord_1' } };
      await define(client, 'order.created');
      expect((await client.post('/v1/events', event)).status).toBe(422);
      await define(client, 'order.created', {
        ...orderCreated,
        schema: { ...orderCreated.schema, required: ['orderId'] },
      });
      expect((await client.post('/v1/events', event)).status).toBe(202);
    });

    it('are subscribed to, delivered and tested', async () => {
      const client = await customProject();
      await define(client, 'order.created');
      await define(client, 'invoice.paid');
      const settings = { name: 'Orders', url: `${receiver.url}/own` };
      const unknown = await client.post('/v1/webhooks', { ...settings, events: ['order.gone'] });
      expect(unknown).toMatchObject({
        status: 422,
        body: { error: { details: [{ field: 'events.0' }] } },
      });
      const webhook = await client.post('/v1/webhooks', { ...settings, events: ['order.*'] });
      expect(webhook.status).toBe(201);
      await client.post('/v1/events', { type: 'order.created', data: orderCreated.sample });
      const tests = await client.post(`/v1/webhooks/${webhook.body.data.id}/test`);
      expect(tests.body.data.deliveries.map((d: { eventType: string }) => d.eventType)).toEqual([
        'order.created',
      ]);
      const mine = () => receiver.requests.filter(({ path }) => path === '/own');
      await eventually('both arrive', () => mine().length === 2);
      for (const { rawBody } of mine()) {
        expect(JSON.parse(rawBody.toString())).toMatchObject({
          type: 'order.created',
          data: orderCreated.sample,
        });
      }
    });
  });
});
