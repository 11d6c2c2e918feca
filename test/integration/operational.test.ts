import { createHmac } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { OPERATIONAL_TYPES } from '../../src/contracts/operational';
import { announceFailure } from '../../src/store/operational-events';
import type { ApiClient } from '../support/api-client';
import { deliveryWith, makeWebhook, postEvent } from '../support/deliveries';
import { eventually } from '../support/eventually';
import type { ReceivedRequest } from '../support/receiver';
import { emailSent } from '../support/samples';
import { useReceiver, useStack } from '../support/use';

describe('operational webhooks', () => {
  const stack = useStack();
  const receiver = useReceiver();

  beforeAll(async () => {
    receiver.respondWith(({ path }) => Number(path.split('/')[1]) || 200);
  });

  let paths = 0;
  /** An own path of the receiver, answered with that status. */
  const pathFor = (status = 200): string => `/${status}/${(paths += 1)}`;
  const at = (path: string): string => receiver.url + path;
  const received = (path: string): ReceivedRequest[] =>
    receiver.requests.filter((request) => request.path === path);
  const bodies = (path: string) =>
    received(path).map(({ rawBody }) => JSON.parse(rawBody.toString()));
  const gets = (path: string, count: number) =>
    eventually(`${path} gets ${count}`, () => received(path).length >= count && bodies(path));
  /** The project's operational events, oldest first. */
  const eventsOf = async (client: ApiClient): Promise<{ type: string; data: unknown }[]> => {
    const { body } = await client.get('/v1/events?limit=100&include=data');
    return body.data.events
      .filter(({ type }: { type: string }) => OPERATIONAL_TYPES.some((known) => known === type))
      .toReversed();
  };

  it('reports a webhook that is disabled and enabled, once each, in the profile’s form', async () => {
    const { client } = await stack.project();
    const orders = await makeWebhook(client, at(pathFor()), { name: 'Orders' });
    const path = pathFor();
    const watcher = await makeWebhook(client, at(path), {
      events: ['webhook.disabled', 'webhook.enabled'],
    });
    const patch = (isActive: boolean) => client.patch(`/v1/webhooks/${orders.id}`, { isActive });
    await patch(false);
    await patch(false);
    const [disabled] = await gets(path, 1);
    expect(disabled).toEqual({
      type: 'webhook.disabled',
      createdAt: expect.any(String),
      data: {
        webhookId: orders.id,
        webhookName: 'Orders',
        reason: 'manual',
        failureCount: 0,
        disabledAt: expect.any(String),
      },
    });
    const [request] = received(path);
    expect(request!.headers['x-webhook-event']).toBe('webhook.disabled');
    expect(request!.headers['x-webhook-signature']).toBe(
      createHmac('sha256', watcher.secret).update(request!.rawBody).digest('hex'),
    );
    await patch(true);
    await patch(true);
    const [, enabled] = await gets(path, 2);
    expect(enabled).toMatchObject({
      type: 'webhook.enabled',
      data: { webhookId: orders.id, webhookName: 'Orders', enabledAt: expect.any(String) },
    });
    expect((await eventsOf(client)).map(({ type }) => type)).toEqual([
      'webhook.disabled',
      'webhook.enabled',
    ]);
  });

  it('reports a new secret, never the secret itself, signed by Standard Webhooks', async () => {
    const { client } = await stack.project({ profile: 'custom' });
    const path = pathFor();
    const settings = { events: ['webhook.secret_rotated'] };
    const watcher = await makeWebhook(client, at(path), settings);
    const other = await makeWebhook(client, at(pathFor()), settings);
    const rotated = await client.post(`/v1/webhooks/${other.id}/secret/rotate`, {
      overlapHours: 2,
    });
    await gets(path, 1);
    const [{ rawBody, headers }] = received(path) as [ReceivedRequest];
    const verified = new Webhook(watcher.secret).verify(
      rawBody.toString(),
      headers as Record<string, string>,
    ) as { type: string; timestamp: string; data: Record<string, string> };
    expect(verified).toMatchObject({
      type: 'webhook.secret_rotated',
      timestamp: expect.any(String),
      data: { webhookId: other.id },
    });
    const { rotatedAt, overlapEndsAt } = verified.data;
    expect(Date.parse(overlapEndsAt!) - Date.parse(rotatedAt!)).toBe(2 * 3_600_000);
    expect(rawBody.toString()).not.toContain(rotated.body.data.secret);
  });

  it('reports a delivery that failed, and the webhook that it disabled', async () => {
    const { client } = await stack.project();
    const failing = await makeWebhook(client, at(pathFor(410)), { name: 'Gone' });
    const path = pathFor();
    await makeWebhook(client, at(path), { events: ['delivery.failed', 'webhook.disabled'] });
    const deliveryId = await postEvent(client);
    const told = await gets(path, 2);
    expect(told.find(({ type }) => type === 'delivery.failed')?.data).toEqual({
      webhookId: failing.id,
      webhookName: 'Gone',
      deliveryId,
      eventId: expect.stringMatching(/^evt_/),
      eventType: 'email.sent',
      attempts: 1,
      replays: 0,
      statusCode: 410,
      errorCode: null,
      failedAt: expect.any(String),
    });
    expect(told.find(({ type }) => type === 'webhook.disabled')?.data).toMatchObject({
      webhookId: failing.id,
      reason: 'gone',
      failureCount: 1,
    });
  });

  it('reports the failures after which a webhook is disabled', async () => {
    const { client } = await stack.project();
    const failing = await makeWebhook(client, at(pathFor(500)), {
      policy: { retryDelaysMs: [1000], autoDisableAfter: 2 },
    });
    const path = pathFor();
    await makeWebhook(client, at(path), { events: ['webhook.disabled'] });
    await postEvent(client);
    const [disabled] = await gets(path, 1);
    expect(disabled.data).toMatchObject({
      webhookId: failing.id,
      reason: 'consecutive_failures',
      failureCount: 2,
    });
  });

  it('reports each replay that fails, and each failure once however often it is settled', async () => {
    const { client } = await stack.project();
    const failing = await makeWebhook(client, at(pathFor(410)));
    const path = pathFor();
    await makeWebhook(client, at(path), { events: ['delivery.failed'] });
    const deliveryId = await postEvent(client);
    await gets(path, 1);
    const delivery = (await stack.store.deliveries.find(deliveryId))!;
    const project = (await stack.store.projects.get(delivery.projectId))!;
    const webhook = (await stack.store.webhooks.get(project._id, failing.id))!;
    // What the activity does again when its process died before it could say that it was done.
    const attempt = { ...delivery.attempts[0]!, failedRound: 0 };
    const again = await Promise.all(
      Array.from({ length: 5 }, () =>
        announceFailure(stack.store, project, webhook, delivery, attempt),
      ),
    );
    expect(new Set(again.flat().map(({ _id }) => _id)).size).toBe(1);
    expect(await eventsOf(client)).toHaveLength(1);

    await client.post(`/v1/deliveries/${deliveryId}/replay`);
    const [, second] = await gets(path, 2);
    expect(second.data).toMatchObject({ deliveryId, attempts: 2, replays: 1 });
    expect(await eventsOf(client)).toHaveLength(2);
  });

  it('never sends a webhook events about itself, nor about a failure of such an event', async () => {
    const { client } = await stack.project();
    const events = ['*', ...OPERATIONAL_TYPES];
    const gone = pathFor(410);
    const self = await makeWebhook(client, at(gone), { name: 'Self', events });
    const deliveryId = await postEvent(client);
    await deliveryWith(client, deliveryId, { status: 'failed' });
    // Alone in its project, it has no subscriber.
    await eventually('it is disabled', async () => {
      return (await client.get(`/v1/webhooks/${self.id}`)).body.data.isActive === false;
    });
    expect(await eventsOf(client)).toEqual([]);
    expect(received(gone)).toHaveLength(1);

    const quiet = pathFor();
    const other = await makeWebhook(client, at(pathFor(410)), { name: 'Other', events });
    await makeWebhook(client, at(quiet), { events: ['webhook.disabled', 'delivery.failed'] });
    await client.patch(`/v1/webhooks/${self.id}`, { isActive: true });
    await client.patch(`/v1/webhooks/${self.id}`, { isActive: false });
    // "Other" answers 410 to news of Self: that disables it, which is news; that it failed is none.
    await eventually('Other is disabled', async () => {
      const { body } = await client.get(`/v1/webhooks/${other.id}`);
      return body.data.isActive === false;
    });
    await eventually('its end is told', () =>
      bodies(quiet).some(({ data }) => data.webhookId === other.id),
    );
    await eventually('all fan-outs are done', async () => {
      const open = await stack.store.events.model.countDocuments({ fannedOutAt: null });
      return open === 0;
    });
    const types = (await eventsOf(client)).map(({ type }) => type);
    expect(types).not.toContain('delivery.failed');
    expect(types.filter((type) => type === 'webhook.disabled')).toHaveLength(2);
    const deliveries = await stack.store.deliveries.model
      .find({ projectId: { $exists: true }, eventType: { $in: OPERATIONAL_TYPES } })
      .lean();
    for (const { eventId, webhookId } of deliveries) {
      const event = await stack.store.events.find(eventId);
      if (event?.onlyWebhookId === undefined) expect(event?.aboutWebhookId).not.toBe(webhookId);
    }
  });

  it('does not report failed tests', async () => {
    const { client } = await stack.project();
    const failing = await makeWebhook(client, at(pathFor(410)));
    await makeWebhook(client, at(pathFor()), { events: ['delivery.failed'] });
    const { body } = await client.post(`/v1/webhooks/${failing.id}/test`, {
      events: ['email.sent'],
    });
    await deliveryWith(client, body.data.deliveries[0].id, { status: 'failed' });
    expect(await eventsOf(client)).toEqual([]);
  });

  it('creates no event without a subscriber, `*` included', async () => {
    const { client } = await stack.project();
    const path = pathFor();
    const { id } = await makeWebhook(client, at(pathFor(410)));
    await makeWebhook(client, at(path), { events: ['*', 'email.*'] });
    await postEvent(client);
    await gets(path, 1);
    await eventually('it is disabled', async () => {
      const { body } = await client.get(`/v1/webhooks/${id}`);
      return body.data.disabledReason === 'gone';
    });
    await client.patch(`/v1/webhooks/${id}`, { isActive: true });
    await client.post(`/v1/webhooks/${id}/secret/rotate`);
    expect(await eventsOf(client)).toEqual([]);
    expect(bodies(path).map(({ type }) => type)).toEqual(['email.sent']);
  });

  it('is not part of the catalogue, and can not be posted', async () => {
    const { client } = await stack.project();
    const { body } = await client.get('/v1/webhooks/events/available');
    expect(body.data.events).toHaveLength(13);
    for (const type of OPERATIONAL_TYPES) {
      expect(body.data.events).not.toContain(type);
      expect((await client.post('/v1/events', { type, data: emailSent })).status).toBe(422);
    }
    for (const family of ['webhook.*', 'delivery.*', 'delivery.succeeded']) {
      const settings = { name: 'x', url: at('/x'), events: [family] };
      expect((await client.post('/v1/webhooks', settings)).status).toBe(422);
    }
  });

  it('is tested with samples, as other types are', async () => {
    const { client } = await stack.project({ profile: 'emailsendx' });
    const path = pathFor();
    const { id } = await makeWebhook(client, at(path), { events: [...OPERATIONAL_TYPES] });
    const { status, body } = await client.post(`/v1/webhooks/${id}/test`);
    expect(status).toBe(202);
    expect(body.data.deliveries.map((d: { eventType: string }) => d.eventType)).toEqual(
      OPERATIONAL_TYPES,
    );
    await eventually('they arrive', () =>
      OPERATIONAL_TYPES.every((type) => bodies(path).some(({ event }) => event === type)),
    );
  });

  it('asks an index whether somebody is subscribed', async () => {
    const plan = await stack.store.webhooks.model
      .find({ projectId: 'proj_1', events: 'delivery.failed', _id: { $ne: 'wh_1' } })
      .explain('queryPlanner');
    expect(JSON.stringify(plan)).toContain('projectId_1_events_1');
  });

  it('leaves what a crash cut off to reconcile', async () => {
    const { client } = await stack.project();
    const orders = await makeWebhook(client, at(pathFor()));
    const path = pathFor();
    await makeWebhook(client, at(path), { events: ['webhook.disabled'] });
    const start = jest
      .spyOn(stack.engine, 'startFanOut')
      .mockRejectedValueOnce(new Error('the process fell over'));
    await client.patch(`/v1/webhooks/${orders.id}`, { isActive: false });
    await eventually('its fan-out failed to start', () => start.mock.calls.length > 0);
    start.mockRestore();
    expect(received(path)).toEqual([]);
    await stack.reconcile();
    expect((await gets(path, 1))[0]).toMatchObject({ data: { webhookId: orders.id } });
  });
});
