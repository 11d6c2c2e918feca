import { newId } from '../../src/contracts/ids';
import { makeWebhook } from '../support/deliveries';
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

  it('does not keep it from following up later failures', async () => {
    const { id: projectId, client } = await stack.project({ dispatch: 'express' });
    const { id: webhookId } = await makeWebhook(client, receiver.url);
    const failed = { projectId, webhookId, status: 'failed', isExpress: true, followUp: true };
    const poison = new Set(Array.from({ length: 240 }, () => newId('event')));
    const { deliveries, events } = stack.store;
    const find = events.find.bind(events);
    const spy = jest.spyOn(events, 'find').mockImplementation(async (id) => {
      if (poison.has(id)) throw new Error('a fault of Posthorn’s own');
      return find(id);
    });
    try {
      const all = [...poison].map((eventId) => ({ ...failed, eventId }));
      // In whatever order they are read, more than a hundred come before it.
      all.splice(120, 0, { ...failed, eventId: newId('event') });
      const ids = await insertDeliveries(stack, all as Parameters<typeof insertDeliveries>[1]);
      await eventually('the other one is followed up', async () => {
        await stack.reconcile();
        return (await deliveries.find(ids[120]!))!.followUp === undefined;
      });
      expect(await deliveries.model.countDocuments({ projectId, followUp: true })).toBe(240);
    } finally {
      spy.mockRestore();
    }
  });
});
