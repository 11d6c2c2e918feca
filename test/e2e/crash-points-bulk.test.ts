import { replayWorkflowId } from '../../src/contracts/temporal';
import { bulkReplaysOf } from '../support/bulk-replays';
import { useCrashes, type Crash } from '../support/crash';
import { eventually } from '../support/eventually';
import { withOwnWorkers } from '../support/own-workers';
import { PATIENCE_MS } from '../support/stopped-attempt';

jest.setTimeout(300_000);

const range = { since: '2020-01-01T00:00:00Z', until: '2099-01-01T00:00:00Z' };

/** As in crash-points-courier.test.ts, of what a bulk replay has queued. */
describe('a courier killed with -9', () => {
  const on = useCrashes();

  describe('while it delivers a bulk replay', () => {
    it.concurrent.each([
      [1, 'before it is taken from the queue', 'store/queue takeQueued before'],
      [1, 'after it is taken from the queue', 'store/queue takeQueued after'],
      [1, 'before the request', 'delivery/http HttpSender.send before'],
      [2, 'between the answer and the record', 'delivery/http HttpSender.send after'],
      [2, 'before what came of it is written', 'store/settlement settle before'],
    ])('sent %d times more: %s', (times, _title, dieAt) =>
      on(
        async (crash) => {
          await crash.startWorker();
          await crash.post();
          await crash.becomes({ status: 'succeeded', attemptCount: 1 });
          const query = { ...range, statuses: ['succeeded'] };
          await crash.dying(dieAt, () => crash.client.post('/v1/replays', query));
          await crash.becomes({ status: 'succeeded', attemptCount: 2, replays: 1 });
          expect(crash.receiver.requests).toHaveLength(1 + times);
          const replay = await crash.until('the replay is completed', async () => {
            const [newest] = (await crash.client.get('/v1/replays')).body.data.replays;
            return newest.status === 'completed' && newest;
          });
          expect(replay).toMatchObject({ matched: 1, replayed: 1, failed: 0 });
        },
        { dispatch: 'express' },
      ),
    );
  });

  describe('while it takes from a bulk replay', () => {
    /** @param meanwhile is done when it is taken, given the replay's address */
    const dyingWithIt = async (
      crash: Crash,
      dieAt: string,
      meanwhile: (replay: string) => Promise<unknown>,
    ): Promise<string> => {
      const { client, projectId, stack, webhookId } = crash;
      let replay = '';
      await crash.startWorker();
      await crash.post();
      await crash.becomes({ status: 'succeeded', attemptCount: 1 });
      await crash.dying(dieAt, async () => {
        const query = { ...range, statuses: ['succeeded'] };
        replay = `/v1/replays/${(await client.post('/v1/replays', query)).body.data.id}`;
        const taken = { projectId, status: 'pending', replays: 1, queuedIn: null } as const;
        await eventually('it is taken', () => stack.store.deliveries.model.exists(taken));
        await client.post(`/v1/webhooks/${webhookId}/pause`);
        await meanwhile(replay);
      });
      return replay;
    };
    const isAsBefore = async (crash: Crash, replay: string): Promise<void> => {
      await crash.becomes({ status: 'succeeded', attemptCount: 1, replays: 0 });
      const { body } = await crash.client.get(replay);
      expect(body.data).toMatchObject({ status: 'cancelled', replayed: 0, failed: 0 });
      expect(crash.receiver.requests).toHaveLength(1);
    };

    it.concurrent.each([
      ['express', 'store/queue takeQueued after'],
      ['workflow', 'temporal/engine Engine.runAgain before'],
    ])(
      '%s, and its webhook is paused: it is held, and its replay can be cancelled',
      (dispatch, dieAt) =>
        on(
          async (crash) => {
            const replay = await dyingWithIt(crash, dieAt, () => Promise.resolve());
            await crash.becomes({ status: 'held', attemptCount: 1, replays: 1 });
            const { body } = await crash.client.post(`${replay}/cancel`);
            expect(body.data).toMatchObject({ status: 'cancelled', replayed: 0 });
            await isAsBefore(crash, replay);
          },
          { dispatch },
        ),
    );

    it.concurrent.each([
      ['express', 'store/queue takeQueued after'],
      ['workflow', 'temporal/engine Engine.runAgain before'],
    ])(
      '%s, its webhook is paused and its replay cancelled: it is taken back once it is held',
      (dispatch, dieAt) =>
        on(
          async (crash) => {
            const replay = await dyingWithIt(crash, dieAt, async (address) => {
              const { body } = await crash.client.post(`${address}/cancel`);
              expect(body.data).toMatchObject({ status: 'cancelled', replayed: 1 });
            });
            await isAsBefore(crash, replay);
          },
          { dispatch },
        ),
    );
  });
});

describe('a worker killed with -9', () => {
  const on = useCrashes();

  it('in a batch of a bulk replay that is resumed meanwhile: its run goes on', () =>
    on(async (crash) => {
      const { client, temporal, receiver } = crash;
      const { replayWith } = bulkReplaysOf(() => client);
      await crash.startWorker();
      await crash.post();
      await crash.becomes({ status: 'succeeded', attemptCount: 1 });
      let id = '';
      await crash.dying('store/replay-selection queueReplays before', async () => {
        ({ id } = (
          await client.post('/v1/replays', { ...range, statuses: ['succeeded'] })
        ).body.data);
        const { workflowService, options } = temporal;
        const execution = { workflowId: replayWorkflowId(id) };
        await eventually('its batch runs', async () => {
          const about = { namespace: options.namespace, execution };
          const { pendingActivities } = await workflowService.describeWorkflowExecution(about);
          return pendingActivities.some(({ lastStartedTime }) => lastStartedTime);
        });
        await client.post(`/v1/replays/${id}/pause`);
        await client.post(`/v1/replays/${id}/resume`);
      });
      // Without reconcile.
      await replayWith(id, { status: 'completed', replayed: 1 }, PATIENCE_MS);
      await crash.becomes({ status: 'succeeded', attemptCount: 2, replays: 1 });
      expect(receiver.requests).toHaveLength(2);
    }));
});

/** By SIGSTOP: it knows nothing of what others do meanwhile. */
describe('a worker that is stopped', () => {
  it('between two steps of a bulk replay that is paused and resumed: none is left out, each is sent once', () =>
    withOwnWorkers(async ({ stack, receiver, startWorker }) => {
      const { client } = await stack.project();
      const { skipped, count, replayWith } = bulkReplaysOf(() => client);
      const worker = await startWorker(null);
      const webhook = await skipped(receiver.url, 3);
      await webhook.change({ isActive: true });
      // So that what is queued is still there when it is taken back.
      await client.post(`/v1/webhooks/${webhook.id}/pause`);
      const at = 'store/replay-selection queueReplays before 2';
      await worker.dieAt(`${at} SIGSTOP`);
      const query = { ...range, ratePerSecond: 10 };
      const { id } = (await client.post('/v1/replays', query)).body.data;
      await eventually('it is stopped', () => worker.isStopped());
      expect(await count('held')).toBe(1);
      await client.post(`/v1/replays/${id}/pause`);
      expect(await count('skipped')).toBe(3);
      await client.post(`/v1/replays/${id}/resume`);
      worker.signal('SIGCONT');
      await replayWith(id, { status: 'running', replayed: 3, failed: 0 });
      await client.post(`/v1/webhooks/${webhook.id}/resume`);
      await eventually(
        'all have arrived',
        async () => (await count('succeeded')) === 3,
        PATIENCE_MS,
      );
      await replayWith(id, { status: 'completed', replayed: 3, failed: 0 });
      expect(receiver.requests).toHaveLength(3);
    }));
});
