import { createPosthornClient, type Schema } from '../../../clients/typescript';
import { eventually } from '../../support/eventually';
import { Receiver } from '../../support/receiver';
import { emailSent } from '../../support/samples';
import { Stack } from '../../support/stack';

describe('the typed client', () => {
  let stack: Stack;
  let receiver: Receiver;

  beforeAll(async () => {
    [stack, receiver] = await Promise.all([Stack.start(), Receiver.start()]);
  });
  afterAll(async () => {
    await Promise.all([stack.stop(), receiver.close()]);
  });

  it('takes an event from the webhook’s creation to its replay', async () => {
    const posthorn = (await stack.project()).client.typed;
    const created = await posthorn.POST('/v1/webhooks', {
      body: { name: 'Orders', url: `${receiver.url}/hooks`, events: ['email.*'] },
    });
    expect(created.response.status).toBe(201);
    const webhook = created.data!.data as Schema<'NewWebhook'>;
    expect(webhook).toMatchObject({ isActive: true, secret: expect.any(String) });

    const posted = await posthorn.POST('/v1/events', {
      params: { header: { 'idempotency-key': 'order-1' } },
      body: { type: 'email.sent', data: emailSent },
    });
    expect(posted.response.status).toBe(202);
    const query = { eventId: posted.data!.data.id, status: 'succeeded' as const };
    const arrived = await eventually('the event arrives', async () => {
      const list = await posthorn.GET('/v1/deliveries', { params: { query } });
      return list.data!.data.deliveries[0];
    });

    const path = { id: arrived.id };
    const replay = await posthorn.POST('/v1/deliveries/{id}/replay', { params: { path } });
    expect(replay.data!.data).toMatchObject({ status: 'pending', replays: 1 });
    const again = await eventually('it arrives again', async () => {
      const { data } = await posthorn.GET('/v1/deliveries/{id}', { params: { path } });
      return data!.data.status === 'succeeded' && data!.data;
    });
    expect(again.attempts.map(({ statusCode }) => statusCode)).toEqual([200, 200]);
  });

  it('answers a refusal as a value with its code', async () => {
    const posthorn = (await stack.project()).client.typed;
    const { data, error, response } = await posthorn.GET('/v1/webhooks/{id}', {
      params: { path: { id: 'wh_00000000000000000000000000000000' } },
    });
    expect(data).toBeUndefined();
    expect(response.status).toBe(404);
    expect(error?.error.code).toBe('not_found');
  });

  it('names the project of the admin key', async () => {
    const { id } = await stack.project({ name: 'Acme' });
    const admin = createPosthornClient({ url: stack.url, key: stack.admin.key, projectId: id });
    const { data } = await admin.GET('/v1/webhooks');
    expect(data?.data.webhooks).toEqual([]);
  });
});
