import type { ApiClient } from '../support/api-client';
import { connectedStore } from '../support/connected-store';
import { deliveryWith, makeWebhook, postEvent } from '../support/deliveries';
import { WAYS } from '../support/dispatch';
import { eventually } from '../support/eventually';
import type { ReceivedRequest } from '../support/receiver';
import { emailSent } from '../support/samples';
import { useFreshReceiver, useStack } from '../support/use';
import { attemptsDeferred } from '../../src/metrics';

/** How many attempts of one webhook the worker runs at a time. */
const AT_A_TIME = 2;
const HOUR_MS = 60 * 60 * 1000;

describe('limits of one webhook', () => {
  const stack = useStack({ WORKER_MAX_ATTEMPTS_PER_WEBHOOK: String(AT_A_TIME) });
  const receiver = useFreshReceiver();
  let client: ApiClient;
  let projectId: string;

  beforeEach(async () => {
    ({ client, id: projectId } = await stack.project());
  });

  const post = (count: number) =>
    client.post('/v1/events/batch', {
      events: Array.from({ length: count }, () => ({ type: 'email.sent', data: emailSent })),
    });

  /** Of a workflow's latest run. */
  const priorityOf = (workflowId: string) =>
    stack.temporal(async ({ workflow }) => {
      return (await workflow.getHandle(workflowId).describe()).priority;
    });

  const nextSlotAt = async (webhookId: string): Promise<number> =>
    (await stack.store.webhooks.get(projectId, webhookId))!.nextSlotAt!.getTime();

  const deliveries = () => stack.store.deliveries.model.find({ projectId }).sort({ _id: 1 }).lean();

  const settled = (count: number) =>
    eventually('all have succeeded', async () => {
      const done = (await deliveries()).filter(({ status }) => status === 'succeeded');
      return done.length === count && done;
    });

  it.each(WAYS)('let a hanging one have its share of places, dispatched %s', async (dispatch) => {
    ({ client, id: projectId } = await stack.project({ dispatch }));
    const deferred = async (): Promise<number> => {
      const { values } = await attemptsDeferred.get();
      return values.find(({ labels }) => labels.reason === 'webhook_busy')!.value;
    };
    const before = await deferred();
    // The receiver answers when asked to.
    const open: (() => void)[] = [];
    let answering = false;
    const { sender } = stack;
    const send = jest.spyOn(sender, 'send').mockImplementation(async (request) => {
      if (!answering) await new Promise<void>((resolve) => open.push(resolve));
      return Object.getPrototypeOf(sender).send.call(sender, request);
    });
    // None may end before it is asked to.
    const policy = { timeoutMs: 60_000 };
    const slow = await makeWebhook(client, receiver.url, { policy });
    await post(5);
    await eventually('the places are taken', () => open.length === AT_A_TIME);
    const waiting = await eventually('three are put off', async () => {
      const off = (await deliveries()).filter(({ deferredFor }) => deferredFor === 'webhook_busy');
      return off.length === 3 && off;
    });
    expect(open).toHaveLength(AT_A_TIME);
    for (const { attemptCount, attempts, status, nextAttemptAt } of waiting) {
      expect({ attemptCount, attempts, status }).toEqual({
        attemptCount: 0,
        attempts: [],
        status: 'pending',
      });
      expect(nextAttemptAt).toBeNull();
    }
    const pending = await eventually('one tells why it waits', async () => {
      const { data } = (await client.get(`/v1/deliveries/${waiting[0]!._id}`)).body;
      return data.pending?.reason === 'webhook_busy' && data.pending;
    });
    expect(pending).toMatchObject({ attempt: 1 });
    expect(pending.message).toMatch(
      /^attempt 1 waits because this webhook already has its maximum number/,
    );
    // After it is stored.
    await eventually('they are counted', async () => (await deferred()) >= before + 3);
    const { body } = await client.get(`/v1/webhooks/${slow.id}`);
    expect(body.data).toMatchObject({ failureCount: 0, lastFailedAt: null, lastStatus: null });

    answering = true;
    open.forEach((answer) => answer());
    const done = await settled(5);
    expect(done.map(({ attemptCount }) => attemptCount)).toEqual([1, 1, 1, 1, 1]);
    expect(done.every(({ deferredFor }) => deferredFor === null)).toBe(true);
    expect(receiver.requests).toHaveLength(5);
    send.mockRestore();
  });

  it('delays by a rate limit, at least by its spacing, and drops nothing', async () => {
    const perSecond = 4;
    await makeWebhook(client, receiver.url, { policy: { ratePerSecond: perSecond } });
    // Not from the first attempt on, which a busy machine may delay.
    const postedAt = Date.now();
    await post(12);
    const done = await settled(12);
    expect(done.every(({ attemptCount }) => attemptCount === 1)).toBe(true);
    const sent = done.map(({ attempts }) => attempts[0]!.startedAt.getTime());
    expect(Math.max(...sent) - postedAt).toBeGreaterThanOrEqual((11 * 1000) / perSecond - 50);
    const ids = receiver.requests.map((r: ReceivedRequest) => r.headers['x-webhook-delivery-id']);
    expect(new Set(ids).size).toBe(12);
    expect(ids).toHaveLength(12);
  });

  it("take a project's rate for each of its webhooks, and a webhook's own before it", async () => {
    await stack.admin.patch(`/v1/projects/${projectId}`, { policy: { ratePerSecond: 0.01 } });
    const limited = await makeWebhook(client, receiver.url);
    await makeWebhook(client, `${receiver.url}/own`, { policy: { ratePerSecond: null } });
    await post(3);
    await receiver.waitFor((requests) => requests.filter((r) => r.path === '/own').length === 3);
    // The second one may have come while both places were taken, and say that.
    const [first, second] = await eventually('two of three wait', async () => {
      const off = (await deliveries()).filter(({ deferredFor }) => deferredFor !== null);
      const byRate = off.findIndex(({ deferredFor }) => deferredFor === 'rate_limit');
      return off.length === 2 && byRate >= 0 && [off[byRate]!, off[1 - byRate]!];
    });
    expect([first.webhookId, second.webhookId]).toEqual([limited.id, limited.id]);
    const atLimited = () => receiver.requests.filter(({ path }) => path === '/');
    await eventually('the third is sent', () => atLimited().length > 0);
    expect(atLimited()).toHaveLength(1);
    const pending = await eventually('one tells why it waits', async () => {
      const { data } = (await client.get(`/v1/deliveries/${first._id}`)).body;
      return data.pending?.reason === 'rate_limit' && data.pending;
    });
    expect(pending.message).toMatch(/rate limit/);
  });

  it('hold over all processes: no two of them get the same slot', async () => {
    const { id } = await makeWebhook(client, receiver.url);
    const other = await connectedStore(stack.config.mongodbUrl, stack.config);
    try {
      const before = Date.now();
      const waits = await Promise.all(
        Array.from({ length: 30 }, (_, n) =>
          (n % 2 === 0 ? stack.store : other).webhooks.takeSlot(id, 1000, 10_000),
        ),
      );
      // Now, and each of the ten seconds after it; who comes later has to come again.
      const taken = waits.filter((waitMs) => waitMs !== null);
      expect(Math.min(...taken)).toBe(0);
      expect(Math.max(...taken)).toBeLessThanOrEqual(10_000);
      expect(taken.length).toBeGreaterThanOrEqual(11);
      expect(taken.length).toBeLessThan(30);
      const firstSlotAt = (await nextSlotAt(id)) - taken.length * 1000;
      expect(firstSlotAt).toBeGreaterThanOrEqual(before);
      expect(firstSlotAt).toBeLessThanOrEqual(Date.now());
    } finally {
      await other.close();
    }
  });

  it.each([
    ['that nobody took is not made up for', -HOUR_MS],
    ['further ahead than the rate explains is none: a wrong clock blocks nobody', HOUR_MS],
  ])('give slots of which one %s', async (_what, aheadMs) => {
    const { id } = await makeWebhook(client, receiver.url);
    const nextAt = new Date(Date.now() + aheadMs);
    await stack.store.webhooks.model.updateOne({ _id: id }, { nextSlotAt: nextAt });
    const before = Date.now();
    expect(await stack.store.webhooks.takeSlot(id, 60_000, 1000)).toBe(0);
    expect(await stack.store.webhooks.takeSlot(id, 60_000, 1000)).toBeNull();
    const next = await nextSlotAt(id);
    expect(next).toBeGreaterThanOrEqual(before + 60_000);
    expect(next).toBeLessThanOrEqual(Date.now() + 60_000);
  });

  it('are refused where they make no sense', async () => {
    for (const ratePerSecond of [0, -1, 1001, '5', 0.001]) {
      const body = { name: 'x', url: receiver.url, events: ['*'], policy: { ratePerSecond } };
      const answer = await client.post('/v1/webhooks', body);
      expect(answer.status).toBe(422);
      expect(answer.body.error.details[0].field).toBe('policy.ratePerSecond');
    }
  });

  it("carry a project's turn and the kind of work to Temporal", async () => {
    const webhook = await makeWebhook(client, receiver.url);
    const id = await postEvent(client);
    const { eventId } = await deliveryWith(client, id, { status: 'succeeded' });
    // Takes turns with the project's deliveries.
    expect(await priorityOf(`event/${eventId}`)).toMatchObject({
      priorityKey: 3,
      fairnessKey: `${projectId}/fan-outs`,
    });
    expect(await priorityOf(`delivery/${id}`)).toMatchObject({
      priorityKey: 3,
      fairnessKey: projectId,
    });

    const since = new Date(Date.now() - HOUR_MS).toISOString();
    const until = new Date(Date.now() + 60_000).toISOString();
    const query = { webhookId: webhook.id, statuses: ['succeeded'], since, until };
    const replay = await client.post('/v1/replays', query);
    expect(replay.status).toBe(202);
    expect(await priorityOf(`replay/${replay.body.data.id}`)).toMatchObject({
      priorityKey: 5,
      fairnessKey: projectId,
    });
    await deliveryWith(client, id, { status: 'succeeded', replays: 1 });
    expect(await priorityOf(`delivery/${id}`)).toMatchObject({
      priorityKey: 5,
      fairnessKey: projectId,
    });

    await client.post(`/v1/deliveries/${id}/replay`);
    await deliveryWith(client, id, { status: 'succeeded', replays: 2 });
    expect(await priorityOf(`delivery/${id}`)).toMatchObject({ priorityKey: 3 });
  });
});
