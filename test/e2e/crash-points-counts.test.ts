import { newId } from '../../src/contracts/ids';
import { floorTo, hourId } from '../../src/store/counted-hours';
import { idAt, insertDelivery } from '../integration/api/insert';
import { dyingApi } from '../support/api-crash';
import { useCrashes } from '../support/crash';
import { eventually } from '../support/eventually';
import { PATIENCE_MS } from '../support/stopped-attempt';

// As in crash-points-worker.test.ts, four times one after the other.
jest.setTimeout(400_000);

const HOUR_MS = 3_600_000;
const MADE = 5;

describe('a process killed with -9', () => {
  const onGround = useCrashes();

  it('while it counts, or changes what is counted: statistics agree with the log, in both modes', async () => {
    const story = (dispatch: string): Promise<void> =>
      onGround(
        async (crash) => {
          const { stack, temporal, client, webhookId, projectId } = crash;
          const { store } = stack;
          await crash.startWorker();
          await crash.post();
          const { id: realId } = await eventually('it is delivered', async () => {
            const [delivery] = await crash.deliveries();
            return delivery?.status === 'succeeded' && delivery;
          });

          // As if that had been hours ago, with others.
          const { _id, ...delivery } = (await store.deliveries.find(realId))!;
          const createdAt = new Date(Date.now() - 5 * HOUR_MS);
          const old = { ...delivery, createdAt, completedAt: createdAt };
          await store.deliveries.model.deleteOne({ _id });
          const id = await insertDelivery(stack, { ...old, _id: idAt('delivery', createdAt) });
          for (let n = 1; n < MADE; n += 1) {
            await insertDelivery(stack, { ...old, eventId: newId('event') });
          }
          const since = new Date(createdAt.getTime() - HOUR_MS).toISOString();
          const agree = async (expected: { succeeded: number; attempts: number }) => {
            for (const path of ['/v1/stats', `/v1/webhooks/${webhookId}/stats`]) {
              const { deliveries, attempts } = (await client.get(`${path}?since=${since}`)).body
                .data;
              const counted = { succeeded: deliveries.succeeded, attempts: attempts.total };
              expect(counted).toEqual(expected);
            }
          };
          const before = { succeeded: MADE, attempts: MADE };
          const hour = hourId(projectId, floorTo(HOUR_MS, createdAt));
          const countedTimes = async (): Promise<number> =>
            (await store.countedHours.model.findById(hour).lean())?.version ?? 0;
          /** Makes the worker die there, and waits until the next one has counted. */
          const dying = async (dieAt: string, ask: () => Promise<unknown>): Promise<void> => {
            const times = await countedTimes();
            await crash.dying(dieAt, ask);
            await agree(before);
            await eventually(
              'it is counted',
              async () => (await countedTimes()) > times,
              PATIENCE_MS,
            );
            await agree(before);
          };
          const dueNow = { $set: { nextCountAt: new Date(0) } };
          const beDue = () => store.countedHours.model.updateOne({ _id: hour }, dueNow);
          await dying('store/find-hours findHours after', () =>
            temporal.schedule.getHandle('posthorn-reconcile').trigger(),
          );
          await dying('store/count-hours countHour before', beDue);
          await dying('store/count-ranges countDeliveries after', beDue);
          await dying('store/count-hours countHour after', beDue);

          const replay = (dieAt: string) =>
            dyingApi(crash.environment, client.key, dieAt, (api) =>
              api.post(`/v1/deliveries/${id}/replay`),
            );
          // Inside the transaction: neither the replay nor its note is there. After it, both are.
          await replay('store/counted-hours Recounts.note before');
          await agree(before);
          await replay('store/counted-hours Recounts.noting after');
          await crash.until('it is delivered again', async () => {
            const replayed = (await crash.deliveries()).find((one) => one.id === id);
            return replayed?.status === 'succeeded' && replayed.replays === 1;
          });
          const after = { succeeded: MADE, attempts: MADE + 1 };
          await agree(after);
          await beDue();
          await eventually(
            'it is counted again',
            async () => (await store.recounts.model.countDocuments({ projectId })) === 0,
            PATIENCE_MS,
          );
          await agree(after);
        },
        { dispatch },
      );
    await Promise.all([story('workflow'), story('express')]);
  });
});
