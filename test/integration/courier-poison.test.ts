import { DISPATCHES } from '../../src/contracts/delivery';
import { deliveryWith, makeWebhook, postEvent } from '../support/deliveries';
import { eventually } from '../support/eventually';
import { emailSent } from '../support/samples';
import { useFreshReceiver, useStack } from '../support/use';
import { insertDeliveries } from './api/insert';

/** Timers may fire a millisecond early, and clocks round. */
const ROUNDING_MS = 5;

describe('what a courier fails at again and again', () => {
  const stack = useStack();
  const receiver = useFreshReceiver();

  it('is tried again after a pause', async () => {
    const { client } = await stack.project({ dispatch: 'express' });
    await makeWebhook(client, receiver.url);
    const send = stack.sender.send.bind(stack.sender);
    const triedAt: number[] = [];
    const spy = jest.spyOn(stack.sender, 'send').mockImplementation(async (request) => {
      triedAt.push(performance.now());
      if (triedAt.length < 3) throw new Error('a fault of Posthorn’s own');
      return send(request);
    });
    try {
      await client.post('/v1/events', { type: 'email.sent', data: emailSent });
      await receiver.waitFor(1);
    } finally {
      spy.mockRestore();
    }
    const [first, second, third] = triedAt;
    expect(second! - first!).toBeGreaterThanOrEqual(1000 - ROUNDING_MS);
    expect(third! - second!).toBeGreaterThanOrEqual(1000 - ROUNDING_MS);
  });

  it('does not keep other failures from being followed up', async () => {
    const { id: projectId, client } = await stack.project({ dispatch: 'express' });
    const { id: webhookId } = await makeWebhook(client, receiver.url);
    const { model } = stack.store.deliveries;
    const at = Date.now() - 60_000;
    const failed = Array.from({ length: 1401 }, (_, n) => ({
      projectId,
      webhookId,
      status: 'failed' as const,
      isExpress: true as const,
      followUp: true,
      completedAt: new Date(at + n),
    }));
    const ids = await insertDeliveries(stack, failed);
    // Behind more than are looked at together, in whatever order.
    const [other] = ids.splice(700, 1);
    // Whatever reads it fails.
    await model.updateMany({ _id: { $in: ids } }, { $set: { attempts: {} } });
    await eventually('the other one is followed up', async () => {
      await stack.reconcile();
      return (await model.findById(other).lean())!.followUp === undefined;
    });
    expect(await model.countDocuments({ projectId, followUp: true })).toBe(1400);
  });

  it('follows up the failure of a replay that comes while the one before is followed up', async () => {
    const policy = { retryDelaysMs: [1000] };
    const { id: projectId, client } = await stack.project({ dispatch: 'express', policy });
    await makeWebhook(client, receiver.url);
    await makeWebhook(client, `${receiver.url}/told`, { events: ['delivery.failed'] });
    receiver.respondWith(({ path }) => (path === '/told' ? 200 : 500));
    const { events, deliveries } = stack.store;
    const insert = events.insert.bind(events);
    let isFirst = true;
    const spy = jest.spyOn(events, 'insert').mockImplementation(async (event, ...rest) => {
      const inserted = await insert(event, ...rest);
      if (event.type !== 'delivery.failed' || !isFirst) return inserted;
      isFirst = false;
      const { _id } = (await deliveries.model.findOne({ projectId, status: 'failed' }).lean())!;
      await client.post(`/v1/deliveries/${_id}/replay`);
      await eventually('the replay has failed', async () => {
        const delivery = await deliveries.model.findById(_id).lean();
        return delivery!.attemptCount === 4 && delivery!.status === 'failed';
      });
      return inserted;
    });
    try {
      await client.post('/v1/events', { type: 'email.sent', data: emailSent });
      await eventually('both are told', async () => {
        await stack.reconcile();
        return receiver.requests.filter(({ path }) => path === '/told').length === 2;
      });
    } finally {
      spy.mockRestore();
    }
  });
});

describe('what MongoDB refuses', () => {
  const stack = useStack();
  const receiver = useFreshReceiver();

  it.each(DISPATCHES)('of an attempt is left out of it, and it counts, in %s', async (dispatch) => {
    const { client } = await stack.project({ dispatch });
    const { id: webhookId } = await makeWebhook(client, receiver.url);
    const send = stack.sender.send.bind(stack.sender);
    const spy = jest.spyOn(stack.sender, 'send').mockImplementation(async (request) => {
      return { ...(await send(request)), body: { _bsontype: 'none' } as never, isBodyCut: true };
    });
    try {
      const id = await postEvent(client);
      const delivery = await deliveryWith(client, id, { status: 'succeeded' });
      expect(delivery.attempts).toHaveLength(1);
      expect(delivery.attempts[0]).toMatchObject({ statusCode: 200, requestHeaders: {} });
      expect(delivery.attempts[0]).not.toHaveProperty('responseBody');
      expect(delivery.attempts[0]).not.toHaveProperty('responseBodyCut');
    } finally {
      spy.mockRestore();
    }
    await eventually('it counts', async () => {
      return (await client.get(`/v1/webhooks/${webhookId}`)).body.data.lastStatus === 200;
    });
  });

  it('of one webhook does not keep what others are sent from being recorded', async () => {
    const { id: projectId, client } = await stack.project({ dispatch: 'express' });
    const { id: broken } = await makeWebhook(client, receiver.url);
    for (let n = 0; n < 4; n += 1) await makeWebhook(client, `${receiver.url}/${n}`);
    const { webhooks, deliveries } = stack.store;
    await webhooks.model.collection.updateOne(
      { _id: broken as never },
      { $set: { failuresBeganAt: 'not a list' } },
    );
    await client.post('/v1/events', { type: 'email.sent', data: emailSent });
    await client.post('/v1/events', { type: 'email.sent', data: emailSent });
    await eventually('all are recorded', async () => {
      return (await deliveries.model.countDocuments({ projectId, status: 'succeeded' })) === 10;
    });
    const whole = { projectId, 'attempts.responseBody': 'receiver' };
    expect(await deliveries.model.countDocuments(whole)).toBe(10);
    const others = { projectId, _id: { $ne: broken }, lastStatus: 200 };
    expect(await webhooks.model.countDocuments(others)).toBe(4);
    expect(receiver.requests).toHaveLength(10);
  });
});
