import { deliveryWorkflowId } from '../../src/contracts/temporal';
import { resetToStart } from '../../src/temporal/reset';
import type { ApiClient } from '../support/api-client';
import { deliveryWith, makeWebhook, postEvent } from '../support/deliveries';
import { WAYS } from '../support/dispatch';
import { eventually } from '../support/eventually';
import { emailSent } from '../support/samples';
import { useFreshReceiver, useStack } from '../support/use';
import { insertDeliveries } from './api/insert';

const DAY_MS = 24 * 60 * 60 * 1000;
const MARK = 'payload-mark-7f3a';
/** More than are changed together. */
const RECEIVERS = 250;
const marked = { ...emailSent, subject: MARK };

const stack = useStack();

describe.each(WAYS)('what a project keeps, dispatched %s,', (dispatch) => {
  const receiver = useFreshReceiver();
  let client: ApiClient;
  let projectId: string;

  beforeEach(async () => {
    ({ client, id: projectId } = await stack.project({ dispatch }));
  });

  const stored = async () => {
    const [events, deliveries] = await Promise.all([
      stack.store.events.model.find({ projectId }).lean(),
      stack.store.deliveries.model.find({ projectId }).lean(),
    ]);
    return { events, deliveries };
  };
  const post = (data: Record<string, unknown> = marked, headers?: Record<string, string>) =>
    client.post('/v1/events', { type: 'email.sent', data }, headers);

  describe('by its own retention', () => {
    const keepFor = (retentionDays?: number) =>
      stack.admin.patch(`/v1/projects/${projectId}`, {
        policy: retentionDays === undefined ? {} : { retentionDays },
      });

    it.each([
      ['its own days', 3, 3],
      ['those of the configuration where it has none', undefined, 30],
    ])('is kept for %s', async (_what, own, expected) => {
      const answer = await keepFor(own);
      expect(answer.status).toBe(200);
      expect(answer.body.data.policy.retentionDays).toBe(own);
      const webhook = await makeWebhook(client, receiver.url);
      await deliveryWith(client, await postEvent(client), { status: 'succeeded' });
      await client.post(`/v1/webhooks/${webhook.id}/test`, { events: ['email.opened'] });
      await client.post('/v1/events/batch', { events: [{ type: 'email.sent', data: emailSent }] });
      const { events, deliveries } = await eventually('all is stored', async () => {
        const all = await stored();
        return all.events.length === 3 && all.deliveries.length === 3 && all;
      });
      for (const { acceptedAt, expiresAt } of events) {
        expect(expiresAt.getTime() - acceptedAt.getTime()).toBe(expected * DAY_MS);
      }
      // With its event: without that it could not be replayed.
      const expiries = new Map(events.map(({ _id, expiresAt }) => [_id, expiresAt]));
      for (const { eventId, expiresAt } of deliveries) {
        expect(expiresAt).toEqual(expiries.get(eventId));
      }
    });

    it.each([0, -1, 3651, 1.5, '30', null])('is refused for %j days', async (retentionDays) => {
      const answer = await stack.admin.patch(`/v1/projects/${projectId}`, {
        policy: { retentionDays },
      });
      expect(answer.status).toBe(422);
      expect(answer.body.error.details[0].field).toBe('policy.retentionDays');
    });

    it('is not for a webhook to say', async () => {
      const body = { name: 'x', url: receiver.url, events: ['*'], policy: { retentionDays: 1 } };
      const answer = await client.post('/v1/webhooks', body);
      expect(answer.status).toBe(422);
    });

    it('is removed when its time has come, and nothing else is', async () => {
      await makeWebhook(client, receiver.url);
      const [old, young] = [await postEvent(client), await postEvent(client)];
      await deliveryWith(client, old, { status: 'succeeded' });
      const kept = await deliveryWith(client, young, { status: 'succeeded' });
      const { eventId } = await deliveryWith(client, old, { status: 'succeeded' });
      const past = { $set: { expiresAt: new Date() } };
      await stack.store.events.model.updateOne({ _id: eventId }, past);
      await stack.store.deliveries.model.updateOne({ _id: old }, past);

      await eventually('both are gone', async () => {
        await stack.reconcile();
        const answers = await Promise.all([
          client.get(`/v1/events/${eventId}`),
          client.get(`/v1/deliveries/${old}`),
        ]);
        return answers.every(({ status }) => status === 404);
      });
      expect((await client.get(`/v1/events/${kept.eventId}`)).status).toBe(200);
      expect((await client.get(`/v1/deliveries/${young}`)).status).toBe(200);
    });

    it('can not be replayed once its time has come, alone or in bulk: its event may be gone', async () => {
      await makeWebhook(client, receiver.url);
      const id = await postEvent(client);
      const { eventId } = await deliveryWith(client, id, { status: 'succeeded' });
      const range = { since: '2020-01-01T00:00:00Z', until: '2099-01-01T00:00:00Z' };
      const query = { ...range, statuses: ['succeeded'] };
      const past = { $set: { expiresAt: new Date() } };
      await stack.store.events.model.updateOne({ _id: eventId }, past);
      await stack.reconcile();
      expect(await stack.store.events.find(eventId)).not.toBeNull();
      await stack.store.deliveries.model.updateOne({ _id: id }, past);
      const [alone, inBulk] = await Promise.all([
        client.post(`/v1/deliveries/${id}/replay`),
        client.post('/v1/replays', { ...query, dryRun: true }),
      ]);
      expect(alone.status).toBe(404);
      expect(inBulk.body.data).toEqual({ matched: 0, byWebhook: {} });
      expect(receiver.requests).toHaveLength(1);
    });
  });

  describe('once a payload is expunged', () => {
    const expunge = (id: string) => client.delete(`/v1/events/${id}`);

    it('has it nowhere any more, but still the event and its deliveries', async () => {
      // A receiver that repeats what it gets.
      receiver.respondWith(({ rawBody }) => ({
        kind: 'answer',
        status: 200,
        headers: { 'x-echo': MARK },
        body: rawBody,
      }));
      await makeWebhook(client, receiver.url);
      const { body } = await post();
      const eventId = body.data.id as string;
      const id = await eventually('it is fanned out', async () => {
        const list = await client.get(`/v1/deliveries?eventId=${eventId}&status=succeeded`);
        return list.body.data.deliveries[0]?.id as string | undefined;
      });
      expect(JSON.stringify(await stored())).toContain(MARK);

      const answer = await expunge(eventId);
      expect(answer.status).toBe(200);
      expect(answer.body.data).toMatchObject({ id: eventId, type: 'email.sent', data: null });
      expect(Date.parse(answer.body.data.expungedAt)).not.toBeNaN();
      expect(JSON.stringify(await stored())).not.toContain(MARK);
      expect((await client.get(`/v1/events/${eventId}`)).body.data).toMatchObject({
        data: null,
        body: null,
        deliveries: [{ id, status: 'succeeded' }],
      });
      const delivery = (await client.get(`/v1/deliveries/${id}`)).body.data;
      expect(delivery.attempts).toMatchObject([
        { number: 1, outcome: 'succeeded', statusCode: 200 },
      ]);
      // Once more changes nothing.
      expect((await expunge(eventId)).body.data).toEqual(answer.body.data);
    });

    it('has it in no answer of many receivers either', async () => {
      const { body } = await post();
      const eventId = body.data.id as string;
      const answered = {
        number: 1,
        runId: 'run',
        startedAt: new Date(),
        durationMs: 1,
        outcome: 'succeeded' as const,
        statusCode: 200,
        requestHeaders: {},
        responseBody: MARK,
        responseBodyCut: true as const,
      };
      const of = { projectId, eventId, attempts: [answered], attemptCount: 1 };
      await insertDeliveries(
        stack,
        Array.from({ length: RECEIVERS }, () => of),
      );
      expect((await expunge(eventId)).status).toBe(200);
      const { deliveries } = await stored();
      expect(deliveries).toHaveLength(RECEIVERS);
      expect(JSON.stringify(deliveries)).not.toContain(MARK);
      expect(JSON.stringify(deliveries)).not.toContain('responseBodyCut');
      for (const { expunged } of deliveries) expect(expunged).toBe(true);
    });

    it('lets what is pending end cancelled, its workflow too, and sends nothing more', async () => {
      receiver.respondWith(500);
      await makeWebhook(client, receiver.url);
      const id = await postEvent(client);
      const { eventId } = await deliveryWith(client, id, { attemptCount: 1 });
      await expunge(eventId as string);
      await deliveryWith(client, id, { status: 'cancelled', nextAttemptAt: null });
      await eventually('its workflow has ended', async () => {
        return [null, 'ended'].includes(await stack.engine.findRun(id));
      });
      expect(receiver.requests).toHaveLength(1);
    });

    it('ends what is held', async () => {
      const webhook = await makeWebhook(client, receiver.url);
      await client.post(`/v1/webhooks/${webhook.id}/pause`);
      const id = await postEvent(client);
      const { eventId } = await deliveryWith(client, id, { status: 'held' });
      await expunge(eventId as string);
      await deliveryWith(client, id, { status: 'cancelled' });
      await client.post(`/v1/webhooks/${webhook.id}/resume`);
      await deliveryWith(client, await postEvent(client), { status: 'succeeded' });
      expect(receiver.requests).toHaveLength(1);
    });

    it('while an exchange is in progress, logs the attempt without what was answered', async () => {
      let answer!: () => void;
      const asked = new Promise<void>((resolve) => (answer = resolve));
      const { sender } = stack;
      const send = jest.spyOn(sender, 'send').mockImplementation(async (request) => {
        const result = await Object.getPrototypeOf(sender).send.call(sender, request);
        await asked;
        return result;
      });
      receiver.respondWith({ kind: 'answer', status: 200, body: MARK });
      await makeWebhook(client, receiver.url);
      const id = await postEvent(client);
      await receiver.waitFor(1);
      const { eventId } = (await stack.store.deliveries.find(id))!;
      await expunge(eventId);
      answer();
      const delivery = await deliveryWith(client, id, { attemptCount: 1 });
      expect(delivery).toMatchObject({ status: 'cancelled', attempts: [{ statusCode: 200 }] });
      expect(JSON.stringify(await stored())).not.toContain(MARK);
      send.mockRestore();
    });

    it('refuses to replay it, alone and in bulk', async () => {
      const webhook = await makeWebhook(client, receiver.url);
      const id = await postEvent(client);
      const { eventId } = await deliveryWith(client, id, { status: 'succeeded' });
      await expunge(eventId as string);
      const refused = await client.post(`/v1/deliveries/${id}/replay`);
      expect(refused.status).toBe(409);
      expect(refused.body.error.code).toBe('event_expunged');
      const dryRun = await client.post('/v1/replays', {
        webhookId: webhook.id,
        statuses: ['succeeded'],
        since: new Date(Date.now() - 60_000).toISOString(),
        until: new Date(Date.now() + 60_000).toISOString(),
        dryRun: true,
      });
      expect(dryRun.body.data.matched).toBe(0);
      expect(await stack.store.deliveries.find(id)).toMatchObject({
        status: 'succeeded',
        replays: 0,
      });
      expect(receiver.requests).toHaveLength(1);
    });

    if (dispatch === 'workflow') {
      it('sends nothing when an operator resets its workflow', async () => {
        await makeWebhook(client, receiver.url);
        const id = await postEvent(client);
        const { eventId } = await deliveryWith(client, id, { status: 'succeeded' });
        await expunge(eventId as string);
        const workflowId = deliveryWorkflowId(id);
        const priority = { priorityKey: 3 };
        const reset = stack.temporal((c) =>
          resetToStart(c, workflowId, priority, 'by an operator'),
        );
        expect(await reset).toBe(true);
        await eventually('its run has ended', async () => {
          return (await stack.engine.findRun(id)) === 'ended';
        });
        await deliveryWith(client, id, { status: 'succeeded', replays: 0 });
        expect(receiver.requests).toHaveLength(1);
      });
    }

    it('before its fan-out, plans nothing', async () => {
      await makeWebhook(client, receiver.url);
      const start = jest
        .spyOn(stack.engine, dispatch === 'express' ? 'wakeCourier' : 'startFanOut')
        .mockRejectedValueOnce(new Error('Temporal is unavailable'));
      const eventId = (await post()).body.data.id as string;
      await eventually('Temporal has been asked', () => start.mock.calls.length > 0);
      start.mockRestore();
      await expunge(eventId);
      expect(await stack.reconcile()).toMatchObject({ events: 1 });
      await eventually('its fan-out has ended', async () => {
        return (await stack.store.events.find(eventId))?.fannedOutAt;
      });
      expect((await stored()).deliveries).toEqual([]);
    });

    it('keeps its idempotency key used', async () => {
      const headers = { 'Idempotency-Key': 'order-1' };
      const eventId = (await post(marked, headers)).body.data.id as string;
      await expunge(eventId);
      const again = await post(marked, headers);
      expect(again.body.data).toMatchObject({ id: eventId, duplicate: true });
      expect((await post(emailSent, headers)).body.error.code).toBe('idempotency_conflict');
      expect((await stored()).events).toHaveLength(1);
    });

    it('has forgotten the provider’s report that it came from', async () => {
      const platform = await stack.project({ profile: 'platform' });
      await platform.client.post('/api/webhooks', {
        type: 'opened',
        email_id: 'em_1',
        recipient: `${MARK}@example.com`,
      });
      const [event] = await stack.store.events.model.find({ projectId: platform.id }).lean();
      const reports = () => stack.store.inbound.model.find({ projectId: platform.id }).lean();
      expect(JSON.stringify(await reports())).toContain(MARK);
      expect((await platform.client.delete(`/v1/events/${event!._id}`)).status).toBe(200);
      expect(await reports()).toMatchObject([{ payload: 'null', eventId: event!._id }]);
    });

    it('is in the audit, and for owners alone', async () => {
      const eventId = (await post()).body.data.id as string;
      for (const role of ['reader', 'sender']) {
        const other = await stack.client(projectId, role);
        expect((await other.delete(`/v1/events/${eventId}`)).status).toBe(403);
      }
      const stranger = await stack.project();
      expect((await stranger.client.delete(`/v1/events/${eventId}`)).status).toBe(404);
      expect((await stack.store.events.find(eventId))?.body).toContain(MARK);
      expect((await expunge(eventId)).status).toBe(200);
      const { body } = await client.get(`/v1/audit?target=${eventId}`);
      expect(body.data.entries).toMatchObject([{ action: 'event.expunged', target: eventId }]);
    });
  });
});
