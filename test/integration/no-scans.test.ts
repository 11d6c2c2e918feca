import { oldestDueOf } from '../../src/store/oldest-due';
import { ApiClient } from '../support/api-client';
import { makeWebhook, postEvent, deliveryWith } from '../support/deliveries';
import { WAYS } from '../support/dispatch';
import { documentedRoutes } from '../support/documented-routes';
import { eventually } from '../support/eventually';
import { profileOf, type Profiled } from '../support/profiler';
import { OF_TESTS } from '../support/stack';
import { useReceiver, useStack } from '../support/use';
import { insertDelivery, insertUnplanned } from './api/insert';

/** Lists of what is to be done, which is read as a whole and then removed. */
const READ_WHOLE = ['endings', 'recounts'];

const told = ({ ns, command: { filter, query, q, pipeline } }: Profiled): string =>
  `${ns.slice(ns.indexOf('.') + 1)} ${JSON.stringify(filter ?? query ?? q ?? pipeline)}`;

describe('MongoDB', () => {
  const stack = useStack();
  const receiver = useReceiver();

  /** What it does meanwhile, beside what tests ask of it. */
  const profiledIn = async (work: () => Promise<unknown>): Promise<Profiled[]> => {
    const db = stack.store.deliveries.model.db.db!;
    return (await profileOf(db, work, { 'command.comment': { $ne: OF_TESTS } })).profiled;
  };

  const expectNoScans = (profiled: Profiled[]): void => {
    const scans = profiled.filter(({ planSummary }) => planSummary?.includes('COLLSCAN'));
    const isReadWhole = (scan: Profiled) => READ_WHOLE.some((name) => scan.ns.endsWith(`.${name}`));
    expect(scans.filter((scan) => !isReadWhole(scan)).map(told)).toEqual([]);
    expect(profiled.length).toBeGreaterThan(100);
  };

  it.each(WAYS)('has an index for all that workers and reconcile ask (%s)', async (dispatch) => {
    const profiled = await profiledIn(async () => {
      const { client } = await stack.project({ dispatch });
      const policy = { retryDelaysMs: [1000] };
      const webhook = await makeWebhook(client, receiver.url, { policy });
      const ended = await deliveryWith(client, await postEvent(client), { status: 'succeeded' });
      receiver.respondWith(500);
      await deliveryWith(client, await postEvent(client), { status: 'failed' });
      receiver.respondWith(200);
      await client.post(`/v1/webhooks/${webhook.id}/pause`);
      const held = await postEvent(client);
      await deliveryWith(client, held, { status: 'held' });
      await client.post(`/v1/webhooks/${webhook.id}/resume`);
      await deliveryWith(client, held, { status: 'succeeded' });
      await client.post(`/v1/deliveries/${ended.id}/replay`);
      await deliveryWith(client, ended.id, { status: 'succeeded', replays: 1 });
      await client.post('/v1/replays', {
        statuses: ['succeeded'],
        since: new Date(Date.now() - 3_600_000),
        until: new Date(),
      });
      await deliveryWith(client, ended.id, { status: 'succeeded', replays: 2 });
      await stack.reconcile();
      await stack.reconcile();
    });
    expectNoScans(profiled);
  });

  it.each(WAYS)('has an index for all that each change by the API asks (%s)', async (dispatch) => {
    const changed = new Set<string>();
    /** Makes changes with that client, each by its route and the values in it. */
    const changesBy =
      (client: ApiClient) =>
      async (route: string, values: readonly string[] = [], body?: unknown) => {
        const [method = '', template = ''] = route.split(' ');
        const left = values.values();
        const path = template.replaceAll(/\{\w+\}/g, () => left.next().value!);
        const answer = await client.send(method, path, body);
        if (answer.status >= 300) throw new Error(`${route}: ${JSON.stringify(answer.body)}`);
        changed.add(route);
        return answer.body.data ?? answer.body;
      };
    const admin = changesBy(stack.admin);
    const clientOf = async (projectId: string): Promise<ApiClient> => {
      const key = { name: 'Owner', role: 'owner' };
      const made = await admin('POST /v1/projects/{projectId}/keys', [projectId], key);
      return new ApiClient(stack.url, made.key);
    };
    const definition = { description: 'Any', schema: { type: 'object' }, sample: {} };
    const event = { type: 'any.thing', data: {} };

    const profiled = await profiledIn(async () => {
      const shared = [`shared-${dispatch}`, 'any.other'];
      await admin('PUT /v1/catalogs/{name}/event-types/{type}', shared, definition);
      const project = { name: 'Test', profile: 'custom', dispatch };
      const { id: projectId } = await admin('POST /v1/projects', [], project);
      await admin('PATCH /v1/projects/{id}', [projectId], { catalog: shared[0] });
      const client = await clientOf(projectId);
      const owner = changesBy(client);
      const post = async (): Promise<{ event: string; delivery: string }> => {
        const { id } = await owner('POST /v1/events', [], event);
        const delivery = await eventually('it is planned', async () => {
          const { data } = (await client.get(`/v1/deliveries?eventId=${id}`)).body;
          return data.deliveries[0]?.id as string | undefined;
        });
        return { event: id, delivery };
      };
      await owner('PUT /v1/event-types/{type}', ['any.thing'], definition);
      const policy = { retryDelaysMs: [3_600_000] };
      const made = { name: 'Test', url: receiver.url, events: ['*'], policy };
      const { id: webhook } = await owner('POST /v1/webhooks', [], made);
      await owner('POST /v1/webhooks/{id}/secret/rotate', [webhook], {});
      await owner('POST /v1/webhooks/{id}/test', [webhook], {});

      receiver.respondWith(500);
      const { delivery: failed } = await post();
      await deliveryWith(client, failed, { status: 'pending', attemptCount: 1 });
      receiver.respondWith(200);
      await owner('POST /v1/deliveries/{id}/retry', [failed]);
      await deliveryWith(client, failed, { status: 'succeeded' });
      await owner('POST /v1/deliveries/{id}/replay', [failed]);
      await deliveryWith(client, failed, { status: 'succeeded', replays: 1 });

      // A replay runs as long as a paused webhook holds something of it.
      await owner('POST /v1/webhooks/{id}/pause', [webhook]);
      const range = { since: new Date(0), until: new Date(Date.now() + 60_000) };
      const query = { statuses: ['succeeded'], ...range };
      const { id: replay } = await owner('POST /v1/replays', [], query);
      await deliveryWith(client, failed, { status: 'held' });
      await owner('POST /v1/replays/{id}/pause', [replay]);
      await owner('POST /v1/replays/{id}/resume', [replay]);
      await deliveryWith(client, failed, { status: 'held' });
      await owner('POST /v1/replays/{id}/cancel', [replay]);

      const held = [await post(), await post(), await post(), await post()];
      for (const { delivery } of held) await deliveryWith(client, delivery, { status: 'held' });
      await owner('POST /v1/deliveries/{id}/cancel', [held[0]!.delivery]);
      await owner('DELETE /v1/events/{id}', [held[1]!.event]);
      await owner('POST /v1/webhooks/{id}/resume', [webhook]);
      await deliveryWith(client, held[2]!.delivery, { status: 'succeeded' });
      await owner('PATCH /v1/webhooks/{id}', [webhook], { isActive: false });
      await owner('POST /v1/events/batch', [], { events: [event, event] });
      await owner('PATCH /v1/webhooks/{id}', [webhook], { isActive: true });
      await owner('DELETE /v1/webhooks/{id}', [webhook]);
      await owner('DELETE /v1/event-types/{type}', ['any.thing']);
      await owner('POST /v1/portal-links', [], { capabilities: 'manage' });
      await owner('DELETE /v1/portal-links');

      const platform = { name: 'Test', profile: 'platform', dispatch };
      const { id: platformId } = await admin('POST /v1/projects', [], platform);
      const sender = changesBy(await clientOf(platformId));
      const subscription = { url: receiver.url, events: 'open' };
      const { id: managed } = await sender('POST /api/webhooks/manage', [], subscription);
      await sender('PUT /api/webhooks/manage/{id}', [managed], subscription);
      await sender('PATCH /api/webhooks/manage/{id}', [managed], { events: 'open,click' });
      await sender('POST /api/webhooks', [], {
        type: 'open',
        email_id: 'em_1',
        recipient: 'a@b.c',
      });
      await sender('POST /api/webhooks/{provider}', ['sendgrid'], [{ event: 'open' }]);
      await sender('DELETE /api/webhooks/manage/{id}', [managed]);

      const other = { name: 'Reader', role: 'reader' };
      const key = await admin('POST /v1/projects/{projectId}/keys', [projectId], other);
      await admin('DELETE /v1/projects/{projectId}/keys/{keyId}', [projectId, key.id]);
      await admin('POST /v1/sign-in-links', [], {});
      await admin('DELETE /v1/projects/{id}', [projectId]);
      await admin('DELETE /v1/catalogs/{name}/event-types/{type}', shared);
      await stack.reconcile();
    });
    expectNoScans(profiled);
    const routes = documentedRoutes().filter(({ method }) => method !== 'GET');
    expect(changed).toEqual(new Set(routes.map(({ method, path }) => `${method} ${path}`)));
  });

  it('finds a project by its external id in an index', async () => {
    await stack.project({ externalId: 'known' });
    const profiled = await profiledIn(async () => {
      expect((await stack.admin.get('/v1/projects/ext:none')).status).toBe(404);
    });
    const own = profiled.filter((read) => told(read).includes('"none"'));
    expect(own.map(({ planSummary }) => planSummary)).toEqual([
      expect.stringContaining('externalId'),
    ]);
  });

  it('reads what has been due for longest, and nothing else, for the overview', async () => {
    const { id: projectId } = await stack.project();
    const pending = { projectId, status: 'pending' as const, completedAt: null };
    for (const express of [{}, { isExpress: true }]) {
      for (const minutes of [3, 2, 1]) {
        const at = new Date(Date.now() - minutes * 60_000);
        await insertDelivery(stack, { ...pending, ...express });
        await insertDelivery(stack, { ...pending, ...express, nextAttemptAt: at });
        await insertUnplanned(stack, { projectId, acceptedAt: at, ...express });
      }
    }
    const profiled = await profiledIn(() => oldestDueOf(stack.store, projectId));
    // Couriers of other projects look for work meanwhile.
    const own = profiled.filter((read) => told(read).includes(projectId));
    expect(own.map(({ docsExamined }) => docsExamined)).toEqual([1, 1, 1, 1]);
  });
});
