import { Hand } from '../../activities/courier/hand';
import type { DeliveryRecord } from '../../src/store/delivery-record';
import { makeWebhook } from '../support/deliveries';
import { eventually } from '../support/eventually';
import { useExpress } from '../support/express';
import { profileOf } from '../support/profiler';
import type { Behaviour, ReceivedRequest } from '../support/receiver';
import { emailSent } from '../support/samples';

const PLACES = 10;
/** Of them, those for retries and slow webhooks: the rest of three quarters is left to other projects. */
const UNHURRIED = 6;
/** They all have a place once. */
const WEBHOOKS = 8;
const EVENTS = 3;
/** Events for a webhook that answers quickly. */
const QUICK = 30;
/** Long enough for one answer to make a webhook slow. */
const SLOW_MS = 5000;
/** More than what waits in hand is left there. */
const SWEEPS = 60;

describe('deliveries of many webhooks that wait for a place', () => {
  const { stack, receiver, client, withStatus, batch } = useExpress({
    WORKER_MAX_ATTEMPTS: String(PLACES),
  });

  const deliveryOf = ({ headers }: ReceivedRequest): unknown => headers['x-webhook-delivery-id'];
  const slow: Behaviour = { kind: 'answer', status: 200, delayMs: SLOW_MS };

  it.each<[string, number, (request: ReceivedRequest, n: number) => Behaviour | null]>([
    ['that are slow', WEBHOOKS, (_request, n) => (n <= WEBHOOKS ? slow : null)],
    [
      'since they are retries',
      0,
      (request) => {
        const id = deliveryOf(request);
        const isFirst = receiver.requests.filter((one) => deliveryOf(one) === id).length === 1;
        return isFirst ? 500 : null;
      },
    ],
  ])('%s: they stay where they are, and all go in the end', async (_why, answered, behave) => {
    let answer!: () => void;
    const after = new Promise<void>((resolve) => (answer = resolve));
    receiver.respondWith((request, n) => {
      return behave(request, n) ?? { kind: 'answer', status: 200, after };
    });
    const policy = { timeoutMs: 60_000, retryDelaysMs: [1000] };
    for (let n = 0; n < WEBHOOKS; n += 1) await makeWebhook(client, receiver.url, { policy });
    const [{ id: webhookId }] = (await client.get('/v1/webhooks')).body.data.webhooks;
    await batch(1);
    await receiver.waitFor(WEBHOOKS);
    await batch(EVENTS - 1);
    const { model } = stack.store.deliveries;
    const { projectId } = await eventually('one is stored', async () => {
      return model.findOne({ webhookId }).lean<DeliveryRecord>();
    });
    const waiting = WEBHOOKS * EVENTS - answered - UNHURRIED;
    await eventually('all others are queued', async () => {
      return (await model.countDocuments({ queuedIn: projectId })) === waiting;
    });
    const sweep = jest.spyOn(Hand.prototype, 'sweep');
    const sweeps = (): number =>
      sweep.mock.contexts.filter((hand) => (hand as Hand).lanes.has(webhookId)).length;
    const writes = { ns: /\.deliveries$/, op: { $in: ['insert', 'update'] } };
    // One that stood in line beside new ones may still go back.
    await eventually('the courier writes nothing, however often it looks', async () => {
      const from = sweeps();
      const { profiled } = await profileOf(
        model.db.db!,
        () => eventually('it has looked often', () => sweeps() >= from + SWEEPS),
        writes,
      );
      return profiled.length === 0;
    });
    sweep.mockRestore();
    answer();
    await eventually('all have gone', async () => {
      return (await withStatus('succeeded')).length === WEBHOOKS * EVENTS;
    });
  });

  it('do not slow down those of a quick webhook behind its retry', async () => {
    const hanging: (() => void)[] = [];
    const toQuick = (): ReceivedRequest[] =>
      receiver.requests.filter(({ path }) => path === '/quick');
    receiver.respondWith(({ path }, n) => {
      if (path === '/quick') return toQuick().length === 1 ? 503 : 200;
      // They stay slow even where they answer the next one at once.
      if (n <= WEBHOOKS) return { kind: 'answer', status: 200, delayMs: 8000 };
      const after = new Promise<void>((resolve) => hanging.push(resolve));
      return { kind: 'answer', status: 200, after };
    });
    const policy = { timeoutMs: 60_000, retryDelaysMs: [1000] };
    for (let n = 0; n < WEBHOOKS; n += 1) {
      await makeWebhook(client, receiver.url, { policy, events: ['email.sent'] });
    }
    const quick = { policy, events: ['email.delivered'] };
    const { id: webhookId } = await makeWebhook(client, `${receiver.url}/quick`, quick);
    await batch(1);
    await receiver.waitFor(WEBHOOKS);
    await batch(2 * EVENTS);
    await receiver.waitFor(WEBHOOKS + UNHURRIED);
    const postQuick = (): Promise<unknown> =>
      client.post('/v1/events', { type: 'email.delivered', data: emailSent });
    const { model } = stack.store.deliveries;
    const queued = (count: number): Promise<boolean> =>
      eventually(`${count} are queued`, async () => {
        return (await model.countDocuments({ webhookId, queuedIn: { $ne: null } })) === count;
      });
    await postQuick();
    await queued(1);
    for (let n = 0; n < QUICK; n += 1) await postQuick();
    await queued(1 + QUICK);
    await eventually('the retry has had its turn', () => {
      if (hanging.length === UNHURRIED) hanging.shift()!();
      return toQuick().length > 1;
    });
    await receiver.waitFor(() => hanging.length === UNHURRIED);
    await receiver.waitFor(() => toQuick().length === 2 + QUICK);
    expect(hanging).toHaveLength(UNHURRIED);
    receiver.respondWith(200);
    for (const answer of hanging) answer();
    await eventually('all have gone', async () => (await withStatus('pending')).length === 0);
  });
});
