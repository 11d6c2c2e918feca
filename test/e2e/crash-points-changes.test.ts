import { ApiClient } from '../support/api-client';
import { ApiCrash, nothing } from '../support/api-crash';
import { makeWebhook } from '../support/deliveries';
import { eventually } from '../support/eventually';
import { emailSent } from '../support/samples';
import { testEnvironment } from '../support/stack';
import { useStack } from '../support/use';

const event = { type: 'email.sent', data: emailSent };

/** As in crash-points-api.test.ts, of changes that take more than one step. */
describe('an API killed with -9', () => {
  const environment = testEnvironment();
  const stack = useStack(environment);
  const api = { environment, stack };

  describe('while it reports a change', () => {
    it.each([
      [
        'a rotation',
        'store/store Store.transaction after',
        'webhook.secret_rotated',
        (client: ApiClient, id: string) => client.post(`/v1/webhooks/${id}/secret/rotate`, {}),
      ],
      [
        'an enabling',
        'store/store Store.transaction after',
        'webhook.enabled',
        (client: ApiClient, id: string) => client.patch(`/v1/webhooks/${id}`, { isActive: true }),
      ],
    ])(
      'between %s and the fan-out of its event: reconcile sends it, once',
      (_of, at, type, change) =>
        ApiCrash.on(
          api,
          async (crash) => {
            const { client, receiver, webhook } = crash;
            const { id } = await makeWebhook(client, `${receiver.url}/changed`, {
              events: ['email.opened'],
            });
            await client.patch(`/v1/webhooks/${id}`, { isActive: false });
            await crash.dying(at, (dying) => change(dying, id));
            expect(await crash.events()).toMatchObject([{ type }]);
            expect(await stack.reconcile()).toEqual({ ...nothing, events: 1 });
            const [told] = await crash.delivered(1);
            expect(told).toMatchObject({ webhookId: webhook.id });
            expect(receiver.requests).toHaveLength(1);
          },
          { events: ['webhook.secret_rotated', 'webhook.enabled'] },
        ),
    );

    it('inside the transaction of an enabling: it is disabled, and no event is sent', () =>
      ApiCrash.on(
        api,
        async (crash) => {
          const { client, receiver } = crash;
          const { id } = await makeWebhook(client, receiver.url, { events: ['email.opened'] });
          await client.patch(`/v1/webhooks/${id}`, { isActive: false });
          await crash.dying('store/webhooks Webhooks.update after', (dying) =>
            dying.patch(`/v1/webhooks/${id}`, { isActive: true }),
          );
          expect((await client.get(`/v1/webhooks/${id}`)).body.data.isActive).toBe(false);
          expect(await crash.events()).toEqual([]);
        },
        { events: ['webhook.enabled'] },
      ));
  });

  describe('while it pauses and resumes a bulk replay', () => {
    const range = { since: '2020-01-01T00:00:00Z', until: '2099-01-01T00:00:00Z' };
    const COUNT = 12;

    /** Asks for one that takes its time. @returns its id */
    const replay = async (crash: ApiCrash): Promise<string> => {
      const { client } = crash;
      await client.post('/v1/events/batch', { events: Array.from({ length: COUNT }, () => event) });
      await crash.delivered(COUNT);
      const query = { ...range, statuses: ['succeeded'], ratePerSecond: 1 };
      return (await client.post('/v1/replays', query)).body.data.id as string;
    };
    /**
     * Makes an API die at that point of that move of a replay, which has come to half of its deliveries by then at most,
     * however slow the machine is.
     * @returns its id
     */
    const cutOff = async (crash: ApiCrash, at: string, move: string): Promise<string> => {
      const { webhooks } = stack.store;
      const whetherPaused = webhooks.whetherPaused.bind(webhooks);
      let goOn = (): void => {};
      const isDead = new Promise<void>((resolve) => (goOn = resolve));
      let asked = 0;
      // Asked before each delivery that is put into the queue.
      const spy = jest.spyOn(webhooks, 'whetherPaused').mockImplementation(async (ids, ...sent) => {
        if (ids.includes(crash.webhook.id)) asked += 1;
        if (asked > COUNT / 2) await isDead;
        return whetherPaused(ids, ...sent);
      });
      let id = '';
      try {
        await crash.dying(at, async (dying) => {
          id = await replay(crash);
          return dying.post(`/v1/replays/${id}/${move}`);
        });
      } finally {
        goOn();
        spy.mockRestore();
      }
      return id;
    };
    const stands = async ({ client }: ApiCrash, id: string) =>
      (await client.get(`/v1/replays/${id}`)).body.data;
    const replayed = async (crash: ApiCrash): Promise<number> =>
      (await crash.deliveries()).filter(({ replays }) => replays === 1).length;
    /** All are replayed, each once. */
    const expectAll = async (crash: ApiCrash, id: string): Promise<void> => {
      await eventually('it is completed', async () => {
        return (await stands(crash, id)).status === 'completed';
      });
      await crash.delivered(COUNT);
      expect(await stands(crash, id)).toMatchObject({ replayed: COUNT, failed: 0 });
      expect(await replayed(crash)).toBe(COUNT);
      expect(crash.receiver.requests).toHaveLength(2 * COUNT);
    };

    it('between each of its moves and the answer: paused it waits, resumed it goes through, each once', () =>
      ApiCrash.on(api, async (crash) => {
        const id = await cutOff(crash, 'store/stop-replay stopReplay after', 'pause');
        expect(await stands(crash, id)).toMatchObject({ status: 'paused' });
        await crash.delivered(COUNT);
        expect(await replayed(crash)).toBeLessThan(COUNT);
        expect(await stack.reconcile()).toEqual(nothing);

        await crash.dying('store/replays Replays.move before', (dying) =>
          dying.post(`/v1/replays/${id}/resume`),
        );
        expect(await stands(crash, id)).toMatchObject({ status: 'paused' });

        await crash.dying('temporal/engine Engine.wakeReplay before', (dying) =>
          dying.post(`/v1/replays/${id}/resume`),
        );
        expect(await stands(crash, id)).toMatchObject({ status: 'running' });
        // As if that were long ago: without a grace, reconcile would meddle with what it has just started.
        const timestamps = { timestamps: false };
        const stalled = { $set: { updatedAt: new Date(0) } };
        await stack.store.replays.model.updateOne({ _id: id }, stalled, timestamps);
        expect(await stack.reconcile(20_000)).toEqual({ ...nothing, replays: 1 });
        await expectAll(crash, id);
      }));

    it.each([
      ['pause', 'store/replays Replays.move after'],
      ['cancel', 'store/replays Replays.move after'],
    ])('inside its %s: it goes on as if nobody had asked for that', (move, at) =>
      ApiCrash.on(api, async (crash) => {
        await expectAll(crash, await cutOff(crash, at, move));
      }),
    );

    it('between its cancel and the answer: it has ended, and what it began is sent', () =>
      ApiCrash.on(api, async (crash) => {
        const id = await cutOff(crash, 'store/stop-replay stopReplay after', 'cancel');
        expect(await stands(crash, id)).toMatchObject({ status: 'cancelled' });
        await crash.delivered(COUNT);
        expect(await stack.reconcile()).toEqual(nothing);
        const { replayed: counted } = await stands(crash, id);
        expect(counted).toBeLessThan(COUNT);
        expect(await replayed(crash)).toBe(counted);
        expect(crash.receiver.requests).toHaveLength(COUNT + counted);
      }));
  });

  describe('while it replays an express delivery', () => {
    it.each([
      ['between the change and the courier', 'temporal/engine Engine.wakeCourier before'],
      ['after the courier is notified', 'temporal/engine Engine.wakeCourier after'],
    ])('%s: it is sent, once', (_title, at) =>
      ApiCrash.on(
        api,
        async (crash) => {
          await crash.client.post('/v1/events', event);
          const [delivery] = await crash.delivered(1);
          await crash.dyingBehindIt(at, (dying) =>
            dying.post(`/v1/deliveries/${delivery!.id}/replay`),
          );
          await crash.deliveredInTheEnd(1);
          expect(await crash.deliveries()).toMatchObject([{ replays: 1, attemptCount: 2 }]);
          expect(crash.receiver.requests).toHaveLength(2);
        },
        { dispatch: 'express' },
      ),
    );
  });

  describe('while it resumes a webhook', () => {
    const held = async (crash: ApiCrash): Promise<void> => {
      const { client, webhook } = crash;
      await client.post(`/v1/webhooks/${webhook.id}/pause`);
      await client.post('/v1/events', event);
      await eventually('it is held', async () => (await crash.deliveries())[0]?.status === 'held');
    };

    it('before the webhook is resumed: what is held stays held', () =>
      ApiCrash.on(api, async (crash) => {
        const { client, receiver, webhook } = crash;
        await held(crash);
        await crash.dying('store/webhooks Webhooks.setPaused before', (dying) =>
          dying.post(`/v1/webhooks/${webhook.id}/resume`),
        );
        expect(await stack.reconcile()).toEqual(nothing);
        expect(await crash.deliveries()).toMatchObject([{ status: 'held' }]);
        await client.post(`/v1/webhooks/${webhook.id}/resume`);
        await crash.delivered(1);
        expect(receiver.requests).toHaveLength(1);
      }));

    it('after the courier is notified: what was held is delivered, once', () =>
      ApiCrash.on(api, async (crash) => {
        await held(crash);
        await crash.dyingBehindIt('temporal/engine Engine.wakeCourier after', (dying) =>
          dying.post(`/v1/webhooks/${crash.webhook.id}/resume`),
        );
        await crash.deliveredInTheEnd(1);
        expect(crash.receiver.requests).toHaveLength(1);
      }));
  });

  describe('while it deletes a project', () => {
    /** Of the project, by collection. */
    const left = async ({ projectId }: ApiCrash): Promise<Record<string, number>> => {
      const { projects, keys, webhooks, events, deliveries } = stack.store;
      return {
        projects: await projects.model.countDocuments({ _id: projectId, emptiedAt: null }),
        keys: await keys.model.countDocuments({ projectId }),
        webhooks: await webhooks.model.countDocuments({ projectId }),
        events: await events.model.countDocuments({ projectId }),
        deliveries: await deliveries.model.countDocuments({ projectId }),
      };
    };
    const all = { projects: 1, keys: 1, webhooks: 1, events: 1, deliveries: 1 };
    const none = { projects: 0, keys: 0, webhooks: 0, events: 0, deliveries: 0 };

    /** A project with one of each, deleted by an API that dies at that point. */
    const cutOff = async (crash: ApiCrash, dieAt: string): Promise<void> => {
      await crash.client.post('/v1/events', event);
      await crash.delivered(1);
      await crash.dying(dieAt, ({ url }) =>
        new ApiClient(url, stack.admin.key).delete(`/v1/projects/${crash.projectId}`),
      );
    };
    const read = ({ projectId }: ApiCrash) => stack.admin.get(`/v1/projects/${projectId}`);

    it('inside its transaction: it is whole', () =>
      ApiCrash.on(api, async (crash) => {
        await cutOff(crash, 'store/projects Projects.markDeleted after');
        expect(await left(crash)).toEqual(all);
        expect((await read(crash)).status).toBe(200);
        await crash.client.post('/v1/events', event);
        await crash.delivered(2);
      }));

    it.each([
      ['the transaction and its webhooks', 'store/delete-batch deleteBatch before', all],
      [
        'its webhooks and its events',
        'store/delete-batch deleteBatch after',
        { ...all, webhooks: 0 },
      ],
      [
        'all that is its own and itself',
        'store/projects Projects.delete before',
        { ...none, projects: 1 },
      ],
    ])(
      'between %s: it is treated as gone, and removed by reconcile or a repeated request',
      (_of, at, stay) =>
        ApiCrash.on(api, async (crash) => {
          await cutOff(crash, at);
          expect(await left(crash)).toEqual(stay);
          expect((await read(crash)).status).toBe(404);
          // An API remembers a key for a second.
          await eventually('its key is refused', async () => {
            return (await crash.client.get('/v1/events')).status === 401;
          });
          if (stay.webhooks === 1) await stack.reconcile();
          else await stack.admin.delete(`/v1/projects/${crash.projectId}`);
          expect(await left(crash)).toEqual(none);
          expect((await stack.admin.delete(`/v1/projects/${crash.projectId}`)).status).toBe(404);
        }),
    );
  });
});
