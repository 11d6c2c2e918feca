import type { ApiClient } from '../support/api-client';
import { ApiCrash, nothing } from '../support/api-crash';
import { eventually } from '../support/eventually';
import { emailSent } from '../support/samples';
import { testEnvironment } from '../support/stack';
import { useStack } from '../support/use';

/** As in crash-points-api.test.ts, of all that events come from besides a single POST. */
describe('an API killed with -9', () => {
  const environment = testEnvironment();
  const stack = useStack(environment);
  const api = { environment, stack };

  describe('while it starts the fan-outs of a batch', () => {
    const event = { type: 'email.sent', data: emailSent };
    const events = [event, event, event];
    const post = (client: ApiClient, key: string) =>
      client.post('/v1/events/batch', { events }, { 'idempotency-key': key });

    it('between two places in the queue of starts: reconcile delivers all', () =>
      ApiCrash.on(api, async (crash) => {
        await crash.dyingBehindIt('api/events/start-queue StartQueue.add before 2', (client) =>
          post(client, 'batch-0'),
        );
        await stack.reconcile();
        await crash.delivered(3);
        expect(crash.receiver.requests).toHaveLength(3);
      }));

    it('before the first is started: reconcile delivers all', () =>
      ApiCrash.on(api, async (crash) => {
        await crash.dyingBehindIt('temporal/engine Engine.startFanOut before', (client) =>
          post(client, 'batch-1'),
        );
        expect(await stack.reconcile()).toEqual({ ...nothing, events: 3 });
        await crash.delivered(3);
        expect(crash.receiver.requests).toHaveLength(3);
      }));

    it('after one is started: the repeated request delivers the others', () =>
      ApiCrash.on(api, async (crash) => {
        await crash.dyingBehindIt('temporal/engine Engine.startFanOut after', (client) =>
          post(client, 'batch-2'),
        );
        const { body } = await post(crash.client, 'batch-2');
        expect(body.data.events).toMatchObject([
          { duplicate: true },
          { duplicate: true },
          { duplicate: true },
        ]);
        await crash.delivered(3);
        expect(await crash.events()).toHaveLength(3);
        expect(crash.receiver.requests).toHaveLength(3);
      }));
  });

  describe('while it takes what a provider reports', () => {
    const report = { type: 'opened', email_id: 'em_1', recipient: 'jane.doe@example.com' };
    const post = (client: ApiClient) => client.post('/api/webhooks', report);
    const reports = (projectId: string) => stack.store.inbound.model.countDocuments({ projectId });
    const platform = { profile: 'platform' };

    it('between the report and its event: neither is there', () =>
      ApiCrash.on(
        api,
        async (crash) => {
          await crash.dying('store/provider-reports Inbound.insertAll after', post);
          expect(await reports(crash.projectId)).toBe(0);
          expect(await crash.events()).toEqual([]);
        },
        platform,
      ));

    it('between the event and its fan-out: reconcile delivers it', () =>
      ApiCrash.on(
        api,
        async (crash) => {
          await crash.dying('store/insert-reports insertReports after', post);
          expect(await reports(crash.projectId)).toBe(1);
          expect(await stack.reconcile()).toEqual({ ...nothing, events: 1 });
          await crash.delivered(1);
          expect(crash.receiver.requests).toHaveLength(1);
        },
        platform,
      ));
  });

  describe('while it sends test events', () => {
    const post = (client: ApiClient, id: string) =>
      client.post(`/v1/webhooks/${id}/test`, { events: ['email.sent', 'email.opened'] });

    it('between a delivery and its event: neither is there', () =>
      ApiCrash.on(api, async (crash) => {
        await crash.dying('store/deliveries Deliveries.insertAll after', (client) =>
          post(client, crash.webhook.id),
        );
        expect(await crash.deliveries()).toEqual([]);
        expect(await crash.events()).toEqual([]);
      }));

    it('between the deliveries and their fan-outs: reconcile sends them, once', () =>
      ApiCrash.on(api, async (crash) => {
        await crash.dying('store/store Store.transaction after', (client) =>
          post(client, crash.webhook.id),
        );
        expect(await crash.deliveries()).toHaveLength(2);
        expect(await stack.reconcile()).toMatchObject({ events: 2 });
        await crash.delivered(2);
        expect(crash.receiver.requests).toHaveLength(2);
      }));
  });

  it('between a new webhook and its ping: it is there, and reconcile pings it, once', () =>
    ApiCrash.on(
      api,
      async (crash) => {
        await crash.delivered(1);
        await crash.dying('store/store Store.transaction after', (client) =>
          client.post('/v1/webhooks', {
            name: 'Pinged',
            url: `${crash.receiver.url}/pinged`,
            events: ['*'],
          }),
        );
        const { body } = await crash.client.get('/v1/webhooks');
        expect(body.data.webhooks).toHaveLength(2);
        expect(await stack.reconcile()).toMatchObject({ events: 1 });
        await crash.delivered(2);
        const pinged = crash.receiver.requests.filter(({ path }) => path === '/pinged');
        expect(pinged).toHaveLength(1);
      },
      { profile: 'emailsendx' },
    ));

  it('between the end of a delivery whose payload is expunged and its workflow’s: nothing goes out', () =>
    ApiCrash.on(api, async (crash) => {
      const { client, receiver, webhook } = crash;
      receiver.respondWith(500);
      await client.patch(`/v1/webhooks/${webhook.id}`, { policy: { retryDelaysMs: [20_000] } });
      let eventId = '';
      // Posted once that API runs, so that the second attempt is not due before it has died.
      await crash.dying('store/expunge expungeEvent after', async (dying) => {
        const { body } = await client.post('/v1/events', { type: 'email.sent', data: emailSent });
        eventId = body.data.id as string;
        await eventually('it has been attempted', async () => {
          return (await crash.deliveries())[0]?.attemptCount === 1;
        });
        return dying.delete(`/v1/events/${eventId}`);
      });
      expect((await client.get(`/v1/events/${eventId}`)).body.data.data).toBeNull();
      const deliveries = await crash.deliveries();
      expect(deliveries).toMatchObject([{ status: 'cancelled', attemptCount: 1 }]);
      await eventually('its workflow has ended', async () => {
        const run = await stack.engine.findRun(deliveries[0]!.id);
        return run === 'ended' || run === null;
      });
      expect(receiver.requests).toHaveLength(1);
    }));
});
