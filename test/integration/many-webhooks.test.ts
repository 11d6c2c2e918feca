import { Hand } from '../../activities/courier/hand';
import { makeWebhook } from '../support/deliveries';
import { eventually } from '../support/eventually';
import { emailSent } from '../support/samples';
import { useFreshReceiver, useStack } from '../support/use';

const WEBHOOKS = 300;
const EVENTS = 20;
/** Of these a project alone has four fifths. */
const PLACES = 10;
/** Webhooks whose queues are read at the same time, each for one delivery here. */
const TOGETHER = 16;
/** Answers are held back for as long as a busy machine needs for the rest. */
const PATIENT = { maxWebhooks: WEBHOOKS, timeoutMs: 60_000 };

describe('a project with many webhooks that each have something queued', () => {
  const stack = useStack({ WORKER_MAX_ATTEMPTS: String(PLACES) });
  const receiver = useFreshReceiver();

  it('has no more taken out of the queue than can be sent, and all of it sent once', async () => {
    const { id: projectId, client } = await stack.project({
      dispatch: 'express',
      policy: PATIENT,
    });
    for (let n = 0; n < WEBHOOKS; n += 1) await makeWebhook(client, receiver.url);
    const { webhooks, deliveries } = stack.store;
    const pause = (isPaused: boolean) =>
      webhooks.model.updateMany({ projectId }, { $set: { isPaused, updatedAt: new Date() } });
    await pause(true);
    await client.post('/v1/events', { type: 'email.sent', data: emailSent });
    const queued = { queuedIn: { $exists: true }, projectId };
    await eventually('all are queued', async () => {
      return (await deliveries.model.countDocuments(queued)) === WEBHOOKS;
    });

    let answer = (): void => {};
    const after = new Promise<void>((resolve) => (answer = resolve));
    receiver.respondWith({ kind: 'answer', status: 200, after });
    await pause(false);
    await client.post(`/v1/webhooks/${(await webhooks.listAll(projectId))[0]!._id}/resume`);
    await receiver.waitFor((PLACES * 4) / 5);
    expect(await deliveries.model.countDocuments(queued)).toBeGreaterThanOrEqual(
      WEBHOOKS - (PLACES * 4) / 5 - TOGETHER,
    );
    answer();
    await receiver.waitFor(WEBHOOKS);
    await eventually('all are recorded', async () => {
      const succeeded = { projectId, status: 'succeeded' as const };
      return (await deliveries.model.countDocuments(succeeded)) === WEBHOOKS;
    });
    const ids = receiver.requests.map(({ headers }) => headers['x-webhook-delivery-id']);
    expect(new Set(ids).size).toBe(WEBHOOKS);
    expect(ids).toHaveLength(WEBHOOKS);
  });

  it('sends on whenever an attempt ends, also while MongoDB does not answer its next look', async () => {
    const { id: projectId, client } = await stack.project({
      dispatch: 'express',
      policy: PATIENT,
    });
    for (let n = 0; n < WEBHOOKS; n += 1) await makeWebhook(client, receiver.url);
    let answer = (): void => {};
    const after = new Promise<void>((resolve) => (answer = resolve));
    receiver.respondWith({ kind: 'answer', status: 200, after });

    const { collection } = stack.store.events;
    const find = collection.find.bind(collection) as (
      ...args: unknown[]
    ) => ReturnType<typeof collection.find>;
    let goOn = (): void => {};
    const released = new Promise<void>((resolve) => (goOn = resolve));
    let isHeld = false;
    const spy = jest.spyOn(collection, 'find').mockImplementation((...args: unknown[]) => {
      const cursor = find(...args);
      const isLook = (args[0] as { projectId?: string }).projectId === projectId;
      if (!isLook || receiver.requests.length === 0) return cursor;
      isHeld = true;
      const toArray = cursor.toArray.bind(cursor);
      cursor.toArray = async () => {
        await released;
        return toArray();
      };
      return cursor;
    });
    try {
      await client.post('/v1/events', { type: 'email.sent', data: emailSent });
      await eventually('a look has begun since the first was sent', async () => isHeld);
      answer();
      await receiver.waitFor(WEBHOOKS);
    } finally {
      goOn();
      spy.mockRestore();
    }
  });

  it('plans no more for paused webhooks than can be written, and all of it in the end', async () => {
    const { id: projectId, client } = await stack.project({
      dispatch: 'express',
      policy: { maxWebhooks: WEBHOOKS },
    });
    for (let n = 0; n < WEBHOOKS; n += 1) await makeWebhook(client, receiver.url);
    const { couriers, deliveries, webhooks } = stack.store;
    await webhooks.model.updateMany({ projectId }, { $set: { isPaused: true } });
    const settle = couriers.settle.bind(couriers);
    let goOn = (): void => {};
    const going = new Promise<void>((resolve) => (goOn = resolve));
    const held = jest.spyOn(couriers, 'settle').mockImplementation(async (...args) => {
      await going;
      return settle(...args);
    });
    const sweep = jest.spyOn(Hand.prototype, 'sweep');
    const take = jest.spyOn(Hand.prototype, 'takeEvent');
    const event = { type: 'email.sent', data: emailSent };
    await client.post('/v1/events/batch', { events: Array.from({ length: EVENTS }, () => event) });
    await eventually('the first is planned', () => take.mock.contexts.length > 0);
    const hand = take.mock.contexts[0] as Hand;
    const looks = (): number => sweep.mock.contexts.filter((one) => one === hand).length;
    const from = looks();
    await eventually('the courier has looked often', () => looks() > from + 2 * EVENTS);
    expect(hand.outbox.size).toBeLessThan(2000 + WEBHOOKS);
    goOn();
    await eventually('all are held', async () => {
      const found = await deliveries.model.countDocuments({ projectId, status: 'held' });
      return found === EVENTS * WEBHOOKS;
    });
    for (const spy of [held, sweep, take]) spy.mockRestore();
  });
});
