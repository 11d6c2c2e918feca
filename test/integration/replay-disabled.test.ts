import { START_LIMIT } from '../../src/domain/concurrency-limit';
import { endDeliveriesOf } from '../../src/store/end-deliveries';
import type { ApiClient } from '../support/api-client';
import { deliveryWith, makeWebhook, postEvent } from '../support/deliveries';
import { WAYS } from '../support/dispatch';
import { eventually } from '../support/eventually';
import { emailSent } from '../support/samples';
import { useFreshReceiver, useStack } from '../support/use';

const stack = useStack();

describe.each(WAYS)('a replay of deliveries dispatched %s', (dispatch) => {
  const receiver = useFreshReceiver();
  const RANGE = { since: '2020-01-01T00:00:00Z', until: '2099-01-01T00:00:00Z' };
  const COUNT = 30;
  let client: ApiClient;
  let path: string;

  const count = async (...statuses: string[]): Promise<number> => {
    const query = `limit=100&status=${statuses.join(',')}`;
    return (await client.get(`/v1/deliveries?${query}`)).body.data.deliveries.length as number;
  };
  const completed = (id: string, look?: () => Promise<unknown>) =>
    eventually('the replay is completed', async () => {
      await look?.();
      const { data } = (await client.get(`/v1/replays/${id}`)).body;
      return data.status === 'completed' && data;
    });
  const disable = () => client.patch(path, { isActive: false });

  /** An active webhook with `COUNT` deliveries that were skipped. */
  beforeEach(async () => {
    // Answers are held back for as long as a busy machine needs for the rest.
    ({ client } = await stack.project({ dispatch, policy: { timeoutMs: 60_000 } }));
    const webhook = await makeWebhook(client, receiver.url);
    path = `/v1/webhooks/${webhook.id}`;
    await disable();
    const events = Array.from({ length: COUNT }, () => ({ type: 'email.sent', data: emailSent }));
    await client.post('/v1/events/batch', { events });
    await eventually('all are skipped', async () => (await count('skipped')) === COUNT);
    await client.patch(path, { isActive: true });
  });

  const disableWhileQueueing = async (look?: () => Promise<unknown>): Promise<void> => {
    const { replays } = stack.store;
    const advance = replays.advance.bind(replays);
    let isDisabled = false;
    // The first is queued in a transaction that doesn't know of the disabling, nor that of it.
    const spy = jest.spyOn(replays, 'advance').mockImplementation(async (...args) => {
      if (!isDisabled) {
        isDisabled = true;
        await disable();
      }
      return advance(...args);
    });
    try {
      const query = { ...RANGE, ratePerSecond: 10 };
      const { id } = (await client.post('/v1/replays', query)).body.data;
      expect(await completed(id, look)).toMatchObject({ replayed: 0, failed: COUNT });
    } finally {
      spy.mockRestore();
    }
    await eventually('all are skipped', async () => (await count('skipped')) === COUNT);
    expect(receiver.requests).toHaveLength(0);
  };

  it('in bulk sends nothing to a webhook that is disabled since, and counts the rest as failed', () =>
    disableWhileQueueing());

  it('in bulk sends nothing to one that is paused and disabled since', async () => {
    await client.post(`${path}/pause`);
    await disableWhileQueueing(() => stack.reconcile());
  });

  describe('in bulk of what waits for a paused webhook', () => {
    let id: string;

    beforeEach(async () => {
      await client.post(`${path}/pause`);
      ({ id } = (await client.post('/v1/replays', RANGE)).body.data);
      await eventually('all are held', async () => (await count('held')) === COUNT);
    });

    const cancelOne = async (): Promise<void> => {
      const { deliveries } = (await client.get('/v1/deliveries?limit=1')).body.data;
      await client.post(`/v1/deliveries/${deliveries[0].id}/cancel`);
    };

    it('counts as failed what ends when that webhook is disabled', async () => {
      await disable();
      expect(await completed(id)).toMatchObject({ replayed: 0, failed: COUNT });
      expect(receiver.requests).toHaveLength(0);
    });

    it('counts as failed what is cancelled', async () => {
      await cancelOne();
      await client.post(`${path}/resume`);
      expect(await completed(id)).toMatchObject({ replayed: COUNT - 1, failed: 1 });
      expect(receiver.requests).toHaveLength(COUNT - 1);
    });

    it('counts as failed what was cancelled before the replay is', async () => {
      await cancelOne();
      const { data } = (await client.post(`/v1/replays/${id}/cancel`)).body;
      expect(data).toMatchObject({ status: 'cancelled', replayed: 0, failed: 1 });
    });
  });

  const inBulk = async (): Promise<void> => {
    const { id } = (await client.post('/v1/replays', RANGE)).body.data;
    await eventually('all are replayed', async () => {
      return (await client.get(`/v1/replays/${id}`)).body.data.replayed === COUNT;
    });
  };
  const oneByOne = async (): Promise<void> => {
    const { deliveries } = (await client.get('/v1/deliveries?limit=100')).body.data;
    for (const { id } of deliveries) await client.post(`/v1/deliveries/${id}/replay`);
  };

  const TYPES = ['email.sent', 'email.opened', 'email.bounced'];
  const asTests = async (): Promise<void> => {
    for (let n = 0; n < COUNT; n += TYPES.length) {
      await client.post(`${path}/test`, { events: TYPES });
    }
  };

  it.each([
    ['in bulk', inBulk, 0],
    ['one by one', oneByOne, 0],
    ['or a test of its webhook', asTests, COUNT],
  ])(
    '%s is skipped where it waits for its turn when its webhook is disabled',
    async (_how, replay, others) => {
      let answer!: () => void;
      const after = new Promise<void>((resolve) => (answer = resolve));
      receiver.respondWith({ kind: 'answer', status: 200, after });
      await replay();
      await receiver.waitFor(START_LIMIT);
      await disable();
      expect(await count('skipped')).toBe(others + COUNT);
      // Whoever sends knows of it.
      await deliveryWith(client, await postEvent(client), { status: 'skipped' });
      answer();
      await eventually('what was sent has succeeded', async () => {
        return (await count('succeeded')) === START_LIMIT;
      });
      expect(await count('skipped')).toBe(others + COUNT + 1 - START_LIMIT);
      expect(receiver.requests).toHaveLength(START_LIMIT);
    },
  );

  it('is sent if it is requested before all that its webhook had has ended', async () => {
    await client.post(`${path}/pause`);
    await disable();
    const { endings, webhooks, deliveries } = stack.store;
    const { body } = await client.get('/v1/deliveries?limit=100');
    const [id, ...others] = body.data.deliveries.map((one: { id: string }) => one.id) as string[];
    const webhookId = path.split('/').at(-1)!;
    const { projectId, disabledAt } = (await webhooks.model.findById(webhookId).lean())!;
    const [before, after] = [-1, 1].map((ms) => new Date(disabledAt!.getTime() + ms));
    const pending = { status: 'pending', endReason: null, completedAt: null, replays: 1 } as const;
    const cases = [
      [{ replays: 0, openedAt: after }, 'skipped'],
      [{ replays: 0, test: true, createdAt: before }, 'skipped'],
      [{ replays: 0, test: true, createdAt: after }, 'pending'],
      [{ replayRequestedAt: before, openedAt: after }, 'skipped'],
      [{ replayRequestedAt: after }, 'pending'],
    ] as const;
    for (const [n, [fields]] of cases.entries()) {
      await deliveries.model.updateOne({ _id: others[n] }, { ...pending, ...fields });
    }
    // As if there had been more than could be ended at once.
    await endings.note({ _id: webhookId, projectId }, 'webhook_disabled');
    expect((await client.post(`/v1/deliveries/${id}/replay`)).status).toBe(202);
    await endDeliveriesOf(stack.store, webhookId);
    expect(await endings.find(webhookId)).toBeNull();
    for (const [n, [, status]] of cases.entries()) {
      expect((await deliveries.find(others[n]!))!.status).toBe(status);
    }
    await deliveryWith(client, id!, { status: 'held', replays: 1 });
    await client.post(`${path}/resume`);
    await deliveryWith(client, id!, { status: 'succeeded', replays: 1 });
    expect(receiver.requests).toHaveLength(1);
  });
});
